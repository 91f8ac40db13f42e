// The walk of a staged kernel. One step:
//
//   wait for a slot, barrier                          all pieces of tile i have landed, step i - 1
//   is done with fetch: views -> slot of tile i + stages - 1       asynchronous store: tiles ->
//   views, of tile i - 2 produce: slot -> windows, tiles, of tile i multiply, finish: windows,
//   tiles -> tiles of the stores, of tile i - 1
//
// or, where shared memory is needed for a recurrence's constants, unskewed: the same with the store
// of tile i - 1 and, after another barrier, multiply and finish of tile i.
//
// or, where warps work alone, with nobody to wait for: multiply and finish, store and fetch of tile i, from
// and to its slot.
//
// A cluster of blocks takes the tiles in turn: block `rank` has tiles rank, rank + cluster, and so on.
#include "compiler/lowering/Staged.h"

#include "compiler/lowering/ModalFinish.h"
#include "compiler/lowering/ModalRunFinish.h"
#include "compiler/lowering/StagedCopies.h"
#include "compiler/lowering/StagedProduce.h"
#include "compiler/lowering/StagedRunCopies.h"
#include "compiler/lowering/StagedRunProduce.h"
#include "compiler/lowering/ToeplitzFinish.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace halo::compiler;

template <typename Copies, typename Produce> static void walk(Emitter &e) {
  StagedBlock block(e);
  const StagedPlan &staged = block.staged;
  const int64_t stages = block.plan.schedule.getStages();
  Value begin = block.begin, end = e.min(e.add(begin, e.blockLen), e.length);
  const int64_t stride = staged.cluster * staged.tile;
  Value ownTile = e.rank ? e.mul(e.rank, e.num(staged.tile)) : e.num(0);
  Value from = e.add(e.offset(begin, -staged.warmup), ownTile);
  Copies copies(block);
  // Unskewed, a tile's slot is free once it is produced: the tile `stages` later takes it then.
  const int64_t ahead = staged.skewed ? stages - 1 : stages;
  e.loop(e.num(0), e.num(ahead), e.num(1), {}, [&](Value i, ValueRange) {
    copies.fetch(e.add(from, e.mul(i, e.num(stride))), end, i);
    return SmallVector<Value>{};
  });
  e.emitInvariants();
  Produce producer(block);
  std::unique_ptr<StagedFinish> finisher;
  if (staged.modals.empty())
    finisher = std::make_unique<ToeplitzFinish>(block);
  else if (block.plan.layout == halo::Layout::BLD)
    finisher = std::make_unique<ModalFinish>(block);
  else
    finisher = std::make_unique<ModalRunFinish>(block);
  const int64_t lag = staged.skewed ? staged.tile : 0;
  const int64_t lastSet = staged.skewed ? 1 : 0; ///< Of the tile that is finished, in `sets`.
  Value last = e.offset(end, lag + stride);
  // The first step's `prepare` loads what the constructors stored.
  if (staged.tapBytes)
    e.barrier();
  SmallVector<Value> carried = {e.num(0)};
  for (int64_t set = 0; set < staged.tileSets; ++set)
    carried.push_back(e.num(set * staged.setBytes));
  carried.append(finisher->begin());
  carried =
      e.loop(from, last, e.num(stride), carried, [&](Value position, ValueRange carried) {
        Value slot = carried[0];
        ValueRange sets = carried.slice(1, staged.tileSets),
                   states = carried.drop_front(1 + staged.tileSets);
        // What a phase begins with does not wait for the others, where it can be had before.
        producer.prepare();
        NVVM::CpAsyncWaitGroupOp::create(e.b, e.loc, uint32_t(ahead - 1));
        e.barrier();
        auto within = [&](Value tile) {
          return e.both(e.less(e.offset(begin, -1), tile), e.less(tile, end));
        };
        Value finished = e.offset(position, -lag), stored = e.offset(finished, -stride);
        auto fetch = [&](Value into) {
          copies.fetch(e.offset(position, ahead * stride), end, into);
        };
        auto store = [&] {
          block.setByte = sets[(lastSet + 1) % staged.tileSets];
          e.ifThen(within(stored), [&] { copies.store(stored); });
        };
        auto produce = [&] {
          block.setByte = sets.front();
          e.ifThen(e.less(position, end), [&] { producer.produce(position, slot); });
        };
        auto finish = [&] {
          block.setByte = sets[lastSet];
          return e.ifValues(within(finished), states,
                            [&] { return finisher->finish(finished, states); });
        };
        SmallVector<Value> after;
        if (staged.skewed) {
          fetch(e.select(e.less(slot, e.num(1)), e.num(stages - 1), e.offset(slot, -1)));
          store();
          produce();
          after = finish();
        } else {
          // Every other warp of a scheduler copies first: arithmetic covers the waits for memory.
          Value odd = e.rem(e.div(e.thread, e.num(4 * 32)), e.num(2));
          Value first = e.less(odd, e.num(1)), second = e.less(e.num(0), odd);
          e.ifThen(first, store);
          produce();
          e.ifThen(second, store);
          e.barrier();
          e.ifThen(first, [&] { fetch(slot); });
          after = finish();
          e.ifThen(second, [&] { fetch(slot); });
        }
        SmallVector<Value> next = {
            e.select(e.less(e.num(stages - 2), slot), e.num(0), e.offset(slot, 1)), sets.back()};
        llvm::append_range(next, sets.drop_back());
        next.append(after);
        return next;
      });
  finisher->end(ValueRange(carried).drop_front(1 + staged.tileSets));
}

/// Warps that work alone (StagedPlan.h): each fetches, computes and stores the tiles of its own channels.
static void walkAlone(Emitter &e) {
  StagedBlock block(e);
  const StagedPlan &staged = block.staged;
  const int64_t stages = block.plan.schedule.getStages(), stride = staged.cluster * staged.tile;
  Value from = block.begin, end = e.min(e.add(from, e.blockLen), e.length);
  if (e.rank)
    from = e.add(from, e.mul(e.rank, e.num(staged.tile)));
  StagedRunCopies copies(block);
  e.loop(e.num(0), e.num(stages), e.num(1), {}, [&](Value i, ValueRange) {
    copies.fetch(e.add(from, e.mul(i, e.num(stride))), end, i);
    return SmallVector<Value>{};
  });
  ModalRunFinish finisher(block);
  SmallVector<Value> carried = {e.num(0)};
  carried.append(finisher.begin());
  carried = e.loop(from, end, e.num(stride), carried, [&](Value position, ValueRange carried) {
    Value slot = carried[0];
    auto meet = [&] { NVVM::SyncWarpOp::create(e.b, e.loc, e.num(-1)); };
    NVVM::CpAsyncWaitGroupOp::create(e.b, e.loc, uint32_t(stages - 1));
    meet();
    block.setByte = e.mul(slot, e.num(staged.slotBytes));
    SmallVector<Value> next = {
        e.select(e.less(e.num(stages - 2), slot), e.num(0), e.offset(slot, 1))};
    next.append(finisher.finish(position, carried.drop_front()));
    meet();
    copies.store(position);
    meet();
    copies.fetch(e.offset(position, stages * stride), end, slot);
    return next;
  });
  NVVM::SyncWarpOp::create(e.b, e.loc, e.num(-1));
  finisher.end(ValueRange(carried).drop_front());
}

void halo::compiler::emitStaged(Emitter &e) {
  if (e.plan.staged->alone)
    walkAlone(e);
  else if (e.plan.layout == Layout::BLD)
    walk<StagedCopies, StagedProduce>(e);
  else
    walk<StagedRunCopies, StagedRunProduce>(e);
}
