#include "tools/halo/PackSpec.h"

#include "runtime/KernelSource.h"
#include "runtime/PackLayout.h"
#include "runtime/Target.h"
#include "runtime/TuningStore.h"
#include "tools/halo/Arguments.h"
#include "tools/halo/Description.h"
#include "tools/halo/OutputFile.h"
#include "tools/halo/ProblemOptions.h"
#include "tools/halo/Suggest.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

namespace {

/// Choices of one axis: a list, or what stands for a list of one.
using Axis = std::vector<Json>;

Axis axisOf(const Json &value) {
  if (value.is_array())
    return Axis(value.begin(), value.end());
  return {value};
}

Result<std::string> scalar(const std::string &where, const std::string &field, const Json &value) {
  if (value.is_string())
    return value.get<std::string>();
  if (value.is_number_integer() || value.is_boolean())
    return value.dump();
  return invalid(fmt::format("{}: '{}' is {} where a text or a number is expected", where, field,
                             value.dump(-1, ' ', false, Json::error_handler_t::replace)));
}

/// Calls `visit` with one choice of each axis, the last axis changing fastest.
Result<void> eachChoice(const std::vector<std::pair<std::string, Axis>> &axes, size_t axis,
                        std::map<std::string, Json> &chosen,
                        const std::function<Result<void>(const std::map<std::string, Json> &)> &visit) {
  if (axis == axes.size())
    return visit(chosen);
  for (const Json &value : axes[axis].second) {
    chosen[axes[axis].first] = value;
    HALO_CHECK(eachChoice(axes, axis + 1, chosen, visit));
  }
  return {};
}

const std::vector<std::string> kFields = {"kernel", "set",      "dtype",    "wdtype",
                                          "with",   "align",    "channels", "schedule",
                                          "architectures", "ptx"};

class SpecReader {
public:
  explicit SpecReader(std::string path) : path(std::move(path)) {}

  Result<PackSpec> read() {
    HALO_TRY(text, readFile(path));
    document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!document.is_object())
      return invalid(fmt::format("{}: is no JSON object", path));
    static const std::vector<std::string> known = {"name",   "architectures", "ptx", "tuned",
                                                   "records", "common",       "problems"};
    HALO_CHECK(checkFields(path, document, known));
    spec.name = std::filesystem::path(path).stem().string();
    if (document.contains("name")) {
      HALO_TRY(name, scalar(path, "name", document["name"]));
      spec.name = name;
    }
    HALO_CHECK(readRecordsAndGpus());
    Json common = document.value("common", Json::object());
    HALO_CHECK(checkFields(path + ": common", common, kFields));
    auto problems = document.find("problems");
    if (problems == document.end() || !problems->is_array() || problems->empty())
      return invalid(fmt::format("{}: has no list of problems", path));
    for (size_t i = 0; i < problems->size(); ++i) {
      std::string where = fmt::format("{}: problem {}", path, i + 1);
      const Json &entry = (*problems)[i];
      HALO_CHECK(entry.is_string() ? readText(where, common, entry.get<std::string>())
                                   : readEntry(where, common, entry));
    }
    return std::move(spec);
  }

private:
  static Result<void> checkFields(const std::string &where, const Json &object,
                                  const std::vector<std::string> &known) {
    if (!object.is_object())
      return invalid(fmt::format("{}: is no JSON object", where));
    for (const auto &[name, value] : object.items())
      if (std::find(known.begin(), known.end(), name) == known.end())
        return invalid(where + ": " + unknown("field", name, known));
    return {};
  }

