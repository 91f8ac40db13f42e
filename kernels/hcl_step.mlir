// One token of hcl from its states, in one launch: y [B, D] of z [B, 3D]. The states may be updated in
// place.
halo.kernel @hcl_step
    params(S : int, Kp : int = 3, streams : enum<interleave, split, column_split>, T : type,
           W : type = T)
    ins(@z : view<T, bd, 3>, @proj_weight : taps<W, Kp, 1, 3>, @log_poles : modes<S>,
        @residues : modes<S>, @skip : optional channel<W>, @proj_state : state<T, Kp, 3>,
        @modal_state : modal_state<S>)
    outs(@y : view<T, bd>, @proj_state : state<T, Kp, 3>, @modal_state : modal_state<S>) {
  %z2, %z1, %zv = halo.load @z streams(streams) init(@proj_state)
  %p2 = halo.fir %z2, @proj_weight stream(0, streams)
  %p1 = halo.fir %z1, @proj_weight stream(1, streams)
  %pv = halo.fir %zv, @proj_weight stream(2, streams)
  %x2 = halo.round %p2 to T
  %x1 = halo.round %p1 to T
  %v = halo.round %pv to T
  %g = arith.mulf %x1, %v : f32
  %u = halo.round %g to T
  %c = halo.modal %u, @log_poles, @residues init(@modal_state)
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
