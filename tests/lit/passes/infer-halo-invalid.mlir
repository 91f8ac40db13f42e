// RUN: halo-opt %s -halo-infer-halo -verify-diagnostics

// expected-error @+1 {{has 2 unbound parameters: run halo-specialise first}}
halo.kernel @k params(K : int, T : type) ins(@x : view<T, bld>) outs(@y : view<T, bld>) {
  %x = halo.load @x
  halo.store %x, @y
}
