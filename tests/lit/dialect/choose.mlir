// RUN: halo-opt %s | halo-opt | FileCheck %s

halo.kernel @chooses params(activation : enum<none, silu>, residual : flag)
    ins(@x : view<bf16, bld>, @bias : optional channel<bf16>) outs(@y : view<bf16, bld>) {
  // CHECK: %[[X:.*]] = halo.load @x
  %x = halo.load @x
  // CHECK: %[[B:.*]] = halo.channel @bias
  %b = halo.channel @bias
  // CHECK: %[[P:.*]] = halo.choose bias {present = %[[B]], absent = %[[X]]}{{$}}
  %p = halo.choose bias {present = %b, absent = %x}
  // CHECK: %[[A:.*]] = halo.choose activation {silu = %[[P]], none = %[[X]]}{{$}}
  %a = halo.choose activation {silu = %p, none = %x}
  // CHECK: %{{.*}} = halo.choose residual {true = %[[A]], false = %[[X]]} {note}{{$}}
  %r = halo.choose residual {true = %a, false = %x} {note}
  halo.store %r, @y
}
