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
// expected-error @+1 {{schedule: a step has vector 1, unroll 1 and stages 1, got 1, 2 and 1}}
halo.kernel @k ins(@x : view<bf16, bd>) outs(@y : view<bf16, bd>) schedule(#wide) {
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

#long = #halo.schedule<block_n = 32, block_l = 4, num_warps = 4, vector = 1, unroll = 1,
                       stages = 1, min_blocks = 1, window = registers, align = 16>
// expected-error @+1 {{schedule: block_l 4 of a step is not 1}}
halo.kernel @k ins(@x : view<bf16, bd>) outs(@y : view<bf16, bd>) schedule(#long) {
  %x = halo.load @x
  halo.store %x, @y
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