  Result<void> readRecordsAndGpus() {
    Json tuned = document.value("tuned", Json::object());
    if (!tuned.is_object())
      return invalid(path + ": tuned is no JSON object");
    for (const auto &[arch, names] : tuned.items())
      for (const Json &name : axisOf(names)) {
        HALO_TRY(gpu, scalar(path + ": tuned", arch, name));
        gpus[arch].push_back(gpu);
      }
    if (!document.contains("records")) {
      known = tunedRecords();
      return {};
    }
    for (const Json &name : axisOf(document["records"])) {
      HALO_TRY(file, scalar(path, "records", name));
      HALO_TRY(text, readFile(besideSpec(file)));
      std::vector<std::string> complaints;
      known.merge(text, complaints);
      if (!complaints.empty())
        return invalid(fmt::format("{}: {}", file, complaints[0]));
    }
    return {};
  }

  /// Paths in a spec are relative to it.
  std::string besideSpec(const std::string &file) const {
    return (std::filesystem::path(path).parent_path() / file).string();
  }

  Result<void> readText(const std::string &where, const Json &common, const std::string &text) {
    Result<Problem> problem = Problem::parse(text);
    if (!problem)
      return invalid(where + ": " + problem.error().message);
    Json entry = common;
    for (const char *name : {"kernel", "set", "dtype", "wdtype", "with", "align"})
      entry.erase(name);
    return addProblem(where, entry, *problem);
  }

  Result<void> readEntry(const std::string &where, const Json &common, const Json &own) {
    HALO_CHECK(checkFields(where, own, kFields));
    Json entry = common;
    for (const auto &[name, value] : own.items())
      if (name == "set" && entry.contains("set") && entry["set"].is_object() && value.is_object())
        entry["set"].update(value);
      else
        entry[name] = value;
    if (!entry.contains("kernel"))
      return invalid(where + ": has no kernel");
    Json settings = entry.value("set", Json::object());
    if (!settings.is_object())
      return invalid(where + ": set is no JSON object");
    std::vector<std::pair<std::string, Axis>> axes = {
        {"kernel", axisOf(entry["kernel"])},
        {"dtype", axisOf(entry.value("dtype", Json("")))},
        {"wdtype", axisOf(entry.value("wdtype", Json("")))},
        {"with", axisOf(entry.value("with", Json("")))},
        {"align", axisOf(entry.value("align", Json::array({16, 1})))}};
    for (const auto &[name, value] : settings.items())
      axes.emplace_back("set " + name, axisOf(value));
    std::map<std::string, Json> chosen;
    return eachChoice(axes, 0, chosen, [&](const std::map<std::string, Json> &choice) {
      return addChoice(where, entry, choice);
    });
  }

  Result<void> addChoice(const std::string &where, const Json &entry,
                         const std::map<std::string, Json> &choice) {
    std::map<std::string, std::string> texts;
    for (const auto &[name, value] : choice) {
      HALO_TRY(text, scalar(where, name, value));
      texts[name] = text;
    }
    std::vector<std::string> settings = {"align=" + texts["align"]};
    for (const auto &[name, text] : texts)
      if (name.rfind("set ", 0) == 0)
        settings.push_back(name.substr(4) + "=" + text);
    std::string kernel = texts["kernel"];
    if (isKernelPath(kernel))
      kernel = besideSpec(kernel);
    Result<Problem> problem =
        parseProblem(kernel, settings, texts["dtype"], texts["wdtype"], texts["with"]);
    if (!problem)
      return invalid(where + ": " + problem.error().message);
    return addProblem(where, entry, *problem);
  }

  Result<void> addProblem(const std::string &where, const Json &entry, const Problem &problem) {
    Result<KernelFacts> facts = kernelFacts(problem);
    if (!facts)
      return Error{facts.error().code, where + ": " + facts.error().message};
    PackEntrySpec made;
    made.problem = facts->problem;
    made.traits = facts->traits;
    HALO_TRY(description, describe(problem.kernel));
    made.kernel = description.name;
    if (!seen.emplace(made.problem.print(), where).second)
      return invalid(fmt::format("{}: '{}' is in {} as well", where, made.problem.print(),
                                 seen[made.problem.print()]));
    HALO_CHECK(addTargets(where, entry, made));
    spec.entries.push_back(std::move(made));
    return {};
  }

