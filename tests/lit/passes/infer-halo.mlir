// RUN: halo-opt %s -halo-infer-halo | FileCheck %s

// The worked table of compiler/HaloInference.h: y = silu(fir7(u) * g), u = fir3(x) * fir3(g0),
// g = fir3(g1).
// CHECK-LABEL: halo.kernel @table
halo.kernel @table
    ins(@x : view<bf16, bld>, @g0 : view<bf16, bld>, @g1 : view<bf16, bld>,
        @w3 : taps<bf16, 3>, @w7 : taps<bf16, 7>)
    outs(@y : view<bf16, bld>) {
  // CHECK: halo.load @x {halo = 8 : i64}
  %x = halo.load @x
  // CHECK: halo.load @g0 {halo = 8 : i64}
  %g0 = halo.load @g0
  // CHECK: halo.load @g1 {halo = 2 : i64}
  %g1 = halo.load @g1
  // CHECK: halo.fir %{{.*}}, @w3 {halo = 6 : i64}
  %fx = halo.fir %x, @w3
  // CHECK: halo.fir %{{.*}}, @w3 {halo = 6 : i64}
  %f0 = halo.fir %g0, @w3
  // CHECK: arith.mulf %{{.*}}, %{{.*}} {halo = 6 : i64} : f32
  %u = arith.mulf %fx, %f0 : f32
  // CHECK: halo.fir %{{.*}}, @w7 {halo = 0 : i64}
  %f7 = halo.fir %u, @w7
  // CHECK: halo.fir %{{.*}}, @w3 {halo = 0 : i64}
  %g = halo.fir %g1, @w3
  // CHECK: arith.mulf %{{.*}}, %{{.*}} {halo = 0 : i64} : f32
  %m = arith.mulf %f7, %g : f32
  // CHECK: halo.silu %{{.*}} {halo = 0 : i64}
  %y = halo.silu %m
  halo.store %y, @y
}

// A signal with several users needs the largest; one nobody stores needs none; a state adds
// nothing; streams are counted apart.
// CHECK-LABEL: halo.kernel @users
halo.kernel @users
    ins(@z : view<bf16, bld, 2>, @w3 : taps<bf16, 3>, @w5 : taps<bf16, 5>, @h : state<bf16, 5>)
    outs(@q : view<bf16, bld>, @v : view<bf16, bld>, @s : state<bf16, 9>) {
  // CHECK: halo.load @z streams(split) {halo = array<i64: 6, 2>}
  %a, %b = halo.load @z streams(split)
  // CHECK: halo.fir %{{.*}}, @w3 {halo = 4 : i64}
  %fa = halo.fir %a, @w3
  // CHECK: halo.resume %{{.*}}, @h {halo = 4 : i64}
  %r = halo.resume %fa, @h
  // CHECK: halo.fir %{{.*}}, @w5 {halo = 0 : i64}
  %fr = halo.fir %r, @w5
  // CHECK: halo.fir %{{.*}}, @w3 {halo = 0 : i64}
  %fb = halo.fir %b, @w3
  // CHECK: arith.addf %{{.*}}, %{{.*}} {halo = 0 : i64} : f32
  %sum = arith.addf %fa, %fb : f32
  // CHECK: arith.addf %{{.*}}, %{{.*}} {halo = 0 : i64} : f32
  %y = arith.addf %sum, %fr : f32
  // CHECK: halo.fir %{{.*}}, @w5{{$}}
  %unused = halo.fir %y, @w5
  halo.split_store %y, [@q, @v] widths([8, 8])
  halo.store_state %unused, @s
}

// A modal op turns the halo into a carry: its input's halo is that of the FIR before it alone, and
// a recurrence that only a state needs is walked too.
// CHECK-LABEL: halo.kernel @carry
halo.kernel @carry
    ins(@x : view<bf16, bld>, @z : view<bf16, bld>, @w3 : taps<bf16, 3>, @lp : modes<4>,
        @r : modes<4>)
    outs(@y : view<bf16, bld>, @m : modal_state<4>) {
  // CHECK: halo.load @x {halo = 2 : i64}
  %x = halo.load @x
  // CHECK: halo.fir %{{.*}}, @w3 {halo = 0 : i64}
  %u = halo.fir %x, @w3
  // CHECK: halo.modal %{{.*}}, @lp, @r {carry, halo = 0 : i64}
  %c = halo.modal %u, @lp, @r
  halo.store %c, @y
  // CHECK: halo.load @z {halo = 2 : i64}
  %z = halo.load @z
  %v = halo.fir %z, @w3
  // CHECK: halo.modal %{{.*}}, @lp, @r {carry, halo = 0 : i64}
  %d = halo.modal %v, @lp, @r
  halo.store_state %d, @m
}
