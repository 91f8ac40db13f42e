#include "runtime/FileLock.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace halo {

using namespace std::chrono_literals;

FileLock::FileLock(FileLock &&other) noexcept
    : file(std::exchange(other.file, -1)), path(std::move(other.path)) {}

FileLock &FileLock::operator=(FileLock &&other) noexcept {
  std::swap(file, other.file);
  std::swap(path, other.path);
  return *this;
}

FileLock::~FileLock() {
  if (file < 0)
    return;
  unlink(path.c_str());
  close(file);
}

/// Whether the file that is open is still the one of that name.
static bool stillNamed(int file, const std::string &path) {
  struct stat ours, named;
  return fstat(file, &ours) == 0 && stat(path.c_str(), &named) == 0 &&
         ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

std::optional<FileLock> FileLock::acquire(const std::string &path,
                                          std::chrono::milliseconds patience,
                                          const std::function<bool()> &done) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  for (auto pause = 500us;; pause = std::min<std::chrono::microseconds>(2 * pause, 20ms)) {
    int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0 && errno == EACCES) // Another user's; only NFS wants to write for a lock.
      file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0)
      return std::nullopt;
    if (flock(file, LOCK_EX | LOCK_NB) == 0) {
      if (stillNamed(file, path))
        return FileLock(file, path);
      close(file); // Its last holder has removed it.
      pause = 500us;
      continue;
    }
    bool held = errno == EWOULDBLOCK || errno == EINTR;
    close(file);
    if (!held || std::chrono::steady_clock::now() >= deadline)
      return std::nullopt;
    std::this_thread::sleep_for(pause);
    if (done())
      return std::nullopt;
  }
}

} // namespace halo
