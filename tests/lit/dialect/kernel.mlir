// RUN: halo-opt %s | halo-opt | FileCheck %s

// CHECK-LABEL: halo.kernel @every_kind
// CHECK-SAME:  params(K : int, group : int = 1, layout : enum<bdl, bld>,
// CHECK-SAME:         order : enum<correlation, convolution> = convolution,
// CHECK-SAME:         split : parts = "q:8,k:8", norm : heads = "q:4", state : flag,
// CHECK-SAME:         T : type = bf16, W : type = T)
// CHECK-NEXT:  ins(@x : view<T, layout>, @z : view<f16, bld, 3>, @weight : taps<W, K, group>,
// CHECK-SAME:      @proj : taps<f32, 3, 1, 3>, @bias : optional channel<W>,
// CHECK-SAME:      @history : optional state<T, K, 3>)
// CHECK-NEXT:  outs(@y : variadic view<T, bld>, @state : optional state<T, 4>) {
// CHECK-NEXT:    %[[X:.*]] = halo.load @x
// CHECK-NEXT:    halo.split_store %[[X]], [@y] widths(split) heads(norm)
// CHECK-NEXT:  }
halo.kernel @every_kind
    params(K : int, group : int = 1, layout : enum<bdl, bld>,
           order : enum<correlation, convolution> = convolution,
           split : parts = "q:8,k:8", norm : heads = "q:4", state : flag,
           T : type = bf16, W : type = T)
    ins(@x : view<T, layout, 1>, @z : view<f16, bld, 3>, @weight : taps<W, K, group, 1>,
        @proj : taps<f32, 3, 1, 3>, @bias : optional channel<W>,
        @history : optional state<T, K, 3>)
    outs(@y : variadic view<T, bld>, @state : optional state<T, 4>) {
  %x = halo.load @x
  halo.split_store %x, [@y] widths(split) heads(norm)
}

// A state that is read and written; one flag for two outputs.
// CHECK-LABEL: halo.kernel @continues
// CHECK-SAME:  params(states : flag)
// CHECK-NEXT:  ins(@x : view<bf16, bld>, @s : optional state<bf16, 4>)
// CHECK-NEXT:  outs(@y : view<bf16, bld>, @s : optional(states) state<bf16, 4>, @t : optional(states) state<bf16, 3>) {
// CHECK-NEXT:    %[[X:.*]] = halo.load @x init(@s)
// CHECK-NEXT:    halo.store %[[X]], @y
// CHECK-NEXT:    halo.store_state %[[X]], @s
// CHECK-NEXT:    halo.store_state %[[X]], @t
halo.kernel @continues params(states : flag)
    ins(@x : view<bf16, bld>, @s : optional state<bf16, 4>)
    outs(@y : view<bf16, bld>, @s : optional(states) state<bf16, 4>,
         @t : optional(states) state<bf16, 3>) {
  %x = halo.load @x init(@s)
  halo.store %x, @y
  halo.store_state %x, @s
  halo.store_state %x, @t
}

// CHECK-LABEL: halo.kernel @scheduled
// CHECK-NOT:   params
// CHECK-NEXT:  ins(@x : view<bf16, bld>)
// CHECK-NEXT:  outs(@y : view<bf16, bld>)
// CHECK-NEXT:  schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4, stages = 2, min_blocks = 3, window = registers, align = 16>)
// CHECK-SAME:  attributes {note = "kept"} {
halo.kernel @scheduled ins(@x : view<bf16, bld>) outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 64, num_warps = 4, vector = 8, unroll = 4,
                            stages = 2, min_blocks = 3, window = registers, align = 16>)
    attributes {note = "kept"} {
  %x = halo.load @x
  halo.store %x, @y
}

// CHECK-LABEL: halo.kernel @stores_nothing
// CHECK-NEXT:  outs(@y : view<f32, bdl>) {
// CHECK-NEXT:  }
halo.kernel @stores_nothing outs(@y : view<f32, bdl>) {}

// CHECK-LABEL: halo.kernel @indexed
// CHECK-NEXT:  ins(@x : view<f32, bdl>, @a : indices<rows>, @b : optional indices<positions>, @c : optional indices<bounds>)
halo.kernel @indexed
    ins(@x : view<f32, bdl>, @a : indices<rows>, @b : optional indices<positions>,
        @c : optional indices<bounds>)
    outs(@y : view<f32, bdl>) {
  %x = halo.load @x
  halo.store %x, @y
}

// CHECK-LABEL: halo.kernel @kept
// CHECK-NEXT:  ins(@x : view<f32, bdl>, @s : state<f32, 4, 3 longer ring(@a) slots(@b)>, @t : state<f32, 4 slots(@b)>, @u : state<f32, 4 longer>, @a : indices<rows>, @b : indices<rows>)
// CHECK-NEXT:  outs(@y : view<f32, bdl>, @s : state<f32, 4, 3 longer ring(@a) slots(@b)>, @t : state<f32, 4 slots(@b)>, @u : state<f32, 4 longer>) {
halo.kernel @kept
    ins(@x : view<f32, bdl>, @s : state<f32, 4, 3 longer ring(@a) slots(@b)>,
        @t : state<f32, 4, 1 slots(@b)>, @u : state<f32, 4 longer>, @a : indices<rows>,
        @b : indices<rows>)
    outs(@y : view<f32, bdl>, @s : state<f32, 4, 3 longer ring(@a) slots(@b)>,
         @t : state<f32, 4 slots(@b)>, @u : state<f32, 4 longer>) {
  %x = halo.load @x
  halo.store %x, @y
}
