// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// window=shared: samples and taps of 64 taps are staged between two barriers, then a window slides
// over them in shared memory. 32 * 4 = 128 threads along channels and positions: 16 outputs and
// 16 + 63 = 79 samples per channel.
// CHECK:       llvm.mlir.global external @halo_shared() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>
// CHECK-LABEL: gpu.func @shared(
// CHECK:       llvm.mlir.addressof @halo_shared : !llvm.ptr<3>
// CHECK:       scf.for %{{.*}} step %c16_i32 : i32 {
// CHECK:         scf.for
// CHECK-SAME:      -> (f32, f32, f32, f32) : i32 {
// CHECK:           gpu.barrier
// CHECK:           scf.for %{{.*}} to %c79_i32 step %c4_i32 : i32 {
// CHECK:             llvm.store %{{.*}} {alignment = 4 : i64} : f32, !llvm.ptr<3>
// CHECK:           scf.for %{{.*}} to %c64_i32 step %c4_i32 : i32 {
// CHECK:             llvm.store %{{.*}} {alignment = 4 : i64} : f32, !llvm.ptr<3>
// CHECK:           gpu.barrier
// CHECK:           scf.for %{{.*}} = %c0_i32 to %c64_i32 step %c8_i32
// CHECK-COUNT-32:    llvm.intr.fma(%{{.*}}) : (f32, f32, f32) -> f32
// CHECK-NOT:         llvm.intr.fma
// CHECK:           scf.yield
// Four rows at once, and three of them guarded where the fourth passes the end.
// CHECK-COUNT-7: llvm.store %{{.*}} {alignment = 2 : i64} : bf16, !llvm.ptr<1>
// CHECK-NOT:   llvm.store
// CHECK-NOT:   inline_asm
// CHECK:       gpu.return

halo.kernel @shared ins(@x : view<bf16, bld>, @w : taps<bf16, 64>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 4, vector = 1, unroll = 4,
                            stages = 1, min_blocks = 1, window = shared, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}
