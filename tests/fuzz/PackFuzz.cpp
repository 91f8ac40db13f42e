// Packs: the file as it is, the file with its digests made anew, and what stands behind digests: the
// manifest, the calling convention, the description and the records.
#include "runtime/Pack.h"
#include "runtime/Safetensors.h"
#include "runtime/Sha256.h"
#include "tests/fuzz/Fuzz.h"
#include "tests/unit/runtime/PackFixture.h"

using namespace halo;

/// Somebody who means it writes digests that fit.
static std::string sealed(std::string bytes) {
  size_t content = kPackHeaderSize + kPackManifest.size();
  if (bytes.size() < content + kPackEndSize + kPackCommentSize)
    return bytes;
  size_t size = 0;
  for (int i = 3; i >= 0; --i)
    size = size << 8 | uint8_t(bytes[22 + size_t(i)]);
  std::string manifest = bytes.substr(content, size);
  size_t comment = bytes.size() - kPackCommentSize;
  bytes.replace(comment + kPackComment.size(), kPackDigest, sha256(manifest));
  bytes.resize(bytes.size() - kPackDigest);
  return bytes + sha256(bytes);
}

/// Everything a program does with a pack, short of launching.
static std::string use(const std::string &bytes) {
  auto opened = Pack::parse("input", bytes);
  if (!opened)
    return opened.error().message;
  const Pack &pack = **opened;
  std::string said = "opened";
  for (const PackProblem &problem : pack.manifest().problems) {
    if (auto found = pack.find(problem.problem, ""); !found)
      said = found.error().message;
    for (const PackCode &code : problem.codes)
      if (auto artifact = pack.artifact(problem, code); !artifact)
        said = artifact.error().message;
    if (problem.test)
      if (auto tensors = pack.blob(problem.test->blob))
        (void)parseSafetensors("test", *tensors);
  }
  (void)pack.records();
  for (const PackKernel &kernel : pack.manifest().kernels)
    (void)pack.describe(kernel.name, kernel.source);
  Result<void> verified = pack.verify();
  return verified ? said + ", sound" : said + ", " + verified.error().message;
}

/// A pack whose manifest is this text, around the blobs of the first seed.
static std::string around(std::string_view manifest) {
  static const std::string whole = test::draftPack().bytes();
  static const auto pack = *Pack::parse("whole", whole);
  std::vector<PackEntry> entries = pack->layout().entries;
  entries[0].size = manifest.size();
  auto layout = layoutPack(entries);
  if (!layout)
    return "";
  std::vector<uint32_t> crcs(entries.size());
  std::string bytes;
  for (size_t i = 0; i < entries.size(); ++i) {
    std::string_view content =
        i ? std::string_view(whole).substr(pack->layout().contents[i], entries[i].size) : manifest;
    bytes += packHeader(*layout, i, crcs[i] = crc32(content));
    bytes += content;
  }
  bytes += packTail(*layout, crcs, sha256(manifest));
  return bytes + sha256(bytes);
}

std::vector<std::string> fuzz::seeds() {
  std::string whole = test::draftPack().bytes();
  auto pack = Pack::parse("whole", whole);
  const PackLayout &layout = (*pack)->layout();
  std::vector<std::string> made = {whole};
  for (size_t i = 0; i < layout.entries.size(); ++i)
    made.push_back(whole.substr(layout.contents[i], layout.entries[i].size));
  made.push_back(KernelTraits().toJson());
  TuningRecord record;
  record.gpu = record.driver = record.toolkit = "a";
  record.problem = "hcs";
  record.date = "2026-01-01T00:00:00Z";
  record.schedule = record.defaultSchedule = test::kPackedSchedule;
  made.push_back(record.print());
  return made;
}

std::string fuzz::feed(std::string_view input) {
  if (input.substr(0, 2) == "PK") {
    std::string bytes(input);
    return use(bytes) + " | " + use(sealed(bytes));
  }
  auto said = [](const auto &result) { return result ? std::string("-") : result.error().message; };
  std::string text(input);
  TuningRecords records;
  std::vector<std::string> complaints;
  records.merge(text, complaints);
  return said(PackManifest::parse(text)) + use(around(text)) + said(KernelInfo::fromJson(text)) +
         said(KernelTraits::fromJson(text)) + said(ProblemDefaults::parse(text)) +
         (complaints.empty() ? "" : complaints[0]);
}
