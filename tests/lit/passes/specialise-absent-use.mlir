// RUN: halo-opt %s -halo-specialise -verify-diagnostics -split-input-file

halo.kernel @k ins(@x : view<bf16, bld>, @bias : optional channel<bf16>)
    outs(@y : view<bf16, bld>) {
  %x = halo.load @x
  // expected-error @+1 {{operand 'bias' is absent here: guard its use with halo.choose}}
  %b = halo.channel @bias
  %s = arith.addf %x, %b : f32
  halo.store %s, @y
}

// -----

halo.kernel @k ins(@x : view<bf16, bld>, @gate : optional view<bf16, bld>)
    outs(@y : view<bf16, bld>) {
  %x = halo.load @x
  // expected-error @+1 {{operand 'gate' is absent here: guard its use with halo.choose}}
  %g = halo.load @gate
  %s = arith.mulf %x, %g : f32
  halo.store %s, @y
}

// -----

halo.kernel @k ins(@x : view<bf16, bld>, @w : optional taps<bf16, 4>)
    outs(@y : view<bf16, bld>) {
  %x = halo.load @x
  // expected-error @+1 {{operand 'w' is absent here: guard its use with halo.choose}}
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

// An order must name tap orders.
halo.kernel @k params(order : enum<forward, backward>)
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>) outs(@y : view<bf16, bld>) {
  %x = halo.load @x
  // expected-error @+1 {{parameter 'order' is not correlation or convolution}}
  %f = halo.fir %x, @w taps(order)
  halo.store %f, @y
}

// -----

// expected-error @+1 {{option 'order': 'mixed' is not interleave, split or column_split:H}}
halo.kernel @k params(order : enum<mixed, split>) ins(@z : view<bf16, bld, 2>)
    outs(@y : view<bf16, bld>) {
  %a, %b = halo.load @z streams(order)
  %s = arith.addf %a, %b : f32
  halo.store %s, @y
}

// -----

halo.kernel @k params(split : parts = "q:8") ins(@x : view<bf16, bld>)
    outs(@q : view<bf16, bld>, @v : view<bf16, bld>) {
  %x = halo.load @x
  // expected-error @+1 {{takes its widths from 'split' but names 2 operands, expected 1 variadic one}}
  halo.split_store %x, [@q, @v] widths(split)
}
