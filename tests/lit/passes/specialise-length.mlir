// RUN: halo-opt %s -halo-specialise="params=S=4" | FileCheck %s
// RUN: halo-opt %s -halo-specialise="params=S=4;length=100" | FileCheck %s

// A length is known at launch: it needs no value, and what is said of it changes nothing.
// CHECK: halo.kernel @filter
// CHECK-NEXT: ins(@lp : modes<4>, @r : modes<4>)
// CHECK-NEXT: outs(@h : view<f32, dl>)
// CHECK-NOT: 100
halo.kernel @filter params(S : int, length : length) ins(@lp : modes<S>, @r : modes<S>)
    outs(@h : view<f32, dl>) {
  %h = halo.modal_filter @lp, @r
  halo.store %h, @h
}
