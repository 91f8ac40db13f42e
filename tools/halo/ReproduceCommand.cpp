// halo reproduce: asks the compiler again what it once failed at.
#include "tools/halo/Command.h"
#include "tools/halo/Output.h"

#include "runtime/CompilerLibrary.h"
#include "runtime/Reproducer.h"

#include <fmt/format.h>

using namespace halo;
using namespace halo::tool;

static Result<int> run(const Arguments &arguments) {
  HALO_TRY(reproducer, readReproducer(arguments.positional(0)));
  HALO_TRY(compiler, CompilerLibrary::get());
  note(fmt::format("problem: {}", reproducer.problem));
  note(fmt::format("it failed with: {}", reproducer.error));
  if (compiler->buildId() != reproducer.buildId)
    note(fmt::format("by build {}; this is build {}", reproducer.buildId, compiler->buildId()));
  Result<Reply> reply = compiler->call(reproducer.request);
  if (!reply)
    return reply.error();
  print(fmt::format("compiles now: {} B", reply->blob.size()));
  return 0;
}

Command halo::tool::reproduceCommand() {
  Syntax syntax;
  syntax.command = "reproduce";
  syntax.summary = "ask the compiler again what it failed at";
  syntax.positionals = {"FILE"};
  syntax.notes =
      "FILE is what a failed compile left; its error names it. The exit status is that of "
      "the compile.";
  return {syntax, run};
}
