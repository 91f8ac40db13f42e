#include "tools/halo/PackWriter.h"

#include "runtime/KernelInfo.h"
#include "runtime/PackLayout.h"
#include "runtime/Sha256.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>

using namespace halo;
using namespace halo::tool;

size_t PackBlobs::add(const std::string &name, std::string bytes, bool page) {
  PackBlob about{name, bytes.size(), sha256(bytes), page};
  auto [place, fresh] = known.emplace(std::pair(about.sha256, page), blobs.size());
  if (fresh)
    blobs.push_back({std::move(about), std::move(bytes)});
  return place->second;
}

void PackBlobs::finish(PackManifest &manifest, std::vector<std::string> &contents) {
  std::vector<size_t> order(blobs.size()), numbers(blobs.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_partition(order.begin(), order.end(), [&](size_t i) { return !blobs[i].about.page; });
  for (size_t i = 0; i < order.size(); ++i) {
    numbers[order[i]] = i;
    manifest.blobs.push_back(std::move(blobs[order[i]].about));
    contents.push_back(std::move(blobs[order[i]].bytes));
  }
  for (PackKernel &kernel : manifest.kernels)
    kernel.description = numbers[kernel.description];
  for (PackProblem &problem : manifest.problems) {
    if (problem.test)
      problem.test->blob = numbers[problem.test->blob];
    for (PackCode &code : problem.codes) {
      code.info = numbers[code.info];
      code.code = numbers[code.code];
    }
  }
  if (manifest.records)
    manifest.records = numbers[*manifest.records];
}

std::string halo::tool::printManifest(const PackManifest &manifest) {
  using nlohmann::json;
  json document = {{"halopack", kPackVersion}, {"convention", kCallingConvention},
                   {"name", manifest.name},            {"toolchain", manifest.toolchain},
                   {"kernels", json::array()}, {"problems", json::array()},
                   {"blobs", json::array()}};
  for (const PackKernel &kernel : manifest.kernels)
    document["kernels"].push_back({{"name", kernel.name},
                                   {"source", kernel.source},
                                   {"description", kernel.description}});
  for (const PackProblem &problem : manifest.problems) {
    json entry = {{"problem", problem.problem.print()},
                  {"traits", json::parse(problem.traits.toJson(), nullptr, /*allow_exceptions=*/false)},
                  {"codes", json::array()}};
    if (problem.test) {
      json tolerance = json::object();
      for (const auto &[output, bound] : problem.test->tolerance)
        tolerance[output] = {bound.relative, bound.absolute, bound.norm};
      json tiles = json::object();
      for (const auto &[tensor, tile] : problem.test->tiles)
        tiles[tensor] = {tile.axis, tile.size};
      entry["test"] = {{"blob", problem.test->blob}, {"tolerance", tolerance}, {"tiles", tiles}};
    }
    for (const PackCode &code : problem.codes)
      entry["codes"].push_back({{"form", code.form},
                                {"arch", code.arch},
                                {"schedule", code.schedule},
                                {"ptx", code.ptx},
                                {"gpu", code.gpu},
                                {"channels", code.channels},
                                {"info", code.info},
                                {"code", code.code}});
    document["problems"].push_back(std::move(entry));
  }
  if (manifest.records)
    document["records"] = *manifest.records;
  for (const PackBlob &blob : manifest.blobs)
    document["blobs"].push_back({{"name", blob.name},
                                 {"bytes", blob.bytes},
                                 {"sha256", blob.sha256},
                                 {"page", blob.page}});
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<std::string> halo::tool::packBytes(const PackManifest &manifest,
                                          const std::vector<std::string> &contents) {
  std::string text = printManifest(manifest);
  std::vector<PackEntry> entries = {{std::string(kPackManifest), text.size(), false}};
  std::vector<uint32_t> crcs = {crc32(text)};
  for (size_t i = 0; i < contents.size(); ++i) {
    entries.push_back({manifest.blobs[i].name, contents[i].size(), manifest.blobs[i].page});
    crcs.push_back(crc32(contents[i]));
  }
  HALO_TRY(layout, layoutPack(std::move(entries)));
  std::string bytes;
  bytes.reserve(layout.size);
  for (size_t i = 0; i < layout.entries.size(); ++i) {
    bytes += packHeader(layout, i, crcs[i]);
    bytes += i == 0 ? text : contents[i - 1];
  }
  bytes += packTail(layout, crcs, sha256(text));
  bytes += sha256(bytes);
  return bytes;
}
