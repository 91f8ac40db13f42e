// RUN: halo-opt %s -verify-diagnostics -split-input-file

// The ranges of a schedule. What a kernel makes of one is halo-lower-direct's to judge.
halo.kernel @k outs(@y : view<bf16, bld>)
    // expected-error @+1 {{schedule: num_warps 33 is not in 1..32}}
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 33, vector = 8,
                            unroll = 4, stages = 1, min_blocks = 1, window = registers,
                            align = 16>) {}

// -----

halo.kernel @k outs(@y : view<bf16, bld>)
    // expected-error @+1 {{schedule: num_warps 0 is not in 1..32}}
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 0, vector = 8,
                            unroll = 4, stages = 1, min_blocks = 1, window = registers,
                            align = 16>) {}

// -----

halo.kernel @k outs(@y : view<bf16, bld>)
    // expected-error @+1 {{schedule: vector 3 is not 1, 2, 4 or 8}}
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 3,
                            unroll = 4, stages = 1, min_blocks = 1, window = registers,
                            align = 16>) {}

// -----

halo.kernel @k outs(@y : view<bf16, bld>)
    // expected-error @+1 {{schedule: vector 16 is not 1, 2, 4 or 8}}
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 16,
                            unroll = 4, stages = 1, min_blocks = 1, window = registers,
                            align = 16>) {}

// -----

halo.kernel @k outs(@y : view<bf16, bld>)
    // expected-error @+1 {{schedule: block_n 0 must be at least 1 and block_l 64 at least 0}}
    schedule(#halo.schedule<block_n = 0, block_l = 64, num_warps = 4, vector = 8,
                            unroll = 4, stages = 1, min_blocks = 1, window = registers,
                            align = 16>) {}

// -----

halo.kernel @k outs(@y : view<bf16, bld>)
    // expected-error @+1 {{schedule: block_n 256 must be at least 1 and block_l -1 at least 0}}
    schedule(#halo.schedule<block_n = 256, block_l = -1, num_warps = 4, vector = 8,
                            unroll = 4, stages = 1, min_blocks = 1, window = registers,
                            align = 16>) {}

// -----

halo.kernel @k outs(@y : view<bf16, bld>)
    // expected-error @+1 {{schedule: unroll 65 is not in 1..64}}
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8,
                            unroll = 65, stages = 1, min_blocks = 1, window = registers,
                            align = 16>) {}

// -----

halo.kernel @k outs(@y : view<bf16, bld>)
    // expected-error @+1 {{schedule: stages 9 is not in 1..8}}
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8,
                            unroll = 4, stages = 9, min_blocks = 1, window = registers,
                            align = 16>) {}

// -----

halo.kernel @k outs(@y : view<bf16, bld>)
    // expected-error @+1 {{schedule: min_blocks 0 is not in 1..32}}
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8,
                            unroll = 4, stages = 1, min_blocks = 0, window = registers,
                            align = 16>) {}

// -----

halo.kernel @k outs(@y : view<bf16, bld>)
    // expected-error @+1 {{schedule: align 8 is not 1 or 16}}
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8,
                            unroll = 4, stages = 1, min_blocks = 1, window = registers,
                            align = 8>) {}

// -----

halo.kernel @k outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1,
                            // expected-error @+2 {{expected ::halo::ir::WindowKind to be one of: registers, shared}}
                            // expected-error @+1 {{failed to parse Halo_ScheduleAttr parameter 'window' which is to be a `::halo::ir::WindowKind`}}
                            window = cache, align = 16>) {}
