// Host code from a thread function: optimises, compiles and links it into this process.
#pragma once

#include "compiler/sim/SimProgram.h"
#include "runtime/Result.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>

namespace halo::sim {

/// Owns the code; unloads it when destroyed.
class Jit {
public:
  static Result<std::unique_ptr<Jit>> create();

  /// The layout modules must have before they are compiled.
  llvm::DataLayout dataLayout() const { return machine->createDataLayout(); }
  const llvm::Triple &triple() const { return machine->getTargetTriple(); }

  /// Fills in the program's function, frame size and global variables. Once per Jit.
  Result<void> compile(std::unique_ptr<llvm::Module> module,
                       std::unique_ptr<llvm::LLVMContext> context, SimProgram &program);

private:
  void optimise(llvm::Module &module);

  std::string reported; ///< By the session, before a failure; outlives it.
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace halo::sim
