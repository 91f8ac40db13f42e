// halo cache: what is kept on disk, whether it is sound, and why something was compiled again.
#include "runtime/CompileCache.h"
#include "tools/halo/Command.h"
#include "tools/halo/Output.h"
#include "tools/halo/ProblemOptions.h"
#include "tools/halo/Suggest.h"
#include "tools/halo/TargetOptions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

namespace {
using Fields = std::vector<std::pair<std::string, std::string>>;

/// Where a kept kernel differs from the one asked for; an absent field is empty.
struct Difference {
  std::string field, wanted, kept;
};
} // namespace

static void printJson(const Json &json) {
  print(json.dump(2, ' ', false, Json::error_handler_t::replace));
}

static std::string sizeText(int64_t bytes) {
  if (bytes < 10000)
    return fmt::format("{} B", bytes);
  return bytes < 10000000 ? fmt::format("{} kB", bytes / 1000)
                          : fmt::format("{} MB", bytes / 1000000);
}

static Result<int> stat(const Arguments &arguments, DiskCache &cache) {
  int64_t kernels = 0, others = 0, bytes = 0;
  for (const DiskCache::File &file : cache.files()) {
    (file.kind == "kernel" ? kernels : others) += 1;
    bytes += file.bytes;
  }
  CacheCounters::Totals totals = cache.counters().totals();
  if (arguments.has("--json")) {
    printJson({{"folder", cache.folder()},
               {"entries", kernels},
               {"facts", others},
               {"bytes", bytes},
               {"limit", cache.limit()},
               {"compiles", totals[Counter::Compiles]},
               {"disk_hits", totals[Counter::DiskHits]},
               {"corrupt", totals[Counter::Corrupt]},
               {"evicted", totals[Counter::Evicted]},
               {"pack_hits", totals[Counter::PackHits]}});
    return 0;
  }
  print(fmt::format("{}: {} kernels and {} facts about them, {} of {}\n"
                    "since it was made: {} compiles, {} hits, {} from packs, {} corrupt entries, "
                    "{} evicted",
                    cache.folder(), kernels, others, sizeText(bytes), sizeText(cache.limit()),
                    totals[Counter::Compiles], totals[Counter::DiskHits],
                    totals[Counter::PackHits], totals[Counter::Corrupt],
                    totals[Counter::Evicted]));
  return 0;
}

static Result<int> verify(const Arguments &arguments, DiskCache &cache) {
  bool keep = arguments.has("--keep");
  DiskCache::Verified found = cache.verify(keep);
  if (arguments.has("--json")) {
    Json bad = Json::array();
    for (const DiskCache::Bad &entry : found.bad)
      bad.push_back({{"file", entry.path}, {"why", entry.why}});
    printJson({{"checked", found.checked}, {"bad", bad}, {"removed", keep ? 0 : found.bad.size()}});
  } else {
    for (const DiskCache::Bad &entry : found.bad)
      print(fmt::format("{}: {}", entry.path, entry.why));
    print(fmt::format("{} entries checked, {} bad{}", found.checked, found.bad.size(),
                      found.bad.empty() || keep ? "" : " and removed"));
  }
  return found.bad.empty() ? 0 : 1;
}

static Result<int> collect(const Arguments &arguments, DiskCache &cache) {
  HALO_TRY(limit, arguments.number("--limit", cache.limit(), 0));
  DiskCache::Collected done = cache.collect(limit);
  if (arguments.has("--json"))
    printJson({{"evicted", done.files}, {"freed", done.bytes}, {"bytes", done.left}});
  else
    print(fmt::format("{} entries removed, {} freed, {} left", done.files, sizeText(done.bytes),
                      sizeText(done.left)));
  return 0;
}

static std::vector<Difference> compare(const Fields &wanted, const Fields &kept) {
  std::vector<Difference> differences;
  auto valueIn = [](const Fields &fields, const std::string &name) {
    for (const auto &[field, value] : fields)
      if (field == name)
        return value;
    return std::string();
  };
  std::set<std::string> seen;
  for (const Fields *fields : {&wanted, &kept})
    for (const auto &[name, value] : *fields)
      if (seen.insert(name).second)
        if (std::string a = valueIn(wanted, name), b = valueIn(kept, name); a != b)
          differences.push_back({name, a, b});
  return differences;
}

