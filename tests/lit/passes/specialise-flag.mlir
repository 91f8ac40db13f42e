// RUN: halo-opt %s -halo-specialise | FileCheck %s --check-prefixes=CHECK,OFF
// RUN: halo-opt %s -halo-specialise="params=gate=true with=residual" | FileCheck %s --check-prefixes=CHECK,ON
// RUN: halo-opt %s -halo-specialise="with=x" | FileCheck %s --check-prefixes=CHECK,OFF

// CHECK-LABEL: halo.kernel @gated
halo.kernel @gated params(gate : flag)
    ins(@x : view<bf16, bld>, @residual : optional view<bf16, bld>) outs(@y : view<bf16, bld>) {
  // OFF-NEXT: ins(@x : view<bf16, bld>)
  // ON-NEXT:  ins(@x : view<bf16, bld>, @residual : view<bf16, bld>)
  // CHECK:    %[[X:.*]] = halo.load @x
  %x = halo.load @x
  // OFF-NOT:  halo.silu
  // ON:       %[[S:.*]] = halo.silu %[[X]]
  %s = halo.silu %x
  %g = halo.choose gate {true = %s, false = %x}
  // OFF-NOT:  halo.load
  // ON:       %[[R:.*]] = halo.load @residual
  %r = halo.load @residual
  // ON:       %[[Y:.*]] = arith.addf %[[S]], %[[R]] : f32
  %gr = arith.addf %g, %r : f32
  %y = halo.choose residual {present = %gr, absent = %g}
  // OFF:      halo.store %[[X]], @y
  // ON:       halo.store %[[Y]], @y
  halo.store %y, @y
}
