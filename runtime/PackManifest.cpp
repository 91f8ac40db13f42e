#include "runtime/PackManifest.h"

#include "runtime/Json.h"
#include "runtime/KernelInfo.h"
#include "runtime/PackLayout.h"

#include <fmt/format.h>

#include <climits>
#include <set>

namespace halo {

using nlohmann::json;

namespace {

constexpr int64_t kMaxBlobBytes = 0xffffffff;

class Reader {
public:
  explicit Reader(const json &document) : document(document) {}

  Result<PackManifest> read() {
    JsonFields fields(document, "the manifest");
    int64_t version = fields.integer("halopack", 0, INT_MAX);
    int64_t convention = fields.integer("convention", 0, INT_MAX);
    HALO_CHECK(fields.done());
    if (version != kPackVersion)
      return invalid(fmt::format("the manifest has version {} where this runtime reads {}", version,
                                 kPackVersion));
    if (convention != kCallingConvention)
      return invalid(fmt::format("its kernels have calling convention {} where this runtime speaks "
                                 "{}",
                                 convention, kCallingConvention));
    manifest.name = fields.text("name");
    json blobs = fields.array("blobs"), kernels = fields.array("kernels"),
         problems = fields.array("problems");
    HALO_CHECK(fields.done());
    HALO_CHECK(readToolchain());
    for (const json &entry : blobs)
      HALO_CHECK(readBlob(entry));
    for (const json &entry : kernels)
      HALO_CHECK(readKernel(entry));
    for (const json &entry : problems)
      HALO_CHECK(readProblem(entry));
    if (document.contains("records")) {
      manifest.records = readIndex(fields, "records");
      HALO_CHECK(fields.done());
    }
    return std::move(manifest);
  }

private:
  /// A blob's number, which must be one.
  size_t readIndex(JsonFields &fields, const char *name) {
    if (manifest.blobs.empty()) {
      fields.complain("names a blob where there is none");
      return 0;
    }
    return size_t(fields.integer(name, 0, int64_t(manifest.blobs.size()) - 1));
  }

  Result<void> readToolchain() {
    auto toolchain = document.find("toolchain");
    if (toolchain == document.end() || !toolchain->is_object())
      return invalid("the manifest has no toolchain");
    for (const auto &[name, value] : toolchain->items())
      if (value.is_string())
        manifest.toolchain[name] = value.get<std::string>();
    return {};
  }

  Result<void> readBlob(const json &entry) {
    JsonFields fields(entry, fmt::format("the manifest's blob {}", manifest.blobs.size()));
    PackBlob blob;
    blob.name = fields.text("name");
    blob.bytes = uint64_t(fields.integer("bytes", 0, kMaxBlobBytes));
    blob.sha256 = fields.text("sha256");
    blob.page = fields.flag("page");
    if (fields.ok() && (blob.sha256.size() != kPackDigest ||
                        blob.sha256.find_first_not_of("0123456789abcdef") != std::string::npos))
      fields.complain(fmt::format("has the SHA-256 '{}', which is none", blob.sha256));
    HALO_CHECK(fields.done());
    manifest.blobs.push_back(std::move(blob));
    return {};
  }

  Result<void> readKernel(const json &entry) {
    JsonFields fields(entry, fmt::format("the manifest's kernel {}", manifest.kernels.size()));
    PackKernel kernel;
    kernel.name = fields.text("name");
    kernel.source = fields.text("source");
    kernel.description = readIndex(fields, "description");
    HALO_CHECK(fields.done());
    manifest.kernels.push_back(std::move(kernel));
    return {};
  }

