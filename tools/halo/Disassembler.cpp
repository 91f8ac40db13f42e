#include "tools/halo/Disassembler.h"

#include "runtime/Environment.h"
#include "tools/halo/Arguments.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace halo;
using namespace halo::tool;

std::string halo::tool::findProgram(const std::string &program) {
  std::vector<std::string> folders = splitList(environment(kPath), ':');
  if (std::string home = environment(kCudaHome); !home.empty())
    folders.push_back(home + "/bin");
  folders.push_back("/usr/local/cuda/bin");
  for (const std::string &folder : folders) {
    std::string path = folder + "/" + program;
    if (!folder.empty() && access(path.c_str(), X_OK) == 0)
      return path;
  }
  return "";
}

std::string halo::tool::findDisassembler() {
  if (std::string named = environment(kNvdisasm); !named.empty())
    return named;
  std::string path = findProgram("nvdisasm");
  return path.empty() ? findProgram("cuobjdump") : path;
}

Result<std::string> halo::tool::runProgram(const std::vector<std::string> &words) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return failed(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  // Its complaints would break our one line of error; the status tells enough.
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char *> argv;
  for (const std::string &word : words)
    argv.push_back(const_cast<char *>(word.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  int error = posix_spawn(&child, words[0].c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error) {
    close(ends[0]);
    return failed(fmt::format("cannot run '{}': {}", words[0], std::strerror(error)));
  }

  std::string output;
  char buffer[65536];
  for (;;) {
    ssize_t count = read(ends[0], buffer, sizeof buffer);
    if (count > 0)
      output.append(buffer, size_t(count));
    else if (count == 0 || errno != EINTR)
      break;
  }
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return failed(fmt::format("'{}' ended with status {}", words[0],
                              WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)));
  return output;
}

Result<std::string> halo::tool::disassemble(std::string_view cubin, bool lines) {
  std::string program = findDisassembler();
  if (program.empty())
    return unavailable(fmt::format("no disassembler: neither nvdisasm nor cuobjdump is in PATH, "
                                   "CUDA_HOME/bin or {}; install the CUDA toolkit's nvdisasm",
                                   kNvdisasm.name));
  std::string folder = environment(kTmpDir);
  std::string path = (folder.empty() ? "/tmp" : folder) + "/halo-XXXXXX.cubin";
  int file = mkstemps(path.data(), int(std::strlen(".cubin")));
  if (file < 0)
    return failed(fmt::format("cannot make a temporary file: {}", std::strerror(errno)));
  bool written = write(file, cubin.data(), cubin.size()) == ssize_t(cubin.size());
  close(file);
  std::vector<std::string> words = {program};
  if (program.size() >= 9 && program.compare(program.size() - 9, 9, "cuobjdump") == 0)
    words.push_back("-sass");
  else if (lines)
    words.insert(words.end(), {"-c", "-g"});
  words.push_back(path);
  Result<std::string> text =
      written ? runProgram(words)
              : Result<std::string>(failed(fmt::format("cannot write '{}'", path)));
  unlink(path.c_str());
  return text;
}
