// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// bdl, window=registers: a thread owns one channel and runs of 8 positions; the 3 samples before a
// run come in the smallest aligned piece that has them, 0 before the sequence by selection.
// CHECK-NOT:   halo_shared
// CHECK-LABEL: gpu.func @bdl(
// CHECK-SAME:    known_block_size = array<i32: 128, 1, 1>
// CHECK:       llvm.load %{{.*}} invariant {alignment = 8 : i64} : !llvm.ptr<1> -> vector<4xbf16>
// CHECK-NOT:   llvm.load
// CHECK:       scf.for %{{.*}} step %c1024_i32 : i32 {
// CHECK:       %[[BEFORE:.*]] = llvm.load %{{.*}} invariant {alignment = 8 : i64} : !llvm.ptr<1> -> vector<4xbf16>
// CHECK:       arith.select %{{.*}}, %[[BEFORE]], %{{.*}} : vector<4xbf16>
// CHECK:       llvm.load %{{.*}} invariant {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
// CHECK-NOT:   llvm.load
// CHECK-COUNT-24: llvm.intr.fma(%{{.*}}) : (f32, f32, f32) -> f32
// CHECK-NOT:   llvm.intr.fma
// CHECK:       vector.from_elements {{.*}} : vector<8xf32>
// CHECK:       arith.truncf %{{.*}} : vector<8xf32> to vector<8xbf16>
// CHECK:       scf.if
// CHECK:       llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<1>
// CHECK-NOT:   llvm.store
// CHECK-NOT:   inline_asm
// CHECK:       gpu.return

halo.kernel @bdl ins(@x : view<bf16, bdl>, @w : taps<bf16, 4>) outs(@y : view<bf16, bdl>)
    schedule(#halo.schedule<block_n = 1, block_l = 0, num_warps = 4, vector = 8, unroll = 1,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}
