// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// fir=toeplitz: rows of z come by asynchronous copies; one barrier a step; a warp's samples by ldmatrix,
// 9 Toeplitz blocks of taps as the left side of mma. Nothing is inline assembly.
// CHECK-LABEL: gpu.func @hcm(
// CHECK-NOT:   inline_asm
// CHECK:       nvvm.cp.async.shared.global
// CHECK:       nvvm.cp.async.commit.group
// CHECK:       scf.for
// CHECK:         nvvm.cp.async.wait.group 0
// CHECK-NEXT:    gpu.barrier
// CHECK-NOT:   gpu.barrier
// The tile before the last one leaves, in pieces of 16 bytes.
// CHECK:         llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<1>
// The window of u, channel-major: 8 positions of each of 4 channels.
// CHECK-COUNT-4: llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<3>
// CHECK:         nvvm.ldmatrix
// CHECK-COUNT-72: nvvm.mma.sync {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 16>
// CHECK-NOT:   nvvm.mma.sync
// CHECK-NOT:   gpu.barrier
// CHECK-NOT:   inline_asm
// CHECK:       gpu.return
halo.kernel @hcm ins(@z : view<bf16, bld, 3>, @filter : taps<bf16, 128, 16>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 64, block_l = 0, num_warps = 4, vector = 4, unroll = 8,
                            stages = 2, min_blocks = 2, window = registers, align = 16, fir = toeplitz>) {
  %x2, %x1, %v = halo.load @z streams(interleave)
  %g = arith.mulf %x1, %v : f32
  %u = halo.round %g to bf16
  %s = halo.fir %u, @filter taps(convolution)
  %r = halo.round %s to bf16
  %y = arith.mulf %x2, %r : f32
  halo.store %y, @y
}
