// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// One mode, one channel, two threads with a segment of two positions each: the rounds carry the
// state and what its last sum lost.
// CHECK-LABEL: gpu.func @k
// CHECK-SAME: known_block_size = array<i32: 32, 1, 1>
halo.kernel @k
    ins(@x : view<f32, bld>, @lp : modes<1>, @r : modes<1>, @m : modal_state<1>)
    outs(@y : view<f32, bld>, @m : modal_state<1>)
    schedule(#halo.schedule<block_n = 16, block_l = 0, num_warps = 1, vector = 1, unroll = 2,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r init(@m)
  halo.store %c, @y
  halo.store_state %c, @m
}
// CHECK: %[[WHOLE:.*]]:2 = scf.for {{.*}} iter_args(%[[S:.*]] = %{{.*}}, %[[LOST:.*]] = %{{.*}}) -> (f32, f32)
// CHECK:   %[[U0:.*]] = llvm.load
// CHECK:   %[[U1:.*]] = llvm.load
// What the segment adds, to shared memory.
// CHECK:   %[[Q:.*]] = llvm.intr.fma(%[[P:.*]], %[[U0]], %[[U1]])
// CHECK:   llvm.store %[[Q]], %{{.*}} : f32, !llvm.ptr<3>
// CHECK:   gpu.barrier
// A thread walks its mode over both segments: it reads what one adds and leaves where it starts.
// CHECK:   scf.for {{.*}} iter_args(%[[T:.*]] = %[[S]], %[[ERROR:.*]] = %[[LOST]]) -> (f32, f32)
// CHECK:     scf.if
// CHECK:       llvm.load %{{.*}} : !llvm.ptr<3> -> f32
// CHECK:       llvm.store %[[T]], %{{.*}} : f32, !llvm.ptr<3>
// CHECK:     %[[D:.*]] = llvm.intr.fma(%{{.*}}, %[[T]],
// CHECK:     %[[CHANGE:.*]] = arith.addf %[[D]], %[[ERROR]]
// CHECK:     %[[NEXT:.*]] = arith.addf %[[T]], %[[CHANGE]]
// CHECK:     scf.yield %[[NEXT]], %{{.*}} : f32, f32
// CHECK:   gpu.barrier
// CHECK:   %[[START:.*]] = llvm.load %{{.*}} : !llvm.ptr<3> -> f32
// CHECK:   %[[V0:.*]] = llvm.intr.fma(%[[P]], %[[START]], %[[U0]])
// CHECK:   arith.mulf %{{.*}}, %[[V0]]
// CHECK:   llvm.intr.fma(%[[P]], %[[V0]], %[[U1]])
// The last positions: samples past the end add nothing.
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[WHOLE]]#0, %{{.*}} = %[[WHOLE]]#1) -> (f32, f32)
// CHECK:   arith.select
// CHECK: llvm.store %{{.*}}, %{{.*}} : f32, !llvm.ptr<1>