  Result<void> addTargets(const std::string &where, const Json &entry, PackEntrySpec &made) {
    auto field = [&](const char *name) {
      return entry.contains(name) ? entry[name] : document.value(name, Json());
    };
    std::vector<int64_t> channels;
    for (const Json &number : axisOf(entry.value("channels", Json(0)))) {
      int64_t d = number.is_number_integer() ? number.get<int64_t>() : -1;
      if (d < 0 || d > INT32_MAX)
        return invalid(fmt::format("{}: channels are {}, expected whole numbers", where,
                                   number.dump(-1, ' ', false, Json::error_handler_t::replace)));
      channels.push_back(d);
    }
    Json architectures = field("architectures");
    if (architectures.is_null() || (architectures.is_array() && architectures.empty()))
      return invalid(where + ": has no architectures");
    for (const Json &schedule : axisOf(entry.value("schedule", Json("")))) {
      HALO_TRY(text, scalar(where, "schedule", schedule));
      for (const Json &name : axisOf(architectures)) {
        HALO_TRY(arch, scalar(where, "architectures", name));
        HALO_CHECK(addTarget(where, arch == "sim" ? "sim" : "cubin", arch, text, channels, made));
      }
      Json ptx = field("ptx");
      HALO_TRY(arch, scalar(where, "ptx", ptx.is_null() ? Json("sm_80") : ptx));
      if (!arch.empty())
        HALO_CHECK(addTarget(where, "ptx", arch, text, channels, made));
    }
    return {};
  }

  Result<void> addTarget(const std::string &where, const std::string &form,
                         const std::string &arch, const std::string &schedule,
                         const std::vector<int64_t> &channels, PackEntrySpec &made) {
    PackTarget one;
    one.form = one.target.emit = form;
    if (form != "sim") {
      Result<Target> target = findTarget(arch);
      if (!target)
        return invalid(where + ": " + target.error().message);
      one.target.arch = arch;
      one.target.traits.maxThreadsPerSm = target->maxThreadsPerSm;
      one.target.traits.sharedPerBlock = target->sharedPerBlock;
      one.target.traits.maxCluster = target->maxCluster;
      if (form == "ptx") { // Whatever GPU it comes to must have room for it.
        one.target.traits.sharedPerBlock = leastSharedPerBlock();
        one.target.traits.maxCluster = 1;
      }
    }
    if (schedule != "tuned") {
      one.schedule = schedule;
      for (int64_t d : channels) {
        one.channels = d;
        made.targets.push_back(one);
      }
      return {};
    }
    for (int64_t d : channels) {
      one.channels = d;
      made.targets.push_back(one); // The analytic choice, for every other GPU.
      if (form == "cubin")
        addTuned(one, made);
    }
    return {};
  }

  void addTuned(PackTarget one, PackEntrySpec &made) {
    for (const std::string &gpu : gpus[one.target.arch]) {
      std::string source = kernelSource(made.problem.kernel) ? *kernelSource(made.problem.kernel) : "";
      std::string text = recordProblem(made.problem, source);
      const TuningRecord *record = known.find(gpu, "", text, {0, one.channels, 0});
      if (!record)
        continue;
      one.gpu = gpu;
      one.schedule = record->schedule;
      made.targets.push_back(one);
      for (const TuningRecord &other : known.all())
        if (other.gpu == gpu && other.problem == text)
          spec.records.add(other);
    }
  }

  const std::string path;
  Json document;
  PackSpec spec;
  TuningRecords known;
  std::map<std::string, std::vector<std::string>> gpus; ///< By architecture.
  std::map<std::string, std::string> seen;              ///< Problems, and where.
};

} // namespace

Result<PackSpec> halo::tool::readPackSpec(const std::string &path) {
  HALO_CHECK(checkReadable(path));
  return SpecReader(path).read();
}
