// What a cubin says about its kernel without a disassembler: NVIDIA's ELF notes.
#pragma once

#include "runtime/Result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace halo::tool {

struct CubinFile {
  std::string arch;        ///< "sm_90".
  std::string entry;       ///< Of the first function.
  int registers = -1;      ///< Per thread; -1 where the file does not say.
  int stackBytes = -1;     ///< Per thread: spills and local arrays.
  int threads = 0;         ///< The most a block may have; 0 where the file does not say.
  int64_t sharedBytes = 0; ///< Static, without what the system reserves.
  int64_t codeBytes = 0;
};

/// Refused where the bytes are no cubin, or are cut short.
Result<CubinFile> readCubin(std::string_view bytes);

} // namespace halo::tool
