// A state under one name as input and output: `with` brings the input, the flag the outputs.
// RUN: halo-opt %s -halo-specialise="params=states=true" | FileCheck %s --check-prefix=OUT
// RUN: halo-opt %s -halo-specialise="with=s" | FileCheck %s --check-prefix=IN
// RUN: halo-opt %s -halo-specialise="params=states=true with=s" | FileCheck %s --check-prefix=BOTH

// OUT:       ins(@x : view<bf16, bld>)
// OUT-NEXT:  outs(@y : view<bf16, bld>, @s : state<bf16, 4>, @t : state<bf16, 3>)
// OUT-NEXT:    halo.load @x{{$}}
// OUT-NEXT:    halo.store {{.*}}, @y
// OUT-NEXT:    halo.store_state {{.*}}, @s
// OUT-NEXT:    halo.store_state {{.*}}, @t

// IN:        ins(@x : view<bf16, bld>, @s : state<bf16, 4>)
// IN-NEXT:   outs(@y : view<bf16, bld>)
// IN-NEXT:     halo.load @x init(@s)
// IN-NOT:      store_state

// BOTH:      ins(@x : view<bf16, bld>, @s : state<bf16, 4>)
// BOTH-NEXT: outs(@y : view<bf16, bld>, @s : state<bf16, 4>, @t : state<bf16, 3>)
// BOTH-NEXT:   halo.load @x init(@s)
halo.kernel @continues params(states : flag)
    ins(@x : view<bf16, bld>, @s : optional state<bf16, 4>)
    outs(@y : view<bf16, bld>, @s : optional(states) state<bf16, 4>,
         @t : optional(states) state<bf16, 3>) {
  %x = halo.load @x init(@s)
  halo.store %x, @y
  halo.store_state %x, @s
  halo.store_state %x, @t
}
