// Indices that are absent leave the states that would be kept by them as they are elsewhere.
// RUN: halo-opt %s -halo-specialise="params=T=f16" | FileCheck %s --check-prefix=PLAIN
// RUN: halo-opt %s -halo-specialise="params=T=f16 with=a" | FileCheck %s --check-prefix=RING
// RUN: halo-opt %s -halo-specialise="params=T=f16 with=a;b" | FileCheck %s --check-prefix=BOTH

// PLAIN:      ins(@x : view<f16, bd>, @s : state<f16, 4>, @t : state<f16, 4 longer>)
// PLAIN-NEXT: outs(@y : view<f16, bd>, @s : state<f16, 4>, @t : state<f16, 4 longer>)

// RING:       ins(@x : view<f16, bd>, @s : state<f16, 4 ring(@a)>, @t : state<f16, 4 longer ring(@a)>, @a : indices<rows>)
// RING-NEXT:  outs(@y : view<f16, bd>, @s : state<f16, 4 ring(@a)>, @t : state<f16, 4 longer ring(@a)>)

// BOTH:       ins(@x : view<f16, bd>, @s : state<f16, 4 ring(@a)>, @t : state<f16, 4 longer ring(@a) slots(@b)>, @a : indices<rows>, @b : indices<rows>)
halo.kernel @k params(T : type)
    ins(@x : view<T, bd>, @s : state<T, 4 ring(@a)>, @t : state<T, 4 longer ring(@a) slots(@b)>,
        @a : optional indices<rows>, @b : optional indices<rows>)
    outs(@y : view<T, bd>, @s : state<T, 4 ring(@a)>, @t : state<T, 4 longer ring(@a) slots(@b)>) {
  %x = halo.load @x init(@s)
  halo.store %x, @y
  halo.store_state %x, @s
  halo.store_state %x, @t
}
