// One planted fault per class. Lines that end in "; -" are the fault and stand only in the faulty
// kernel; lines that end in "; +" are the repair and stand only in the right one. Every fault must
// be found in every order of threads, and every right kernel must be clean.
#include "tests/unit/sim/SimHarness.h"

#include <gtest/gtest.h>

#include <sstream>

namespace halo::sim {
namespace {

struct PlantedFault {
  const char *name;
  const char *message; ///< Part of what must be said.
  const char *text;    ///< The body; %t is the thread, %g the global index, %odd, %upper flags.
};

void PrintTo(const PlantedFault &fault, std::ostream *os) { *os << fault.name; }

std::string variant(const std::string &text, bool faulty) {
  std::istringstream lines(text);
  std::string line, result;
  while (std::getline(lines, line)) {
    bool minus = line.size() > 3 && line.substr(line.size() - 3) == "; -";
    bool plus = line.size() > 3 && line.substr(line.size() - 3) == "; +";
    if (faulty ? !plus : !minus)
      result += line + "\n";
  }
  return result;
}

/// 64 threads (two warps), two blocks, `%in` and `%out` of 128 i32, 256 B of dynamic shared memory.
std::string kernelOf(const PlantedFault &fault, bool faulty) {
  return R"(
    @tile = internal addrspace(3) global [64 x i32] undef, align 16
    @next = internal addrspace(3) global [64 x i32] undef, align 16
    @dynamic = external addrspace(3) global [0 x i8], align 16
    define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %out) {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
      %b64 = mul i32 %b, 64
      %g = add i32 %b64, %t
      %mirror = sub i32 63, %t
      %odd = trunc i32 %t to i1
      %upper = icmp uge i32 %t, 32
      %pin = getelementptr i32, ptr addrspace(1) %in, i32 %g
      %pout = getelementptr i32, ptr addrspace(1) %out, i32 %g
      %mine = getelementptr i32, ptr addrspace(3) @tile, i32 %t
      %theirs = getelementptr i32, ptr addrspace(3) @tile, i32 %mirror
    )" + variant(fault.text, faulty) +
         R"(
      ret void
    })";
}

class SimFault : public testing::TestWithParam<PlantedFault> {
protected:
  std::string run(bool faulty, uint64_t seed) {
    TestKernel kernel(kernelOf(GetParam(), faulty), true);
    std::vector<int> in(128, 1), out(128);
    Launch launch;
    launch.grid = 2;
    launch.block = 64;
    launch.sharedBytes = 256;
    launch.seed = seed;
    return kernel.with(in).with(out).run(launch);
  }
};

TEST_P(SimFault, IsFoundAndItsRepairIsClean) {
  for (uint64_t seed = 0; seed != 4; ++seed) {
    std::string fault = run(true, seed);
    EXPECT_NE(fault.find(GetParam().message), std::string::npos)
        << "seed " << seed << ": " << fault;
    EXPECT_EQ(fault.rfind("kernel k, block (", 0), 0u) << fault;
    if (seed == 0)
      RecordProperty("sentence", fault);
    EXPECT_EQ(run(false, seed), "") << "seed " << seed;
  }
}

// A stuck block is reported without checks too: the process must not hang.
TEST(SimStuck, UncheckedDivergenceIsReported) {
  TestKernel kernel(R"(
    define ptx_kernel void @k() {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %first = icmp eq i32 %t, 0
      br i1 %first, label %end, label %sync
    sync:
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      br label %end
    end:
      ret void
    })",
                    false);
  Launch launch;
  launch.checked = false;
  EXPECT_EQ(kernel.run(launch), "kernel k, block (0, 0, 0), thread (1, 0, 0): divergent barrier 0: "
                                "31 of 32 threads arrived; thread (0, 0, 0) has exited");
}

