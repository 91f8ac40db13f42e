// Of the operands that may say where sequences begin, the one that is there stays.
// RUN: halo-opt %s -halo-specialise | FileCheck %s --check-prefix=NONE
// RUN: halo-opt %s -halo-specialise="with=ends" | FileCheck %s --check-prefix=ENDS
// RUN: halo-opt %s -halo-specialise="with=numbers" | FileCheck %s --check-prefix=NUMBERS
// RUN: not halo-opt %s -halo-specialise="with=ends;numbers" 2>&1 | FileCheck %s --check-prefix=BOTH

// NONE:      ins(@x : view<bf16, bld>)
// NONE:        halo.load @x{{$}}
// ENDS:      ins(@x : view<bf16, bld>, @ends : indices<bounds>)
// ENDS:        halo.load @x packed(@ends){{$}}
// NUMBERS:   ins(@x : view<bf16, bld>, @numbers : indices<positions>)
// NUMBERS:     halo.load @x packed(@numbers){{$}}
// BOTH:      operands 'ends' and 'numbers' both say where sequences begin, expected 1
halo.kernel @k
    ins(@x : view<bf16, bld>, @ends : optional indices<bounds>,
        @numbers : optional indices<positions>)
    outs(@y : view<bf16, bld>) {
  %x = halo.load @x packed(@ends, @numbers)
  halo.store %x, @y
}
