// The `halo` command: finds the subcommand, parses its words, turns errors into an exit status.
#include "runtime/Warning.h"
#include "tools/halo/Command.h"
#include "tools/halo/Output.h"
#include "tools/halo/Suggest.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>

using namespace halo;
using namespace halo::tool;

static int exitStatus(ErrorCode code) { return code == ErrorCode::Invalid ? 2 : 1; }

static int report(const Error &error) {
  printError(error.message);
  return exitStatus(error.code);
}

static std::string overview(const std::vector<Command> &commands) {
  std::string text = "usage: halo COMMAND [options]\n\nGenerates causal-convolution GPU kernels."
                     "\n\ncommands:\n";
  for (const Command &command : commands)
    if (!command.syntax.summary.empty()) // Without one it is no command for people.
      text += fmt::format("  {:<9}  {}\n", command.syntax.command, command.syntax.summary);
  return text +
         "\nKERNEL is a built-in name or a path to a .mlir file. Exit status: 0 done, 1 the\n"
         "computation or the machine failed, 2 the request was wrong.\n"
         "`halo COMMAND --help` explains a command.\n";
}

static int dispatch(std::vector<std::string> words) {
  const std::vector<Command> commands = {listCommand(),  compileCommand(), runCommand(),
                                         benchCommand(), tuneCommand(),    packCommand(),
                                         inspectCommand(), cacheCommand(), doctorCommand(),
                                         reproduceCommand(), tuneWorkerCommand()};
  if (words.empty())
    return report(invalid("no command is given: see halo --help"));
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    fmt::print("{}", overview(commands));
    return 0;
  }

  std::vector<std::string> names;
  for (const Command &command : commands) {
    if (!command.syntax.summary.empty())
      names.push_back(command.syntax.command);
    if (words[0] != command.syntax.command)
      continue;
    words.erase(words.begin());
    Result<Arguments> arguments = Arguments::parse(command.syntax, words);
    if (!arguments)
      return report(arguments.error());
    if (arguments->helpWanted()) {
      fmt::print("{}", command.syntax.help());
      return 0;
    }
    Result<int> status = command.run(*arguments);
    // A full disk or a closed pipe shows only when the buffer is written out.
    if (status && (std::fflush(stdout) != 0 || std::ferror(stdout)))
      return report(failed("cannot write to the standard output"));
    return status ? *status : report(status.error());
  }
  return report(invalid(unknown("command", words[0], names)));
}

int main(int argc, char **argv) {
  halo::setWarningSink([](const std::string &sentence) { note("warning: " + sentence); });
  // Halo's own code throws nothing; memory and output streams still may.
  try {
    return dispatch(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception &error) {
    return report(failed(fmt::format("gave up: {}", error.what())));
  }
}
