#include "compiler/sim/Intrinsics.h"
#include "compiler/sim/AsyncCopy.h"
#include "compiler/sim/HostCalls.h"
#include "compiler/sim/MathOps.h"
#include "compiler/sim/WarpOps.h"

#include "llvm/IR/Instruction.h"
#include "llvm/IR/Intrinsics.h"

#include <cstddef>
#include <unordered_map>
#include <vector>

namespace halo::sim {

using Kind = SimIntrinsic::Kind;

static SimIntrinsic reg(std::string_view name, size_t offset) {
  return {name, Kind::Register, unsigned(offset)};
}
template <typename Fn> static SimIntrinsic pure(std::string_view name, Fn *fn,
                                                const char *type = "") {
  SimIntrinsic op{name, Kind::Pure};
  op.address = reinterpret_cast<const void *>(fn);
  op.type = type;
  return op;
}
static SimIntrinsic generic(std::string_view name, llvm::Intrinsic::ID id) {
  return {name, Kind::Generic, id};
}
static SimIntrinsic binary(std::string_view name, unsigned opcode) {
  return {name, Kind::Binary, opcode};
}
static SimIntrinsic nothing(std::string_view name) { return {name, Kind::Nothing}; }
static SimIntrinsic fence(std::string_view name) { return {name, Kind::Fence}; }
static SimIntrinsic call(std::string_view name, HostCall fn) {
  return {name, Kind::Call, 0, nullptr, fn};
}
static SimIntrinsic barrier(std::string_view name, HostCall fn) {
  return {name, Kind::Barrier, 0, nullptr, fn};
}
static SimIntrinsic collective(std::string_view name, WarpFunction fn, int maskOperand = -1) {
  return {name, Kind::Collective, 0, nullptr, nullptr, fn, maskOperand};
}

#define NVVM "llvm.nvvm."
#define SREG NVVM "read.ptx.sreg."
#define FIELD(f) offsetof(ThreadRegisters, f)

static std::vector<SimIntrinsic> makeTable() {
  using llvm::Instruction;
  namespace Intrinsic = llvm::Intrinsic;
  return {
      reg(SREG "tid.x", FIELD(tid[0])),
      reg(SREG "tid.y", FIELD(tid[1])),
      reg(SREG "tid.z", FIELD(tid[2])),
      reg(SREG "ntid.x", FIELD(ntid[0])),
      reg(SREG "ntid.y", FIELD(ntid[1])),
      reg(SREG "ntid.z", FIELD(ntid[2])),
      reg(SREG "ctaid.x", FIELD(ctaid[0])),
      reg(SREG "ctaid.y", FIELD(ctaid[1])),
      reg(SREG "ctaid.z", FIELD(ctaid[2])),
      reg(SREG "nctaid.x", FIELD(nctaid[0])),
      reg(SREG "nctaid.y", FIELD(nctaid[1])),
      reg(SREG "nctaid.z", FIELD(nctaid[2])),
      reg(SREG "laneid", FIELD(laneId)),
      reg(SREG "warpid", FIELD(warpId)),
      reg(SREG "nwarpid", FIELD(warpCount)),
      reg(SREG "warpsize", FIELD(warpSize)),
      reg(SREG "lanemask.eq", FIELD(laneMasks[0])),
      reg(SREG "lanemask.lt", FIELD(laneMasks[1])),
      reg(SREG "lanemask.le", FIELD(laneMasks[2])),
      reg(SREG "lanemask.gt", FIELD(laneMasks[3])),
      reg(SREG "lanemask.ge", FIELD(laneMasks[4])),
      reg(SREG "dynamic_smem_size", FIELD(dynamicSharedBytes)),
      reg(SREG "cluster.ctarank", FIELD(clusterRank)),
      reg(SREG "cluster.nctarank", FIELD(clusterSize)),

      barrier(NVVM "barrier.cta.sync.aligned.all", barrierAll),
      barrier(NVVM "barrier.cta.sync.all", barrierAll),
      barrier(NVVM "barrier.cta.sync.aligned.count", barrierCount),
      barrier(NVVM "barrier.cta.sync.count", barrierCount),
      barrier(NVVM "barrier.cta.red.popc.aligned.all", barrierVote<VoteMode::Ballot>),
      barrier(NVVM "barrier.cta.red.popc.all", barrierVote<VoteMode::Ballot>),
      barrier(NVVM "barrier.cta.red.and.aligned.all", barrierVote<VoteMode::All>),
      barrier(NVVM "barrier.cta.red.and.all", barrierVote<VoteMode::All>),
      barrier(NVVM "barrier.cta.red.or.aligned.all", barrierVote<VoteMode::Any>),
      barrier(NVVM "barrier.cta.red.or.all", barrierVote<VoteMode::Any>),

      call(NVVM "barrier.cluster.arrive.aligned", clusterArrive),
      call(NVVM "barrier.cluster.arrive", clusterArrive),
      call(NVVM "barrier.cluster.arrive.relaxed.aligned", clusterArrive),
      call(NVVM "barrier.cluster.arrive.relaxed", clusterArrive),
      barrier(NVVM "barrier.cluster.wait.aligned", clusterWait),
      barrier(NVVM "barrier.cluster.wait", clusterWait),
      call(NVVM "mapa.shared.cluster", mapShared),
      barrier(NVVM "nanosleep", pause),

      collective(NVVM "bar.warp.sync", meet, 0),
      collective(NVVM "shfl.sync.idx.i32", shuffle<ShuffleMode::Idx>, 0),
      collective(NVVM "shfl.sync.idx.f32", shuffle<ShuffleMode::Idx>, 0),
      collective(NVVM "shfl.sync.idx.i32p", shuffle<ShuffleMode::Idx>, 0),
      collective(NVVM "shfl.sync.idx.f32p", shuffle<ShuffleMode::Idx>, 0),
      collective(NVVM "shfl.sync.up.i32", shuffle<ShuffleMode::Up>, 0),
      collective(NVVM "shfl.sync.up.f32", shuffle<ShuffleMode::Up>, 0),
      collective(NVVM "shfl.sync.up.i32p", shuffle<ShuffleMode::Up>, 0),
      collective(NVVM "shfl.sync.up.f32p", shuffle<ShuffleMode::Up>, 0),
      collective(NVVM "shfl.sync.down.i32", shuffle<ShuffleMode::Down>, 0),
      collective(NVVM "shfl.sync.down.f32", shuffle<ShuffleMode::Down>, 0),
      collective(NVVM "shfl.sync.down.i32p", shuffle<ShuffleMode::Down>, 0),
      collective(NVVM "shfl.sync.down.f32p", shuffle<ShuffleMode::Down>, 0),
      collective(NVVM "shfl.sync.bfly.i32", shuffle<ShuffleMode::Bfly>, 0),
      collective(NVVM "shfl.sync.bfly.f32", shuffle<ShuffleMode::Bfly>, 0),
      collective(NVVM "shfl.sync.bfly.i32p", shuffle<ShuffleMode::Bfly>, 0),
      collective(NVVM "shfl.sync.bfly.f32p", shuffle<ShuffleMode::Bfly>, 0),
      collective(NVVM "vote.all.sync", vote<VoteMode::All>, 0),
      collective(NVVM "vote.any.sync", vote<VoteMode::Any>, 0),
      collective(NVVM "vote.uni.sync", vote<VoteMode::Uni>, 0),
      collective(NVVM "vote.ballot.sync", vote<VoteMode::Ballot>, 0),
      collective(NVVM "elect.sync", elect, 0),
      collective(NVVM "redux.sync.add", reduce<ReduceOp::Add>, 1),
      collective(NVVM "redux.sync.and", reduce<ReduceOp::And>, 1),
      collective(NVVM "redux.sync.or", reduce<ReduceOp::Or>, 1),
      collective(NVVM "redux.sync.xor", reduce<ReduceOp::Xor>, 1),
      collective(NVVM "redux.sync.min", reduce<ReduceOp::Min>, 1),
      collective(NVVM "redux.sync.max", reduce<ReduceOp::Max>, 1),
      collective(NVVM "redux.sync.umin", reduce<ReduceOp::UMin>, 1),
      collective(NVVM "redux.sync.umax", reduce<ReduceOp::UMax>, 1),

      collective(NVVM "mma.m16n8k16.row.col.bf16", multiplyMatrices<true, 16>),
      collective(NVVM "mma.m16n8k16.row.col.f32.f32", multiplyMatrices<false, 16>),
      collective(NVVM "mma.m16n8k8.row.col.bf16", multiplyMatrices<true, 8>),
      collective(NVVM "mma.m16n8k8.row.col.f32.f32", multiplyMatrices<false, 8>),
      collective(NVVM "ldmatrix.sync.aligned.m8n8.x1.b16", loadMatrices<1, false>),
      collective(NVVM "ldmatrix.sync.aligned.m8n8.x2.b16", loadMatrices<2, false>),
      collective(NVVM "ldmatrix.sync.aligned.m8n8.x4.b16", loadMatrices<4, false>),
      collective(NVVM "ldmatrix.sync.aligned.m8n8.x1.trans.b16", loadMatrices<1, true>),
      collective(NVVM "ldmatrix.sync.aligned.m8n8.x2.trans.b16", loadMatrices<2, true>),
      collective(NVVM "ldmatrix.sync.aligned.m8n8.x4.trans.b16", loadMatrices<4, true>),
      collective(NVVM "stmatrix.sync.aligned.m8n8.x1.b16", storeMatrices<1, false>),
      collective(NVVM "stmatrix.sync.aligned.m8n8.x2.b16", storeMatrices<2, false>),
      collective(NVVM "stmatrix.sync.aligned.m8n8.x4.b16", storeMatrices<4, false>),
      collective(NVVM "stmatrix.sync.aligned.m8n8.x1.trans.b16", storeMatrices<1, true>),
      collective(NVVM "stmatrix.sync.aligned.m8n8.x2.trans.b16", storeMatrices<2, true>),
      collective(NVVM "stmatrix.sync.aligned.m8n8.x4.trans.b16", storeMatrices<4, true>),

      call(NVVM "cp.async.ca.shared.global.4", copyAsync<4, false>),
      call(NVVM "cp.async.ca.shared.global.8", copyAsync<8, false>),
      call(NVVM "cp.async.ca.shared.global.16", copyAsync<16, false>),
      call(NVVM "cp.async.cg.shared.global.16", copyAsync<16, false>),
      call(NVVM "cp.async.ca.shared.global.4.s", copyAsync<4, true>),
      call(NVVM "cp.async.ca.shared.global.8.s", copyAsync<8, true>),
      call(NVVM "cp.async.ca.shared.global.16.s", copyAsync<16, true>),
      call(NVVM "cp.async.cg.shared.global.16.s", copyAsync<16, true>),
      call(NVVM "cp.async.commit.group", commitCopies),
      call(NVVM "cp.async.wait.group", waitCopyGroups),
      call(NVVM "cp.async.wait.all", waitAllCopies),

      fence(NVVM "membar.cta"),
      fence(NVVM "membar.gl"),
      fence(NVVM "membar.sys"),
      nothing(NVVM "fence.proxy.async"),
      nothing(NVVM "fence.proxy.async.global"),
      nothing(NVVM "fence.proxy.async.shared_cta"),
      nothing(NVVM "nanosleep"),
      nothing(NVVM "griddepcontrol.wait"),
      nothing(NVVM "griddepcontrol.launch.dependents"),

      pure(NVVM "ex2.approx", exp2Of, "float"),
      pure(NVVM "ex2.approx.ftz", flushed1<exp2Of>, "float"),
      pure(NVVM "lg2.approx.f", log2Of),
      pure(NVVM "lg2.approx.ftz.f", flushed1<log2Of>),
      pure(NVVM "sin.approx.f", sinOf),
      pure(NVVM "sin.approx.ftz.f", flushed1<sinOf>),
      pure(NVVM "cos.approx.f", cosOf),
      pure(NVVM "cos.approx.ftz.f", flushed1<cosOf>),
      pure(NVVM "rcp.approx.ftz.f", flushed1<reciprocal>),
      pure(NVVM "rcp.rn.f", reciprocal),
      pure(NVVM "rcp.rn.ftz.f", flushed1<reciprocal>),
      pure(NVVM "rsqrt.approx.f", reciprocalSqrt),
      pure(NVVM "rsqrt.approx.ftz.f", flushed1<reciprocalSqrt>),
      pure(NVVM "sqrt.approx.f", sqrtOf),
      pure(NVVM "sqrt.approx.ftz.f", flushed1<sqrtOf>),
      pure(NVVM "sqrt.rn.ftz.f", flushed1<sqrtOf>),
      pure(NVVM "div.approx.f", divide),
      pure(NVVM "div.approx.ftz.f", flushed2<divide>),
      pure(NVVM "div.full", divide),
      pure(NVVM "div.full.ftz", flushed2<divide>),
      pure(NVVM "div.rn.ftz.f", flushed2<divide>),
      pure(NVVM "add.rn.ftz.f", flushed2<add>),
      pure(NVVM "mul.rn.ftz.f", flushed2<multiply>),
      pure(NVVM "fma.rn.ftz.f", flushed3<fusedMultiplyAdd>),
      pure(NVVM "fabs.ftz", flushed1<absOf>, "float"),
      pure(NVVM "fmin.ftz.f", flushed2<smaller>),
      pure(NVVM "fmax.ftz.f", flushed2<larger>),
      pure(NVVM "saturate.f", saturate),
      pure(NVVM "saturate.ftz.f", flushed1<saturate>),
      pure(NVVM "prmt", permuteBytes),
      pure(NVVM "mulhi.i", highProduct),
      pure(NVVM "mulhi.ui", highProductUnsigned),

      generic(NVVM "fma.rn.f", Intrinsic::fma),
      generic(NVVM "fma.rn.d", Intrinsic::fma),
      generic(NVVM "fma.rn.f16", Intrinsic::fma),
      generic(NVVM "fma.rn.f16x2", Intrinsic::fma),
      generic(NVVM "fma.rn.bf16", Intrinsic::fma),
      generic(NVVM "fma.rn.bf16x2", Intrinsic::fma),
      generic(NVVM "sqrt.rn.f", Intrinsic::sqrt),
      generic(NVVM "sqrt.rn.d", Intrinsic::sqrt),
      generic(NVVM "sqrt.f", Intrinsic::sqrt),
      generic(NVVM "fabs", Intrinsic::fabs),
      generic(NVVM "floor.f", Intrinsic::floor),
      generic(NVVM "ceil.f", Intrinsic::ceil),
      generic(NVVM "trunc.f", Intrinsic::trunc),
      generic(NVVM "round.f", Intrinsic::roundeven),
      generic(NVVM "fmin.f", Intrinsic::minnum),
      generic(NVVM "fmin.d", Intrinsic::minnum),
      generic(NVVM "fmin.bf16", Intrinsic::minnum),
      generic(NVVM "fmin.bf16x2", Intrinsic::minnum),
      generic(NVVM "fmin.f16", Intrinsic::minnum),
      generic(NVVM "fmin.f16x2", Intrinsic::minnum),
      generic(NVVM "fmin.nan.f", Intrinsic::minimum),
      generic(NVVM "fmin.nan.bf16", Intrinsic::minimum),
      generic(NVVM "fmin.nan.bf16x2", Intrinsic::minimum),
      generic(NVVM "fmax.f", Intrinsic::maxnum),
      generic(NVVM "fmax.d", Intrinsic::maxnum),
      generic(NVVM "fmax.bf16", Intrinsic::maxnum),
      generic(NVVM "fmax.bf16x2", Intrinsic::maxnum),
      generic(NVVM "fmax.f16", Intrinsic::maxnum),
      generic(NVVM "fmax.f16x2", Intrinsic::maxnum),
      generic(NVVM "fmax.nan.f", Intrinsic::maximum),
      generic(NVVM "fmax.nan.bf16", Intrinsic::maximum),
      generic(NVVM "fmax.nan.bf16x2", Intrinsic::maximum),
      binary(NVVM "add.rn.f", Instruction::FAdd),
      binary(NVVM "add.rn.d", Instruction::FAdd),
      binary(NVVM "mul.rn.f", Instruction::FMul),
      binary(NVVM "mul.rn.d", Instruction::FMul),
      binary(NVVM "div.rn.f", Instruction::FDiv),
      binary(NVVM "div.rn.d", Instruction::FDiv),

      call(NVVM "f2bf16.rn", toBf16),
      call(NVVM "f2f16.rn", toF16),
      call(NVVM "ff2bf16x2.rn", toBf16Pair),
      call(NVVM "ff2f16x2.rn", toF16Pair),

      // What MLIR's math ops become where the lowering did not choose better.
      generic("__nv_expf", Intrinsic::exp),
      generic("__nv_exp2f", Intrinsic::exp2),
      generic("__nv_logf", Intrinsic::log),
      generic("__nv_log2f", Intrinsic::log2),
      generic("__nv_tanhf", Intrinsic::tanh),
      generic("__nv_sinf", Intrinsic::sin),
      generic("__nv_cosf", Intrinsic::cos),
      generic("__nv_powf", Intrinsic::pow),
      generic("__nv_fabsf", Intrinsic::fabs),
      generic("__nv_sqrtf", Intrinsic::sqrt),
      pure("__nv_rsqrtf", reciprocalSqrt),

      // Not a kernel's, but what the float expansion needs (see ExpandFloats.h).
      call("halo.double.to.bf16", doubleToBf16Slot),
      call("halo.double.to.f16", doubleToF16Slot),
      call("halo.fma.bf16", fmaBf16Slot),
      call("halo.fma.f16", fmaF16Slot),
  };
}

const SimIntrinsic *findIntrinsic(std::string_view name) {
  static const std::vector<SimIntrinsic> table = makeTable();
  static const std::unordered_map<std::string_view, const SimIntrinsic *> index = [] {
    std::unordered_map<std::string_view, const SimIntrinsic *> map;
    for (const SimIntrinsic &op : table)
      map.emplace(op.name, &op);
    return map;
  }();
  auto it = index.find(name);
  return it == index.end() ? nullptr : it->second;
}

} // namespace halo::sim
