// RUN: halo-opt %s | halo-opt | FileCheck %s

halo.kernel @stores ins(@x : view<bf16, bld>) outs(@y : view<f32, bld>, @z : view<f16, bld>) {
  // CHECK: %[[X:.*]] = halo.load @x
  %x = halo.load @x
  // CHECK: halo.store %[[X]], @y{{$}}
  halo.store %x, @y
  // CHECK: halo.store %[[X]], @z {note}{{$}}
  halo.store %x, @z {note}
}
