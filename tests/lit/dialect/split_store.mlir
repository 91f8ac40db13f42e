// RUN: halo-opt %s | halo-opt | FileCheck %s

halo.kernel @splits params(widths : parts, norm : heads) ins(@x : view<bf16, bdl>)
    outs(@q : view<bf16, bld>, @v : view<bf16, bld>, @rest : variadic view<bf16, bld>) {
  // CHECK: %[[X:.*]] = halo.load @x
  %x = halo.load @x
  // CHECK: halo.split_store %[[X]], [@rest] widths(widths){{$}}
  halo.split_store %x, [@rest] widths(widths)
  // CHECK: halo.split_store %[[X]], [@rest] widths(widths) heads(norm){{$}}
  halo.split_store %x, [@rest] widths(widths) heads(norm)
  // CHECK: halo.split_store %[[X]], [@q, @v] widths([100, 28]){{$}}
  halo.split_store %x, [@q, @v] widths([100, 28])
  // CHECK: halo.split_store %[[X]], [@q, @v] widths([100, 28]) heads([50, 0]) {note}{{$}}
  halo.split_store %x, [@q, @v] widths([100, 28]) heads([50, 0]) {note}
}
