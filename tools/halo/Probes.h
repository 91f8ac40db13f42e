// What this machine has: one finding for each thing Halo can use, with the mend where it is absent.
#pragma once

#include <string>
#include <vector>

namespace halo::tool {

struct Finding {
  std::string what; ///< "driver"
  bool present = false;
  std::string state; ///< "CUDA 13.0", or why it is absent.
  std::string mend;  ///< What to do about it; "" where nothing is amiss.
};

Finding probeDriver();
/// One finding for each GPU, or one that says there is none.
std::vector<Finding> probeGpus();
Finding probeCompiler();
Finding probeSimulator();
/// nvJitLink, ptxas and a disassembler.
std::vector<Finding> probeToolkit();

/// An environment variable that some part of Halo reads.
struct Variable {
  std::string name, value;
  std::string keyField; ///< Of the kernels' key, through which it acts; "" where it is neutral.
  std::string meaning;
  bool set = false;
};
std::vector<Variable> readEnvironment();

} // namespace halo::tool
