// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// bld, window=registers: a thread owns 8 channels, carries K - 1 rows in storage type from step to
// step, and takes 4 rows a step. Nothing is shared, nothing is inline assembly.
// CHECK:       gpu.module @halo_kernels {
// CHECK-NOT:   halo_shared
// CHECK-LABEL: gpu.func @bld(
// CHECK-SAME:    %{{[a-z0-9]+}}: !llvm.ptr<1> {llvm.align = 16 : i64, llvm.noalias, llvm.readonly}, %{{[a-z0-9]+}}: i64, %{{[a-z0-9]+}}: i64, %{{[a-z0-9]+}}: i64,
// CHECK-SAME:    %{{[a-z0-9]+}}: !llvm.ptr<1> {llvm.align = 16 : i64, llvm.noalias, llvm.readonly}, %{{[a-z0-9]+}}: i64, %{{[a-z0-9]+}}: i64,
// CHECK-SAME:    %{{[a-z0-9]+}}: !llvm.ptr<1> {llvm.align = 16 : i64, llvm.noalias}, %{{[a-z0-9]+}}: i64, %{{[a-z0-9]+}}: i64, %{{[a-z0-9]+}}: i64,
// CHECK-SAME:    %{{[a-z0-9]+}}: i32, %{{[a-z0-9]+}}: i32, %{{[a-z0-9]+}}: i32, %{{[a-z0-9]+}}: i32, %{{[a-z0-9]+}}: i32, %{{[a-z0-9]+}}: i32)
// CHECK-SAME:    kernel attributes {known_block_size = array<i32: 128, 1, 1>}
// Above the walk: the taps of 8 channels, 4 to a row, and the 3 rows of the halo.
// CHECK-COUNT-7: llvm.load %{{.*}} invariant {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
// CHECK-NOT:   llvm.load
// CHECK:       scf.for
// CHECK-SAME:    -> (vector<8xbf16>, vector<8xbf16>, vector<8xbf16>) : i32 {
// CHECK-COUNT-4: llvm.load %{{.*}} invariant {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
// CHECK-NOT:   llvm.load
// CHECK:       arith.mulf %{{.*}} : vector<8xf32>
// CHECK-COUNT-3: llvm.intr.fma(%{{.*}}) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
// CHECK:       arith.truncf %{{.*}} : vector<8xf32> to vector<8xbf16>
// CHECK:       scf.if
// CHECK:       llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<1>
// CHECK-COUNT-3: llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<1>
// CHECK:       scf.yield %{{.*}}, %{{.*}}, %{{.*}} : vector<8xbf16>, vector<8xbf16>, vector<8xbf16>
// CHECK-NOT:   llvm.store
// CHECK-NOT:   inline_asm
// CHECK:       gpu.return

halo.kernel @bld ins(@x : view<bf16, bld>, @w : taps<bf16, 4>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 0, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}
