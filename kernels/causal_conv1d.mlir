// Causal depthwise convolution: y = act(fir(x) + bias) + residual, with the states that continue
// a sequence from one call to the next.
halo.kernel @causal_conv1d
    params(K : int, group : int = 1, layout : enum<bdl, bld>,
           activation : enum<none, silu, sigmoid>, taps : enum<correlation, convolution>,
           final_state : flag, T : type, W : type = T)
    ins(@x : view<T, layout>, @weight : taps<W, K, group>, @bias : optional channel<W>,
        @initial_state : optional state<T, K>, @cu_seqlens : optional indices<bounds>,
        @seq_idx : optional indices<positions>, @residual : optional view<T, layout>)
    outs(@y : view<T, layout>, @final_state : optional state<T, K>) {
  %x = halo.load @x init(@initial_state) packed(@cu_seqlens, @seq_idx)
  %b = halo.channel @bias
  %f = halo.fir %x, @weight taps(taps)
  %fb = halo.fir %x, @weight taps(taps) plus(%b)
  %a = halo.choose bias {present = %fb, absent = %f}
  %silu = halo.silu %a
  %sigmoid = halo.sigmoid %a
  %s = halo.choose activation {none = %a, silu = %silu, sigmoid = %sigmoid}
  %r = halo.load @residual
  %sr = arith.addf %s, %r : f32
  %y = halo.choose residual {present = %sr, absent = %s}
  halo.store %y, @y
  halo.store_state %x, @final_state
}
