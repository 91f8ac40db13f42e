// The subcommands. Adding one: a file that defines a Command, a line here and a line in main.cpp.
#pragma once

#include "runtime/Result.h"
#include "tools/halo/Arguments.h"

namespace halo::tool {

struct Command {
  Syntax syntax;
  /// The exit status, or an error that main() prints and turns into one.
  Result<int> (*run)(const Arguments &);
};

Command listCommand();
Command compileCommand();
Command runCommand();
Command benchCommand();
Command cacheCommand();
Command doctorCommand();
Command inspectCommand();
Command reproduceCommand();
Command packCommand();
Command tuneCommand();
Command tuneWorkerCommand();

} // namespace halo::tool
