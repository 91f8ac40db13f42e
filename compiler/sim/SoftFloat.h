// bf16 and f16 by integer arithmetic: the simulator's bits must not depend on the host.
//
//   float 0x3f808000 (1 + 2^-8)   -> bf16 0x3f80, a tie, to even
//   float 0x3f818000              -> bf16 0x3f82, a tie, to even
//   float 0x00018000 (denormal)   -> bf16 0x0002, kept
//   float 0x7f800001 (signalling) -> bf16 0x7fc0, NaNs stay NaNs and become quiet
#pragma once

#include <cstdint>

namespace halo::sim {

uint16_t floatToBf16(float value);
float bf16ToFloat(uint16_t bits);
uint16_t floatToF16(float value);
float f16ToFloat(uint16_t bits);

/// Rounded once, where going through float would round twice.
uint16_t doubleToBf16(double value);
uint16_t doubleToF16(double value);

/// a * b + c rounded once.
uint16_t fmaBf16(uint16_t a, uint16_t b, uint16_t c);
uint16_t fmaF16(uint16_t a, uint16_t b, uint16_t c);

} // namespace halo::sim
