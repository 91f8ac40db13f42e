// RUN: halo-opt %s -halo-lower-direct -cse | FileCheck %s

// A head of 64 channels is 8 threads of 8: three butterfly steps, no barrier.
// CHECK-LABEL: gpu.func @shuffle(
// CHECK-NOT:   gpu.barrier
// CHECK:       gpu.shuffle xor %{{.*}}, %c1_i32, %c32_i32 : f32
// CHECK-NOT:   gpu.barrier
// CHECK:       gpu.shuffle xor %{{.*}}, %c2_i32, %c32_i32 : f32
// CHECK:       gpu.shuffle xor %{{.*}}, %c4_i32, %c32_i32 : f32
// CHECK-NOT:   gpu.shuffle xor %{{.*}}, %c8_i32
// CHECK-NOT:   gpu.barrier
// CHECK:       llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<1>
// CHECK:       gpu.return

halo.kernel @shuffle ins(@x : view<bf16, bld>) outs(@q : view<bf16, bld>, @v : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 256, block_l = 0, num_warps = 4, vector = 8, unroll = 4,
                            stages = 1, min_blocks = 1, window = registers, align = 16>) {
  %x = halo.load @x
  halo.split_store %x, [@q, @v] widths([128, 128]) heads([64, 0])
}
