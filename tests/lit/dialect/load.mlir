// RUN: halo-opt %s | halo-opt | FileCheck %s

halo.kernel @loads params(m : int, order : enum<interleave, split>)
    ins(@x : view<bf16, bld>, @z : view<bf16, bld, 3>, @w : view<bf16, bld, m>,
        @h : optional state<bf16, 4>, @h3 : state<bf16, 4, 3>, @ends : optional indices<bounds>,
        @numbers : optional indices<positions>)
    outs(@y : view<bf16, bld>) {
  // CHECK: %{{.*}} = halo.load @x{{$}}
  %a = halo.load @x
  // CHECK: %{{.*}} = halo.load @x init(@h){{$}}
  %b = halo.load @x init(@h)
  // CHECK: %{{.*}}:3 = halo.load @z streams(interleave){{$}}
  %c0, %c1, %c2 = halo.load @z streams(interleave)
  // CHECK: %{{.*}}:3 = halo.load @z streams(split) init(@h3){{$}}
  %d:3 = halo.load @z streams(split) init(@h3)
  // CHECK: %{{.*}}:3 = halo.load @z streams(column_split, 8){{$}}
  %e:3 = halo.load @z streams(column_split, 8)
  // CHECK: %{{.*}}:2 = halo.load @w streams(order) {note}{{$}}
  %f:2 = halo.load @w streams(order) {note}
  // CHECK: %{{.*}} = halo.load @x packed(@ends){{$}}
  %g = halo.load @x packed(@ends)
  // CHECK: %{{.*}}:3 = halo.load @z streams(interleave) init(@h3) packed(@ends, @numbers) {note}{{$}}
  %i:3 = halo.load @z streams(interleave) init(@h3) packed(@ends, @numbers) {note}
  halo.store %a, @y
}