/// The kept kernel with the fewest other fields, of those with the same kernel and, where there are
/// any, the same problem: what a person takes for "the same".
static Result<int> explainMiss(const Arguments &arguments, DiskCache &cache) {
  if (arguments.positional(1).empty())
    return invalid("halo cache explain-miss needs a KERNEL: see halo cache --help");
  HALO_TRY(target, parseTarget(arguments));
  HALO_TRY(problem, parseProblem(arguments.positional(1), arguments.values("--set"),
                                 arguments.value("--dtype"), arguments.value("--wdtype"),
                                 arguments.value("--with")));
  CompileOptions options;
  options.schedule = arguments.value("--schedule");
  options.packs = false; // What is explained is the cache.
  HALO_TRY(request, kernelRequest(target, problem, options));
  Fields wanted = CacheKey::fieldsOf(request.key.text());

  auto selects = [](const Difference &difference) {
    const std::string &name = difference.field;
    return name.rfind("set.", 0) == 0 || name == "with" || name == "align";
  };
  bool any = false;
  size_t fewest = 0;
  std::vector<Difference> nearest;
  for (const DiskCache::File &file : cache.files()) {
    if (!file.ours || file.kind != "kernel")
      continue;
    Result<CacheEntry> entry = DiskCache::read(file.path);
    if (!entry)
      continue;
    std::vector<Difference> differences = compare(wanted, CacheKey::fieldsOf(entry->key));
    bool other = std::any_of(differences.begin(), differences.end(), [](const Difference &d) {
      return d.field == "kernel" || d.field == "source";
    });
    // A different text by a different path is a different kernel; an edited one cannot be told
    // from it, so that built-ins only are compared by name.
    if (other && !(request.byPath && entry->key.find("\nsource=") != std::string::npos))
      continue;
    size_t distance = differences.size();
    for (const Difference &difference : differences)
      distance += selects(difference) ? 1000 : 0;
    if (!any || distance < fewest) {
      any = true;
      fewest = distance;
      nearest = std::move(differences);
    }
  }

  std::string text = request.problem.print();
  if (arguments.has("--json")) {
    Json json = {{"problem", text}, {"hit", any && nearest.empty()}, {"nearest", Json()}};
    if (any) {
      json["nearest"] = Json::array();
      for (const Difference &difference : nearest)
        json["nearest"].push_back({{"field", difference.field},
                                   {"wanted", difference.wanted},
                                   {"kept", difference.kept}});
    }
    printJson(json);
    return 0;
  }
  if (!any) {
    print(fmt::format("a miss: nothing is kept of kernel {}", problem.kernel));
  } else if (nearest.empty()) {
    print(fmt::format("a hit: {} is kept as {}", text, request.key.hash()));
  } else {
    std::vector<std::vector<std::string>> rows = {{"field", "wanted", "kept"}};
    for (const Difference &difference : nearest)
      rows.push_back({difference.field, difference.wanted, difference.kept});
    print(fmt::format("a miss: {}\nthe nearest that is kept differs in\n{}", text,
                      table(rows, rows[0].size(), stdout)));
  }
  return 0;
}

static Result<int> run(const Arguments &arguments) {
  struct Action {
    std::string name;
    Result<int> (*run)(const Arguments &, DiskCache &);
    std::set<std::string> options;
  };
  std::set<std::string> compiles = {"--json"};
  for (const std::vector<Option> &group : {problemOptions(), targetOptions()})
    for (const Option &option : group)
      compiles.insert(option.name);
  const std::vector<Action> actions = {{"stat", stat, {"--json"}},
                                       {"verify", verify, {"--json", "--keep"}},
                                       {"gc", collect, {"--json", "--limit"}},
                                       {"explain-miss", explainMiss, compiles}};
  std::vector<std::string> names;
  for (const Action &action : actions) {
    names.push_back(action.name);
    if (action.name != arguments.positional(0))
      continue;
    for (const Option &option : cacheCommand().syntax.options)
      if (arguments.has(option.name) && !action.options.count(option.name))
        return invalid(fmt::format("halo cache {} takes no {}", action.name, option.name));
    if (action.name != "explain-miss" && !arguments.positional(1).empty())
      return invalid(
          fmt::format("halo cache {} takes no '{}'", action.name, arguments.positional(1)));
    DiskCache *cache = CompileCache::get().disk();
    if (!cache) {
      const std::string &why = CompileCache::get().offReason();
      return unavailable(
          fmt::format("the kernel cache is off: {}", why.empty() ? "its limit is 0" : why));
    }
    return action.run(arguments, *cache);
  }
  return invalid(unknown("action of halo cache", arguments.positional(0), names));
}

Command halo::tool::cacheCommand() {
  Syntax syntax;
  syntax.command = "cache";
  syntax.summary = "the kernels kept on disk: stat, verify, gc, explain-miss";
  syntax.positionals = {"ACTION", "[KERNEL]"};
  syntax.options = {
      {"--json", "", "print JSON instead"},
      {"--keep", "", "verify: report bad entries, remove none"},
      {"--limit", "BYTES", "gc: how many bytes may stay; default the cache's limit"},
  };
  for (const std::vector<Option> &group : {problemOptions(), targetOptions()})
    for (const Option &option : group)
      syntax.options.push_back(option);
  syntax.notes =
      "stat          entries, bytes, and what happened in this folder since it was made\n"
      "verify        reads and checks every entry; the exit status is 1 if one was bad\n"
      "gc            removes what was used least recently\n"
      "explain-miss  takes what halo compile takes and says which fields of the key differ\n"
      "              from the nearest kernel that is kept";
  return {syntax, run};
}
