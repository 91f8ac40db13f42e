// The smallest kernel that a GPU runs without a compiler: PTX.
#pragma once

#include "runtime/Device.h"

namespace halo::test {

/// y[i] = i for i < L, one thread each, with the calling convention's parameters.
inline const char *const kIota = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry iota(.param .u64 y, .param .u64 strideB, .param .u64 strideC, .param .u64 strideL,
                     .param .u32 b, .param .u32 d, .param .u32 l,
                     .param .u32 blockL, .param .u32 tilesL, .param .u32 tilesN) {
  .reg .pred %p;
  .reg .b32 %r<6>;
  .reg .b64 %a<3>;
  .reg .f32 %f;
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, %tid.x;
  mad.lo.u32 %r4, %r1, %r2, %r3;
  ld.param.u32 %r5, [l];
  setp.ge.u32 %p, %r4, %r5;
  @%p ret;
  ld.param.u64 %a1, [y];
  mad.wide.u32 %a2, %r4, 4, %a1;
  cvt.rn.f32.u32 %f, %r4;
  st.global.f32 [%a2], %f;
  ret;
}
)";

inline Artifact iota(int64_t sharedBytes = 0) {
  KernelInfo info;
  info.kernel = info.entry = "iota";
  info.operands = {{"y", OperandKind::View, DType::F32, true, Layout::BLD, 1, 0, 1, 0}};
  info.threads = 128;
  info.sharedBytes = sharedBytes;
  info.stepL = info.blockL = 128;
  info.tiles = {{0, 0, 1}};
  return {info, kIota};
}

} // namespace halo::test
