// RUN: halo-opt %s -verify-diagnostics -split-input-file

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.store' op operand 'q' is not declared}}
  halo.store %x, @q
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.store' op operand 's' is a '!halo.state<bf16, 4>', expected a view}}
  halo.store %x, @s
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.store' op operand 'x' is an input, expected an output}}
  halo.store %x, @x
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.store' op operand 'y3' has 3 streams, expected 1}}
  halo.store %x, @y3
}
