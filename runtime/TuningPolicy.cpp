#include "runtime/TuningPolicy.h"

#include "runtime/Environment.h"
#include "runtime/Join.h"
#include "runtime/TuningRecords.h"

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <dlfcn.h>
#include <fcntl.h>
#include <mutex>
#include <set>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

namespace halo {

namespace {

constexpr TuningPolicy kPolicies[] = {TuningPolicy::Off, TuningPolicy::Explicit,
                                      TuningPolicy::OnFirstUse};
constexpr int kUnset = -1;

std::atomic<int> &chosen() {
  static std::atomic<int> policy{kUnset};
  return policy;
}

/// HALO_TUNER, else bin/halo beside our lib.
std::string tunerPath() {
  if (std::string path = environment(kTuner); !path.empty())
    return path;
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&tunerPath), &info) || !info.dli_fname)
    return "halo";
  std::string self = info.dli_fname;
  size_t slash = self.rfind('/');
  return slash == std::string::npos ? "halo" : self.substr(0, slash) + "/../bin/halo";
}

} // namespace

std::string_view name(TuningPolicy policy) {
  switch (policy) {
  case TuningPolicy::Off:
    return "off";
  case TuningPolicy::Explicit:
    return "explicit";
  case TuningPolicy::OnFirstUse:
    return "on-first-use";
  }
  return "";
}

Result<void> setTuning(TuningPolicy policy) {
  int before = kUnset;
  if (chosen().compare_exchange_strong(before, int(policy)) || before == int(policy))
    return {};
  return invalid(fmt::format("the tuning policy is {} already, it cannot become {}",
                             name(TuningPolicy(before)), name(policy)));
}

TuningPolicy tuningPolicy() {
  int policy = chosen();
  if (policy != kUnset)
    return TuningPolicy(policy);
  std::string wanted = environment(kTuning);
  TuningPolicy fallback = TuningPolicy::Explicit;
  for (TuningPolicy known : kPolicies)
    if (wanted == name(known))
      fallback = known;
  int before = kUnset;
  chosen().compare_exchange_strong(before, int(fallback));
  return TuningPolicy(int(chosen()));
}

std::vector<std::string> tuneCommand(const Problem &problem, const Shape &shape,
                                     std::string_view device) {
  std::vector<std::string> words = {
      "tune", problem.kernel, "--shape",
      fmt::format("B={},L={},D={}", shape.b, shape.l, shape.d)};
  for (const auto &[param, value] : problem.params)
    // An empty value is a default that no command line can spell.
    if (!value.empty())
      words.insert(words.end(), {"--set", param + "=" + value});
  if (problem.align != 16)
    words.insert(words.end(), {"--set", fmt::format("align={}", problem.align)});
  if (!problem.with.empty())
    words.insert(words.end(), {"--with", join(problem.with, ",")});
  words.insert(words.end(), {"--device", std::string(device)});
  return words;
}

bool tuneInBackground(const Problem &problem, const Shape &shape, std::string_view device) {
  if (shape.b <= 0 || shape.d <= 0 || shape.l <= 0)
    return false;
  Shape bucket = bucketOf(shape);
  static std::mutex mutex;
  static auto *started = new std::set<std::string>;
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!started
             ->insert(fmt::format("{} {} {} {}", problem.print(), bucket.b, bucket.d, bucket.l))
             .second)
      return false;
  }
  std::string path = tunerPath();
  std::vector<std::string> words = tuneCommand(problem, shape, device);
  words.insert(words.begin(), path);
  words.push_back("--background");
  std::vector<char *> argv;
  for (std::string &word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  for (int out : {1, 2})
    posix_spawn_file_actions_addopen(&actions, out, "/dev/null", O_WRONLY, 0);
  pid_t process = -1;
  int error = ::posix_spawn(&process, path.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error)
    return false;
  // --background leaves a grandchild that belongs to init; this one ends at once.
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace halo
