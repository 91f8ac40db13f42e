// RUN: halo-opt %s -halo-lower-direct -cse -split-input-file | FileCheck %s

// A step of 32 channels: their states' 32 * 15 samples come to shared memory as 60 pieces of 16 bytes
// where they are one run of memory, one by one elsewhere; all of them before the first barrier, and
// before anything is written. The state's pointers may be one: neither says noalias or readonly. Rows
// of the batch are a loop, whose last barrier frees the tile.
// CHECK-LABEL: gpu.func @step(
// CHECK-SAME:    !llvm.ptr<1> {llvm.align = 16 : i64, llvm.noalias, llvm.readonly}
// CHECK:       scf.if
// CHECK:         scf.for
// CHECK:           nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg
// CHECK:       } else {
// CHECK:         scf.for
// CHECK:           llvm.load %{{.*}} {alignment = 2 : i64} : !llvm.ptr<1> -> bf16
// CHECK:       nvvm.cp.async.wait.group 0
// CHECK-NEXT:  gpu.barrier
// CHECK:       %[[NEWEST:.*]] = scf.if %{{.*}} -> (bf16) {
// CHECK:         scf.for
// CHECK:         llvm.store %{{.*}}, %{{.*}} : bf16, !llvm.ptr<1>
// CHECK:       gpu.barrier
// CHECK:         llvm.store %[[NEWEST]], %{{.*}} : bf16, !llvm.ptr<3>
// CHECK:       gpu.barrier
// CHECK:       scf.if
// CHECK:         scf.for
// CHECK:           llvm.store %{{.*}}, %{{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<1>
// CHECK:       gpu.barrier
// CHECK-NOT:   gpu.barrier
// CHECK:       gpu.return
halo.kernel @step
    ins(@x : view<bf16, bd>, @w : taps<bf16, 16>, @s : state<bf16, 16>)
    outs(@y : view<bf16, bd>, @s : state<bf16, 16>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 4, vector = 1, unroll = 1,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x init(@s)
  %f = halo.fir %x, @w
  halo.store %f, @y
  halo.store_state %x, @s
}

// -----

// Two stages: the next row's states are asked for before this row's are waited for.
// CHECK-LABEL: gpu.func @staged(
// CHECK:       nvvm.cp.async.shared.global
// CHECK:       nvvm.cp.async.commit.group
// CHECK:       scf.for
// CHECK:         nvvm.cp.async.shared.global
// CHECK:         nvvm.cp.async.commit.group
// CHECK:         nvvm.cp.async.wait.group 1
halo.kernel @staged
    ins(@x : view<bf16, bd>, @w : taps<bf16, 16>, @s : state<bf16, 16>)
    outs(@y : view<bf16, bd>, @s : state<bf16, 16>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 1, vector = 1, unroll = 1,
                            stages = 2, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x init(@s)
  %f = halo.fir %x, @w
  halo.store %f, @y
  halo.store_state %x, @s
}

// -----

// A ring: its place is loaded per row, one element is written, and nothing of 16 bytes.
// CHECK-LABEL: gpu.func @turned(
// CHECK:       nvvm.cp.async.shared.global
// CHECK:       %[[AT:.*]] = llvm.load %{{.*}} : !llvm.ptr<1> -> i32
// CHECK:       arith.remui %[[AT]]
// CHECK:       arith.minui
// CHECK:       gpu.barrier
// CHECK:         llvm.store %{{.*}}, %{{.*}} : bf16, !llvm.ptr<1>
// CHECK-NOT:   vector<8xbf16>, !llvm.ptr<1>
// CHECK:       gpu.return
halo.kernel @turned
    ins(@x : view<bf16, bd>, @w : taps<bf16, 16>, @s : state<bf16, 16 ring(@at)>, @at : indices<rows>)
    outs(@y : view<bf16, bd>, @s : state<bf16, 16 ring(@at)>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 1, vector = 1, unroll = 1,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x init(@s)
  %f = halo.fir %x, @w
  halo.store %f, @y
  halo.store_state %x, @s
}
