// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// fir=toeplitz in bdl: rows of channels come by asynchronous copies; a thread's runs are vectors of 8
// positions; samples are the left side of mma, taps the right; four positions a lane are one store.
// CHECK-LABEL: gpu.func @hcm(
// CHECK-NOT:   inline_asm
// CHECK:       nvvm.cp.async.shared.global
// CHECK:       nvvm.cp.async.commit.group
// CHECK:       scf.for
// CHECK:         nvvm.cp.async.wait.group 0
// CHECK-NEXT:    gpu.barrier
// CHECK-NOT:   gpu.barrier
// CHECK:         llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<1>
// Four runs, each to the window of u and to the tile of x2.
// CHECK-COUNT-4: arith.truncf %{{.*}} : vector<8xf32> to vector<8xbf16>
// CHECK-COUNT-8: llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<3>
// The tiles at the ends, run by run and masked.
// CHECK:         scf.for
// CHECK-COUNT-2: llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<3>
// CHECK:         nvvm.ldmatrix
// CHECK-COUNT-72: nvvm.mma.sync {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 16>
// CHECK-NOT:   nvvm.mma.sync
// CHECK:         llvm.store %{{.*}} {alignment = 8 : i64} : vector<4xbf16>, !llvm.ptr<3>
// CHECK-NOT:   gpu.barrier
// CHECK-NOT:   inline_asm
// CHECK:       gpu.return
halo.kernel @hcm ins(@z : view<bf16, bdl, 3>, @filter : taps<bf16, 128, 16>) outs(@y : view<bf16, bdl>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 4, vector = 8, unroll = 4,
                            stages = 2, min_blocks = 2, window = registers, align = 16, fir = toeplitz>) {
  %x2, %x1, %v = halo.load @z streams(interleave)
  %g = arith.mulf %x1, %v : f32
  %u = halo.round %g to bf16
  %s = halo.fir %u, @filter taps(convolution)
  %r = halo.round %s to bf16
  %y = arith.mulf %x2, %r : f32
  halo.store %y, @y
}
