// RUN: halo-opt %s -halo-lower-direct="shared-limit=65536" -verify-diagnostics -split-input-file

// What a kernel that carries a recurrence may hold, and how it may be scheduled.
// expected-error @+1 {{schedule: a halo.modal needs window=registers, got shared}}
halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<16>, @r : modes<16>, @w : taps<bf16, 3>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 1, vector = 1, unroll = 8, stages = 1, min_blocks = 1, window = shared, align = 16>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}

// -----

// expected-error @+1 {{schedule: shared memory 65792 B exceeds the target's 65536 B}}
halo.kernel @k
    ins(@x : view<bf16, bdl>, @lp : modes<64>, @r : modes<64>, @w : taps<bf16, 3>)
    outs(@y : view<bf16, bdl>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 8, vector = 1, unroll = 8, stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}

// -----

// expected-error @+1 {{schedule: a halo.modal with fir=direct needs stages 1, got 2}}
halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<16>, @r : modes<16>, @w : taps<bf16, 3>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 64, block_l = 0, num_warps = 1, vector = 2, unroll = 8, stages = 2, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}

// -----

// expected-error @+1 {{schedule: fir=toeplitz needs bf16 samples: what the recurrence of 'lp' takes must be loaded or rounded as bf16}}
halo.kernel @k
    ins(@x : view<f16, bld>, @lp : modes<16>, @r : modes<16>)
    outs(@y : view<f16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 16, vector = 2, unroll = 8, stages = 2, min_blocks = 1, window = registers, align = 16, fir = toeplitz>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}

// -----

// expected-error @+1 {{schedule: fir=toeplitz holds at most 32 modes, 'lp' has 33}}
halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<33>, @r : modes<33>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 16, vector = 2, unroll = 8, stages = 2, min_blocks = 1, window = registers, align = 16, fir = toeplitz>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}

// -----

// expected-error @+1 {{schedule: fir=toeplitz takes one halo.modal and no long FIR beside it, that of 'lp' comes second}}
halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<16>, @r : modes<16>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 16, vector = 2, unroll = 8, stages = 2, min_blocks = 1, window = registers, align = 16, fir = toeplitz>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  %d = halo.modal %x, @lp, @r
  %s = arith.addf %c, %d : f32
  halo.store %s, @y
}

// -----

// expected-error @+1 {{schedule: fir=toeplitz cannot share pairs of 16 channels among 16 warps}}
halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<16>, @r : modes<16>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 16, block_l = 0, num_warps = 16, vector = 2, unroll = 4, stages = 2, min_blocks = 1, window = registers, align = 16, fir = toeplitz>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}

// -----

// expected-error @+1 {{schedule: fir=toeplitz needs 128 to 512 positions per step for a halo.modal, got 64}}
halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<16>, @r : modes<16>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 16, vector = 2, unroll = 2, stages = 2, min_blocks = 1, window = registers, align = 16, fir = toeplitz>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}

// -----

// expected-error @+1 {{schedule: a halo.modal walks the whole sequence: block_l is 64, expected 0}}
halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<16>, @r : modes<16>, @w : taps<bf16, 3>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 64, num_warps = 1, vector = 1, unroll = 8, stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<129>, @r : modes<129>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 1, vector = 1, unroll = 8, stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  // expected-error @+1 {{operand 'lp' has 129 modes, more than the 128 that a thread can hold}}
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<16>, @r : modes<16>, @w : taps<bf16, 3>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 1, vector = 1, unroll = 8, stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  // expected-error @+1 {{a FIR reads 2 positions back from what depends on this recurrence, which keeps 0}}
  %c = halo.modal %x, @lp, @r
  %s = halo.silu %c
  %f = halo.fir %s, @w
  halo.store %f, @y
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<16>, @r : modes<16>, @w : taps<bf16, 3>)
    outs(@y : view<bf16, bld>, @s : state<bf16, 3>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 1, vector = 1, unroll = 8, stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  %s = halo.silu %c
  halo.store %s, @y
  // expected-error @+1 {{state 's' holds samples of what depends on a halo.modal, which keeps 0}}
  halo.store_state %s, @s
}

// -----

// expected-error @+1 {{operand 'h' is dl, but dl views go with dl views alone}}
halo.kernel @k
    ins(@x : view<f32, bdl>)
    outs(@y : view<f32, bdl>, @h : view<f32, dl>)
    schedule(#halo.schedule<block_n = 1, block_l = 0, num_warps = 1, vector = 1, unroll = 1, stages = 1, min_blocks = 1, window = registers, align = 1>) {
  %x = halo.load @x
  halo.store %x, @y
  halo.store %x, @h
}

// -----

// expected-error @+1 {{schedule: cluster 2 needs fir=toeplitz of a halo.modal, else cluster 1}}
halo.kernel @k
    ins(@x : view<bf16, bld>, @lp : modes<16>, @r : modes<16>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 1, vector = 1, unroll = 8, stages = 1, min_blocks = 1, window = registers, align = 16, fir = direct, cluster = 2>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
}

// -----

// expected-error @+1 {{schedule: fir=toeplitz takes cluster 1 for long FIRs, got cluster 2}}
halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 128, 16>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 64, block_l = 0, num_warps = 4, vector = 4, unroll = 8, stages = 2, min_blocks = 1, window = registers, align = 16, fir = toeplitz, cluster = 2>) {
  %x = halo.load @x
  %c = halo.fir %x, @w
  halo.store %c, @y
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>)
    outs(@y : view<bf16, bld>)
    // expected-error @+1 {{schedule: cluster 9 is not in 1..8}}
    schedule(#halo.schedule<block_n = 64, block_l = 0, num_warps = 4, vector = 4, unroll = 8, stages = 2, min_blocks = 1, window = registers, align = 16, fir = toeplitz, cluster = 9>) {
  %x = halo.load @x
  halo.store %x, @y
}
