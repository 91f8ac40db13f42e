// Every request that specialise refuses, with its whole message.
// RUN: not halo-opt %s -halo-specialise="" 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not halo-opt %s -halo-specialise="params=K=4;colour=red" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not halo-opt %s -halo-specialise="params=K=four" 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not halo-opt %s -halo-specialise="params=K=0" 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not halo-opt %s -halo-specialise="params=K=2147483648" 2>&1 | FileCheck %s --check-prefix=LARGE
// RUN: not halo-opt %s -halo-specialise="params=K=4;T=f64" 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not halo-opt %s -halo-specialise="params=K=4;act=relu" 2>&1 | FileCheck %s --check-prefix=ENUM
// RUN: not halo-opt %s -halo-specialise="params=K=4;act=silu:8" 2>&1 | FileCheck %s --check-prefix=ENUMNUMBER
// RUN: not halo-opt %s -halo-specialise="params=K=4;tail=yes" 2>&1 | FileCheck %s --check-prefix=FLAG
// RUN: not halo-opt %s -halo-specialise="params=K=4;layout=none" 2>&1 | FileCheck %s --check-prefix=LAYOUT
// RUN: not halo-opt %s -halo-specialise="params=K=4 with=biass" 2>&1 | FileCheck %s --check-prefix=WITH
// RUN: not halo-opt %s -halo-specialise="params=K=4 with=tail" 2>&1 | FileCheck %s --check-prefix=OUTPUT
// RUN: not halo-opt %s -halo-specialise="params=K=4;split=q" 2>&1 | FileCheck %s --check-prefix=PART
// RUN: not halo-opt %s -halo-specialise="params=K=4;split=q:0" 2>&1 | FileCheck %s --check-prefix=WIDTH
// RUN: not halo-opt %s -halo-specialise="params=K=4;split=q:8," 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not halo-opt %s -halo-specialise="params=K=4;split=q:8,q:8" 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not halo-opt %s -halo-specialise="params=K=4;split=x:8" 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not halo-opt %s -halo-specialise="params=K=4;split=q:8;norm=q:zero" 2>&1 | FileCheck %s --check-prefix=HEAD
// RUN: not halo-opt %s -halo-specialise="params=K=4;split=q:8;norm=v:4" 2>&1 | FileCheck %s --check-prefix=NOPART
// RUN: not halo-opt %s -halo-specialise="params=K=4;split=q:100;norm=q:64" 2>&1 | FileCheck %s --check-prefix=MULTIPLE
// RUN: not halo-opt %s -halo-specialise="params=K=4;split=q:8;norm=q" 2>&1 | FileCheck %s --check-prefix=NOHEAD

// MISSING: error: option 'K' of kernel 'k' has no default and is not given{{$}}
// UNKNOWN: error: unknown option 'colour' of kernel 'k', which has K, T, layout, act, tail, split, norm{{$}}
// NUMBER: error: option 'K': 'four' is not a number in 1..2147483647{{$}}
// ZERO: error: option 'K': '0' is not a number in 1..2147483647{{$}}
// LARGE: error: option 'K': '2147483648' is not a number in 1..2147483647{{$}}
// TYPE: error: option 'T': 'f64' is not f32, f16 or bf16{{$}}
// ENUM: error: option 'act': 'relu' is not one of none, silu, sigmoid{{$}}
// ENUMNUMBER: error: option 'act': 'silu:8' is not one of none, silu, sigmoid{{$}}
// FLAG: error: option 'tail': 'yes' is not true or false{{$}}
// LAYOUT: error: operand 'x': its layout is not bdl, bld, bd or dl{{$}}
// WITH: error: operand 'biass' is not an input of kernel 'k'{{$}}
// OUTPUT: error: operand 'tail' is not an input of kernel 'k'{{$}}
// PART: error: option 'split': 'q' is not name:width with a width of at least 1{{$}}
// WIDTH: error: option 'split': 'q:0' is not name:width with a width of at least 1{{$}}
// EMPTY: error: option 'split': '' is not name:width with a width of at least 1{{$}}
// TWICE: error: option 'split': part 'q' is given twice{{$}}
// NAME: error: option 'split': part 'x' has the name of another operand{{$}}
// HEAD: error: option 'norm': head width 'zero' is not a number of at least 1{{$}}
// NOPART: error: option 'norm': 'v' is not one of the 1 parts{{$}}
// MULTIPLE: error: option 'norm': part 'q' of width 100 is not a multiple of head 64{{$}}
// NOHEAD: error: option 'norm': part 'q' has no head width{{$}}

halo.kernel @k params(K : int, T : type = bf16, layout : enum<bdl, bld, none>,
                      act : enum<none, silu, sigmoid>, tail : flag, split : parts = "q:8",
                      norm : heads)
    ins(@x : view<T, layout>, @w : taps<T, K>, @bias : optional channel<T>)
    outs(@parts : variadic view<T, bld>, @tail : optional state<T, K>) {
  %x = halo.load @x
  %f = halo.fir %x, @w
  halo.split_store %f, [@parts] widths(split) heads(norm)
  halo.store_state %f, @tail
}
