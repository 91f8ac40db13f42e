// RUN: halo-opt %s | halo-opt | FileCheck %s

halo.kernel @per_channel ins(@bias : channel<f32>, @skip : optional channel<bf16>)
    outs(@y : view<bf16, bld>) {
  // CHECK: %[[B:.*]] = halo.channel @bias{{$}}
  %b = halo.channel @bias
  // CHECK: %{{.*}} = halo.channel @skip {note}{{$}}
  %s = halo.channel @skip {note}
  // CHECK: halo.store %[[B]], @y
  halo.store %b, @y
}
