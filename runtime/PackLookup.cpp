// What of a pack answers a question, and what is in it, read and checked.
#include "runtime/Pack.h"

#include <fmt/format.h>

namespace halo {

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
