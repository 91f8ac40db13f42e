// Modal convolutions in f32. A block carries its channels' states along the whole sequence, T =
// threadsL threads per channel; it goes in rounds of T segments of C = unroll * run positions, a
// thread its own segment. Per channel and mode, with p = exp(lp) rounded:
//
//   1  Q = p * Q + u over the segment, from 0        what it adds; u stays in registers
//   2  to shared memory; T threads, each its own modes, walk the T segments:
//        V = S                                       where the segment starts
//        S = S + d,  d = expm1(lp * C) * S + Q + what the last such sum lost
//   3  V = p * V + u over the segment,  y = sum over modes of R * V
//
// Within a segment states follow the rounded pole, whose error has no time to grow; from segment to
// segment they decay by expm1(lp * C) and lose nothing. 3 multiply-adds per mode and position, each
// sample loaded once. An output's bits depend on C, not on T nor on where the sequence ends
// (conv_c5). Shared memory: 4 * S bytes per thread; no other buffer.
//
// Worked: relative norm of the error over 1,048,576 positions, f32 against f64, C = 8.
//                                     lp = -1e-6, impulse    lp = -1e-5, u = 1
//   p multiplied up                   6e-3                   4e-3
//   S += expm1(lp) * S + u, always    3e-4                   2e-3   S stalls: its steps are below
//   the sum above, its loss dropped   7e-6                   2e-4   half a last place of it
//   the sum above                     2e-7                   1e-7
#pragma once

#include "compiler/lowering/Emitter.h"

namespace halo::compiler {

/// Shared memory a recurrence needs, bytes.
int64_t modalSharedBytes(const KernelPlan &plan, ir::ModalOp modal);

/// The walk of a kernel with recurrences, and the stores of their states.
void emitModal(Emitter &emitter);

/// The states of the thread's one channel before a single position: those of `init`, or zeros.
llvm::SmallVector<mlir::Value> loadModalStates(Emitter &emitter, ir::ModalOp modal);

/// That position: S = S + (expm1(lp) * S + u), stored where the kernel stores it, and the op's
/// value at offset 0 of the place. The thread has a channel.
void stepModal(Emitter &emitter, Place &place, ir::ModalOp modal,
               llvm::ArrayRef<mlir::Value> states);

/// Pointer of a channel's mode in [D, S], or in the block's row of [B, D, S].
mlir::Value modePointer(Emitter &emitter, const Memory &memory, mlir::Value channel,
                        mlir::Value mode);

/// The filter's value at an offset of the place.
mlir::Value modalFilterAt(Emitter &emitter, Place &place, ir::ModalFilterOp filter, int64_t offset);

} // namespace halo::compiler
