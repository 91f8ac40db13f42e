// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// f32 taps are sums of two bf16 numbers: 2 x 72 products. u itself, for the skip, comes by transposing
// loads, one for each 16 positions, and not by 8 more.
// CHECK-LABEL: gpu.func @hcm(
// CHECK:         nvvm.ldmatrix {{.*}} layout = #nvvm.mma_layout<row>
// CHECK-COUNT-144: nvvm.mma.sync
// CHECK-NOT:     nvvm.mma.sync
// CHECK-COUNT-4: nvvm.ldmatrix {{.*}} layout = #nvvm.mma_layout<col>
// CHECK-NOT:     nvvm.ldmatrix
// CHECK-NOT:     nvvm.mma.sync
// CHECK:         llvm.intr.fma
// CHECK:         gpu.return
halo.kernel @hcm ins(@z : view<bf16, bld, 3>, @filter : taps<f32, 128, 16>, @c : channel<f32>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 64, block_l = 0, num_warps = 4, vector = 4, unroll = 8,
                            stages = 2, min_blocks = 2, window = registers, align = 16, fir = toeplitz>) {
  %x2, %x1, %v = halo.load @z streams(interleave)
  %g = arith.mulf %x1, %v : f32
  %u = halo.round %g to bf16
  %s = halo.fir %u, @filter taps(convolution)
  %k = halo.channel @c
  %f = math.fma %k, %u, %s : f32
  %r = halo.round %f to bf16
  %y = arith.mulf %x2, %r : f32
  halo.store %y, @y
}
