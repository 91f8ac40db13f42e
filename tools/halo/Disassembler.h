// SASS from a cubin, by NVIDIA's own disassembler where this machine has one.
#pragma once

#include "runtime/Result.h"

#include <string>
#include <string_view>
#include <vector>

namespace halo::tool {

/// `program` in $PATH, else in $CUDA_HOME/bin, else in /usr/local/cuda/bin; "" where it is nowhere.
std::string findProgram(const std::string &program);
/// The disassembler's path: of HALO_NVDISASM, nvdisasm or cuobjdump; "" where there is none.
std::string findDisassembler();

/// Runs a program to its end, without a shell; its standard output, or an error with its status.
Result<std::string> runProgram(const std::vector<std::string> &words);

/// The code of a cubin; with `lines`, marked with the source lines of its line tables.
Result<std::string> disassemble(std::string_view cubin, bool lines = false);

} // namespace halo::tool
