// Long FIRs: a loop over the taps, with the samples and taps of a chunk in shared memory.
//
// For outputs t0 + j, j in [-h, P) per thread (h: the halo a later FIR needs), the taps are taken
// in chunks of kTapChunk, oldest samples first. A chunk of n taps whose ages run from k0 + n - 1
// down to k0 needs the block's samples
//
//     q = 0 .. W - 1  at position  tile - h - (k0 + n - 1) + q,     W = TL + h + n - 1
//
// and output j of the thread whose tile starts at s0 adds  w[i] * S[s0 + (j + h) + i]  for
// i = 0 .. n - 1, where w[i] is the tap of age k0 + n - 1 - i: a sliding window, one new sample
// per tap. (Tested against the direct sum over random K, h, P.)
#pragma once

#include "compiler/lowering/KernelPlan.h"

namespace halo::compiler {

class Emitter;
struct Place;

/// Shared memory that one rolled FIR needs: its samples and its taps, f32.
int64_t rolledSharedBytes(const KernelPlan &plan, ir::FirOp fir);

/// Emits the FIR for the block's tile at `tileBase` and leaves the thread's outputs in `place`.
/// Every thread of the block must arrive.
void emitRolledFir(Emitter &emitter, ir::FirOp fir, mlir::Value tileBase, Place &place);

} // namespace halo::compiler
