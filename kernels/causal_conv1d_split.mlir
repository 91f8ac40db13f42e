// Causal depthwise convolution whose channels go to several contiguous parts, q, k and v say, with
// an L2 norm per head where asked for: one launch instead of a convolution and copies.
halo.kernel @causal_conv1d_split
    params(K : int, group : int = 1, layout : enum<bdl, bld>,
           activation : enum<none, silu, sigmoid>, taps : enum<correlation, convolution>,
           split : parts, l2norm : heads, final_state : flag, T : type, W : type = T)
    ins(@x : view<T, layout>, @weight : taps<W, K, group>, @bias : optional channel<W>,
        @initial_state : optional state<T, K>, @cu_seqlens : optional indices<bounds>,
        @seq_idx : optional indices<positions>, @residual : optional view<T, layout>)
    outs(@parts : variadic view<T, bld>, @final_state : optional state<T, K>) {
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
  halo.split_store %y, [@parts] widths(split) heads(l2norm)
  halo.store_state %x, @final_state
}
