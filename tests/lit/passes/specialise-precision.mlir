// RUN: halo-opt %s -halo-specialise="params=S=4;p=fast;other=left" | FileCheck %s
// RUN: halo-opt %s -halo-specialise="params=S=4;p=accurate;other=left" | FileCheck %s --check-prefix=ACCURATE
// RUN: not halo-opt %s -halo-specialise="params=S=4;p=left;other=left" 2>&1 | FileCheck %s --check-prefix=WRONG

// A convolution's class of precision is one of the kernel's options, by whatever name.
// CHECK: halo.fir %{{.*}}, @w precision(fast)
// CHECK: halo.modal %{{.*}}, @lp, @r precision(fast)
// ACCURATE: halo.fir %{{.*}}, @w precision(accurate)
// ACCURATE: halo.modal %{{.*}}, @lp, @r precision(accurate)
// WRONG: error: parameter 'p' is not accurate or fast{{$}}
halo.kernel @k params(S : int, p : enum<accurate, fast, left>, other : enum<left, right>)
    ins(@x : view<bf16, bld>, @w : taps<f32, 3>, @lp : modes<S>, @r : modes<S>)
    outs(@y : view<bf16, bld>) {
  %x = halo.load @x
  %f = halo.fir %x, @w precision(p)
  %c = halo.modal %f, @lp, @r precision(p)
  halo.store %c, @y
}
