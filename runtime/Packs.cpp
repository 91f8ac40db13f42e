#include "runtime/Packs.h"

#include "runtime/Environment.h"
#include "runtime/Sha256.h"
#include "runtime/TuningPolicy.h"
#include "runtime/Warning.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace halo {

namespace fs = std::filesystem;

static std::string digestOf(const std::string &source) {
  return source.empty() ? std::string() : sha256(source);
}

CacheKey PackedKernel::key() const {
  CacheKey key("pack");
  key.add("pack", std::string(pack->digest()));
  key.add("problem", problem->problem.print());
  key.add("code", fmt::format("{}", code - problem->codes.data()));
  return key;
}

Packs &Packs::get() {
  // Never destroyed: kernels may be loaded while the process ends.
  static Packs *packs = [] {
    auto *made = new Packs;
    made->openFromEnvironment();
    return made;
  }();
  return *packs;
}

/// The file, or the folder's files in the order of their names.
static Result<std::vector<std::string>> filesOf(const std::string &path) {
  std::error_code error;
  if (!fs::is_directory(path, error))
    return std::vector<std::string>{path};
  std::set<std::string> files;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == ".halopack")
      files.insert(it->path().string());
  if (error)
    return invalid(fmt::format("folder of packs {}: {}", path, error.message()));
  return std::vector<std::string>(files.begin(), files.end());
}

void Packs::openFromEnvironment() {
  std::string paths = environment(kPacks);
  for (size_t begin = 0; begin < paths.size();) {
    size_t end = std::min(paths.find(':', begin), paths.size());
    std::string path = paths.substr(begin, end - begin);
    begin = end + 1;
    if (path.empty())
      continue;
    auto complain = [&](const Error &error) {
      warn(error.message);
      refused += (refused.empty() ? "" : "; ") + error.message;
    };
    Result<std::vector<std::string>> files = filesOf(path);
    if (!files) {
      complain(files.error());
      continue;
    }
    for (const std::string &file : *files)
      if (auto pack = Pack::open(file))
        packs.push_back(*pack);
      else
        complain(pack.error());
  }
}

Result<void> Packs::open(const std::string &path) {
  HALO_TRY(files, filesOf(path));
  if (files.empty())
    return invalid(fmt::format("folder {} has no .halopack", path));
  for (const std::string &file : files) {
    HALO_TRY(pack, Pack::open(file));
    std::lock_guard<std::mutex> lock(mutex);
    packs.insert(packs.begin() + int64_t(numOwn++), pack);
  }
  return {};
}

std::vector<std::shared_ptr<const Pack>> Packs::all() const {
  std::lock_guard<std::mutex> lock(mutex);
  return packs;
}

Result<std::shared_ptr<const PackedKernel>> Packs::find(const CompileTarget &target,
                                                        const Problem &problem,
                                                        const std::string &source,
                                                        const CompileOptions &options) const {
  for (const std::shared_ptr<const Pack> &pack : all()) {
    HALO_TRY(place, pack->find(problem, digestOf(source)));
    if (!place)
      continue;
    const PackProblem &found = pack->manifest().problems[*place];
    if (const PackCode *code = pack->choose(found, target, options))
      return std::make_shared<const PackedKernel>(PackedKernel{pack, &found, code});
  }
  return std::shared_ptr<const PackedKernel>();
}

Result<std::optional<KernelFacts>> Packs::facts(const Problem &problem,
                                                const std::string &source) const {
  for (const std::shared_ptr<const Pack> &pack : all()) {
    HALO_TRY(place, pack->find(problem, digestOf(source)));
    if (!place)
      continue;
    const PackProblem &found = pack->manifest().problems[*place];
    KernelFacts facts{found.problem, found.traits};
    facts.problem.kernel = problem.kernel;
    return std::optional<KernelFacts>(std::move(facts));
  }
  return std::optional<KernelFacts>();
}

Result<std::optional<std::string>> Packs::describe(const std::string &kernel,
                                                   const std::string &source) const {
  for (const std::shared_ptr<const Pack> &pack : all()) {
    HALO_TRY(text, pack->describe(kernel, digestOf(source)));
    if (text)
      return text;
  }
  return std::optional<std::string>();
}

std::vector<TunedBlockL> Packs::blockLs(const PackedKernel &kernel,
                                        const CompileTarget &target) const {
  if (target.gpu.empty() || tuningPolicy() == TuningPolicy::Off)
    return {};
  // Damaged records cost speed, no kernel.
  Result<TuningRecords> records = kernel.pack->records();
  if (!records)
    return {};
  return records->blockLs(target.gpu, kernel.problem->problem.print(), kernel.code->schedule);
}

std::string Packs::excuse() const {
  std::lock_guard<std::mutex> lock(mutex);
  std::string text;
  if (!packs.empty())
    text = fmt::format("; none of {} packs has it", packs.size());
  return refused.empty() ? text : text + "; " + refused;
}

} // namespace halo
