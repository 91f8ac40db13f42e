// RUN: halo-opt %s -halo-lower-direct -verify-diagnostics -split-input-file

// expected-error @+1 {{schedule: the kernel has none}}
halo.kernel @k ins(@x : view<bf16, bld>) outs(@y : view<bf16, bld>) {
  %x = halo.load @x
  halo.store %x, @y
}

// -----

// expected-error @+1 {{kernel 'k' has no view: nothing says its layout}}
halo.kernel @k outs(@s : state<bf16, 4>)
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %c = arith.constant 1.0 : f32
  halo.store_state %c, @s
}

// -----

// expected-error @+1 {{schedule: vector 8 needs align 16, got align 1}}
halo.kernel @k ins(@x : view<bf16, bld>, @w : taps<bf16, 4>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 1>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

// expected-error @+1 {{schedule: vector 8 of 4-byte elements is 32 bytes, more than an access of 16}}
halo.kernel @k ins(@x : view<f32, bld>, @w : taps<f32, 4>) outs(@y : view<f32, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

// expected-error @+1 {{schedule: block_n 200 is not a power of two times vector 8}}
halo.kernel @k ins(@x : view<bf16, bld>, @w : taps<bf16, 4>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 200, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

// expected-error @+1 {{schedule: block_n 3 is not a power of two times vector 1}}
halo.kernel @k ins(@x : view<bf16, bdl>, @w : taps<bf16, 4>) outs(@y : view<bf16, bdl>)
    schedule(#halo.schedule<block_n = 3, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

// expected-error @+1 {{schedule: block_n 2048 needs 256 threads across channels, which does not divide the block's 128}}
halo.kernel @k ins(@x : view<bf16, bld>, @w : taps<bf16, 4>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 2048, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

// expected-error @+1 {{schedule: block_n 64 needs 64 threads across channels, which does not divide the block's 96}}
halo.kernel @k ins(@x : view<bf16, bdl>, @w : taps<bf16, 4>) outs(@y : view<bf16, bdl>)
    schedule(#halo.schedule<block_n = 64, block_l = 64, num_warps = 3, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

// expected-error @+1 {{schedule: block_l 63 is not a multiple of the block's step of 16 positions}}
halo.kernel @k ins(@x : view<bf16, bld>, @w : taps<bf16, 4>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 63, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

// expected-error @+1 {{schedule: block_l 64 is not a multiple of the block's step of 1024 positions}}
halo.kernel @k ins(@x : view<bf16, bdl>, @w : taps<bf16, 4>) outs(@y : view<bf16, bdl>)
    schedule(#halo.schedule<block_n = 1, block_l = 64, num_warps = 4, vector = 8, unroll = 1,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

// expected-error @+1 {{schedule: stages 2 needs accesses of 4 bytes, vector 1 gives 2}}
halo.kernel @k ins(@x : view<bf16, bdl>, @w : taps<bf16, 4>) outs(@y : view<bf16, bdl>)
    schedule(#halo.schedule<block_n = 1, block_l = 0, num_warps = 4, vector = 1, unroll = 4,
                            stages = 2, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

// expected-error @+1 {{schedule: stages 2 needs window=registers, else 1}}
halo.kernel @k ins(@x : view<bf16, bld>, @w : taps<bf16, 4>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 4, vector = 8, unroll = 4,
                            stages = 2, min_blocks = 1, window = shared, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

// expected-error @+1 {{schedule: block_n 64 is less than head 128}}
halo.kernel @k ins(@x : view<bf16, bld>) outs(@q : view<bf16, bld>, @v : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 64, block_l = 64, num_warps = 1, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  halo.split_store %x, [@q, @v] widths([128, 128]) heads([128, 0])
}

// -----

// expected-error @+1 {{schedule: vector 8 does not divide part width 100}}
halo.kernel @k ins(@x : view<bf16, bld>) outs(@q : view<bf16, bld>, @v : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  halo.split_store %x, [@q, @v] widths([100, 28])
}

// -----

// expected-error @+1 {{schedule: vector 8 does not divide head 50}}
halo.kernel @k ins(@x : view<bf16, bld>) outs(@q : view<bf16, bld>, @v : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  halo.split_store %x, [@q, @v] widths([200, 56]) heads([50, 0])
}

// -----

// expected-error @+1 {{schedule: window=registers unrolls at most 64 taps, 'w' has 65}}
halo.kernel @k ins(@x : view<bf16, bld>, @w : taps<bf16, 65>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

// expected-error @+1 {{schedule: shared memory 294656 B exceeds the target's 232448 B}}
halo.kernel @k ins(@x : view<bf16, bld>, @w : taps<bf16, 64>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 64, block_l = 0, num_warps = 32, vector = 1, unroll = 64,
                            stages = 1, min_blocks = 1, window = shared, align = 16>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

halo.kernel @k ins(@x : view<bf16, bld>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  // expected-error @+1 {{'math.sin' cannot be lowered in a kernel: expected halo ops, elementwise arith ops, or one of 14 math ops (see dialect/README.md)}}
  %s = math.sin %x : f32
  halo.store %s, @y
}

// -----

halo.kernel @k ins(@x : view<bf16, bld>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  // expected-error @+1 {{'arith.remf' cannot be lowered in a kernel: expected halo ops, elementwise arith ops, or one of 14 math ops (see dialect/README.md)}}
  %s = arith.remf %x, %x : f32
  halo.store %s, @y
}

// -----

halo.kernel @k ins(@x : view<bf16, bld>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  // expected-error @+1 {{'vector.print' cannot be lowered in a kernel: expected halo ops, elementwise arith ops, or one of 14 math ops (see dialect/README.md)}}
  vector.print str "x"
  %x = halo.load @x
  halo.store %x, @y
}

// -----

// expected-error @+1 {{schedule: fir=toeplitz takes no packed sequences, got operand 'ends'}}
halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 32, 16>, @ends : indices<bounds>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 64, block_l = 0, num_warps = 4, vector = 4, unroll = 8,
                            stages = 2, min_blocks = 1, window = registers, align = 16,
                            fir = toeplitz>) {
  %x = halo.load @x packed(@ends)
  %f = halo.fir %x, @w
  halo.store %f, @y
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @z : view<bf16, bld>, @ends : indices<bounds>,
        @numbers : indices<positions>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x packed(@ends)
  // expected-error @+1 {{view 'z' is packed by 'numbers', another by 'ends', expected one}}
  %z = halo.load @z packed(@numbers)
  %s = arith.addf %x, %z : f32
  halo.store %s, @y
}

// -----

halo.kernel @k ins(@x : view<bf16, dl>, @ends : indices<bounds>) outs(@y : view<bf16, dl>)
    schedule(#halo.schedule<block_n = 4, block_l = 0, num_warps = 4, vector = 8, unroll = 1,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  // expected-error @+1 {{view 'x' is dl, packed sequences go with bdl and bld}}
  %x = halo.load @x packed(@ends)
  halo.store %x, @y
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<4>, @r : modes<4>, @numbers : indices<positions>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 8, vector = 1, unroll = 8,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x packed(@numbers)
  // expected-error @+1 {{a halo.modal takes packed sequences by bounds, got a number per position in operand 'numbers'}}
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}

// -----

// expected-error @+1 {{schedule: packed sequences of a halo.modal in bdl need vector 1, got 8}}
halo.kernel @k
    ins(@x : view<bf16, bdl>, @lp : modes<4>, @r : modes<4>, @ends : indices<bounds>)
    outs(@y : view<bf16, bdl>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 8, vector = 8, unroll = 1,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x packed(@ends)
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}
