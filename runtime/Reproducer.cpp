#include "runtime/Reproducer.h"

#include "runtime/Environment.h"
#include "runtime/Json.h"
#include "runtime/KernelCompiler.h"
#include "runtime/Sha256.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace halo {

using nlohmann::json;

/// Written aside and renamed: nobody reads half of it, and what another user has put in its place
/// is replaced or kept, never followed.
static bool writeWhole(const std::string &path, const std::string &text) {
  std::string staging = path + ".XXXXXX";
  int file = mkstemp(staging.data());
  if (file < 0)
    return false;
  bool written = write(file, text.data(), text.size()) == ssize_t(text.size());
  written &= close(file) == 0;
  if (written && std::rename(staging.c_str(), path.c_str()) == 0)
    return true;
  unlink(staging.c_str());
  return false;
}

Error withReproducer(Error error, const std::string &text, const std::string &problem,
                     const std::string &buildId) {
  json request = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (error.code != ErrorCode::Failed || !request.is_object())
    return error;
  // A built-in's text changes with the build; the failure belongs to this one.
  if (!request.contains("source"))
    if (Result<std::string> description = describeKernel(request.value("kernel", "")))
      if (json known = json::parse(*description, nullptr, false); known.is_object())
        request["source"] = known.value("source", "");
  json document = {{"halo reproducer", 1},
                   {"error", error.message},
                   {"problem", problem},
                   {"build", buildId},
                   {"request", request}};
  std::string folder = environment(kTmpDir);
  std::string path = fmt::format("{}/halo-reproducer-{}.json", folder.empty() ? "/tmp" : folder,
                                 sha256(buildId + printJson(request)).substr(0, 12));
  if (writeWhole(path, printJson(document) + "\n"))
    error.message += fmt::format("; halo reproduce {} asks for it again", path);
  return error;
}

Result<Reproducer> readReproducer(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file)
    return invalid(fmt::format("reproducer '{}' cannot be read", path));
  json document = json::parse(text.str(), nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || !document.contains("halo reproducer") ||
      !document.contains("request") || !document["request"].is_object())
    return invalid(fmt::format("'{}' is no reproducer: it has no request", path));
  JsonFields fields(document, "reproducer '" + path + "'");
  Reproducer reproducer;
  reproducer.request = printJson(document["request"]);
  reproducer.problem = fields.text("problem");
  reproducer.buildId = fields.text("build");
  reproducer.error = fields.text("error");
  HALO_CHECK(fields.done());
  return reproducer;
}

} // namespace halo
