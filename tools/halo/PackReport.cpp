#include "tools/halo/PackReport.h"

#include "tools/halo/Output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

namespace {
struct Share {
  std::string what;
  size_t pieces = 0;
  uint64_t bytes = 0;
};
} // namespace

static std::string nameOf(const PackCode &code) {
  return code.form == "sim" ? "sim" : code.form == "ptx" ? "ptx " + code.arch : code.arch;
}

/// Codes by what they are for, then the rest; all bytes of the file, once each.
static std::vector<Share> sharesOf(const Pack &pack) {
  const PackManifest &manifest = pack.manifest();
  std::map<std::string, std::set<size_t>> codes;
  std::set<size_t> infos, tests;
  for (const PackProblem &problem : manifest.problems) {
    for (const PackCode &code : problem.codes) {
      codes[nameOf(code)].insert(code.code);
      infos.insert(code.info);
    }
    if (problem.test)
      tests.insert(problem.test->blob);
  }
  std::set<size_t> counted;
  uint64_t rest = pack.layout().size;
  std::vector<Share> shares;
  auto add = [&](const std::string &what, const std::set<size_t> &blobs) {
    Share share{what};
    for (size_t blob : blobs)
      if (counted.insert(blob).second) {
        ++share.pieces;
        share.bytes += manifest.blobs[blob].bytes;
      }
    rest -= share.bytes;
    if (share.pieces)
      shares.push_back(share);
  };
  for (const auto &[name, blobs] : codes)
    add(name, blobs);
  add("calling conventions", infos);
  add("self-tests", tests);
  std::set<size_t> others;
  for (size_t i = 0; i < manifest.blobs.size(); ++i)
    others.insert(i);
  add("descriptions, records", others);
  uint64_t text = pack.layout().entries[0].size;
  shares.push_back({"manifest", 1, text});
  shares.push_back({"padding, headers, directory", pack.layout().entries.size(), rest - text});
  return shares;
}

std::string halo::tool::problemTable(const Pack &pack) {
  std::vector<std::vector<std::string>> rows = {{"problem", "codes", "test"}};
  for (const PackProblem &problem : pack.manifest().problems) {
    std::vector<std::string> names;
    for (const PackCode &code : problem.codes) {
      std::string name = nameOf(code);
      if (!code.gpu.empty())
        name += " (" + code.gpu + ")";
      if (!code.channels.empty())
        name += fmt::format(" (D {})", fmt::join(code.channels, ", "));
      names.push_back(name);
    }
    rows.push_back({problem.problem.print(), fmt::format("{}", fmt::join(names, ", ")),
                    problem.test ? "yes" : "no"});
  }
  return table(rows, 3, stdout);
}

std::string halo::tool::sizeReport(const Pack &pack) {
  std::vector<std::vector<std::string>> rows = {{"what", "pieces", "bytes", "%"}};
  uint64_t total = pack.layout().size;
  for (const Share &share : sharesOf(pack))
    rows.push_back({share.what, std::to_string(share.pieces), std::to_string(share.bytes),
                    fmt::format("{:.1f}", 100.0 * double(share.bytes) / double(total))});
  rows.push_back({"all", std::to_string(pack.layout().entries.size()), std::to_string(total), "100"});
  return table(rows, 1, stdout);
}

Json halo::tool::packJson(const Pack &pack) {
  const PackManifest &manifest = pack.manifest();
  Json json = {{"pack", pack.path()},
               {"name", manifest.name},
               {"version", kPackVersion},
               {"convention", kCallingConvention},
               {"bytes", pack.layout().size},
               {"sha256", pack.digest()},
               {"toolchain", manifest.toolchain},
               {"sizes", Json::object()},
               {"kernels", Json::array()},
               {"problems", Json::array()}};
  for (const Share &share : sharesOf(pack))
    json["sizes"][share.what] = {{"pieces", share.pieces}, {"bytes", share.bytes}};
  for (const PackKernel &kernel : manifest.kernels)
    json["kernels"].push_back(kernel.name);
  for (const PackProblem &problem : manifest.problems) {
    Json row = {{"problem", problem.problem.print()},
                {"test", problem.test.has_value()},
                {"codes", Json::array()}};
    for (const PackCode &code : problem.codes)
      row["codes"].push_back({{"form", code.form},
                              {"arch", code.arch},
                              {"schedule", code.schedule},
                              {"gpu", code.gpu},
                              {"channels", code.channels},
                              {"bytes", manifest.blobs[code.code].bytes},
                              {"entry", manifest.blobs[code.code].name}});
    json["problems"].push_back(std::move(row));
  }
  return json;
}
