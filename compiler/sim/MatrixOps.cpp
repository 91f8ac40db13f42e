// The matrix operations of a warp. Lane l holds, with g = l / 4 and j = l % 4:
//
//   A register r: row g + 8 (r % 2), columns 2j + 8 (r / 2) and the next
//   B register r: rows 2j + 8 r and the next, column g
//   C and D register r: row g + 8 (r / 2), column 2j + r % 2
#include "compiler/sim/SoftFloat.h"
#include "compiler/sim/WarpOps.h"

#include <cstring>

namespace halo::sim {

template <bool IsBf16> static float decode(uint64_t bits) {
  return IsBf16 ? bf16ToFloat(uint16_t(bits)) : f16ToFloat(uint16_t(bits));
}

static float toFloat(uint64_t slot) {
  uint32_t bits = uint32_t(slot);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <bool IsBf16, unsigned Depth> void multiplyMatrices(WarpCall &call) {
  constexpr unsigned kARegs = Depth / 4, kBRegs = Depth / 8;
  float a[16][Depth], b[Depth][8];
  for (unsigned lane = 0; lane != 32; ++lane) {
    const uint64_t *in = call.lanes[lane].in;
    unsigned g = lane / 4, j = lane % 4;
    for (unsigned r = 0; r != kARegs; ++r)
      for (unsigned half = 0; half != 2; ++half)
        a[g + 8 * (r % 2)][2 * j + 8 * (r / 2) + half] = decode<IsBf16>(in[r] >> 16 * half);
    for (unsigned r = 0; r != kBRegs; ++r)
      for (unsigned half = 0; half != 2; ++half)
        b[2 * j + 8 * r + half][g] = decode<IsBf16>(in[kARegs + r] >> 16 * half);
  }
  for (unsigned lane = 0; lane != 32; ++lane) {
    SimThread &t = call.lanes[lane];
    for (unsigned r = 0; r != 4; ++r) {
      unsigned row = lane / 4 + 8 * (r / 2), column = lane % 4 * 2 + r % 2;
      // Products of 8- or 11-bit significands are exact in double, and sums nearly so.
      double sum = toFloat(t.in[kARegs + kBRegs + r]);
      for (unsigned k = 0; k != Depth; ++k)
        sum += double(a[row][k]) * double(b[k][column]);
      float rounded = float(sum);
      uint32_t bits;
      std::memcpy(&bits, &rounded, sizeof bits);
      t.out[r] = bits;
    }
  }
}
template void multiplyMatrices<true, 16>(WarpCall &);
template void multiplyMatrices<false, 16>(WarpCall &);
template void multiplyMatrices<true, 8>(WarpCall &);
template void multiplyMatrices<false, 8>(WarpCall &);

/// Where element `half` of lane `lane`'s register lies in its 8 x 8 matrix.
static unsigned elementOf(unsigned lane, unsigned half, bool transposed) {
  unsigned row = lane / 4, column = lane % 4 * 2 + half;
  return transposed ? column * 8 + row : row * 8 + column;
}

/// The 16 bytes that lane `lane` addresses, checked.
static char *rowOf(WarpCall &call, unsigned lane, AccessKind kind) {
  SimThread &t = call.lanes[lane];
  char *row = reinterpret_cast<char *>(t.in[0]);
  call.block.check(t, row, 16, 16, Space::Shared, kind, t.site);
  return row;
}

template <unsigned Count, bool Transposed> void loadMatrices(WarpCall &call) {
  uint16_t elements[Count][64];
  for (unsigned row = 0; row != 8 * Count; ++row)
    std::memcpy(&elements[row / 8][row % 8 * 8], rowOf(call, row, AccessKind::Load), 16);
  for (unsigned lane = 0; lane != 32; ++lane)
    for (unsigned m = 0; m != Count; ++m)
      call.lanes[lane].out[m] = elements[m][elementOf(lane, 0, Transposed)] |
                                uint32_t(elements[m][elementOf(lane, 1, Transposed)]) << 16;
}
template void loadMatrices<1, false>(WarpCall &);
template void loadMatrices<2, false>(WarpCall &);
template void loadMatrices<4, false>(WarpCall &);
template void loadMatrices<1, true>(WarpCall &);
template void loadMatrices<2, true>(WarpCall &);
template void loadMatrices<4, true>(WarpCall &);

template <unsigned Count, bool Transposed> void storeMatrices(WarpCall &call) {
  uint16_t elements[Count][64];
  for (unsigned lane = 0; lane != 32; ++lane)
    for (unsigned m = 0; m != Count; ++m)
      for (unsigned half = 0; half != 2; ++half)
        elements[m][elementOf(lane, half, Transposed)] =
            uint16_t(call.lanes[lane].in[1 + m] >> 16 * half);
  for (unsigned row = 0; row != 8 * Count; ++row)
    std::memcpy(rowOf(call, row, AccessKind::Store), &elements[row / 8][row % 8 * 8], 16);
}
template void storeMatrices<1, false>(WarpCall &);
template void storeMatrices<2, false>(WarpCall &);
template void storeMatrices<4, false>(WarpCall &);
template void storeMatrices<1, true>(WarpCall &);
template void storeMatrices<2, true>(WarpCall &);
template void storeMatrices<4, true>(WarpCall &);

} // namespace halo::sim
