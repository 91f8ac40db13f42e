// The modal recurrence, walked: a thread owns channels and carries their S states along the whole
// sequence. First the right one; the tensor-core form cuts the same steps into matrices.
//
// A step is C = unroll * run positions. Within it states follow the rounded pole p, whose error
// has no time to grow; from step to step they follow expm1(lp * C), and are rounded once:
//
//   in the step    V[i] = p * V[i-1] + u[i],  V[-1] = S        y[i] = sum over modes of R * V[i]
//                  Q[i] = p * Q[i-1] + u[i],  Q[-1] = 0        what the step adds
//   to the next    S' = S + (expm1(lp * C) * S + Q[C-1])
//
// 3 multiply-adds per mode and position. The last positions, fewer than C, run one at a time over
// the same V and Q: an output has the same bits whether its step is whole or not (conv_c5).
//
// Worked: lp = -1e-6, S = 1, u = 0, after 1,048,576 positions S is exp(-1.048576) = 0.350436.
//   p multiplied up, f32                     p = 1 - 17 * 2^-24: 0.3456   (1.3e-2 too small)
//   S += expm1(lp) * S in each position      rounded 1,048,576 times: about 2e-5
//   this, C = 8                              rounded 131,072 times: about 5e-6
#pragma once

#include "compiler/lowering/Emitter.h"

namespace halo::compiler {

/// The walk of a kernel with recurrences, and the stores of their states.
void emitModal(Emitter &emitter);

/// The filter's value at an offset of the place.
mlir::Value modalFilterAt(Emitter &emitter, Place &place, ir::ModalFilterOp filter, int64_t offset);

} // namespace halo::compiler
