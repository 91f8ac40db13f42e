// RUN: split-file %s %t
// RUN: halo-opt %t/bounds.mlir -halo-lower-direct -cse | FileCheck %s --check-prefix=BOUNDS
// RUN: halo-opt %t/numbers.mlir -halo-lower-direct -cse | FileCheck %s --check-prefix=NUMBERS

// By bounds: a pointer, its stride and N. Above the walk the sequence of the first position is bisected;
// in it the sequence moves on, and a step of one alone is that of a kernel that is not packed: no
// selection between its loads and its stores. The other one masks three taps of each of four rows.
// BOUNDS-LABEL: gpu.func @bounds(
// BOUNDS:       scf.while
// BOUNDS:       scf.for
// BOUNDS-COUNT-4: llvm.load {{.*}} vector<8xbf16>
// BOUNDS:       scf.while
// BOUNDS:       scf.if
// BOUNDS-NOT:   arith.select
// BOUNDS-COUNT-12: llvm.intr.fma
// BOUNDS-NOT:   arith.select
// BOUNDS:       } else {
// BOUNDS-COUNT-12: arith.select {{.*}} : vector<8xf32>
// BOUNDS-NOT:   arith.select {{.*}} : vector<8xf32>
// BOUNDS:       gpu.return

// By a number per position: seven are compared, and where they differ, or are negative, each row masks
// three taps and what it stores.
// NUMBERS-LABEL: gpu.func @numbers(
// NUMBERS-NOT:   scf.while
// NUMBERS:       scf.for
// NUMBERS-COUNT-7: llvm.load {{.*}} -> i32
// NUMBERS:       scf.if
// NUMBERS:       } else {
// NUMBERS-COUNT-16: arith.select {{.*}} : vector<8xf32>
// NUMBERS-NOT:   arith.select {{.*}} : vector<8xf32>
// NUMBERS:       gpu.return

//--- bounds.mlir
halo.kernel @bounds
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @ends : indices<bounds>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 0, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x packed(@ends)
  %f = halo.fir %x, @w
  halo.store %f, @y
}

//--- numbers.mlir
halo.kernel @numbers
    ins(@x : view<bf16, bld>, @w : taps<bf16, 4>, @numbers : indices<positions>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 0, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x packed(@numbers)
  %f = halo.fir %x, @w
  halo.store %f, @y
}
