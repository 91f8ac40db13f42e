// RUN: halo-opt %s -halo-specialise | FileCheck %s --check-prefix=FIRST
// RUN: halo-opt %s -halo-specialise="params=streams=split;tail=true" | FileCheck %s --check-prefix=SPLIT
// RUN: halo-opt %s -halo-specialise="params=streams=column_split:8" | FileCheck %s --check-prefix=COLUMNS

halo.kernel @streams params(streams : enum<interleave, split, column_split>, tail : flag)
    ins(@z : view<bf16, bld, 2>, @p : taps<bf16, 3, 1, 2>)
    outs(@y : view<bf16, bld>, @tail : optional state<bf16, 3, 2>) {
  %a, %b = halo.load @z streams(streams)
  %f = halo.fir %b, @p stream(1, streams)
  %g = arith.mulf %a, %f : f32
  halo.store %g, @y
  halo.store_state %a, %b, @tail streams(streams)
}
// FIRST:     %[[Z:.*]]:2 = halo.load @z streams(interleave){{$}}
// FIRST:     halo.fir %[[Z]]#1, @p stream(1, interleave){{$}}
// FIRST-NOT: store_state
// SPLIT:     %[[Z:.*]]:2 = halo.load @z streams(split){{$}}
// SPLIT:     halo.fir %[[Z]]#1, @p stream(1, split){{$}}
// SPLIT:     halo.store_state %[[Z]]#0, %[[Z]]#1, @tail streams(split){{$}}
// COLUMNS:   %[[Z:.*]]:2 = halo.load @z streams(column_split, 8){{$}}
// COLUMNS:   halo.fir %[[Z]]#1, @p stream(1, column_split, 8){{$}}
