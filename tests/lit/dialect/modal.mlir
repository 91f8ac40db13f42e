// RUN: halo-opt %s | halo-opt | FileCheck %s

// A modal convolution, its states in and out under one name.
// CHECK-LABEL: halo.kernel @long params(S : int, states : flag, class : enum<accurate, fast>)
// CHECK-NEXT: ins(@x : view<bf16, bld>, @lp : modes<S>, @r : modes<S>, @m : optional modal_state<S>)
// CHECK-NEXT: outs(@y : view<bf16, bld>, @m : optional(states) modal_state<S>)
halo.kernel @long params(S : int, states : flag, class : enum<accurate, fast>)
    ins(@x : view<bf16, bld>, @lp : modes<S>, @r : modes<S>, @m : optional modal_state<S>)
    outs(@y : view<bf16, bld>, @m : optional(states) modal_state<S>) {
  // CHECK: %[[X:.*]] = halo.load @x
  %x = halo.load @x
  // CHECK: %[[A:.*]] = halo.modal %[[X]], @lp, @r init(@m){{$}}
  %a = halo.modal %x, @lp, @r init(@m)
  // CHECK: %[[B:.*]] = halo.modal %[[A]], @lp, @r {note}{{$}}
  %b = halo.modal %a, @lp, @r {note}
  // CHECK: halo.modal %[[A]], @lp, @r init(@m) precision(fast){{$}}
  %c = halo.modal %a, @lp, @r init(@m) precision(fast)
  // CHECK: halo.modal %[[A]], @lp, @r precision(class){{$}}
  %d = halo.modal %a, @lp, @r precision(class)
  halo.store %b, @y
  // CHECK: halo.store_state %[[A]], @m{{$}}
  halo.store_state %a, @m
}

// CHECK-LABEL: halo.kernel @filter
// CHECK-NEXT: ins(@lp : modes<16>, @r : modes<16>)
halo.kernel @filter ins(@lp : modes<16>, @r : modes<16>) outs(@y : view<f32, bdl>) {
  // CHECK: halo.modal_filter @lp, @r{{$}}
  %h = halo.modal_filter @lp, @r
  // CHECK: halo.modal_filter @lp, @r {note}{{$}}
  %g = halo.modal_filter @lp, @r {note}
  %s = arith.addf %h, %g : f32
  halo.store %s, @y
}
