#include "compiler/sim/HostSymbols.h"
#include "compiler/sim/HostCalls.h"
#include "compiler/sim/Intrinsics.h"
#include "compiler/sim/SoftFloat.h"

#include "llvm/ADT/StringMap.h"

#include <cmath>
#include <cstring>

namespace halo::sim {

// Half values travel in the low bits of a vector register, like a float's.

static float fromBits(uint16_t bits) {
  uint32_t wide = bits;
  float carrier;
  std::memcpy(&carrier, &wide, sizeof carrier);
  return carrier;
}

static uint16_t toBits(float carrier) {
  uint32_t wide;
  std::memcpy(&wide, &carrier, sizeof wide);
  return uint16_t(wide);
}

static float truncFloatToHalf(float value) { return fromBits(floatToF16(value)); }
static float truncDoubleToHalf(double value) { return fromBits(doubleToF16(value)); }
// Reached only where the back end moves bfloat values through float, which is exact.
static float truncFloatToBf16(float value) { return fromBits(floatToBf16(value)); }
static float extendHalf(float carrier) { return f16ToFloat(toBits(carrier)); }

template <typename Fn> static const void *address(Fn *fn) {
  return reinterpret_cast<const void *>(fn);
}
template <typename T> using Unary = T(T);
template <typename T> using Binary = T(T, T);

static const llvm::StringMap<const void *> &symbols() {
  static const llvm::StringMap<const void *> table = {
      {"sim.check.access", address(checkAccess)},
      {"sim.check.range", address(checkRange)},
      {"sim.check.masked", address(checkMasked)},
      {"sim.collective", address(meetWarp)},
      {"__truncsfhf2", address(truncFloatToHalf)},
      {"__truncsfbf2", address(truncFloatToBf16)},
      {"__truncdfhf2", address(truncDoubleToHalf)},
      {"__extendhfsf2", address(extendHalf)},
      {"__gnu_f2h_ieee", address(floatToF16)},
      {"__gnu_h2f_ieee", address(f16ToFloat)},
      {"memcpy", address<void *(void *, const void *, size_t)>(std::memcpy)},
      {"memmove", address<void *(void *, const void *, size_t)>(std::memmove)},
      {"memset", address<void *(void *, int, size_t)>(std::memset)},
#define UNARY(name)                                                                                \
  {#name, address<Unary<double>>(::name)}, { #name "f", address<Unary<float>>(::name##f) }
#define BINARY(name)                                                                               \
  {#name, address<Binary<double>>(::name)}, { #name "f", address<Binary<float>>(::name##f) }
      UNARY(exp), UNARY(exp2), UNARY(log), UNARY(log2), UNARY(log10), UNARY(sin), UNARY(cos),
      UNARY(tan), UNARY(tanh), UNARY(sinh), UNARY(cosh), UNARY(asin), UNARY(acos), UNARY(atan),
      UNARY(sqrt), UNARY(floor), UNARY(ceil), UNARY(trunc), UNARY(rint), UNARY(nearbyint),
      UNARY(round), UNARY(erf), BINARY(pow), BINARY(fmod), BINARY(fmin), BINARY(fmax),
      BINARY(atan2), BINARY(copysign),
      {"roundeven", address<Unary<double>>(::rint)},
      {"roundevenf", address<Unary<float>>(::rintf)},
      {"fma", address<double(double, double, double)>(::fma)},
      {"fmaf", address<float(float, float, float)>(::fmaf)},
      {"ldexp", address<double(double, int)>(::ldexp)},
      {"ldexpf", address<float(float, int)>(::ldexpf)},
#undef UNARY
#undef BINARY
  };
  return table;
}

const void *findHostSymbol(llvm::StringRef name) {
  auto it = symbols().find(name);
  if (it != symbols().end())
    return it->second;
  if (!name.consume_front("sim."))
    return nullptr;
  const SimIntrinsic *op = findIntrinsic(std::string_view(name.data(), name.size()));
  if (!op)
    return nullptr;
  return op->call ? reinterpret_cast<const void *>(op->call) : op->address;
}

std::vector<llvm::StringRef> runtimeSymbols() {
  std::vector<llvm::StringRef> names;
  for (const auto &entry : symbols())
    names.push_back(entry.getKey());
  return names;
}

} // namespace halo::sim