TEST(SimFaultText, NamesTheLine) {
  TestKernel kernel(R"(
    define ptx_kernel void @k(ptr addrspace(1) %out) !dbg !3 {
      %p = getelementptr i32, ptr addrspace(1) %out, i32 8
      store i32 1, ptr addrspace(1) %p, !dbg !5
      ret void
    }
    !llvm.dbg.cu = !{!0}
    !llvm.module.flags = !{!2}
    !0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, emissionKind: LineTablesOnly)
    !1 = !DIFile(filename: "model.mlir", directory: "")
    !2 = !{i32 2, !"Debug Info Version", i32 3}
    !3 = distinct !DISubprogram(name: "k", file: !1, unit: !0, type: !4)
    !4 = !DISubroutineType(types: !{})
    !5 = !DILocation(line: 12, scope: !3)
  )",
                    true);
  std::vector<int> out(8);
  EXPECT_EQ(kernel.with(out).run(Launch()),
            "kernel k, block (0, 0, 0), thread (0, 0, 0): out of bounds: stores 4 B at "
            "model.mlir:12 at byte 32 of region 0, which has 32 B");
}

const PlantedFault kFaults[] = {
    {"GlobalOutOfBounds", "out of bounds: stores 4 B at byte 512 of region 1, which has 512 B", R"(
      %v = load i32, ptr addrspace(1) %pin
      %q = getelementptr i32, ptr addrspace(1) %pout, i32 1 ; -
      %q = getelementptr i32, ptr addrspace(1) %pout, i32 0 ; +
      store i32 %v, ptr addrspace(1) %q)"},

    {"GlobalBeforeTheRegion", "out of bounds: loads 4 B at byte -4 of region ", R"(
      %q = getelementptr i32, ptr addrspace(1) %pin, i32 -1 ; -
      %q = getelementptr i32, ptr addrspace(1) %pin, i32 0 ; +
      %v = load i32, ptr addrspace(1) %q)"},

    {"GenericPointerOutOfBounds", "out of bounds: loads 4 B at byte 512 of region ", R"(
      %c = addrspacecast ptr addrspace(1) %pin to ptr
      %q = getelementptr i32, ptr %c, i32 1 ; -
      %q = getelementptr i32, ptr %c, i32 0 ; +
      %v = load i32, ptr %q)"},

    {"MaskedOutOfBounds", "out of bounds: loads 4 B at byte 512 of region ", R"(
      %last = icmp eq i32 %g, 127
      %more = xor i1 %last, true
      %m0 = insertelement <2 x i1> poison, i1 true, i32 0
      %m = insertelement <2 x i1> %m0, i1 true, i32 1 ; -
      %m = insertelement <2 x i1> %m0, i1 %more, i32 1 ; +
      %v = call <2 x i32> @llvm.masked.load.v2i32.p1(ptr addrspace(1) align 4 %pin, <2 x i1> %m, <2 x i32> zeroinitializer))"},

    {"CopyOutOfBounds", "out of bounds: loads 8 B at byte 508 of region ", R"(
      %local = alloca [2 x i32]
      %c = addrspacecast ptr addrspace(1) %pin to ptr
      call void @llvm.memcpy.p0.p0.i64(ptr %local, ptr %c, i64 8, i1 false) ; -
      call void @llvm.memcpy.p0.p0.i64(ptr %local, ptr %c, i64 4, i1 false) ; +)"},

    {"SharedOutOfBounds", "at byte 560 of shared memory, which has 560 B", R"(
      %d = getelementptr i32, ptr addrspace(3) @dynamic, i32 %t
      %q = getelementptr i32, ptr addrspace(3) %d, i32 1 ; -
      %q = getelementptr i32, ptr addrspace(3) %d, i32 0 ; +
      store i32 %t, ptr addrspace(3) %q)"},

    {"BetweenSharedArrays", "which is between the arrays", R"(
      %q = getelementptr i32, ptr addrspace(3) %mine, i32 1 ; -
      %q = getelementptr i32, ptr addrspace(3) %mine, i32 0 ; +
      store i32 %t, ptr addrspace(3) %q
      %n = getelementptr i32, ptr addrspace(3) @next, i32 %t
      store i32 %t, ptr addrspace(3) %n)"},

    {"MisalignedGlobal", "misaligned: loads 16 B at address 0x", R"(
      %i = and i32 %t, 31 ; -
      %i0 = and i32 %t, 31 ; +
      %i = shl i32 %i0, 2 ; +
      %q = getelementptr i32, ptr addrspace(1) %in, i32 %i
      %v = load <4 x i32>, ptr addrspace(1) %q, align 16)"},

    {"MisalignedShared", "where alignment 8 is needed", R"(
      store i32 %t, ptr addrspace(3) %mine
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %i = and i32 %t, 31 ; -
      %i = and i32 %t, 30 ; +
      %q = getelementptr i32, ptr addrspace(3) @tile, i32 %i
      %v = load <2 x i32>, ptr addrspace(3) %q, align 8)"},

    // The declared alignment is all an array has: 16 here, and not by luck 32.
    {"AlignmentBeyondTheDeclared", "where alignment 32 is needed", R"(
      %q = getelementptr i32, ptr addrspace(3) @next, i32 0
      %zero = icmp eq i32 %t, 0
      br i1 %zero, label %then, label %end
    then:
      store <8 x i32> zeroinitializer, ptr addrspace(3) %q, align 32 ; -
      store <8 x i32> zeroinitializer, ptr addrspace(3) %q, align 16 ; +
      br label %end
    end:)"},

    {"UninitialisedShared", "which nobody has initialised yet", R"(
      br i1 %upper, label %then, label %end ; -
      br label %then ; +
    then:
      store i32 %t, ptr addrspace(3) %mine
      br label %end
    end:
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %v = load i32, ptr addrspace(3) %mine)"},

    {"ReadAfterWrite", " of shared memory", R"(
      store i32 %t, ptr addrspace(3) %mine
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; +
      %v = load i32, ptr addrspace(3) %theirs)"},

    {"ReadAfterSecondWrite", "race: ", R"(
      store i32 0, ptr addrspace(3) %mine
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      store i32 %t, ptr addrspace(3) %mine
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; +
      %v = load i32, ptr addrspace(3) %theirs)"},

    {"WriteAfterRead", "race: ", R"(
      store i32 %t, ptr addrspace(3) %mine
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %v = load i32, ptr addrspace(3) %theirs
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; +
      store i32 %v, ptr addrspace(3) %mine)"},

    // Everybody reads everything: the one record of readers must not lose the others.
    {"WriteAfterManyReads", "race: ", R"(
      store i32 %t, ptr addrspace(3) %mine
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      br label %loop
    loop:
      %i = phi i32 [ 0, %0 ], [ %n, %loop ]
      %q = getelementptr i32, ptr addrspace(3) @tile, i32 %i
      %v = load i32, ptr addrspace(3) %q
      %n = add i32 %i, 1
      %again = icmp ult i32 %n, 64
      br i1 %again, label %loop, label %end
    end:
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; +
      store i32 %v, ptr addrspace(3) %mine)"},

    {"WriteAfterWrite", "race: stores 4 B", R"(
      %half = lshr i32 %t, 1
      %i = add i32 %half, 0 ; -
      %i = add i32 %t, 0 ; +
      %q = getelementptr i32, ptr addrspace(3) @tile, i32 %i
      store i32 %t, ptr addrspace(3) %q)"},

    {"AtomicAndPlainWrite", "race: ", R"(
      store i32 0, ptr addrspace(3) %mine
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %old = atomicrmw add ptr addrspace(3) @tile, i32 1 monotonic
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; +
      store i32 %t, ptr addrspace(3) %mine)"},

    {"MissingWarpSync", " of shared memory", R"(
      %lane = call i32 @llvm.nvvm.read.ptx.sreg.laneid()
      %j = xor i32 %t, 1
      %q = getelementptr i32, ptr addrspace(3) @tile, i32 %j
      store i32 %t, ptr addrspace(3) %mine
      call void @llvm.nvvm.bar.warp.sync(i32 -1) ; +
      %v = load i32, ptr addrspace(3) %q)"},

    {"WarpSyncOfTooFewLanes", " of shared memory", R"(
      %j = xor i32 %t, 2
      %q = getelementptr i32, ptr addrspace(3) @tile, i32 %j
      %lane = call i32 @llvm.nvvm.read.ptx.sreg.laneid()
      %even = and i32 %lane, 30
      %pair = shl i32 3, %even
      store i32 %t, ptr addrspace(3) %mine
      call void @llvm.nvvm.bar.warp.sync(i32 %pair) ; -
      call void @llvm.nvvm.bar.warp.sync(i32 -1) ; +
      %v = load i32, ptr addrspace(3) %q)"},

    {"WarpSyncAcrossWarps", " of shared memory", R"(
      store i32 %t, ptr addrspace(3) %mine
      call void @llvm.nvvm.bar.warp.sync(i32 -1) ; -
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; +
      %v = load i32, ptr addrspace(3) %theirs)"},

    // A named barrier orders only the warps that meet at it.
    {"NamedBarrierOfOneWarp", " of shared memory", R"(
      %warp = lshr i32 %t, 5
      %id = add i32 %warp, 1
      store i32 %t, ptr addrspace(3) %mine
      call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 %id, i32 32) ; -
      call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 64) ; +
      %v = load i32, ptr addrspace(3) %theirs)"},

    {"TwoBlocksOneAddress", "of block 0 stored in the same launch", R"(
      %q = getelementptr i32, ptr addrspace(1) %out, i32 %t ; -
      %q = getelementptr i32, ptr addrspace(1) %out, i32 %g ; +
      store i32 %g, ptr addrspace(1) %q)"},

    {"TwoThreadsOneAddress", "race: stores 4 B at byte ", R"(
      %half = lshr i32 %g, 1
      %q = getelementptr i32, ptr addrspace(1) %out, i32 %half ; -
      %q = getelementptr i32, ptr addrspace(1) %out, i32 %g ; +
      store i32 %g, ptr addrspace(1) %q)"},

    {"ReadsAnotherBlocksOutput", "race: loads 4 B at byte 0 of region ", R"(
      store i32 %g, ptr addrspace(1) %pout
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %other = mul i32 %b, 0 ; -
      %other = mul i32 %b, 64 ; +
      %q = getelementptr i32, ptr addrspace(1) %out, i32 %other
      %v = load i32, ptr addrspace(1) %q)"},

    {"BarrierWithoutTheExited", "divergent barrier 0: 63 of 64 threads arrived; thread (", R"(
      %last = icmp eq i32 %t, 63
      br i1 %last, label %end, label %sync ; -
      br label %sync ; +
    sync:
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      br label %end
    end:)"},

    {"BarriersOfDifferentNames", "divergent barrier ", R"(
      %wrong = zext i1 %upper to i32 ; -
      %wrong = add i32 0, 1 ; +
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 %wrong))"},

    {"BarriersOfDifferentBranches", "other lanes of its warp wait at another one", R"(
      br i1 %odd, label %one, label %two ; -
      br i1 %upper, label %one, label %two ; +
    one:
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      br label %end
    two:
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      br label %end
    end:)"},

    {"BarriersOfDifferentCounts", "divergent barrier 1: ", R"(
      %count = select i1 %upper, i32 64, i32 32 ; -
      %count = add i32 0, 64 ; +
      call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 %count))"},

    {"BarrierOfNoWholeWarps", "is for 48 threads, which is not a multiple of 32", R"(
      call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 48) ; -
      call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 64) ; +)"},

    {"ShuffleOfHalfAWarp", "divergent llvm.nvvm.shfl.sync.bfly.i32 for lanes 0xffffffff: lane ", R"(
      br i1 %odd, label %then, label %end ; -
      br label %then ; +
    then:
      %v = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 -1, i32 %t, i32 2, i32 31)
      br label %end
    end:)"},

    {"ShufflesOfTwoBranches", "divergent llvm.nvvm.shfl.sync.idx.i32 for lanes 0xffffffff: lane ", R"(
      br i1 %odd, label %then, label %else ; -
      br i1 %upper, label %then, label %else ; +
    then:
      %v = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 -1, i32 %t, i32 1, i32 31)
      br label %end
    else:
      %w = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 -1, i32 %t, i32 2, i32 31)
      br label %end
    end:)"},

    {"ShuffleWithoutItself", "which lack its own lane ", R"(
      %v = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 65535, i32 %t, i32 1, i32 31) ; -
      %v = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 -1, i32 %t, i32 1, i32 31) ; +)"},

    {"ShuffleFromAnUnnamedLane", "which does not take part", R"(
      %lane = call i32 @llvm.nvvm.read.ptx.sreg.laneid()
      %low = icmp ult i32 %lane, 16
      br i1 %low, label %then, label %end
    then:
      %v = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 65535, i32 %t, i32 16, i32 31) ; -
      %v = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 65535, i32 %t, i32 8, i32 31) ; +
      br label %end
    end:)"},

    {"WarpSyncWithoutTheExited", "has exited", R"(
      br i1 %odd, label %end, label %then ; -
      br label %then ; +
    then:
      call void @llvm.nvvm.bar.warp.sync(i32 -1)
      br label %end
    end:)"},

    {"CopyWithoutWait", "is copying to and has not waited for", R"(
      call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) %mine, ptr addrspace(1) %pin)
      call void @llvm.nvvm.cp.async.commit.group()
      call void @llvm.nvvm.cp.async.wait.group(i32 0) ; +
      %v = load i32, ptr addrspace(3) %mine)"},

    {"CopyWithWeakWait", "is copying to and has not waited for", R"(
      call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) %mine, ptr addrspace(1) %pin)
      call void @llvm.nvvm.cp.async.commit.group()
      call void @llvm.nvvm.cp.async.wait.group(i32 1) ; -
      call void @llvm.nvvm.cp.async.wait.group(i32 0) ; +
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %v = load i32, ptr addrspace(3) %theirs)"},

    {"CopyWithoutCommit", "is copying to and has not waited for", R"(
      call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) %mine, ptr addrspace(1) %pin)
      call void @llvm.nvvm.cp.async.commit.group() ; +
      call void @llvm.nvvm.cp.async.wait.group(i32 0)
      %v = load i32, ptr addrspace(3) %mine)"},

    {"CopyWithoutBarrier", " of shared memory", R"(
      call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) %mine, ptr addrspace(1) %pin)
      call void @llvm.nvvm.cp.async.wait.all()
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; +
      %v = load i32, ptr addrspace(3) %theirs)"},

    {"CopyOverReaders", "race: ", R"(
      store i32 %t, ptr addrspace(3) %mine
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %v = load i32, ptr addrspace(3) %theirs
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; +
      call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) %mine, ptr addrspace(1) %pin)
      call void @llvm.nvvm.cp.async.wait.all())"},

    {"MisalignedCopy", "misaligned: ", R"(
      %i0 = and i32 %t, 15
      %i = shl i32 %i0, 2
      %low = icmp ult i32 %t, 16
      br i1 %low, label %then, label %end
    then:
      %s = getelementptr i32, ptr addrspace(3) @tile, i32 %i
      %at = add i32 %i, 1 ; -
      %at = add i32 %i, 4 ; +
      %q = getelementptr i32, ptr addrspace(1) %in, i32 %at
      call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %s, ptr addrspace(1) %q)
      call void @llvm.nvvm.cp.async.wait.all()
      br label %end
    end:)"},

    {"MatrixBeforeTheBarrier", " by llvm.nvvm.ldmatrix.sync.aligned.m8n8.x1.b16", R"(
      store i32 %t, ptr addrspace(3) %mine
      %i0 = sub i32 63, %t
      %i1 = lshr i32 %i0, 2
      %i = mul i32 %i1, 4
      %q = getelementptr i32, ptr addrspace(3) @tile, i32 %i
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0) ; +
      %v = call i32 @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x1.b16.p3(ptr addrspace(3) %q))"},

    {"MisalignedMatrix", "where alignment 16 is needed", R"(
      store i32 %t, ptr addrspace(3) %mine
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %r = and i32 %t, 7
      %r2 = shl i32 %r, 1 ; -
      %r2 = shl i32 %r, 2 ; +
      %q = getelementptr i32, ptr addrspace(3) @tile, i32 %r2
      %v = call i32 @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x1.b16.p3(ptr addrspace(3) %q))"},
};

INSTANTIATE_TEST_SUITE_P(Planted, SimFault, testing::ValuesIn(kFaults),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
} // namespace halo::sim
