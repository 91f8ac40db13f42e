// RUN: halo-opt %s | halo-opt | FileCheck %s
// RUN: halo-opt %s -canonicalize -cse | FileCheck %s --check-prefix=KEPT

// A round is part of the law: no canonicalisation removes it, not even twice in a row.
// KEPT-LABEL: halo.kernel @rounds
// KEPT:       halo.round %{{.*}} to bf16
// KEPT:       halo.round %{{.*}} to f16
halo.kernel @rounds params(T : type) ins(@x : view<T, bld>) outs(@y : view<T, bld>) {
  // CHECK: %[[X:.*]] = halo.load @x
  %x = halo.load @x
  // CHECK: %[[A:.*]] = halo.round %[[X]] to bf16{{$}}
  %a = halo.round %x to bf16
  // CHECK: %[[B:.*]] = halo.round %[[A]] to f16{{$}}
  %b = halo.round %a to f16
  // CHECK: %[[C:.*]] = halo.round %[[B]] to f32{{$}}
  %c = halo.round %b to f32
  // CHECK: %{{.*}} = halo.round %[[C]] to T {note}{{$}}
  %d = halo.round %c to T {note}
  halo.store %d, @y
}
