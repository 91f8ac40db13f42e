// RUN: halo-opt %s -halo-specialise="params=split=q:64,k:64,v:128" | FileCheck %s --check-prefix=PLAIN
// RUN: halo-opt %s -halo-specialise="params=split=q:64,k:64,v:128;norm=q,k:32" | FileCheck %s --check-prefix=SHARED
// RUN: halo-opt %s -halo-specialise="params=split=q:64,k:64,v:128;norm=v:16,q:64" | FileCheck %s --check-prefix=EACH
// RUN: halo-opt %s -halo-specialise="params=split=parts:8" | FileCheck %s --check-prefix=ONE

halo.kernel @split params(split : parts, norm : heads) ins(@x : view<bf16, bld>)
    outs(@parts : variadic view<bf16, bld>) {
  %x = halo.load @x
  halo.split_store %x, [@parts] widths(split) heads(norm)
}
// PLAIN:  outs(@q : view<bf16, bld>, @k : view<bf16, bld>, @v : view<bf16, bld>) {
// PLAIN:  halo.split_store %{{.*}}, [@q, @k, @v] widths([64, 64, 128]) heads([0, 0, 0]){{$}}
// SHARED: halo.split_store %{{.*}}, [@q, @k, @v] widths([64, 64, 128]) heads([32, 32, 0]){{$}}
// EACH:   halo.split_store %{{.*}}, [@q, @k, @v] widths([64, 64, 128]) heads([64, 0, 16]){{$}}
// ONE:    outs(@parts : view<bf16, bld>) {
// ONE:    halo.split_store %{{.*}}, [@parts] widths([8]) heads([0]){{$}}
