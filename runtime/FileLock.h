// A lock between processes that nobody's death can leave behind: flock on a file of its own. The
// kernel releases it with the process. NFS carries flock to its server since Linux 2.6.12; where a
// file system has no locks, none is taken, and the caller does the work without one: whatever this
// guards must be safe without it, only dearer.
#pragma once

#include "runtime/Export.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace halo {

/// Move-only. The file is removed while the lock is held, so none stay behind; a waiter that got
/// the lock of a removed file notices, and starts again.
class HALO_API FileLock {
public:
  FileLock(FileLock &&other) noexcept;
  FileLock &operator=(FileLock &&other) noexcept;
  ~FileLock();

  /// Waits at most `patience`, then gives nothing. `done`, asked between tries, ends the wait
  /// early: what the lock guards has happened.
  static std::optional<FileLock> acquire(const std::string &path,
                                         std::chrono::milliseconds patience,
                                         const std::function<bool()> &done);

private:
  FileLock(int file, std::string path) : file(file), path(std::move(path)) {}
  int file;
  std::string path;
};

} // namespace halo
