// What of a pack answers a question.
#include "runtime/KernelCompiler.h"
#include "runtime/Pack.h"
#include "runtime/ScheduleChoice.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

namespace halo {

namespace {

/// 90 of "sm_90"; -1 of what is no plain architecture: PTX for sm_90a runs on that one only.
int numberOf(std::string_view arch) {
  int number = -1;
  if (arch.substr(0, 3) != "sm_")
    return -1;
  auto [end, error] = std::from_chars(arch.data() + 3, arch.data() + arch.size(), number);
  return error == std::errc() && end == arch.data() + arch.size() ? number : -1;
}

/// How well a code fits a device: 0 not at all, else more is better.
int fitOf(const PackCode &code, const CompileTarget &target) {
  if (target.emit == "sim")
    return code.form == "sim";
  if (target.emit == "gpu") // The null device runs nothing, so that any code will do.
    return code.form == "cubin" && code.arch == target.arch ? 2 : 1;
  if (target.emit != "cubin")
    return 0;
  if (code.form == "cubin")
    return code.arch == target.arch ? 2 : 0;
  int own = numberOf(target.arch), least = numberOf(code.arch);
  bool known = target.ptx == 0 || code.ptx <= target.ptx;
  return code.form == "ptx" && least >= 0 && own >= least && known;
}

int fitOfGpu(const PackCode &code, const std::string &gpu) {
  return code.gpu.empty() ? 1 : code.gpu == gpu ? 2 : 0;
}

int fitOfChannels(const PackCode &code, int64_t channels) {
  if (code.channels.empty() || channels == 0)
    return 1;
  return std::count(code.channels.begin(), code.channels.end(), channels) ? 2 : 0;
}

} // namespace

std::optional<size_t> Pack::kernelOf(const std::string &kernel, const std::string &source) const {
  for (size_t i = 0; i < contents.kernels.size(); ++i)
    if (source.empty() ? contents.kernels[i].name == kernel : contents.kernels[i].source == source)
      return i;
  return std::nullopt;
}

Result<std::optional<size_t>> Pack::find(const Problem &asked, const std::string &source) const {
  std::optional<size_t> kernel = kernelOf(asked.kernel, source);
  if (!kernel)
    return std::optional<size_t>();
  std::shared_ptr<const ProblemDefaults> known;
  {
    std::lock_guard<std::mutex> lock(mutex);
    std::shared_ptr<const ProblemDefaults> &place = defaults[*kernel];
    if (!place) {
      HALO_TRY(text, blob(contents.kernels[*kernel].description));
      HALO_TRY(parsed, ProblemDefaults::parse(text));
      place = std::make_shared<const ProblemDefaults>(std::move(parsed));
    }
    known = place;
  }
  Problem named = asked;
  named.kernel = contents.kernels[*kernel].name;
  std::optional<Problem> whole = known->complete(named);
  if (!whole)
    return std::optional<size_t>();
  auto found = problems.find(whole->print());
  return found == problems.end() ? std::optional<size_t>() : std::optional<size_t>(found->second);
}

const PackCode *Pack::choose(const PackProblem &problem, const CompileTarget &target,
                             const CompileOptions &options) const {
  std::string forced;
  if (!options.schedule.empty()) {
    Result<Schedule> schedule = resolveSchedule(problem.traits, target.traits,
                                                options.shapeHint.d, options.schedule);
    if (!schedule)
      return nullptr; // The compiler says why.
    forced = schedule->print();
  }
  const PackCode *best = nullptr;
  std::tuple<int, int, int> fit;
  for (const PackCode &code : problem.codes) {
    std::tuple<int, int, int> own(fitOf(code, target), fitOfGpu(code, target.gpu),
                                  fitOfChannels(code, options.shapeHint.d));
    if (std::get<0>(own) == 0 || (!forced.empty() && code.schedule != forced))
      continue;
    if (!best || own > fit) {
      best = &code;
      fit = own;
    }
  }
  return best;
}

Result<Artifact> Pack::artifact(const PackProblem &problem, const PackCode &code) const {
  HALO_TRY(text, blob(code.info));
  HALO_TRY(info, KernelInfo::fromJson(text));
  HALO_TRY(bytes, blob(code.code));
  info.problem = problem.problem.print();
  if (info.schedule != code.schedule)
    return damaged(fmt::format("{} has the schedule '{}' where the manifest says '{}'",
                               contents.blobs[code.info].name, info.schedule, code.schedule));
  return Artifact{std::move(info), std::move(bytes)};
}

Result<std::optional<std::string>> Pack::describe(const std::string &kernel,
                                                  const std::string &source) const {
  std::optional<size_t> place = kernelOf(kernel, source);
  if (!place)
    return std::optional<std::string>();
  HALO_TRY(text, blob(contents.kernels[*place].description));
  return std::optional<std::string>(std::move(text));
}

Result<TuningRecords> Pack::records() const {
  TuningRecords records;
  if (!contents.records)
    return records;
  HALO_TRY(text, blob(*contents.records));
  std::vector<std::string> complaints;
  records.merge(text, complaints);
  if (!complaints.empty())
    return damaged(fmt::format("{}, {}", contents.blobs[*contents.records].name, complaints[0]));
  return records;
}

} // namespace halo
