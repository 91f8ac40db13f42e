// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// Heads that no power of two divides meet through shared memory, added in channel order. Lanes
// route their own stores: the boundary at channel 100 is a selection of pointers.
// CHECK:       llvm.mlir.global external @halo_shared()
// CHECK-LABEL: gpu.func @split(
// CHECK:       arith.select %{{.*}} : !llvm.ptr<1>
// CHECK:       gpu.barrier
// CHECK:       llvm.store %{{.*}} {alignment = 4 : i64} : f32, !llvm.ptr<3>
// CHECK:       gpu.barrier
// CHECK-NOT:   gpu.shuffle
// CHECK:       scf.for
// CHECK:         llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> f32
// CHECK:       llvm.call_intrinsic "llvm.nvvm.rsqrt.approx.ftz.f"
// CHECK:       scf.if
// CHECK:       llvm.store %{{.*}} {alignment = 4 : i64} : vector<2xbf16>, !llvm.ptr<1>
// CHECK-NOT:   inline_asm
// CHECK:       gpu.return

halo.kernel @split ins(@x : view<bf16, bld>) outs(@q : view<bf16, bld>, @v : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 64, block_l = 0, num_warps = 4, vector = 2, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  halo.split_store %x, [@q, @v] widths([100, 28]) heads([50, 0])
}
