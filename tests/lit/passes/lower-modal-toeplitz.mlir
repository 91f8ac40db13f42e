// RUN: halo-opt %s -halo-lower-direct | FileCheck %s
// RUN: sed 's/fir = toeplitz/fir = toeplitz, cluster = 3/' %s | halo-opt -halo-lower-direct \
// RUN:   | FileCheck %s --check-prefix=CLUSTER

// A recurrence over tiles on the tensor cores, one mode to sixteen: in a step a warp multiplies Q with its
// two channels' chunks, scans over the four lanes of a mode, turns the states over in shared memory and
// adds P of them to T of the samples. Two parts of every constant, as no precision is said.
// CHECK: nvvm.cp.async.shared.global
// The step: produce, a barrier, then finish.
// CHECK: scf.for
// CHECK: nvvm.cp.async.wait.group
// CHECK-NEXT: gpu.barrier
// CHECK: gpu.barrier
// CHECK: nvvm.ldmatrix {{.*}}layout = #nvvm.mma_layout<row>
// CHECK: nvvm.mma.sync
// CHECK: nvvm.shfl.sync idx
// CHECK: nvvm.bar.warp.sync
// CHECK: nvvm.ldmatrix {{.*}}layout = #nvvm.mma_layout<col>
// CHECK: nvvm.mma.sync
//
// In a cluster the states come from the block with the tile before: they are looked for until all have
// come, and handed on as one word each, index and number.
// CLUSTER: nvvm.cluster.arrive {aligned}
// CLUSTER: nvvm.cluster.wait {aligned}
// CLUSTER: scf.while
// CLUSTER: llvm.load {{.*}} atomic syncscope("cluster") monotonic
// CLUSTER: llvm.call_intrinsic "llvm.nvvm.nanosleep"
// CLUSTER: nvvm.mapa {{.*}} : !llvm.ptr<3> -> !llvm.ptr<7>
// CLUSTER: llvm.store {{.*}} atomic syncscope("cluster") monotonic {{.*}} : i64, !llvm.ptr<7>
// CLUSTER: nvvm.cluster.arrive {aligned}
// CLUSTER: nvvm.cluster.wait {aligned}
halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<4>, @r : modes<4>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 16, vector = 2, unroll = 8, stages = 2, min_blocks = 1, window = registers, align = 16, fir = toeplitz>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}