  Result<void> readProblem(const json &entry) {
    std::string where = fmt::format("the manifest's problem {}", manifest.problems.size());
    JsonFields fields(entry, where);
    std::string text = fields.text("problem");
    json codes = fields.array("codes");
    HALO_CHECK(fields.done());
    PackProblem problem;
    HALO_TRY(parsed, Problem::parse(text));
    problem.problem = parsed;
    if (parsed.print() != text || !texts.insert(text).second)
      return invalid(fmt::format("{} is '{}', which is not canonical or there twice", where, text));
    if (!entry.contains("traits"))
      return invalid(where + " has no traits");
    HALO_TRY(traits, KernelTraits::fromJson(printJson(entry["traits"])));
    problem.traits = traits;
    if (auto test = entry.find("test"); test != entry.end()) {
      HALO_TRY(read, readTest(*test, where));
      problem.test = read;
    }
    for (const json &code : codes) {
      HALO_TRY(read, readCode(code, fmt::format("{}, code {}", where, problem.codes.size())));
      problem.codes.push_back(read);
    }
    manifest.problems.push_back(std::move(problem));
    return {};
  }

  Result<PackTest> readTest(const json &entry, const std::string &where) {
    JsonFields fields(entry, where + ": the test");
    PackTest test;
    test.blob = readIndex(fields, "blob");
    HALO_CHECK(fields.done());
    auto tolerance = entry.find("tolerance");
    if (tolerance == entry.end() || !tolerance->is_object() || tolerance->empty())
      return invalid(where + ": the test has no tolerance");
    for (const auto &[output, bounds] : tolerance->items()) {
      auto isBound = [](const json &number) {
        return number.is_number() && number.get<double>() >= 0;
      };
      if (!bounds.is_array() || bounds.size() != 3 || !isBound(bounds[0]) || !isBound(bounds[1]) ||
          !isBound(bounds[2]))
        return invalid(fmt::format("{}: the test's tolerance of '{}' is no list of three bounds",
                                   where, output));
      test.tolerance[output] = {bounds[0].get<double>(), bounds[1].get<double>(),
                                bounds[2].get<double>()};
    }
    auto tiles = entry.find("tiles");
    if (tiles == entry.end() || !tiles->is_object())
      return invalid(where + ": the test has no tiles");
    for (const auto &[tensor, tile] : tiles->items()) {
      auto isSize = [](const json &number) {
        return number.is_number_unsigned() && number.get<uint64_t>() <= uint64_t(INT_MAX);
      };
      if (!tile.is_array() || tile.size() != 2 || !isSize(tile[0]) || !isSize(tile[1]))
        return invalid(fmt::format("{}: the test's tile of '{}' is no axis and size", where, tensor));
      test.tiles[tensor] = {tile[0].get<size_t>(), tile[1].get<int64_t>()};
    }
    return test;
  }

  Result<PackCode> readCode(const json &entry, const std::string &where) {
    JsonFields fields(entry, where);
    PackCode code;
    code.form = fields.text("form");
    code.arch = fields.text("arch");
    code.schedule = fields.text("schedule");
    code.ptx = int(fields.integer("ptx", 0, INT_MAX));
    code.gpu = fields.text("gpu");
    json channels = fields.array("channels");
    code.info = readIndex(fields, "info");
    code.code = readIndex(fields, "code");
    if (fields.ok() && code.form != "cubin" && code.form != "ptx" && code.form != "sim")
      fields.complain(
          fmt::format("has the form '{}' where cubin, ptx or sim is expected", code.form));
    HALO_CHECK(fields.done());
    for (const json &number : channels) {
      if (!number.is_number_unsigned() || number.get<uint64_t>() > uint64_t(INT_MAX))
        return invalid(fmt::format("{} has channels that are no numbers", where));
      code.channels.push_back(number.get<int64_t>());
    }
    return code;
  }

  const json &document;
  PackManifest manifest;
  std::set<std::string> texts;
};

} // namespace

Result<PackManifest> PackManifest::parse(std::string_view text) {
  json document = parseJson(text);
  if (!document.is_object())
    return invalid("the manifest is no JSON object");
  return Reader(document).read();
}

} // namespace halo
