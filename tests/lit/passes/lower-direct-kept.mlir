// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// A row of slot -1 stores zeros and touches no state. Elsewhere the state's length, behind its strides,
// says where samples lie; once all threads have read, they move down one by one, each read before its
// place is written.
// CHECK-LABEL: gpu.func @kept(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: !llvm.ptr<1> {llvm.align = 16 : i64, llvm.noalias, llvm.readonly}
// CHECK-SAME:    %[[S:[a-z0-9]+]]: !llvm.ptr<1>, %{{[a-z0-9]+}}: i64, %{{[a-z0-9]+}}: i64, %{{[a-z0-9]+}}: i64, %[[N:[a-z0-9]+]]: i64,
// CHECK:       arith.trunci %[[N]] : i64 to i32
// CHECK:       %[[SLOT:.*]] = llvm.load %{{.*}} : !llvm.ptr<1> -> i32
// CHECK:       %[[HERE:.*]] = arith.cmpi slt, %{{.*}}, %[[SLOT]]
// CHECK:       scf.if %[[HERE]] {
// CHECK:         gpu.barrier
// CHECK:         scf.for
// CHECK:           %[[OLD:.*]] = llvm.load %{{.*}} : !llvm.ptr<1> -> bf16
// CHECK:           llvm.store %[[OLD]], %{{.*}} : bf16, !llvm.ptr<1>
// CHECK:       } else {
// CHECK:         %[[ZERO:.*]] = arith.constant 0.000000e+00 : bf16
// CHECK:         llvm.store %[[ZERO]]
// CHECK-NOT:     llvm.load
// CHECK:       gpu.return
halo.kernel @kept
    ins(@x : view<bf16, bd>, @s : state<bf16, 4 longer slots(@i)>, @w : taps<bf16, 4>,
        @i : indices<rows>)
    outs(@y : view<bf16, bd>, @s : state<bf16, 4 longer slots(@i)>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 1, vector = 1, unroll = 1,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x init(@s)
  %f = halo.fir %x, @w
  halo.store %f, @y
  halo.store_state %x, @s
}
