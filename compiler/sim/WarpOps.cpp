#include "compiler/sim/WarpOps.h"

#include <algorithm>

namespace halo::sim {

template <typename Fn> static void forLanes(const WarpCall &call, Fn fn) {
  for (uint32_t lane = 0; lane != 32; ++lane)
    if (call.present >> lane & 1)
      fn(lane, call.lanes[lane]);
}

// c packs the segment mask (bits 12:8) and the clamp (bits 4:0), as the PTX instruction has it.
template <ShuffleMode Mode> void shuffle(WarpCall &call) {
  forLanes(call, [&](uint32_t lane, SimThread &t) {
    int b = t.in[2] & 31, clamp = t.in[3] & 31, segment = t.in[3] >> 8 & 31;
    int low = int(lane) & segment;
    int high = low | (clamp & ~segment);
    int from = Mode == ShuffleMode::Up     ? int(lane) - b
               : Mode == ShuffleMode::Down ? int(lane) + b
               : Mode == ShuffleMode::Bfly ? int(lane) ^ b
                                           : low | (b & ~segment);
    bool valid = Mode == ShuffleMode::Up ? from >= high : from <= high;
    if (!valid)
      from = int(lane);
    if (!(call.present >> from & 1))
      call.block.fail(t, "divergent shuffle: reads lane " + std::to_string(from) +
                             ", which does not take part");
    t.out[0] = call.lanes[from].in[1];
    t.out[1] = valid;
  });
}
template void shuffle<ShuffleMode::Idx>(WarpCall &);
template void shuffle<ShuffleMode::Up>(WarpCall &);
template void shuffle<ShuffleMode::Down>(WarpCall &);
template void shuffle<ShuffleMode::Bfly>(WarpCall &);

template <VoteMode Mode> void vote(WarpCall &call) {
  uint32_t votes = 0;
  forLanes(call, [&](uint32_t lane, SimThread &t) { votes |= uint32_t(t.in[1] & 1) << lane; });
  uint32_t result = Mode == VoteMode::Ballot ? votes
                    : Mode == VoteMode::Any  ? votes != 0
                    : Mode == VoteMode::All  ? votes == call.present
                                             : !votes || votes == call.present;
  forLanes(call, [&](uint32_t, SimThread &t) { t.out[0] = result; });
}
template void vote<VoteMode::All>(WarpCall &);
template void vote<VoteMode::Any>(WarpCall &);
template void vote<VoteMode::Uni>(WarpCall &);
template void vote<VoteMode::Ballot>(WarpCall &);

template <ReduceOp Op> void reduce(WarpCall &call) {
  bool first = true;
  uint32_t result = 0;
  forLanes(call, [&](uint32_t, SimThread &t) {
    uint32_t v = uint32_t(t.in[0]);
    if (first) {
      result = v;
      first = false;
      return;
    }
    switch (Op) {
    case ReduceOp::Add: result += v; break;
    case ReduceOp::And: result &= v; break;
    case ReduceOp::Or: result |= v; break;
    case ReduceOp::Xor: result ^= v; break;
    case ReduceOp::Min: result = uint32_t(std::min(int32_t(result), int32_t(v))); break;
    case ReduceOp::Max: result = uint32_t(std::max(int32_t(result), int32_t(v))); break;
    case ReduceOp::UMin: result = std::min(result, v); break;
    case ReduceOp::UMax: result = std::max(result, v); break;
    }
  });
  forLanes(call, [&](uint32_t, SimThread &t) { t.out[0] = result; });
}
template void reduce<ReduceOp::Add>(WarpCall &);
template void reduce<ReduceOp::And>(WarpCall &);
template void reduce<ReduceOp::Or>(WarpCall &);
template void reduce<ReduceOp::Xor>(WarpCall &);
template void reduce<ReduceOp::Min>(WarpCall &);
template void reduce<ReduceOp::Max>(WarpCall &);
template void reduce<ReduceOp::UMin>(WarpCall &);
template void reduce<ReduceOp::UMax>(WarpCall &);

void elect(WarpCall &call) {
  uint32_t leader = uint32_t(__builtin_ctz(call.present));
  forLanes(call, [&](uint32_t lane, SimThread &t) {
    t.out[0] = leader;
    t.out[1] = lane == leader;
  });
}

void meet(WarpCall &) {}

} // namespace halo::sim
