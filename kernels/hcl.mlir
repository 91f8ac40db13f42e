// The Hyena long operator: y = x2 * (conv(u, h) + skip * u) with u = x1 * v, where x2, x1 and v are
// the streams of z after a short FIR, and h[d, k] = sum over s of R[d, s] * exp(lp[d, s] * k) is as
// long as the sequence and never stored.
halo.kernel @hcl
    params(S : int, Kp : int = 3, layout : enum<bdl, bld>,
           streams : enum<interleave, split, column_split>, T : type, W : type = T)
    ins(@z : view<T, layout, 3>, @proj_weight : taps<W, Kp, 1, 3>, @log_poles : modes<S>,
        @residues : modes<S>, @skip : optional channel<W>, @modal_state : optional modal_state<S>)
    outs(@y : view<T, layout>) {
  %z2, %z1, %zv = halo.load @z streams(streams)
  %f2 = halo.fir %z2, @proj_weight stream(0, streams)
  %f1 = halo.fir %z1, @proj_weight stream(1, streams)
  %fv = halo.fir %zv, @proj_weight stream(2, streams)
  %x2 = halo.round %f2 to T
  %x1 = halo.round %f1 to T
  %v = halo.round %fv to T
  %g = arith.mulf %x1, %v : f32
  %u = halo.round %g to T
  %c = halo.modal %u, @log_poles, @residues init(@modal_state)
  %r = halo.round %c to T
  %skip = halo.channel @skip
  %s = math.fma %skip, %u, %r : f32
  %sr = halo.round %s to T
  %f = halo.choose skip {present = %sr, absent = %r}
  %y = arith.mulf %x2, %f : f32
  halo.store %y, @y
}
