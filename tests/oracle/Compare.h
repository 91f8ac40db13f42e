// How correctness is judged: element by element, and by the relative norm of the difference.
#pragma once

#include "runtime/Result.h"
#include "runtime/Safetensors.h"

#include <string>

namespace halo {

/// The law's bounds.
struct Tolerance {
  double relative, absolute; ///< |got - want| <= absolute + relative * |want|, each element.
  double norm;               ///< ||got - want|| / ||want||, all elements.
};

/// What an output was computed from, and in which class of precision.
struct NumberClass {
  DType activations = DType::F32;
  bool fast = false; ///< Of bf16; the other types have one class.

  NumberClass() = default;
  NumberClass(DType activations, bool fast = false) : activations(activations), fast(fast) {}
};

/// In the class `accurate`.
Tolerance toleranceOf(DType type);
/// Of an output of `type`: the wider of its own and its activations' bounds, as an f32 state of bf16
/// activations inherits their roundings.
Tolerance toleranceOf(DType type, NumberClass from);

struct Comparison {
  double relativeNorm = 0; ///< Over the elements that are finite in both.
  double maxAbs = 0;
  bool withinTolerance = true;
  std::string worst; ///< One clause naming the element furthest out of bounds, and both values.
};

/// Compares two tensors of `dtype`. NaN where `want` is finite is a failure, as is an infinity
/// or a NaN at a place where the other has none: poison that was never overwritten is found.
/// Tensors of different shapes or types are outside tolerance. The bounds are those of `dtype` from
/// `from`.
Comparison compare(const HostTensor &got, const HostTensor &want, DType dtype,
                   NumberClass from = {});

} // namespace halo
