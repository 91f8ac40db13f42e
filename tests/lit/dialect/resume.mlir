// RUN: halo-opt %s | halo-opt | FileCheck %s

halo.kernel @resumes ins(@x : view<bf16, bld>, @h : optional state<bf16, 4>)
    outs(@y : view<bf16, bld>) {
  // CHECK: %[[X:.*]] = halo.load @x
  %x = halo.load @x
  // CHECK: %[[R:.*]] = halo.resume %[[X]], @h{{$}}
  %r = halo.resume %x, @h
  // CHECK: %{{.*}} = halo.resume %[[R]], @h {note}{{$}}
  %s = halo.resume %r, @h {note}
  halo.store %s, @y
}
