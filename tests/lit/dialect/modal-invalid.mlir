// RUN: halo-opt %s -verify-diagnostics -split-input-file

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.modal' op operand 'q' is not declared}}
  %c = halo.modal %x, @q, @r
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.modal' op operand 'w' is a '!halo.taps<bf16, 4>', expected a modes}}
  %c = halo.modal %x, @w, @r
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.modal' op operand 'w' is a '!halo.taps<bf16, 4>', expected a modes}}
  %c = halo.modal %x, @lp, @w
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.modal' op operand 'r8' has 8 modes, but 'lp' has 16}}
  %c = halo.modal %x, @lp, @r8
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.modal' op operand 'h' is a '!halo.state<bf16, 4>', expected a modal_state}}
  %c = halo.modal %x, @lp, @r init(@h)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.modal' op operand 'o' is an output, expected an input}}
  %c = halo.modal %x, @lp, @r init(@o)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.modal' op state 'm8' has 8 modes, but 'lp' has 16}}
  %c = halo.modal %x, @lp, @r init(@m8)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.modal_filter' op operand 'q' is not declared}}
  %c = halo.modal_filter @q, @r
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.modal_filter' op operand 'r8' has 8 modes, but 'lp' has 16}}
  %c = halo.modal_filter @lp, @r8
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  // expected-error @+1 {{'halo.store_state' op stores 1 signals to modal state 'm', expected the result of 1 halo.modal}}
  halo.store_state %x, @m
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  // expected-error @+1 {{'halo.store_state' op stores 2 signals to modal state 'm', expected the result of 1 halo.modal}}
  halo.store_state %c, %c, @m
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  // expected-error @+1 {{'halo.store_state' op modal state 'm' has no streams}}
  halo.store_state %c, @m streams(split)
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  // expected-error @+1 {{'halo.store_state' op state 'm8' has 8 modes, but 'lp' has 16}}
  halo.store_state %c, @m8
}

// -----

halo.kernel @k
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @lp : modes<16>, @r : modes<16>, @r8 : modes<8>,
        @m : modal_state<16>, @m8 : modal_state<8>, @h : state<bf16, 4>)
    outs(@y : view<bf16, bld>, @m : modal_state<16>, @m8 : modal_state<8>, @s : state<bf16, 4>,
         @o : modal_state<16>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  // expected-error @+1 {{'halo.store_state' op operand 'lp' is a '!halo.modes<16>', expected a state}}
  halo.store_state %c, @lp
}
