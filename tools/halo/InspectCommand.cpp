// halo inspect: what a compiled kernel is made of, and what keeps it from being faster.
#include "tools/halo/BenchCase.h"
#include "tools/halo/Command.h"
#include "tools/halo/Output.h"
#include "tools/halo/OutputFile.h"
#include "tools/halo/ProblemOptions.h"
#include "tools/halo/inspect/DiffReport.h"
#include "tools/halo/inspect/HtmlReport.h"
#include "tools/halo/inspect/Inspection.h"
#include "tools/halo/inspect/Peaks.h"
#include "tools/halo/inspect/TextReport.h"

#include "runtime/Target.h"

#include <fmt/format.h>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

static bool endsWith(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

static bool isArtifact(const std::string &name) {
  return endsWith(name, ".ptx") || endsWith(name, ".cubin");
}

static Result<InspectOptions> parseOptions(const Arguments &arguments) {
  InspectOptions options;
  options.gpu = arguments.value("--gpu");
  const Peaks *gpu = options.gpu.empty() ? nullptr : findPeaks(options.gpu, "");
  options.arch = arguments.value("--arch", gpu ? gpu->arch : "sm_90");
  HALO_TRY(known, findTarget(options.arch));
  (void)known;
  options.schedule = arguments.value("--schedule");
  if (arguments.has("--shape")) {
    HALO_TRY(shape, parseShape(arguments.value("--shape")));
    options.shape = shape;
  }
  options.simulate = !arguments.has("--no-sim");
  options.listings = arguments.has("--lines") || arguments.has("--html");
  return options;
}

static Result<Json> inspect(const Arguments &arguments, const InspectOptions &options) {
  std::string kernel = arguments.positional(0);
  if (isArtifact(kernel)) {
    for (const char *option :
         {"--set", "--dtype", "--wdtype", "--with", "--schedule", "--shape", "--diff"})
      if (arguments.has(option))
        return invalid(
            fmt::format("{} says what to compile, but '{}' is compiled", option, kernel));
    return inspectFile(kernel, options);
  }
  HALO_TRY(problem, parseProblem(kernel, arguments.values("--set"), arguments.value("--dtype"),
                                 arguments.value("--wdtype"), arguments.value("--with")));
  return inspectProblem(problem, options);
}

static Result<Json> readReport(const std::string &path) {
  HALO_TRY(text, readFile(path));
  Json report = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!report.is_object())
    return invalid(fmt::format("'{}' is no inspection: write one with halo inspect --json", path));
  return report;
}

/// What --diff or --diff-with compares with: a is the other, b is what is inspected, except that
/// --diff names the second schedule.
static Result<Json> compare(const Arguments &arguments, InspectOptions options,
                            const Json &report) {
  if (arguments.has("--diff-with")) {
    HALO_TRY(other, isArtifact(arguments.value("--diff-with"))
                        ? inspectFile(arguments.value("--diff-with"), options)
                        : readReport(arguments.value("--diff-with")));
    return diffReport(other, report);
  }
  options.schedule = arguments.value("--diff");
  HALO_TRY(other, inspect(arguments, options));
  return diffReport(report, other);
}

static Result<int> run(const Arguments &arguments) {
  if (arguments.has("--diff") && arguments.has("--diff-with"))
    return invalid("--diff and --diff-with exclude each other");
  if (arguments.has("--html"))
    HALO_CHECK(checkWritable(arguments.value("--html")));
  HALO_TRY(options, parseOptions(arguments));
  HALO_TRY(report, inspect(arguments, options));
  Json diff;
  if (arguments.has("--diff") || arguments.has("--diff-with")) {
    HALO_TRY(compared, compare(arguments, options, report));
    diff = compared;
  }
  if (arguments.has("--html")) {
    HALO_CHECK(writeFile(arguments.value("--html"), htmlReport(report, diff)));
    note(fmt::format("wrote {}", arguments.value("--html")));
  }
  const Json &shown = diff.is_null() ? report : diff;
  if (arguments.has("--json")) {
    print(shown.dump(2, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  if (arguments.has("--html"))
    return 0;
  std::string text = !diff.is_null() ? diffText(diff) : textReport(report);
  if (arguments.has("--lines") && diff.is_null())
    text += "\n" + sideBySide(report);
  fmt::print("{}", text);
  return 0;
}

Command halo::tool::inspectCommand() {
  Syntax syntax;
  syntax.command = "inspect";
  syntax.summary = "what a kernel is made of, and which wall it stands at";
  syntax.positionals = {"KERNEL"};
  syntax.options = problemOptions();
  for (const Option &option : std::vector<Option>{
           {"--arch", "ARCH", "the target, as sm_90; by default --gpu's, or sm_90"},
           {"--gpu", "NAME",
            "whose peaks the roofline has, as H200; by default the first of --arch"},
           {"--schedule", "TEXT", "block_n=64,...; by default a tuned or the analytic one"},
           {"--shape", "B=1,L=65536,D=4096", "the sizes that the work per output is of"},
           {"--lines", "", "source, PTX and SASS side by side, by the lines of the source"},
           {"--diff", "SCHEDULE", "what this schedule would change"},
           {"--diff-with", "FILE", "compare with what --json saved, or with a .ptx or .cubin"},
           {"--html", "FILE", "write all of it, with pictures, as one page"},
           {"--no-sim", "", "leave out what the simulator counts: bank conflicts and sectors"},
           {"--json", "", "print JSON: everything, or the differences"},
       })
    syntax.options.push_back(option);
  syntax.notes =
      "KERNEL is a built-in name, a path to a .mlir file, or a compiled .ptx or .cubin, of "
      "which less is known.\nSASS needs nvdisasm (PATH, CUDA_HOME/bin or HALO_NVDISASM); "
      "without it the counts are those of PTX.";
  return {syntax, run};
}
