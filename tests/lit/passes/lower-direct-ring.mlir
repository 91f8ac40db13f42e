// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// stages=3: two steps of four 16-byte rows are on their way before the taps are loaded, by a loop
// over steps and rows; each step waits for the oldest, reads it back from shared memory and issues
// one more, row by row where it passes the end. No thread reads another's piece: no barrier.
// CHECK:       llvm.mlir.global external @halo_shared() {addr_space = 3 : i32, alignment = 16 : i64}
// CHECK-LABEL: gpu.func @ring(
// CHECK-NOT:   gpu.barrier
// CHECK:       scf.for
// CHECK:         scf.for
// CHECK:           nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg
// CHECK-NOT:       nvvm.cp.async.shared.global
// CHECK:         nvvm.cp.async.commit.group
// CHECK:       llvm.load %{{.*}} invariant
// CHECK:       scf.for
// CHECK-SAME:    -> (vector<8xbf16>, vector<8xbf16>, vector<8xbf16>, i32)
// CHECK-NEXT:    nvvm.cp.async.wait.group 1
// CHECK-COUNT-4: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<8xbf16>
// CHECK-COUNT-4: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg
// CHECK:         scf.for
// CHECK:           nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg
// CHECK-NOT:     nvvm.cp.async.shared.global
// CHECK:         nvvm.cp.async.commit.group
// CHECK-NOT:     invariant
// CHECK-NOT:   gpu.barrier
// CHECK:       gpu.return

halo.kernel @ring ins(@x : view<bf16, bld>, @w : taps<bf16, 4>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 0, num_warps = 4, vector = 8, unroll = 4,
                            stages = 3, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}
