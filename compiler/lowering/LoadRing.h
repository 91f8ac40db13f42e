// A ring of asynchronous loads: `stages` steps of the walk are in flight or in use at a time. Each
// thread copies its own pieces to shared memory (cp.async) and reads them back, so no barrier is
// needed, no register holds a sample on its way, and the first loads leave before anything else.
//
//   step      0   1   2   3  ...            slot of step i: i mod stages
//   issued    |---|---|-> prologue (stages - 1 steps)
//   in use    ^                             then: wait for step i, read it, issue i + stages - 1
#pragma once

#include "compiler/lowering/Emitter.h"

namespace halo::compiler {

class LoadRing {
public:
  /// One piece of every step: `index` as in Place::raw, of the place `place` of the step. The
  /// interleaved streams of a load are one item, that of the first: a thread's channels of all
  /// streams lie together in a row,
  ///
  ///   a0 b0 c0 a1 b1 c1 a2 b2 c2 a3 b3 c3     3 streams, 4 channels, bf16: 3 copies of 8 bytes
  ///
  /// and are picked apart in shared memory.
  struct Item {
    mlir::Value signal;
    int64_t index;
    size_t place;
    int64_t streams = 1;
  };

  /// The pieces of a step of the direct strategy: bld rows, bdl runs with their halo. Signals that
  /// need several accesses are left to direct loads.
  static llvm::SmallVector<Item> itemsOf(const KernelPlan &plan);
  /// Bytes of shared memory; 0 without stages.
  static int64_t sharedBytes(const KernelPlan &plan);

  LoadRing(Emitter &emitter, int64_t base);

  /// Starts the copies of one step into `slot`; its places tell the positions.
  void issue(llvm::MutableArrayRef<Place> places, mlir::Value slot);
  /// bld: the same for the rows from `position`, clamped, as a loop: little code for the first
  /// steps and for the last, which passes the end.
  void issueRows(mlir::Value position, mlir::Value slot);
  /// Ends the group of a step, issued or not.
  void commit();
  /// Waits for the oldest step in flight.
  void wait();
  /// Reads a step back into its places' raw values.
  void take(llvm::MutableArrayRef<Place> places, mlir::Value slot);

private:
  Emitter &e;
  int64_t base;
  llvm::SmallVector<Item> items;

  mlir::Value slotAddress(mlir::Value slot, size_t item);
  void copy(const Item &item, mlir::Value from, mlir::Value to);
  void takeStreams(const Item &item, Place &place, mlir::Value from);
};

} // namespace halo::compiler
