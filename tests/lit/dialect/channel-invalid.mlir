// RUN: halo-opt %s -verify-diagnostics -split-input-file

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.channel' op operand 'q' is not declared}}
  %a = halo.channel @q
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.channel' op operand 'x' is a '!halo.view<bf16, bld>', expected a channel}}
  %a = halo.channel @x
}
