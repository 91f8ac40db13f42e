// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// A step of 8 channels a thread. Where 3 samples a channel lie channel after channel, whole and aligned, those of
// a thread's channels are three accesses of 16 bytes, and go back as three; else sample by sample.
// CHECK-LABEL: gpu.func @kept(
// CHECK:       %[[PAST:.*]]:3 = scf.if %{{.*}} -> (vector<8xbf16>, vector<8xbf16>, vector<8xbf16>) {
// CHECK-COUNT-3: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
// CHECK-NOT:     llvm.load
// CHECK:       } else {
// CHECK-COUNT-24: llvm.load %{{.*}} : !llvm.ptr<1> -> bf16
// CHECK:       }
// CHECK:       llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xbf16>
// CHECK:       gpu.barrier
// CHECK:       scf.if
// CHECK-COUNT-3: llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xbf16>
// CHECK:       } else {
// CHECK:         scf.for
// CHECK:       gpu.return
halo.kernel @kept
    ins(@x : view<bf16, bd>, @s : state<bf16, 4 longer>, @w : taps<bf16, 4>)
    outs(@y : view<bf16, bd>, @s : state<bf16, 4 longer>)
    schedule(#halo.schedule<block_n = 256, block_l = 0, num_warps = 1, vector = 8, unroll = 1,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x init(@s)
  %f = halo.fir %x, @w
  halo.store %f, @y
  halo.store_state %x, @s
}
