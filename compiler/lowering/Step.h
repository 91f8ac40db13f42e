// The step strategy: kernels of [B, D] views, one position per launch. What a channel remembers is
// in its states, and moving them is nearly all of the work: they pass through shared memory, so
// that memory is read and written in contiguous runs although one thread computes a channel.
//
// A block walks block_l rows of the batch, so that what is the same for all of them (taps, addresses,
// decays of a recurrence) is loaded and worked out once. For each row:
//
//   1  the block copies its channels' rows of the states and of the long filters to shared memory
//   2  one thread per channel computes: samples before position 0 are the rows in shared memory
//   3  it puts its newest sample behind its row, where the next row's oldest one was
//   4  the block copies the tile back, read one element further on: a row has moved by one
//
//   a state of 2 channels, K = 4:   a1 a2 a3 b1 b2 b3 .     after 3:   a1 a2 a3 A b2 b3 B
//                                                  out:        a2 a3 A  b2 b3 B
//
// A ring stays where it is: 2 reads it from its oldest sample on, wrapping around, and the newest one
// goes straight to the oldest one's place in memory; 3 and 4 leave it out.
//
//   the state above as a ring at 4, 4 mod 3 = 1:   a3 a1 a2 b3 b1 b2   ->   a3 A a2 b3 B b2
//
// `stages` - 1 rows are asked for before the one that is worked on, each into a stage of its own.
// A modal recurrence needs no such moves: a thread reads and writes its channel's modes (Modal.h).
//
// All reads of a tile come before its writes, and tiles are disjoint: a state may be updated in
// place. Sums run oldest sample first, as in a prefill: the same bits.
#pragma once

#include "compiler/lowering/Emitter.h"
#include "compiler/lowering/StepTiles.h"

namespace halo::compiler {

/// Shared memory of a block; a diagnostic where a state is stored that the step cannot move.
mlir::FailureOr<int64_t> stepSharedBytes(const KernelPlan &plan);

/// Emits the whole body, states included.
void emitStep(Emitter &emitter);

} // namespace halo::compiler
