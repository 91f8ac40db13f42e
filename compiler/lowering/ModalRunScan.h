// What the scan of a recurrence in bdl needs (ModalRunFinish.h), of one channel. With g = lane / 4
// and q = lane % 4 a lane has four modes of each 16, 2q, 2q + 1, 2q + 8 and 2q + 9, and chunks 2g
// and 2g + 1.
//
// In shared memory, of 16 modes, with k q's modes side by side, 16 bytes:
//
//   entry q of table k    exp(lp n) for n = 16, C, 2 C, 4 C, 8 C, and expm1(lp round)
//   one entry             zeros: what lanes multiply by that have none so far before them
//   starts                per lane: exp(2 C lp g)
//   slots                 in a cluster, per mode: what the block before writes (ModalFactors.h)
#pragma once

#include "compiler/lowering/ModalRunFactors.h"

namespace halo::compiler {

/// Modes of 16 that a lane has.
constexpr int64_t kRunModes = 4;

/// Bytes of a channel's tables.
int64_t modalScanBytes(const StagedPlan &staged, const StagedModal &modal);

class ModalRunScan {
public:
  using Fragment = ModalLanes::Fragment;
  /// The distances of the scan: 1, 2 and 4 pairs of chunks.
  static constexpr int64_t kSteps = 3;

  /// Emits the tables of the channel at `first` + `index` of the stripe.
  ModalRunScan(const ModalLanes &lanes, mlir::Value first, int64_t index);

  Fragment ofBlock(int64_t m) const { return table(0, m); } ///< n = 16.
  Fragment ofChunk(int64_t m) const { return table(1, m); } ///< n = C.
  Fragment ofTile(int64_t m) const { return table(5, m); }  ///< expm1.
  /// n = 2 C, 4 C and 8 C, where that many pairs of chunks lie before the lane's; else zeros.
  Fragment ofStep(int64_t step, int64_t m) const;
  Fragment starts(int64_t m) const;
  /// Of the lane's `mode`-th mode.
  mlir::Value slot(int64_t mode) const;
  /// Which that is.
  static mlir::Value modeOf(const ModalLanes &lanes, int64_t mode);

private:
  const ModalLanes &l;
  Emitter &e;
  mlir::Value tables, startsAt, slots; ///< The lane's first entries.
  mlir::Value steps[kSteps];

  Fragment table(int64_t k, int64_t m) const;
};

} // namespace halo::compiler
