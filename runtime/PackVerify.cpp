// Every byte of a pack, and that what is inside can be used.
#include "runtime/Pack.h"
#include "runtime/Safetensors.h"
#include "runtime/Sha256.h"

#include <fmt/format.h>

namespace halo {

Result<void> Pack::verify() const {
  // Blobs first: their names say where the damage is.
  std::vector<uint32_t> crcs;
  std::string_view manifest = bytes.substr(places.contents[0], places.entries[0].size);
  crcs.push_back(crc32(manifest));
  for (size_t i = 0; i < contents.blobs.size(); ++i) {
    HALO_TRY(copy, blob(i));
    crcs.push_back(crc32(copy));
  }
  // All that lies between them is what a writer of the same entries writes.
  for (size_t i = 0; i < places.entries.size(); ++i) {
    std::string header = packHeader(places, i, crcs[i]);
    if (bytes.substr(places.headers[i], header.size()) != header)
      return damaged(fmt::format("the header of {} is not what its manifest makes",
                                 places.entries[i].name));
  }
  std::string tail = packTail(places, crcs, sha256(manifest));
  if (bytes.substr(places.directory, tail.size()) != tail)
    return damaged("its directory is not what its manifest makes");
  std::string_view covered = bytes.substr(0, bytes.size() - kPackDigest);
  if (sha256(covered) != digest())
    return damaged("it has another SHA-256 than its end says");
  return verifyContents();
}

Result<void> Pack::verifyContents() const {
  auto refuse = [&](const std::string &who, const Error &error) {
    return invalid(fmt::format("pack {}: {}: {}", name, who, error.message));
  };
  for (const PackKernel &kernel : contents.kernels) {
    HALO_TRY(text, blob(kernel.description));
    Result<ProblemDefaults> parsed = ProblemDefaults::parse(text);
    if (!parsed)
      return refuse(kernel.name, parsed.error());
  }
  for (const PackProblem &problem : contents.problems) {
    std::string text = problem.problem.print();
    if (!kernelOf(problem.problem.kernel, ""))
      return invalid(fmt::format("pack {}: {}: its kernel is not described", name, text));
    for (const PackCode &code : problem.codes)
      if (Result<Artifact> loaded = artifact(problem, code); !loaded)
        return refuse(text, loaded.error());
    if (problem.test) {
      HALO_TRY(tensors, blob(problem.test->blob));
      Result<TensorMap> parsed = parseSafetensors(contents.blobs[problem.test->blob].name, tensors);
      if (!parsed)
        return refuse(text, parsed.error());
    }
  }
  Result<TuningRecords> read = records();
  return read ? Result<void>() : refuse("tuning records", read.error());
}

} // namespace halo
