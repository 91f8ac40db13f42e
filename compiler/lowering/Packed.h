// Packed sequences: taps never cross a boundary, and states have a row per sequence.
//
// By bounds (cu_seqlens, b[0] = 0 to b[N] = L) a thread keeps the sequence of the positions it is at,
// its first position and its end, found once by bisection and moved on from step to step, and asks at
// every step whether all it reads lies in it:
//
//   bounds 0 5 5 12, a FIR of 4 taps (halo 3), steps of 4 positions
//   step at    reads       sequence    begins, ends    one alone
//   0          -3 .. 3     0           0, 5            no: 0 > -3
//   4          1 .. 7      0           0, 5            no: 7 >= 5
//   8          5 .. 11     2           5, 12           yes: 5 <= 5 and 11 < 12
//
// Where it does, the step is that of a kernel that is not packed, and nothing is masked. Elsewhere each
// output has its own `since`, the positions since its sequence began: the tap of age k counts where
// k <= since, by selection (conv_c6). The taps that lie before the sequence meet its history: a loop
// over them, oldest first, before the others, so that the sum has the terms and the order, and thereby
// the bits, of the sequence alone.
//
// By a number per position (seq_idx) the numbers of all that a step reads are loaded; where they are
// one, nothing is masked, and elsewhere a tap counts where its sample has the output's number.
#pragma once

#include "compiler/lowering/Emitter.h"

namespace halo::compiler {

/// One sequence by bounds: its row, its first position, the position behind its last. All i32.
struct Sequence {
  mlir::Value row, begin, end;

  explicit Sequence(mlir::ValueRange values)
      : row(values[0]), begin(values[1]), end(values[2]) {}
  llvm::SmallVector<mlir::Value> values() const { return {row, begin, end}; }
};

/// How far before a tile some FIR is computed that another op reads there.
int64_t firDepth(const KernelPlan &plan);

/// The sequence that a position lies in; the first or last one for positions before 0 or behind L.
/// There is at least one: a kernel with positions is not launched without.
Sequence findSequence(Emitter &emitter, mlir::Value position);
/// The same from a sequence near it, of an earlier position (`nextSequence`), or of any.
Sequence nextSequence(Emitter &emitter, const Sequence &from, mlir::Value position);
Sequence nearSequence(Emitter &emitter, const Sequence &from, mlir::Value position);

/// Whether [first, last] lies in the sequence.
mlir::Value liesAlone(Emitter &emitter, const Sequence &sequence, mlir::Value first,
                      mlir::Value last);

/// Says of offsets [from, to) of the place where they stand, starting from a sequence near them.
void spreadSequences(Emitter &emitter, Place &place, const Sequence &near, int64_t from,
                     int64_t to);

/// By numbers: loads those of offsets [from, to), and whether all are one that is not negative.
mlir::Value loadLabels(Emitter &emitter, Place &place, int64_t from, int64_t to);

/// Emits `body` for a place that is of one sequence and for one that is of several, and chooses by what
/// the place's positions say; it returns values of these types. A place of [position - halo, position +
/// count) is meant, in which FIRs are asked for from offset `from` on. `sequence` is near it, and null
/// where packing is by numbers.
llvm::SmallVector<mlir::Value>
choosePacked(Emitter &emitter, Place &place, const Sequence *sequence, int64_t from, int64_t count,
             mlir::TypeRange types,
             llvm::function_ref<llvm::SmallVector<mlir::Value>(Place &)> body);

} // namespace halo::compiler
