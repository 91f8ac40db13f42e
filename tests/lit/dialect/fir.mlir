// RUN: halo-opt %s | halo-opt | FileCheck %s

halo.kernel @firs params(order : enum<correlation, convolution>, class : enum<accurate, fast>, layout : enum<interleave, split>)
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @p : taps<bf16, 3, 1, 3>)
    outs(@y : view<bf16, bld>) {
  // CHECK: %[[X:.*]] = halo.load @x
  %x = halo.load @x
  // CHECK: %{{.*}} = halo.fir %[[X]], @w{{$}}
  %a = halo.fir %x, @w
  // CHECK: %{{.*}} = halo.fir %[[X]], @w taps(correlation){{$}}
  %b = halo.fir %x, @w taps(correlation)
  // CHECK: %{{.*}} = halo.fir %[[X]], @w taps(convolution){{$}}
  %c = halo.fir %x, @w taps(convolution)
  // CHECK: %{{.*}} = halo.fir %[[X]], @w taps(order){{$}}
  %d = halo.fir %x, @w taps(order)
  // CHECK: %{{.*}} = halo.fir %[[X]], @p stream(0, interleave){{$}}
  %e = halo.fir %x, @p stream(0, interleave)
  // CHECK: %{{.*}} = halo.fir %[[X]], @p taps(convolution) stream(1, column_split, 4){{$}}
  %f = halo.fir %x, @p taps(convolution) stream(1, column_split, 4)
  // CHECK: %{{.*}} = halo.fir %[[X]], @p stream(2, layout) {note}{{$}}
  %g = halo.fir %x, @p stream(2, layout) {note}
  // CHECK: %{{.*}} = halo.fir %[[X]], @w taps(convolution) precision(fast){{$}}
  %h = halo.fir %x, @w taps(convolution) precision(fast)
  // CHECK: %{{.*}} = halo.fir %[[X]], @p precision(class) stream(0, interleave){{$}}
  %i = halo.fir %x, @p precision(class) stream(0, interleave)
  halo.store %a, @y
}
