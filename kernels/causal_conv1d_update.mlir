// A few tokens of causal_conv1d in decoding, from a state that is updated in place: y [B, D] or [B, D, T]
// of x. conv_state [slots, D, N], N >= K - 1, holds the last N inputs of each row, newest last. With
// cache_seqlens it is a ring: row b's next input goes to cache_seqlens[b] mod N. With
// conv_state_indices row b has slot conv_state_indices[b]; -1 is padding: y is 0, no state is touched.
halo.kernel @causal_conv1d_update
    params(K : int, group : int = 1, layout : enum<bd, bdl>,
           activation : enum<none, silu, sigmoid>, T : type, W : type = T)
    ins(@x : view<T, layout>,
        @conv_state : state<T, K longer ring(@cache_seqlens) slots(@conv_state_indices)>,
        @weight : taps<W, K, group>, @bias : optional channel<W>,
        @cache_seqlens : optional indices<rows>, @conv_state_indices : optional indices<rows>)
    outs(@y : view<T, layout>,
         @conv_state : state<T, K longer ring(@cache_seqlens) slots(@conv_state_indices)>) {
  %x = halo.load @x init(@conv_state)
  %b = halo.channel @bias
  %f = halo.fir %x, @weight
  %fb = halo.fir %x, @weight plus(%b)
  %a = halo.choose bias {present = %fb, absent = %f}
  %silu = halo.silu %a
  %sigmoid = halo.sigmoid %a
  %y = halo.choose activation {none = %a, silu = %silu, sigmoid = %sigmoid}
  halo.store %y, @y
  halo.store_state %x, @conv_state
}
