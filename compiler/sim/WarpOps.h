// What a warp does together: shuffles, votes, reductions and matrix operations.
#pragma once

#include "compiler/sim/Block.h"

namespace halo::sim {

enum class ShuffleMode { Idx, Up, Down, Bfly };
enum class VoteMode { All, Any, Uni, Ballot };
enum class ReduceOp { Add, And, Or, Xor, Min, Max, UMin, UMax };

/// in: mask, value, b, c; out: value, whether it came from another lane's range.
template <ShuffleMode Mode> void shuffle(WarpCall &call);
/// in: mask, predicate.
template <VoteMode Mode> void vote(WarpCall &call);
/// in: value, mask.
template <ReduceOp Op> void reduce(WarpCall &call);
/// in: mask; out: the lowest lane of it, whether that is this lane.
void elect(WarpCall &call);
/// The lanes only meet.
void meet(WarpCall &call);

/// D = A x B + C with A 16 x Depth, B Depth x 8; in: A, B and C registers; out: D.
/// The products are exact and the sum is rounded once, which no GPU promises.
template <bool IsBf16, unsigned Depth> void multiplyMatrices(WarpCall &call);
/// 8 x 8 matrices of 16-bit elements; in: the address of one row per lane.
template <unsigned Count, bool Transposed> void loadMatrices(WarpCall &call);
/// The inverse; in: the address, then the registers.
template <unsigned Count, bool Transposed> void storeMatrices(WarpCall &call);

} // namespace halo::sim
