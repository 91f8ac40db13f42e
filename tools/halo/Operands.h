// The operands of a specialised kernel, worked out from its description before it is compiled:
// their shapes decide which variant (aligned or element-wise) to ask for.
#pragma once

#include "runtime/KernelInfo.h"
#include "runtime/Schedule.h"
#include "tools/halo/Description.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace halo::tool {

/// The operands that are present: all required ones, those of `with`, the outputs whose flag is
/// set, and the parts of a variable list of outputs.
std::vector<Operand> operandsOf(const Description &kernel,
                                const std::map<std::string, std::string> &params,
                                const std::set<std::string> &with);

/// 16 if contiguous tensors of this shape allow the aligned variant, else 1.
int alignmentFor(const std::vector<Operand> &operands, const Shape &shape);

} // namespace halo::tool
