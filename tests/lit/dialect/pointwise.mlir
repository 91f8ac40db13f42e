// RUN: halo-opt %s -canonicalize -cse | halo-opt | FileCheck %s

// Signals are plain f32 values: constants and arith fold, dead signals go, equal ones merge.
// CHECK-LABEL: halo.kernel @folds
halo.kernel @folds ins(@x : view<bf16, bld>, @w : taps<bf16, 4>) outs(@y : view<bf16, bld>) {
  // CHECK-NEXT: ins
  // CHECK-NEXT: outs
  // CHECK-NEXT: %[[SIX:.*]] = arith.constant 6.000000e+00 : f32
  // CHECK-NEXT: %[[X:.*]] = halo.load @x{{$}}
  // CHECK-NEXT: %[[F:.*]] = halo.fir %[[X]], @w{{$}}
  // CHECK-NEXT: %[[S:.*]] = arith.mulf %[[F]], %[[SIX]] : f32
  // CHECK-NEXT: %[[T:.*]] = arith.addf %[[S]], %[[F]] : f32
  // CHECK-NEXT: halo.store %[[T]], @y
  // CHECK-NEXT: }
  %x = halo.load @x
  %again = halo.load @x
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  %six = arith.mulf %two, %three : f32
  %f = halo.fir %x, @w
  %g = halo.fir %again, @w
  %dead = halo.silu %g
  %s = arith.mulf %f, %six : f32
  %t = arith.addf %s, %g : f32
  halo.store %t, @y
}
