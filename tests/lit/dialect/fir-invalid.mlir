// RUN: halo-opt %s -verify-diagnostics -split-input-file

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.fir' op operand 'q' is not declared}}
  %f = halo.fir %x, @q
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.fir' op operand 'x' is a '!halo.view<bf16, bld>', expected a taps}}
  %f = halo.fir %x, @x
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.fir' op operand has 3 streams: say how they are laid out}}
  %f = halo.fir %x, @p
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.fir' op stream 3 of operand 'p', which has 3}}
  %f = halo.fir %x, @p stream(3, interleave)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.fir' op stream -1 of operand 'p', which has 3}}
  %f = halo.fir %x, @p stream(-1, interleave)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.fir' op column_split heads -4 is less than 1}}
  %f = halo.fir %x, @p stream(0, column_split, -4)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.fir' op stream and streams go together}}
  %f = "halo.fir"(%x) <{weight = @p, stream = 1}> : (f32) -> f32
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>, @o : taps<bf16, 4>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.fir' op operand 'o' is an output, expected an input}}
  %f = halo.fir %x, @o
}
