// One token of hcm from its states, in one launch: y [B, D] of z [B, 3D]. The states may be updated
// in place. With fir_position, fir_state is a ring: of its rows the newest sample alone is written, at
// fir_position[b] mod (K - 1), and who launches adds 1 to fir_position. A prefill's is the ring of 0.
halo.kernel @hcm_step
    params(K : int, Kp : int = 3, group : int = 1,
           streams : enum<interleave, split, column_split>, T : type, W : type = T)
    ins(@z : view<T, bd, 3>, @proj_weight : taps<W, Kp, 1, 3>, @filter : taps<W, K, group>,
        @skip : optional channel<W>, @proj_state : state<T, Kp, 3>,
        @fir_state : state<T, K ring(@fir_position)>,
        @fir_position : optional indices<rows>)
    outs(@y : view<T, bd>, @proj_state : state<T, Kp, 3>,
         @fir_state : state<T, K ring(@fir_position)>) {
  %z2, %z1, %zv = halo.load @z streams(streams) init(@proj_state)
  %p2 = halo.fir %z2, @proj_weight stream(0, streams)
  %p1 = halo.fir %z1, @proj_weight stream(1, streams)
  %pv = halo.fir %zv, @proj_weight stream(2, streams)
  %x2 = halo.round %p2 to T
  %x1 = halo.round %p1 to T
  %v = halo.round %pv to T
  %g = arith.mulf %x1, %v : f32
  %gated = halo.round %g to T
  %u = halo.resume %gated, @fir_state
  %s = halo.fir %u, @filter taps(convolution)
  %skip = halo.channel @skip
  %skipped = math.fma %skip, %u, %s : f32
  %sum = halo.choose skip {present = %skipped, absent = %s}
  %f = halo.round %sum to T
  %y = arith.mulf %x2, %f : f32
  halo.store %y, @y
  halo.store_state %z2, %z1, %zv, @proj_state streams(streams)
  halo.store_state %u, @fir_state
}
