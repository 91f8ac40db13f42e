// Back-to-back causal convolution: y = p0 * (fir(g) + skip * g) of g = p1 * p2, where p = fir(x)
// and p0, p1, p2 are its channels 0::3, 1::3 and 2::3. The states continue a sequence.
halo.kernel @b2b_causal_conv1d
    params(K : int, Kp : int = 3, group : int = 1, layout : enum<bdl, bld>, states : flag,
           precision : enum<accurate, fast>, T : type, W : type = T)
    ins(@x : view<T, layout, 3>, @w_proj : taps<W, Kp, 1, 3>, @w_mixer : taps<W, K, group>,
        @skip : optional channel<W>, @proj_state : optional state<T, Kp, 3>,
        @fir_state : optional state<T, K>, @cu_seqlens : optional indices<bounds>)
    outs(@y : view<T, layout>, @proj_state : optional(states) state<T, Kp, 3>,
         @fir_state : optional(states) state<T, K>) {
  %z0, %z1, %z2 = halo.load @x streams(interleave) init(@proj_state) packed(@cu_seqlens)
  %f0 = halo.fir %z0, @w_proj stream(0, interleave)
  %f1 = halo.fir %z1, @w_proj stream(1, interleave)
  %f2 = halo.fir %z2, @w_proj stream(2, interleave)
  %p0 = halo.round %f0 to T
  %p1 = halo.round %f1 to T
  %p2 = halo.round %f2 to T
  %m = arith.mulf %p1, %p2 : f32
  %gated = halo.round %m to T
  %g = halo.resume %gated, @fir_state
  %s = halo.fir %g, @w_mixer precision(precision)
  %skip = halo.channel @skip
  %skipped = math.fma %skip, %g, %s : f32
  %sum = halo.choose skip {present = %skipped, absent = %s}
  %f = halo.round %sum to T
  %y = arith.mulf %p0, %f : f32
  halo.store %y, @y
  halo.store_state %z0, %z1, %z2, @proj_state streams(interleave)
  halo.store_state %g, @fir_state
}
