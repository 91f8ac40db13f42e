// Two convolutions of one input, one of which gates the other: y = silu(fir(x, gate)) * fir(x, value) + x.
halo.kernel @gated_pair
    params(K : int, G : int, layout : enum<bdl, bld>, T : type, W : type = T)
    ins(@x : view<T, layout>, @value : taps<W, K>, @gate : taps<W, G>)
    outs(@y : view<T, layout>) {
  %x = halo.load @x
  %v = halo.fir %x, @value
  %g = halo.fir %x, @gate
  %s = halo.silu %g
  %sv = arith.mulf %s, %v : f32
  %y = arith.addf %sv, %x : f32
  halo.store %y, @y
}
