// RUN: halo-opt %s -halo-lower-direct -verify-diagnostics -split-input-file

#step = #halo.schedule<block_n = 32, block_l = 0, num_warps = 4, vector = 1, unroll = 1,
                       stages = 1, min_blocks = 1, window = registers, align = 16>
// expected-error @+1 {{operand 'y' is bld, but bd views go with bd views alone}}
halo.kernel @k ins(@x : view<bf16, bd>) outs(@y : view<bf16, bld>) schedule(#step) {
  %x = halo.load @x
  halo.store %x, @y
}

// -----

#wide = #halo.schedule<block_n = 32, block_l = 0, num_warps = 4, vector = 1, unroll = 2,
                       stages = 1, min_blocks = 1, window = registers, align = 16>
// expected-error @+1 {{schedule: a step has vector 1 and unroll 1, got 1 and 2}}
halo.kernel @k ins(@x : view<bf16, bd>) outs(@y : view<bf16, bd>) schedule(#wide) {
  %x = halo.load @x
  halo.store %x, @y
}

// -----

#cores = #halo.schedule<block_n = 32, block_l = 0, num_warps = 4, vector = 1, unroll = 1, stages = 1,
                        min_blocks = 1, window = registers, align = 16, fir = toeplitz>
// expected-error @+1 {{schedule: fir=toeplitz needs layout bld, got bd}}
halo.kernel @k ins(@x : view<bf16, bd>) outs(@y : view<bf16, bd>) schedule(#cores) {
  %x = halo.load @x
  halo.store %x, @y
}

// -----

#many = #halo.schedule<block_n = 256, block_l = 0, num_warps = 4, vector = 1, unroll = 1,
                       stages = 1, min_blocks = 1, window = registers, align = 16>
// expected-error @+1 {{schedule: block_n 256 of a step is not a power of two of at most 128 threads}}
halo.kernel @k ins(@x : view<bf16, bd>) outs(@y : view<bf16, bd>) schedule(#many) {
  %x = halo.load @x
  halo.store %x, @y
}

// -----

#kept = #halo.schedule<block_n = 32, block_l = 0, num_warps = 1, vector = 1, unroll = 1, stages = 1,
                       min_blocks = 1, window = registers, align = 16>
// expected-error @+1 {{states that are kept go with views of bd or bdl, got bld}}
halo.kernel @k ins(@x : view<bf16, bld>, @s : state<bf16, 4 longer>)
    outs(@y : view<bf16, bld>, @s : state<bf16, 4 longer>) schedule(#kept) {
  %x = halo.load @x init(@s)
  halo.store %x, @y
  halo.store_state %x, @s
}

// -----

#long = #halo.schedule<block_n = 32, block_l = 4, num_warps = 1, vector = 1, unroll = 1, stages = 1,
                       min_blocks = 1, window = registers, align = 16>
// expected-error @+1 {{schedule: a kept state takes the whole sequence: block_l is 4, expected 0}}
halo.kernel @k ins(@x : view<bf16, bd>, @s : state<bf16, 4 longer>)
    outs(@y : view<bf16, bd>, @s : state<bf16, 4 longer>) schedule(#long) {
  %x = halo.load @x init(@s)
  halo.store %x, @y
  halo.store_state %x, @s
}

// -----

#wide = #halo.schedule<block_n = 1, block_l = 0, num_warps = 1, vector = 8, unroll = 2, stages = 1,
                       min_blocks = 1, window = registers, align = 16>
// expected-error @+1 {{schedule: views of bd have one position: with vector 8 unroll and stages are 1 and window=registers, got unroll 2, stages 1}}
halo.kernel @k ins(@x : view<bf16, bd>, @s : state<bf16, 4 longer>)
    outs(@y : view<bf16, bd>, @s : state<bf16, 4 longer>) schedule(#wide) {
  %x = halo.load @x init(@s)
  halo.store %x, @y
  halo.store_state %x, @s
}

// -----

#cores = #halo.schedule<block_n = 32, block_l = 0, num_warps = 1, vector = 1, unroll = 1, stages = 1,
                        min_blocks = 1, window = registers, align = 16, fir = toeplitz>
// expected-error @+1 {{schedule: fir=toeplitz has no states that are kept}}
halo.kernel @k ins(@x : view<bf16, bdl>, @s : state<bf16, 4 longer>)
    outs(@y : view<bf16, bdl>, @s : state<bf16, 4 longer>) schedule(#cores) {
  %x = halo.load @x init(@s)
  halo.store %x, @y
  halo.store_state %x, @s
}

// -----

#kept = #halo.schedule<block_n = 32, block_l = 0, num_warps = 1, vector = 1, unroll = 1, stages = 1,
                       min_blocks = 1, window = registers, align = 16>
halo.kernel @k ins(@x : view<bf16, bdl>, @s : state<bf16, 4 slots(@i)>, @i : indices<rows>)
    outs(@y : view<bf16, bdl>, @s : state<bf16, 4 slots(@i)>) schedule(#kept) {
  %x = halo.load @x
  %g = halo.silu %x
  %u = halo.resume %g, @s
  halo.store %u, @y
  // expected-error @+1 {{state 's' keeps the signals of a halo.load, this one is computed}}
  halo.store_state %u, @s
}

// -----

#kept = #halo.schedule<block_n = 32, block_l = 0, num_warps = 1, vector = 1, unroll = 1, stages = 1,
                       min_blocks = 1, window = registers, align = 16>
halo.kernel @k ins(@x : view<bf16, bdl>, @s : state<bf16, 4 longer>)
    outs(@y : view<bf16, bdl>, @s : state<bf16, 4 longer>) schedule(#kept) {
  %x = halo.load @x init(@s)
  // expected-error @+1 {{a kernel that keeps states has no 'halo.split_store'}}
  halo.split_store %x, [@y] widths([8])
  halo.store_state %x, @s
}

// -----

#step = #halo.schedule<block_n = 32, block_l = 0, num_warps = 4, vector = 1, unroll = 1,
                       stages = 1, min_blocks = 1, window = registers, align = 16>
halo.kernel @k ins(@x : view<bf16, bd>) outs(@y : view<bf16, bd>, @s : state<bf16, 4>)
    schedule(#step) {
  %x = halo.load @x
  halo.store %x, @y
  // expected-error @+1 {{a step stores a state that its signals were continued from: signal 0 of 's' is not}}
  halo.store_state %x, @s
}

// -----

#step = #halo.schedule<block_n = 32, block_l = 0, num_warps = 4, vector = 1, unroll = 1,
                       stages = 1, min_blocks = 1, window = registers, align = 16>
halo.kernel @k ins(@x : view<bf16, bd>) outs(@y : view<bf16, bd>) schedule(#step) {
  %x = halo.load @x
  // expected-error @+1 {{a step has no split_store}}
  halo.split_store %x, [@y] widths([8])
}
