// Hyena short operator: y = x2 * fir(x1 * v), where x2, x1 and v are the three streams of z after a
// short featurizer. The states continue a sequence in a later prefill or in hcs_step.
halo.kernel @hcs
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
  %s = halo.fir %u, @filter
  %f = halo.round %s to T
  %skip = halo.channel @skip
  %added = arith.addf %f, %skip : f32
  %skipped = halo.round %added to T
  %o = halo.choose skip {present = %skipped, absent = %f}
  %y = arith.mulf %x2, %o : f32
  halo.store %y, @y
  halo.store_state %z2, %z1, %zv, @proj_state streams(streams)
  halo.store_state %u, @fir_state
}
