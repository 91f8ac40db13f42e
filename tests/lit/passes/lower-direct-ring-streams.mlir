// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// Three interleaved streams of 4 bf16 channels are 24 bytes of a row: 3 copies of 8 bytes a row,
// picked apart in shared memory. Nothing is loaded from memory twice.
// CHECK-LABEL: gpu.func @streams(
// CHECK:       scf.for
// CHECK-COUNT-3: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 8, cache = ca
// CHECK-NOT:   nvvm.cp.async.shared.global
// CHECK:       nvvm.cp.async.commit.group
// CHECK:       nvvm.cp.async.wait.group 1
// CHECK-COUNT-6: llvm.load %{{.*}} {alignment = 8 : i64} : !llvm.ptr<3> -> vector<4xbf16>
// CHECK-COUNT-6: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 8, cache = ca
// CHECK-NOT:   vector<4xbf16> invariant
// CHECK-NOT:   gpu.barrier
// CHECK:       gpu.return
halo.kernel @streams ins(@z : view<bf16, bld, 3>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 128, block_l = 0, num_warps = 1, vector = 4, unroll = 2,
                            stages = 3, min_blocks = 1, window = registers, align = 16>) {
  %a, %b, %c = halo.load @z streams(interleave)
  %ab = arith.mulf %a, %b : f32
  %y = arith.mulf %ab, %c : f32
  halo.store %y, @y
}
