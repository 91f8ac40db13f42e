// SASS from a cubin, by NVIDIA's own disassembler where this machine has one.
#pragma once

#include "runtime/Result.h"

#include <string>
#include <string_view>
#include <vector>

namespace halo::tool {

/// The environment variable that names a disassembler and comes before every search.
constexpr const char *DisassemblerVariable = "HALO_NVDISASM";

/// `program` in $PATH, else in $CUDA_HOME/bin, else in /usr/local/cuda/bin; "" where it is nowhere.
std::string findProgram(const std::string &program);
/// The disassembler's path: of HALO_NVDISASM, nvdisasm or cuobjdump; "" where there is none.
std::string findDisassembler();

/// Runs a program to its end, without a shell; its standard output, or an error with its status.
Result<std::string> runProgram(const std::vector<std::string> &words);

Result<std::string> disassemble(std::string_view cubin);

} // namespace halo::tool
