// Hyena medium operator: y = x2 * (fir(u) + skip * u) of u = x1 * v, where x2, x1 and v are the
// three streams of z after a short featurizer. Unlike hcs, filter[0] meets the current sample.
halo.kernel @hcm
    params(K : int, Kp : int = 3, group : int = 1, layout : enum<bdl, bld>,
           streams : enum<interleave, split, column_split>, states : flag,
           precision : enum<accurate, fast>, T : type, W : type = T)
    ins(@z : view<T, layout, 3>, @proj_weight : taps<W, Kp, 1, 3>, @filter : taps<W, K, group>,
        @skip : optional channel<W>, @proj_state : optional state<T, Kp, 3>,
        @fir_state : optional state<T, K>, @cu_seqlens : optional indices<bounds>)
    outs(@y : view<T, layout>, @proj_state : optional(states) state<T, Kp, 3>,
         @fir_state : optional(states) state<T, K>) {
  %z2, %z1, %zv = halo.load @z streams(streams) init(@proj_state) packed(@cu_seqlens)
  %p2 = halo.fir %z2, @proj_weight stream(0, streams)
  %p1 = halo.fir %z1, @proj_weight stream(1, streams)
  %pv = halo.fir %zv, @proj_weight stream(2, streams)
  %x2 = halo.round %p2 to T
  %x1 = halo.round %p1 to T
  %v = halo.round %pv to T
  %g = arith.mulf %x1, %v : f32
  %gated = halo.round %g to T
  %u = halo.resume %gated, @fir_state
  %s = halo.fir %u, @filter taps(convolution) precision(precision)
  %skip = halo.channel @skip
  %skipped = math.fma %skip, %u, %s : f32
  %sum = halo.choose skip {present = %skipped, absent = %s}
  %f = halo.round %sum to T
  %y = arith.mulf %x2, %f : f32
  halo.store %y, @y
  halo.store_state %z2, %z1, %zv, @proj_state streams(streams)
  halo.store_state %u, @fir_state
}
