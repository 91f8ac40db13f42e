// One compile: a kernel's text, bound and scheduled, down to the form asked for. The stages are a
// named, ordered list; a request stops after the one it names.
//
//   text -> specialise -> halo (scheduled) -> gpu -> llvm -> opt -> ptx -> cubin
//                                                     \-> sim (LLVM bitcode)
//
// Every one of them can be shown, and replaced by a text of one's own (Stages.h).
#pragma once

#include "compiler/Specialise.h"
#include "runtime/KernelInfo.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"
#include "runtime/Target.h"

#include <string>
#include <utility>
#include <vector>

namespace halo::compiler {

enum class Emit { Halo, Gpu, Llvm, Ptx, Cubin, Sim };

struct CompileRequest {
  std::string kernel; ///< A built-in name or a path that ends in .mlir.
  std::string source; ///< The kernel's text; empty: a built-in's, or read from the path.
  Bindings bindings;
  int align = 16;
  std::string schedule; ///< What it leaves out is chosen for the default device.
  std::string arch = "sm_90";
  Emit emit = Emit::Cubin;
  int maxPtx = 0; ///< The newest PTX version the driver accepts; 0 where unknown.
  /// Line tables of the kernel's text, down to the cubin. The instructions stay the same.
  bool lines = false;
  /// Puts the text of every stage that runs into the reply.
  bool dump = false;
  /// A stage's name and the text that takes its place: halo, gpu, llvm, opt or ptx. The stages
  /// between specialisation and it are left out. From gpu on the text is launched as the kernel it
  /// replaces: with its threads, shared memory and parameters.
  std::string overrideStage, overrideText;
};

struct CompileReply {
  KernelInfo info;
  std::vector<std::pair<std::string, double>> times;       ///< Stage, milliseconds.
  std::string log;                                         ///< The assembler's report.
  std::vector<std::pair<std::string, std::string>> stages; ///< Name, text; of a dump.
  std::string blob;
};

Result<CompileReply> compile(const CompileRequest &request);

/// What the choice of a schedule needs to know, before there is one.
struct TraitsReply {
  KernelTraits traits;
  Bindings bindings; ///< With every default filled in; what is empty is left out.
};

/// Binds the parameters and looks; of the request it reads kernel, source, bindings and align.
Result<TraitsReply> traits(const CompileRequest &request);

/// A kernel's text: a built-in's or a file's.
Result<std::string> kernelText(const std::string &kernel);
/// Names of the built-in kernels, in order.
std::vector<std::string> builtinKernels();

/// Facts for the analytic choice, from a specialised kernel.
KernelTraits traitsOf(ir::KernelOp kernel, int align);

/// A context with every dialect, for one use at a time on the calling thread.
mlir::MLIRContext &threadContext();
/// After a fatal error in its use: the thread's next context is another one. The old one is leaked,
/// because what lived on the stack is still known to it.
void abandonThreadContext();

} // namespace halo::compiler
