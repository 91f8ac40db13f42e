// Code as a list of instructions, read off the text of PTX or SASS: what control flow and counting
// need, and the lines of the kernel's text that line tables give.
//
//   $L__BB0_3:                                   labels["$L__BB0_3"] = 7
//     @%p2 ld.global.nc.v4.b32 {..}, [%rd7];     {opcode "ld.global.nc.v4.b32", guard "%p2"}
//     @%p3 bra $L__BB0_3;                        {opcode "bra", guard "%p3", target "$L__BB0_3"}
//
//   .L_x_10:
//     @!P2 BRA `(.L_x_4) ;                       {opcode "BRA", guard "!P2", target ".L_x_4"}
#pragma once

#include "runtime/Result.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace halo::tool {

struct Instruction {
  std::string text;     ///< As written, without indentation and semicolon.
  std::string opcode;   ///< With its modifiers.
  std::string operands; ///< What follows it.
  std::string guard;    ///< The predicate it runs under, with "!" where that is negated; or "".
  std::string target;   ///< The label a branch goes to, or "".
  int line = 0;         ///< Of the kernel's text; 0 where unknown.
};

struct Listing {
  enum class Form { Ptx, Sass };
  Form form = Form::Ptx;
  std::string entry; ///< The function's name.
  std::string arch;  ///< "sm_90", or "" where the text does not say.
  int threads = 0;   ///< PTX: .maxntid; 0 where unknown.
  std::vector<Instruction> instructions;
  std::map<std::string, size_t> labels; ///< To the instruction that follows.
};

/// The first entry of a PTX text. Refused where it has none.
Result<Listing> parsePtx(std::string_view text);
/// The first function of what nvdisasm (or cuobjdump -sass) prints. Refused where it has none.
Result<Listing> parseSass(std::string_view text);

} // namespace halo::tool
