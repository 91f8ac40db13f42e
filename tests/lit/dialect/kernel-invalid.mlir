// RUN: halo-opt %s -verify-diagnostics -split-input-file

// The signature of a kernel.
// expected-error @+1 {{'halo.kernel' op declares no output}}
halo.kernel @k ins(@x : view<bf16, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op parameter 'K' is declared twice}}
halo.kernel @k params(K : int, K : int) outs(@y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 'y' is declared twice}}
halo.kernel @k outs(@y : view<bf16, bld>, @y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 'y' is an input and an output: only states may be both}}
halo.kernel @k ins(@y : view<bf16, bld>) outs(@y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op state 's' is read as '!halo.state<bf16, 4>' and written as '!halo.state<bf16, 5>'}}
halo.kernel @k ins(@s : state<bf16, 4>) outs(@s : state<bf16, 5>) {}

// -----

// expected-error @+1 {{'halo.kernel' op optional output 's' names 'more', which is not a flag parameter}}
halo.kernel @k params(more : int) outs(@s : optional(more) state<bf16, 4>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 's' names flag 'more', but inputs are present when they are given}}
halo.kernel @k params(more : flag) ins(@s : optional(more) state<bf16, 4>) outs(@y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op parameter 'layout': default 'dbl' is not one of its 2 values}}
halo.kernel @k params(layout : enum<bdl, bld> = dbl) outs(@y : view<bf16, layout>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 'x': only outputs are variadic}}
halo.kernel @k ins(@x : variadic view<bf16, bld>) outs(@y : view<bf16, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op optional output 's' needs a flag parameter of its name}}
halo.kernel @k outs(@y : view<bf16, bld>, @s : optional state<bf16, 4>) {}

// -----

// expected-error @+1 {{'halo.kernel' op optional output 's' needs a flag parameter of its name}}
halo.kernel @k params(s : int) outs(@y : view<bf16, bld>, @s : optional state<bf16, 4>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 'y' names parameter 'T', which is not declared}}
halo.kernel @k outs(@y : view<T, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 'y': parameter 'T' is of kind int, expected type}}
halo.kernel @k params(T : int) outs(@y : view<T, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 'y': parameter 'order' is of kind flag, expected enum}}
halo.kernel @k params(order : flag) outs(@y : view<f32, order>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 'w': parameter 'K' is of kind type, expected int}}
halo.kernel @k params(K : type) ins(@w : taps<f32, K>) outs(@y : view<f32, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 'b' names parameter 'W', which is not declared}}
halo.kernel @k ins(@b : channel<W>) outs(@y : view<f32, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 's' names parameter 'm', which is not declared}}
halo.kernel @k ins(@s : state<f32, 4, m>) outs(@y : view<f32, bld>) {}

// -----

// expected-error @+1 {{parameter 'K': unknown kind 'number', expected int, type, enum, flag, parts, heads or length}}
halo.kernel @k params(K : number) outs(@y : view<f32, bld>) {}

// -----

// expected-error @+1 {{operand 'y': unknown kind 'tensor', expected view, taps, channel, state, modes, modal_state or indices}}
halo.kernel @k outs(@y : tensor<f32, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 'y' has type 'f32', expected view, taps, channel, state, modes, modal_state or indices}}
"halo.kernel"() <{sym_name = "k", params = [],
    operand_decls = [#halo.operand<"y", f32, true, false, false>]}> ({
^bb0:
}) : () -> ()

// -----

// Signals live in kernels only.
%c = arith.constant 0.0 : f32
// expected-error @+1 {{'halo.silu' op expects parent op 'halo.kernel'}}
%s = halo.silu %c

// -----

// expected-error @+1 {{'halo.kernel' op operand 'p' names parameter 'S', which is not declared}}
halo.kernel @k ins(@p : modes<S>) outs(@y : view<f32, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 'm': parameter 'S' is of kind type, expected int}}
halo.kernel @k params(S : type) ins(@m : modal_state<S>) outs(@y : view<f32, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op state 'm' is read as '!halo.modal_state<4>' and written as '!halo.modal_state<8>'}}
halo.kernel @k ins(@m : modal_state<4>) outs(@y : view<f32, bld>, @m : modal_state<8>) {}

// -----

// expected-error @+2 {{expected ::halo::ir::IndexForm to be one of: rows, positions, bounds}}
// expected-error @+1 {{failed to parse Halo_IndicesType parameter 'form'}}
halo.kernel @k ins(@i : indices<columns>) outs(@y : view<f32, bld>) {}

// -----

// expected-error @+1 {{'halo.kernel' op operand 'i' is an output of indices: they are only read}}
halo.kernel @k outs(@y : view<f32, bld>, @i : indices<rows>) {}

// -----

halo.kernel @k ins(@i : indices<rows>) outs(@y : view<f32, bld>) {
  // expected-error @+1 {{'halo.channel' op operand 'i' is a '!halo.indices<rows>', expected a channel}}
  %c = halo.channel @i
}

// -----

// expected-error @+1 {{'halo.kernel' op state 's' is kept by 'i', which is not an input of indices<rows>}}
halo.kernel @k ins(@s : state<f32, 4 ring(@i)>, @i : indices<positions>)
    outs(@y : view<f32, bdl>, @s : state<f32, 4 ring(@i)>) {}

// -----

// expected-error @+1 {{'halo.kernel' op state 's' is kept by 'y', which is not an input of indices<rows>}}
halo.kernel @k ins(@s : state<f32, 4 slots(@y)>)
    outs(@y : view<f32, bdl>, @s : state<f32, 4 slots(@y)>) {}

// -----

// expected-error @+1 {{'halo.kernel' op update_c2: state 's' is updated in place, but it is no output}}
halo.kernel @k ins(@s : state<f32, 4 longer>) outs(@y : view<f32, bdl>) {}

// -----

// expected-error @+1 {{'halo.kernel' op update_c2: state 's' is updated in place, but it is no input}}
halo.kernel @k ins(@i : indices<rows>)
    outs(@y : view<f32, bdl>, @s : state<f32, 4 ring(@i)>) {}
