// RUN: halo-opt %s -verify-diagnostics -split-input-file

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.store_state' op operand 'q' is not declared}}
  halo.store_state %x, @q
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.store_state' op operand 'y' is a '!halo.view<bf16, bld>', expected a state}}
  halo.store_state %x, @y
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.store_state' op operand 'h' is an input, expected an output}}
  halo.store_state %x, @h
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.store_state' op stores 0 signals, expected at least 1}}
  halo.store_state @s
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.store_state' op stores 2 signals to 's', which has 1 streams}}
  halo.store_state %x, %x, @s
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.store_state' op stores 1 signals to 's3', which has 3 streams}}
  halo.store_state %x, @s3 streams(split)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.store_state' op operand has 3 streams: say how they are laid out}}
  halo.store_state %x, %x, %x, @s3
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.store_state' op column_split heads 0 is less than 1}}
  halo.store_state %x, %x, %x, @s3 streams(column_split, 0)
}
