// RUN: not halo-opt %s -halo-lower-direct="shared-limit=4096" 2>&1 | FileCheck %s
// RUN: halo-opt %s -halo-lower-direct="shared-limit=101376" -o /dev/null

// The same schedule fits one target and not the other.
// CHECK: error: schedule: shared memory {{[0-9]+}} B exceeds the target's 4096 B{{$}}
halo.kernel @k ins(@x : view<bf16, bld>, @w : taps<bf16, 64>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 4, vector = 1, unroll = 4,
                            stages = 1, min_blocks = 1, window = shared, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}
