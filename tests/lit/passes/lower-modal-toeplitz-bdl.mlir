// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s
// RUN: sed 's/fir = toeplitz/fir = toeplitz, cluster = 3/' %s | halo-opt -halo-lower-direct \
// RUN:   | FileCheck %s --check-prefix=CLUSTER

// A recurrence over tiles on the tensor cores in bdl: samples are the left side of every product, sixteen
// chunks by sixteen positions as ldmatrix gives them, and states become a left side in the registers that
// the scan leaves them in: nothing is transposed. Two parts of every constant, as no precision is said.
// Per channel: 2 x 2 products with Q, 2 x 2 with T and 3 x 2 with P.
// CHECK: nvvm.cp.async.shared.global
// CHECK: scf.for
// CHECK: nvvm.cp.async.wait.group
// CHECK: nvvm.ldmatrix {{.*}}layout = #nvvm.mma_layout<row>
// CHECK-COUNT-8: nvvm.mma.sync
// A scan over eight lanes, and what lies before each.
// CHECK-COUNT-16: nvvm.shfl.sync idx
// CHECK-NOT: nvvm.ldmatrix
// CHECK-NOT: bar.warp.sync
// CHECK-COUNT-6: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// Two positions are a word.
// CHECK-COUNT-4: llvm.store %{{.*}} {alignment = 4 : i64} : vector<2xbf16>, !llvm.ptr<3>
//
// CLUSTER: nvvm.cluster.arrive {aligned}
// CLUSTER: scf.while
// CLUSTER: llvm.load {{.*}} atomic syncscope("cluster") monotonic
// CLUSTER: nvvm.mapa {{.*}} : !llvm.ptr<3> -> !llvm.ptr<7>
// CLUSTER: llvm.store {{.*}} atomic syncscope("cluster") monotonic {{.*}} : i64, !llvm.ptr<7>
// CLUSTER: nvvm.cluster.wait {aligned}
halo.kernel @k
    ins(@x : view<bf16, bdl>, @lp : modes<4>, @r : modes<4>)
    outs(@y : view<bf16, bdl>)
    schedule(#halo.schedule<block_n = 4, block_l = 0, num_warps = 4, vector = 8, unroll = 1, stages = 2, min_blocks = 1, window = registers, align = 16, fir = toeplitz>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}
