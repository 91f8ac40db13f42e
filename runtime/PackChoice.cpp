// Which of a problem's codes a device takes.
#include "runtime/KernelCompiler.h"
#include "runtime/Pack.h"
#include "runtime/ScheduleChoice.h"

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

} // namespace halo
