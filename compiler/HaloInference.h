// Halo inference: how many earlier positions of each signal a tile of outputs needs.
//
// Walk backwards from the stores. A store needs positions [0, P) of its signal: halo 0. A FIR of K
// taps needs K - 1 more of its input than it must deliver; a pointwise op needs of its inputs what
// its users need of it; a signal with several users needs the largest. Worked table (the unit test
// pins it), for  y = silu(fir7(u) * g), u = fir3(x) * fir3(g0), g = fir3(g1):
//
//   signal      used by            halo
//   y           store              0
//   fir7(u)     y                  0
//   g           y                  0
//   g1          fir3 -> g          2
//   u           fir7               6
//   fir3(x)     u                  6
//   x, g0       fir3               8
//
// A modal op needs every position before its own. It turns the halo into a carry: states handed
// along the sequence, so that of its input it needs no position but those it must deliver:
//
//   signal        used by          halo
//   y             store            0
//   modal(u)      y                0, and a carry
//   u             modal(u)         0
//   fir3(x)       u                0
//   x             fir3             2
//
// A state store reads the end of the sequence, not the tile: it adds nothing, but that the states
// of a modal op are those of its walk.
#pragma once

#include "dialect/HaloDialect.h"

#include "llvm/ADT/DenseMap.h"

namespace halo::compiler {

/// Halo of every signal that some store needs; signals that none needs are absent.
using HaloMap = llvm::DenseMap<mlir::Value, int64_t>;

/// Halos of a kernel whose tap counts are known (after halo-specialise).
HaloMap inferHalos(ir::KernelOp kernel);

/// The modal ops that some store or state needs, in program order: what is carried along L.
llvm::SmallVector<ir::ModalOp> carriesOf(ir::KernelOp kernel);
/// S of a modal op in a specialised kernel.
int64_t modesOf(ir::KernelOp kernel, llvm::StringRef logPoles);

/// The largest halo of any load: what the block's inputs reach back.
int64_t jointHalo(ir::KernelOp kernel, const HaloMap &halos);

/// K of a FIR in a specialised kernel.
int64_t tapsOf(ir::FirOp fir);

} // namespace halo::compiler
