// RUN: halo-opt %s -split-input-file -halo-specialise | FileCheck %s --check-prefix=DEFAULT
// RUN: halo-opt %s -split-input-file -halo-specialise="params=K=7;T=f32;W=f16;layout=bld;act=sigmoid;order=convolution;final_state=true with=bias;history" | FileCheck %s --check-prefix=GIVEN

// Defaults: the first value of an enumeration, a flag's false, another parameter's value. Absent
// operands leave with everything only they need, and so does what nobody stores.
halo.kernel @all params(K : int = 4, T : type = bf16, W : type = T, layout : enum<bdl, bld>,
                        act : enum<none, silu, sigmoid>, order : enum<correlation, convolution>,
                        final_state : flag)
    ins(@x : view<T, layout>, @w : taps<W, K>, @bias : optional channel<W>,
        @history : optional state<T, K>, @second : optional state<T, K>)
    outs(@y : view<T, layout>, @final_state : optional state<T, K>) {
  %x = halo.load @x init(@history)
  %f = halo.fir %x, @w taps(order)
  %b = halo.channel @bias
  %fb = arith.addf %f, %b : f32
  %c = halo.choose bias {present = %fb, absent = %f}
  %silu = halo.silu %c
  %sigmoid = halo.sigmoid %c
  %a = halo.choose act {none = %c, silu = %silu, sigmoid = %sigmoid}
  %u = halo.resume %a, @second
  %r = halo.round %u to W
  %g = halo.fir %r, @w
  halo.store %g, @y
  halo.store_state %x, @final_state
}
// DEFAULT-LABEL: halo.kernel @all
// DEFAULT-NEXT:  ins(@x : view<bf16, bdl>, @w : taps<bf16, 4>)
// DEFAULT-NEXT:  outs(@y : view<bf16, bdl>) {
// DEFAULT-NEXT:    %[[X:.*]] = halo.load @x{{$}}
// DEFAULT-NEXT:    %[[F:.*]] = halo.fir %[[X]], @w taps(correlation)
// DEFAULT-NEXT:    %[[R:.*]] = halo.round %[[F]] to bf16
// DEFAULT-NEXT:    %[[G:.*]] = halo.fir %[[R]], @w{{$}}
// DEFAULT-NEXT:    halo.store %[[G]], @y
// DEFAULT-NEXT:  }

// GIVEN-LABEL: halo.kernel @all
// GIVEN-NEXT:  ins(@x : view<f32, bld>, @w : taps<f16, 7>, @bias : channel<f16>, @history : state<f32, 7>)
// GIVEN-NEXT:  outs(@y : view<f32, bld>, @final_state : state<f32, 7>) {
// GIVEN-NEXT:    %[[X:.*]] = halo.load @x init(@history)
// GIVEN-NEXT:    %[[F:.*]] = halo.fir %[[X]], @w taps(convolution)
// GIVEN-NEXT:    %[[B:.*]] = halo.channel @bias
// GIVEN-NEXT:    %[[FB:.*]] = arith.addf %[[F]], %[[B]] : f32
// GIVEN-NEXT:    %[[A:.*]] = halo.sigmoid %[[FB]]
// GIVEN-NEXT:    %[[R:.*]] = halo.round %[[A]] to f16
// GIVEN-NEXT:    %[[G:.*]] = halo.fir %[[R]], @w{{$}}
// GIVEN-NEXT:    halo.store %[[G]], @y
// GIVEN-NEXT:    halo.store_state %[[X]], @final_state
// GIVEN-NEXT:  }
