#include "tests/unit/sim/SimHarness.h"

#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

namespace halo::sim {

std::string assemble(const std::string &text) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  std::string full = "target triple = \"nvptx64-nvidia-cuda\"\n" + text;
  auto module = llvm::parseIR(llvm::MemoryBufferRef(full, "test.ll"), diagnostic, context);
  std::string result;
  llvm::raw_string_ostream stream(result);
  if (module) {
    llvm::WriteBitcodeToFile(*module, stream);
  } else {
    diagnostic.print("test.ll", stream);
    ADD_FAILURE() << result;
  }
  return result;
}

TestKernel::TestKernel(const std::string &text, bool checked) {
  auto created = SimKernel::create(assemble(text), "k", checked);
  if (created)
    kernel = std::move(*created);
  else
    message = created.error().message;
}

std::string TestKernel::run(const Launch &launch) {
  if (!kernel)
    return message;
  std::vector<void *> params;
  for (void *&pointer : pointers)
    params.push_back(&pointer);
  HaloSimLaunch full = {};
  full.size = sizeof full;
  full.gridX = launch.grid;
  full.blockX = launch.block;
  full.gridY = full.gridZ = full.blockY = full.blockZ = 1;
  full.sharedBytes = launch.sharedBytes;
  full.params = params.data();
  full.checked = launch.checked;
  full.seed = launch.seed;
  full.regions = regions.data();
  full.numRegions = regions.size();
  auto done = kernel->run(full);
  pointers.clear();
  regions.clear();
  return done ? "" : done.error().message;
}

} // namespace halo::sim
