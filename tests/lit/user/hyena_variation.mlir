// A Hyena operator of one's own: no featurizer, another gate, a bias, eleven taps, a state. And its
// step, which is the same body on [B, D] views.
// RUN: %halo compile %s --set K=11 --set layout=bld --set states=true --with past --arch sm_90 --emit ptx | FileCheck %s
// RUN: %halo compile %s --set K=11 --set layout=bdl --set group=16 --arch sm_90 --emit ptx | FileCheck %s
// RUN: sed 's/layout : enum<bdl, bld>, //; s/layout/bd/g; s/optional(states) state/state/; s/@past : optional/@past :/' %s > %t.mlir
// RUN: %halo compile %t.mlir --set K=11 --arch sm_90 --emit ptx | FileCheck %s

// CHECK: .visible .entry variation(
halo.kernel @variation
    params(K : int, group : int = 1, layout : enum<bdl, bld>, states : flag, T : type, W : type = T)
    ins(@z : view<T, layout, 2>, @filter : taps<W, K, group>, @bias : channel<W>,
        @past : optional state<T, K>)
    outs(@y : view<T, layout>, @past : optional(states) state<T, K>) {
  %gate, %value = halo.load @z streams(split)
  %r = halo.round %value to T
  %u = halo.resume %r, @past
  %b = halo.channel @bias
  %f = halo.fir %u, @filter taps(convolution) plus(%b)
  %s = halo.silu %gate
  %y = arith.mulf %s, %f : f32
  halo.store %y, @y
  halo.store_state %u, @past
}
