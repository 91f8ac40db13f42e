// RUN: halo-opt %s | halo-opt | FileCheck %s

halo.kernel @states params(order : enum<interleave, split>, tail : flag)
    ins(@z : view<bf16, bld, 3>)
    outs(@s : state<bf16, 4>, @s3 : state<bf16, 4, 3>, @tail : optional state<bf16, 4>) {
  // CHECK: %[[Z:.*]]:3 = halo.load @z streams(interleave)
  %z:3 = halo.load @z streams(interleave)
  // CHECK: halo.store_state %[[Z]]#0, @s{{$}}
  halo.store_state %z#0, @s
  // CHECK: halo.store_state %[[Z]]#0, %[[Z]]#1, %[[Z]]#2, @s3 streams(interleave){{$}}
  halo.store_state %z#0, %z#1, %z#2, @s3 streams(interleave)
  // CHECK: halo.store_state %[[Z]]#2, %[[Z]]#1, %[[Z]]#0, @s3 streams(column_split, 2){{$}}
  halo.store_state %z#2, %z#1, %z#0, @s3 streams(column_split, 2)
  // CHECK: halo.store_state %[[Z]]#0, %[[Z]]#1, %[[Z]]#2, @s3 streams(order) {note}{{$}}
  halo.store_state %z#0, %z#1, %z#2, @s3 streams(order) {note}
  // CHECK: halo.store_state %[[Z]]#1, @tail{{$}}
  halo.store_state %z#1, @tail
}
