// A pack: compiled kernels in one file, which needs no compiler to be launched. The file's form is
// PackLayout.h, what it says of itself PackManifest.h.
//
// What is checked when:
//   open()    the first entry's place and name, the version, the manifest's SHA-256 (in the comment
//             at the end of the file), the manifest itself, and that the file has exactly the size
//             that follows from it. Blobs are not read: opening costs the manifest's size.
//   blob()    the blob's SHA-256, each time it is read: what is used was checked.
//   verify()  every byte: blobs, headers, padding, directory, comment; and that what is inside can
//             be used.
#pragma once

#include "runtime/Device.h"
#include "runtime/Export.h"
#include "runtime/PackLayout.h"
#include "runtime/PackManifest.h"
#include "runtime/ProblemDefaults.h"
#include "runtime/Result.h"
#include "runtime/TuningRecords.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace halo {

struct CompileTarget;
struct CompileOptions;

/// Thread-safe: nothing changes after open() but caches.
class HALO_API Pack {
public:
  /// Maps the file. Whoever replaces a pack must do so by a rename: a file that is cut short while
  /// it is mapped is noticed when a blob is asked for, but not in the middle of reading one.
  static Result<std::shared_ptr<const Pack>> open(const std::string &path);
  /// A pack in memory; `name` stands for the path in messages.
  static Result<std::shared_ptr<const Pack>> parse(std::string name, std::string bytes);
  ~Pack();
  Pack(const Pack &) = delete;
  Pack &operator=(const Pack &) = delete;

  const std::string &path() const { return name; }
  const PackManifest &manifest() const { return contents; }
  const PackLayout &layout() const { return places; }
  /// The SHA-256 that stands in the file for all of it; verify() compares it with the bytes.
  std::string_view digest() const { return bytes.substr(bytes.size() - kPackDigest); }
  /// A blob's bytes, copied and checked.
  Result<std::string> blob(size_t index) const;
  Result<void> verify() const;

  /// The place of a problem in the manifest. `source` is the SHA-256 of the text of a kernel that
  /// is named by its path, else empty: such a kernel is found by its text, or by its own name.
  Result<std::optional<size_t>> find(const Problem &asked, const std::string &source) const;
  /// Which of a problem's codes runs on this device; null where none does. A cubin of its
  /// architecture, else PTX for an older one. Of several the one whose schedule was chosen for this
  /// class of GPU and these channels; one that a schedule is forced on must have it.
  const PackCode *choose(const PackProblem &problem, const CompileTarget &target,
                         const CompileOptions &options) const;
  /// A code with all its launch needs, checked.
  Result<Artifact> artifact(const PackProblem &problem, const PackCode &code) const;
  /// The description of a kernel; nothing where the pack has none of this name.
  Result<std::optional<std::string>> describe(const std::string &kernel,
                                              const std::string &source) const;
  /// The tuning records it carries; none is an empty set.
  Result<TuningRecords> records() const;

private:
  explicit Pack(std::string name) : name(std::move(name)) {}
  /// Everything of open() but getting the bytes.
  Result<void> read();
  Error damaged(const std::string &what) const;
  /// The kernel's place, or nothing.
  std::optional<size_t> kernelOf(const std::string &kernel, const std::string &source) const;
  Result<void> verifyContents() const;

  const std::string name;
  std::string owned;      ///< The bytes of a pack in memory.
  std::string_view bytes; ///< The whole file.
  int file = -1;          ///< Open while it is mapped.
  PackManifest contents;
  PackLayout places;
  std::unordered_map<std::string, size_t> problems; ///< By text.

  mutable std::mutex mutex;
  mutable std::unordered_map<size_t, std::shared_ptr<const ProblemDefaults>> defaults; ///< By kernel.
};

} // namespace halo
