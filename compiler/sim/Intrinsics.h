// The table of everything a kernel may call: how each NVVM intrinsic is simulated.
#pragma once

#include <cstdint>
#include <string_view>

namespace halo::sim {

struct SimThread;
struct WarpCall;

/// A host function behind an intrinsic. Operands and results are 64-bit slots: integers
/// zero-extended, floats and short vectors by their bits, pointers as addresses, and one result
/// slot per struct field, because LLVM's struct returns are not the C ABI.
using HostCall = void (*)(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);
/// What a warp does when its last lane arrives, for all lanes at once.
using WarpFunction = void (*)(WarpCall &call);

struct SimIntrinsic {
  enum class Kind : uint8_t {
    Register,   ///< A load from ThreadRegisters at `number`.
    Pure,       ///< A C function of the same scalar signature at `address`.
    Generic,    ///< The LLVM intrinsic with the ID `number` and the same operands.
    Binary,     ///< The LLVM binary operator `number`.
    Nothing,    ///< No effect here.
    Fence,      ///< No effect here, but it orders global memory between threads.
    Call,       ///< `call`, never suspends.
    Barrier,    ///< `call`, may suspend.
    Collective, ///< `warp` when every lane named by operand `maskOperand` has arrived.
  };

  std::string_view name; ///< As Intrinsic::getBaseName spells it, or a plain symbol.
  Kind kind;
  unsigned number = 0;
  const void *address = nullptr;
  HostCall call = nullptr;
  WarpFunction warp = nullptr;
  int maskOperand = -1;    ///< -1: the whole warp takes part.
  const char *type = "";   ///< For overloaded Pure ones: the only operand type ("float").
};

/// The entry with that name, or null.
const SimIntrinsic *findIntrinsic(std::string_view name);

} // namespace halo::sim
