// RUN: halo-opt %s -verify-diagnostics -split-input-file

// What a type may hold. The law's labels stand in the messages.
// expected-error @+1 {{element type 'f64' is not f32, f16 or bf16}}
halo.kernel @k outs(@y : view<f64, bld>) {}

// -----

// expected-error @+1 {{streams 0 is less than 1}}
halo.kernel @k ins(@x : view<bf16, bld, 0>) outs(@y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{conv_c3: tap count 0 is less than 1}}
halo.kernel @k ins(@w : taps<bf16, 0>) outs(@y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{conv_c1: channels per filter 0 is less than 1}}
halo.kernel @k ins(@w : taps<bf16, 4, 0>) outs(@y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{streams -1 is less than 1}}
halo.kernel @k ins(@w : taps<bf16, 4, 1, -1>) outs(@y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{taps of 3 streams cannot share rows, got group 16}}
halo.kernel @k ins(@w : taps<bf16, 4, 16, 3>) outs(@y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{conv_c3: tap count -2 is less than 1}}
halo.kernel @k ins(@s : state<bf16, -2>) outs(@y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{streams 0 is less than 1}}
halo.kernel @k ins(@s : state<bf16, 4, 0>) outs(@y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{modes 0 is less than 1}}
halo.kernel @k ins(@p : modes<0>) outs(@y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{modes -4 is less than 1}}
halo.kernel @k ins(@m : modal_state<-4>) outs(@y : view<bf16, bld>) {}
