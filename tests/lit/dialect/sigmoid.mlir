// RUN: halo-opt %s | halo-opt | FileCheck %s

halo.kernel @activation ins(@x : view<bf16, bld>) outs(@y : view<bf16, bld>) {
  // CHECK: %[[X:.*]] = halo.load @x
  %x = halo.load @x
  // CHECK: %[[A:.*]] = halo.sigmoid %[[X]]{{$}}
  %a = halo.sigmoid %x
  // CHECK: %[[B:.*]] = halo.sigmoid %[[A]] {note}{{$}}
  %b = halo.sigmoid %a {note}
  halo.store %b, @y
}
