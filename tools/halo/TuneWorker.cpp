#include "tools/halo/TuneWorker.h"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::json;

extern char **environ;

/// The worker's end of the connection.
static constexpr int WorkerSocket = 3;
/// Opening a device and its context.
static constexpr int64_t StartMilliseconds = 60'000;

static std::string ownPath() {
  char path[4096];
  ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, size_t(length)) : "halo";
}

static Result<pid_t> spawnWorker(const std::string &program, const std::string &device,
                                 int socket) {
  std::string path = program.empty() ? ownPath() : program;
  std::string fd = std::to_string(WorkerSocket);
  std::vector<std::string> words = {path, "tune-worker", "--socket", fd};
  if (!device.empty())
    words.insert(words.end(), {"--device", device});
  std::vector<char *> argv;
  for (std::string &word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // dup2 onto itself would keep the close-on-exec flag; the socket is made above WorkerSocket.
  posix_spawn_file_actions_adddup2(&actions, socket, WorkerSocket);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t process = -1;
  int error = ::posix_spawn(&process, path.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error)
    return failed(fmt::format("cannot start '{}': {}", path, std::strerror(error)));
  return process;
}

Result<std::unique_ptr<TuneWorker>> TuneWorker::start(const std::string &program,
                                                      const std::string &device) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return failed(fmt::format("cannot connect to a worker: {}", std::strerror(errno)));
  // Where the caller had closed stdin and friends the pair may lie low.
  for (int &end : ends)
    if (end <= WorkerSocket) {
      int higher = ::fcntl(end, F_DUPFD_CLOEXEC, WorkerSocket + 1);
      ::close(end);
      end = higher;
    }
  std::unique_ptr<TuneWorker> worker(new TuneWorker);
  worker->socket = ends[0];
  Result<pid_t> process = spawnWorker(program, device, ends[1]);
  ::close(ends[1]);
  if (!process)
    return process.error();
  worker->process = *process;
  HALO_TRY(hello, receiveMessage(worker->socket, StartMilliseconds));
  const Json &json = hello.json;
  if (json.contains("error")) {
    std::string message = json.value("error", "");
    return json.value("invalid", false) ? invalid(message) : failed(message);
  }
  DeviceFacts &facts = worker->device;
  facts.name = json.value("name", "");
  facts.kind = json.value("kind", "");
  facts.target.arch = json.value("arch", "");
  facts.target.emit = json.value("emit", "");
  facts.target.gpu = json.value("gpu", "");
  facts.target.driver = json.value("driver", "");
  facts.target.ptx = json.value("ptx", 0);
  Json given = json.value("traits", Json::object());
  DeviceTraits &traits = facts.target.traits;
  traits.sms = given.value("sms", traits.sms);
  traits.maxThreadsPerSm = given.value("maxThreadsPerSm", traits.maxThreadsPerSm);
  traits.registersPerSm = given.value("registersPerSm", traits.registersPerSm);
  traits.sharedPerBlock = given.value("sharedPerBlock", traits.sharedPerBlock);
  traits.maxCluster = given.value("maxCluster", traits.maxCluster);
  traits.l2Bytes = given.value("l2Bytes", traits.l2Bytes);
  return worker;
}

TuneWorker::~TuneWorker() { bury(); }

std::string TuneWorker::bury() {
  std::string how = "was killed";
  if (process > 0) {
    int status = 0;
    // A process that has closed its socket is dying: let it say of what.
    pid_t gone = 0;
    for (int i = 0; i < 50 && gone == 0 && socket < 0; ++i) {
      gone = ::waitpid(process, &status, WNOHANG);
      if (gone == 0)
        ::usleep(10'000);
    }
    if (gone == process && WIFSIGNALED(status))
      how = fmt::format("died of signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (gone == process)
      how = fmt::format("ended with status {}", WEXITSTATUS(status));
    else {
      ::kill(process, SIGKILL);
      ::waitpid(process, &status, 0);
    }
    process = -1;
  }
  if (socket >= 0)
    ::close(socket);
  socket = -1;
  return how;
}

Result<Json> TuneWorker::ask(const Message &message, int64_t milliseconds) {
  if (!alive())
    return failed("the worker is dead");
  Result<void> sent = sendMessage(socket, message);
  Result<Message> reply =
      sent ? receiveMessage(socket, milliseconds) : Result<Message>(sent.error());
  if (!reply && reply.error().code == ErrorCode::Unavailable) {
    bury();
    return unavailable(fmt::format("hung: no answer within {} ms, its process was killed",
                                   milliseconds));
  }
  if (!reply) {
    ::close(socket);
    socket = -1;
    return unavailable(fmt::format("crashed: its process {}", bury()));
  }
  std::string error = reply->json.value("error", "");
  if (reply->json.contains("sick")) {
    bury();
    return unavailable(fmt::format("crashed: {}", error));
  }
  if (!error.empty())
    return failed(error);
  return std::move(reply->json);
}
