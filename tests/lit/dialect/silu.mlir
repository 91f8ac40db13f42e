// RUN: halo-opt %s | halo-opt | FileCheck %s

halo.kernel @activation ins(@x : view<bf16, bld>) outs(@y : view<bf16, bld>) {
  // CHECK: %[[X:.*]] = halo.load @x
  %x = halo.load @x
  // CHECK: %[[A:.*]] = halo.silu %[[X]]{{$}}
  %a = halo.silu %x
  // CHECK: %[[B:.*]] = halo.silu %[[A]] {note}{{$}}
  %b = halo.silu %a {note}
  halo.store %b, @y
}
