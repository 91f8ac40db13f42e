#include "tools/halo/PackWriter.h"

#include "runtime/PackLayout.h"
#include "runtime/Sha256.h"

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

Result<std::string> halo::tool::packBytes(const PackManifest &manifest,
                                          const std::vector<std::string> &contents) {
  std::string text = manifest.print();
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
