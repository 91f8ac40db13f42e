// RUN: halo-opt %s -verify-diagnostics -split-input-file

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.load' op operand 'q' is not declared}}
  %a = halo.load @q
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.load' op operand 'w' is a '!halo.taps<bf16, 4>', expected a view}}
  %a = halo.load @w
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.load' op operand 'y' is an output, expected an input}}
  %a = halo.load @y
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.load' op operand 'z' has 3 streams, but the load yields 2}}
  %a:2 = halo.load @z streams(split)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.load' op operand has 3 streams: say how they are laid out}}
  %a:3 = halo.load @z
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.load' op column_split heads 0 is less than 1}}
  %a:3 = halo.load @z streams(column_split, 0)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.load' op operand 'q' is not declared}}
  %a = halo.load @x init(@q)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.load' op operand 'b' is a '!halo.channel<bf16>', expected a state}}
  %a = halo.load @x init(@b)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.load' op operand 's' is an output, expected an input}}
  %a = halo.load @x init(@s)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : taps<bf16, 4>,
        @p : taps<bf16, 3, 1, 3>, @b : channel<bf16>, @h : state<bf16, 4>,
        @h3 : state<bf16, 4, 3>)
    outs(@y : view<bf16, bld>, @y3 : view<bf16, bld, 3>, @s : state<bf16, 4>,
         @s3 : state<bf16, 4, 3>) {
  // expected-error @+1 {{'halo.load' op state 'h3' has 3 streams, but the view has 1}}
  %a = halo.load @x init(@h3)
}

// -----

halo.kernel @k ins(@x : view<bf16, bld>, @h : state<bf16, 4>) outs(@y : view<bf16, bld>) {
  // expected-error @+1 {{'halo.load' op operand 'h' is a '!halo.state<bf16, 4>', expected a indices}}
  %a = halo.load @x packed(@h)
}

// -----

halo.kernel @k ins(@x : view<bf16, bld>, @rows : indices<rows>) outs(@y : view<bf16, bld>) {
  // expected-error @+1 {{'halo.load' op operand 'rows' has a number per row, expected bounds or positions}}
  %a = halo.load @x packed(@rows)
}

// -----

halo.kernel @k ins(@x : view<bf16, bld>) outs(@y : view<bf16, bld>) {
  // expected-error @+1 {{'halo.load' op operand 'ends' is not declared}}
  %a = halo.load @x packed(@ends)
}
