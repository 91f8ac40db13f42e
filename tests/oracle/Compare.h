// How correctness is judged: element by element, and by the relative norm of the difference.
#pragma once

#include "runtime/Result.h"
#include "runtime/Safetensors.h"

#include <string>

namespace halo {

/// The law's bounds for the `accurate` class.
struct Tolerance {
  double relative, absolute; ///< |got - want| <= absolute + relative * |want|, each element.
  double norm;               ///< ||got - want|| / ||want||, all elements.
};

Tolerance toleranceOf(DType type);
/// Of an output of `type` that was computed from `activations`: the wider of the two types' bounds.
/// An f32 state of bf16 activations inherits their roundings.
Tolerance toleranceOf(DType type, DType activations);

struct Comparison {
  double relativeNorm = 0; ///< Over the elements that are finite in both.
  double maxAbs = 0;
  bool withinTolerance = true;
  std::string worst; ///< One clause naming the element furthest out of bounds, and both values.
};

/// Compares two tensors of `dtype`. NaN where `want` is finite is a failure, as is an infinity
/// or a NaN at a place where the other has none: poison that was never overwritten is found.
/// Tensors of different shapes or types are outside tolerance. The bounds are those of `dtype` from
/// `activations`.
Comparison compare(const HostTensor &got, const HostTensor &want, DType dtype,
                   DType activations = DType::F32);

} // namespace halo
