// The step strategy: kernels of [B, D] views, one position per launch. What a channel remembers is
// in its states, and moving them is nearly all of the work: they pass through shared memory, so
// that memory is read and written in contiguous runs although one thread computes a channel.
//
//   1  the block copies its channels' rows of the states and of the long filters to shared memory
//   2  one thread per channel computes: samples before position 0 are the rows in shared memory
//   3  it puts its newest sample behind its row, where the next row's oldest one was
//   4  the block copies the tile back, read one element further on: a row has moved by one
//
//   a state of 2 channels, K = 4:   a1 a2 a3 b1 b2 b3 .     after 3:   a1 a2 a3 A b2 b3 B
//                                                  out:        a2 a3 A  b2 b3 B
//
// All reads of a tile come before its writes, and tiles are disjoint: a state may be updated in
// place. Sums run oldest sample first, as in a prefill: the same bits.
#pragma once

#include "compiler/lowering/Emitter.h"

namespace halo::compiler {

/// True for a FIR whose taps are staged and looped over; shorter ones are unrolled.
bool isStagedInStep(const KernelPlan &plan, ir::FirOp fir);

/// Shared memory of a block; a diagnostic where a state is stored that the step cannot move.
mlir::FailureOr<int64_t> stepSharedBytes(const KernelPlan &plan);

/// Emits the whole body, states included.
void emitStep(Emitter &emitter);

} // namespace halo::compiler
