// The walk of a staged kernel. One step:
//
//   wait for a slot, barrier                          all pieces of tile i have landed, step i - 1
//   is done with fetch: views -> slot of tile i + stages - 1       asynchronous store: tiles ->
//   views, of tile i - 2 produce: slot -> windows, tiles, of tile i multiply, finish: windows,
//   tiles -> tiles of the stores, of tile i - 1
#include "compiler/lowering/Staged.h"

#include "compiler/lowering/StagedCopies.h"
#include "compiler/lowering/StagedProduce.h"
#include "compiler/lowering/StagedRunCopies.h"
#include "compiler/lowering/StagedRunProduce.h"
#include "compiler/lowering/ToeplitzFinish.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace halo::compiler;

template <typename Copies, typename Produce> static void walk(Emitter &e) {
  StagedBlock block(e);
  const StagedPlan &staged = block.staged;
  const int64_t stages = block.plan.schedule.getStages();
  Value begin = block.begin, end = e.min(e.add(begin, e.blockLen), e.length);
  Value from = e.offset(begin, -staged.warmup);
  Copies copies(block);
  e.loop(e.num(0), e.num(stages - 1), e.num(1), {}, [&](Value i, ValueRange) {
    copies.fetch(e.add(from, e.mul(i, e.num(staged.tile))), end, i);
    return SmallVector<Value>{};
  });
  e.emitInvariants();
  Produce producer(block);
  ToeplitzFinish finisher(block);
  Value last = e.offset(end, 2 * staged.tile);
  SmallVector<Value> carried = {e.num(0)};
  for (int64_t set = 0; set < kTileSets; ++set)
    carried.push_back(e.num(set * staged.setBytes));
  e.loop(from, last, e.num(staged.tile), carried, [&](Value position, ValueRange carried) {
    Value slot = carried[0];
    NVVM::CpAsyncWaitGroupOp::create(e.b, e.loc, uint32_t(stages - 2));
    e.barrier();
    Value ahead = e.offset(position, (stages - 1) * staged.tile);
    copies.fetch(ahead, end,
                 e.select(e.less(slot, e.num(1)), e.num(stages - 1), e.offset(slot, -1)));
    auto within = [&](Value tile) {
      return e.both(e.less(e.offset(begin, -1), tile), e.less(tile, end));
    };
    Value before = e.offset(position, -staged.tile), stored = e.offset(before, -staged.tile);
    block.setByte = carried[3];
    e.ifThen(within(stored), [&] { copies.store(stored); });
    block.setByte = carried[1];
    e.ifThen(e.less(position, end), [&] { producer.produce(position, slot); });
    block.setByte = carried[2];
    e.ifThen(within(before), [&] { finisher.finish(before); });
    Value next = e.select(e.less(e.num(stages - 2), slot), e.num(0), e.offset(slot, 1));
    return SmallVector<Value>{next, carried[3], carried[1], carried[2]};
  });
}

void halo::compiler::emitStaged(Emitter &e) {
  if (e.plan.layout == Layout::BLD)
    walk<StagedCopies, StagedProduce>(e);
  else
    walk<StagedRunCopies, StagedRunProduce>(e);
}
