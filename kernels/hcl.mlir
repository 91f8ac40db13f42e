// Hyena long operator: y = x2 * (conv(u, h) + skip * u) of u = x1 * v, where x2, x1 and v are the three
// streams of z after a short featurizer. The filter, h[k] = sum over s of residues * exp(log_poles * k),
// is as long as the sequence and never stored: what is carried along is modal_state.
halo.kernel @hcl
    params(S : int, Kp : int = 3, layout : enum<bdl, bld>,
           streams : enum<interleave, split, column_split>, states : flag,
           precision : enum<accurate, fast>, T : type, W : type = T)
    ins(@z : view<T, layout, 3>, @proj_weight : taps<W, Kp, 1, 3>, @log_poles : modes<S>,
        @residues : modes<S>, @skip : optional channel<W>, @proj_state : optional state<T, Kp, 3>,
        @modal_state : optional modal_state<S>, @cu_seqlens : optional indices<bounds>)
    outs(@y : view<T, layout>, @proj_state : optional(states) state<T, Kp, 3>,
         @modal_state : optional(states) modal_state<S>) {
  %z2, %z1, %zv = halo.load @z streams(streams) init(@proj_state) packed(@cu_seqlens)
  %p2 = halo.fir %z2, @proj_weight stream(0, streams)
  %p1 = halo.fir %z1, @proj_weight stream(1, streams)
  %pv = halo.fir %zv, @proj_weight stream(2, streams)
  %x2 = halo.round %p2 to T
  %x1 = halo.round %p1 to T
  %v = halo.round %pv to T
  %g = arith.mulf %x1, %v : f32
  %u = halo.round %g to T
  %c = halo.modal %u, @log_poles, @residues init(@modal_state) precision(precision)
  %r = halo.round %c to T
  %skip = halo.channel @skip
  %added = math.fma %skip, %u, %r : f32
  %skipped = halo.round %added to T
  %f = halo.choose skip {present = %skipped, absent = %r}
  %y = arith.mulf %x2, %f : f32
  halo.store %y, @y
  halo.store_state %z2, %z1, %zv, @proj_state streams(streams)
  halo.store_state %c, @modal_state
}
