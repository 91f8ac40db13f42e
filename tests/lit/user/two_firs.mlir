// A user's own kernel: two convolutions of different widths over one input, gated by each other,
// with a scale per channel and a constant.
//
// RUN: %halo list %s | FileCheck %s --check-prefix=LIST
// RUN: %halo compile %s --set K1=3 --set K2=7 --set layout=bld --emit halo | FileCheck %s --check-prefix=HALO
// RUN: %halo compile %s --set K1=3 --set K2=7 --set layout=bld --emit ptx --arch sm_90 | FileCheck %s --check-prefixes=PTX,BLD
// RUN: %halo compile %s --set K1=3 --set K2=7 --set layout=bdl --emit ptx --arch sm_90 | FileCheck %s --check-prefixes=PTX,BDL
// RUN: not %halo compile %s --set K1=3 --set K2=7 --set layout=ldb 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not %halo compile %s --set K1=3 2>&1 | FileCheck %s --check-prefix=NEEDS
halo.kernel @two_firs params(K1 : int, K2 : int, layout : enum<bdl, bld>, T : type, W : type = T)
    ins(@x : view<T, layout>, @w1 : taps<W, K1>, @w2 : taps<W, K2>, @scale : channel<W>)
    outs(@y : view<T, layout>) {
  %x = halo.load @x
  %a = halo.fir %x, @w1
  %b = halo.fir %x, @w2
  %gate = halo.sigmoid %b
  %ab = arith.mulf %a, %gate : f32
  %scale = halo.channel @scale
  %scaled = arith.mulf %ab, %scale : f32
  %half = arith.constant 0.5 : f32
  %y = arith.addf %scaled, %half : f32
  halo.store %y, @y
}
// LIST:      two_firs
// LIST:        in   x (view T), w1 (taps W K1), w2 (taps W K2), scale (channel W)
// LIST-NEXT:   out  y (view T)
// LIST-NEXT:   set  K1=int
// LIST-NEXT:        K2=int
// LIST-NEXT:        layout=bdl|bld (default bdl)

// The joint halo is the wider FIR's.
// HALO-LABEL: halo.kernel @two_firs
// HALO-NEXT:  ins(@x : view<bf16, bld>, @w1 : taps<bf16, 3>, @w2 : taps<bf16, 7>, @scale : channel<bf16>)
// HALO:       halo.load @x {halo = 6 : i64}
// HALO:       halo.fir %{{.*}}, @w1 {halo = 0 : i64}
// HALO:       halo.fir %{{.*}}, @w2 {halo = 0 : i64}

// PTX:       .target sm_90
// PTX-NOT:   .local
// PTX:       .visible .entry two_firs(
// BLD:       cp.async.ca.shared.global [{{.*}}], [{{.*}}], {{4|8}};
// BDL:       cp.async.ca.shared.global [{{.*}}], [{{.*}}], 16;
// PTX:       ex2.approx.ftz.f32
// PTX:       st.global.{{v[24].b32|b32|b64}}
// PTX-NOT:   .local

// BAD:   halo: error: {{.*}}'ldb'
// NEEDS: halo: error: K2 of two_firs has no default: add --set K2=...
