// One case of the property test: a problem, a schedule, sizes, strides and a seed. It prints as one
// line, and that line reproduces it:
//
//   causal_conv1d --dtype bf16 --set K=4 --set layout=bld ; schedule=block_n=64,unroll=2 ;
//   shape=2,64,33 ; views=x:4224/128/1+8,y:2112/64/1+0 ; guard=256 ; order=3 ; seed=77 ;
//   checks=prefix,batch
//
// A shape has a fourth number, N, where sequences are packed by cu_seqlens. Fields may be left out:
// the analytic schedule, contiguous tensors, no guard, threads in order.
#pragma once

#include "runtime/Launch.h"
#include "runtime/Problem.h"
#include "runtime/Result.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace halo::property {

/// Where a tensor lies in its buffer, in elements.
struct ViewSpec {
  std::vector<int64_t> strides;
  int64_t offset = 0; ///< Of element 0, from the first byte after the guard.
};

/// The checks beyond the oracle that a case asks for.
inline constexpr const char *kPrefix = "prefix";   ///< conv_c5 along L.
inline constexpr const char *kBatch = "batch";     ///< conv_c5 across the batch.
inline constexpr const char *kSpecial = "special"; ///< conv_c6.
inline constexpr const char *kChunks = "chunks";   ///< conv_c4: states continue a sequence.
inline constexpr const char *kRepeat = "repeat";   ///< Same inputs, same bits.
inline constexpr const char *kInPlace = "inplace"; ///< A step's states in one memory, same bits.
inline constexpr const char *kPrefill = "prefill"; ///< hyena_c1: a step is a prefill of length 1.
inline constexpr const char *kAlone = "alone";     ///< A packed sequence, not packed, same bits.
inline constexpr const char *kCalls = "calls"; ///< conv_c5 across calls, of the invariant problem.
inline constexpr const char *kChecks[] = {kPrefix,  kBatch,   kSpecial, kChunks, kRepeat,
                                          kInPlace, kPrefill, kAlone,   kCalls};

struct Case {
  Problem problem;
  std::string schedule; ///< Empty: the analytic choice.
  Shape shape;
  /// Of states with sizes of their own: slots beyond B, samples beyond K - 1.
  int64_t spareSlots = 0, spareSamples = 0;
  std::map<std::string, ViewSpec> views; ///< By operand; absent ones are contiguous.
  int64_t guard = 0;                     ///< Bytes before and behind every buffer, whole 256s.
  uint64_t order = 0;                    ///< The simulator's thread order; 0 is the natural one.
  uint64_t seed = 0;                     ///< Of the data.
  std::set<std::string> checks;

  std::string print() const;
  /// parse(print(c)) == c.
  static Result<Case> parse(const std::string &text);
};

/// The operands of the problem's kernel, in the order of its text: what a compiled kernel's info
/// says, before anything is compiled.
std::vector<Operand> operandsOf(const Problem &problem);

/// The sizes of an operand in a case.
std::vector<int64_t> sizesOf(const Case &drawn, const Operand &operand);

/// causal_conv1d_update.
bool isUpdate(const Problem &problem);
/// Views are [B, D]: a step, or an update of one token.
bool isFlat(const Problem &problem);
/// hcs, hcm, hcl, their steps and b2b_causal_conv1d.
bool isGatedPair(const Problem &problem);
/// hcl and its step: their second convolution is a recurrence.
bool isModal(const Problem &problem);
/// Sequences packed by cu_seqlens, or by either spelling.
bool hasBounds(const Problem &problem);
bool isPacked(const Problem &problem);
/// [B, D] kernels.
bool isStep(const Problem &problem);
/// The kernel channel that memory channel `c` of an operand with streams belongs to, of `d`.
int64_t channelOf(const Problem &problem, const Operand &operand, int64_t c, int64_t d);

/// The part of a split that a channel belongs to, and its normalised head (0: none).
struct Part {
  std::string name;
  int64_t channels = 0, head = 0;
};
std::vector<Part> partsOf(const Problem &problem);

/// The text of a parameter, or `fallback`.
std::string paramOf(const Problem &problem, const std::string &name, const std::string &fallback);
int64_t numberOf(const Problem &problem, const std::string &name, int64_t fallback);

std::vector<std::string> splitText(const std::string &text, char separator);

} // namespace halo::property
