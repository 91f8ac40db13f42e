#include "tools/halo/PackBuilder.h"

#include "runtime/CompilerLibrary.h"
#include "runtime/KernelSource.h"
#include "runtime/Sha256.h"
#include "runtime/Target.h"
#include "runtime/Toolkit.h"
#include "tools/halo/Description.h"
#include "tools/halo/PackTests.h"
#include "tools/halo/PackWriter.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <mutex>
#include <optional>
#include <thread>

using namespace halo;
using namespace halo::tool;

namespace {

/// One code of the pack and what it is compiled from.
struct Job {
  size_t entry = 0;
  PackCode code; ///< Without its blobs.
  KernelRequest request;
  std::optional<Result<CompiledKernel>> result;
};

class Builder {
public:
  Builder(const PackSpec &spec, unsigned jobs, const BuildProgress &progress)
      : spec(spec), numThreads(std::max(1u, jobs)), progress(progress) {}

  Result<BuiltPack> build() {
    for (size_t i = 0; i < spec.entries.size(); ++i)
      HALO_CHECK(plan(i));
    compileAll();
    for (Job &job : jobs)
      if (!*job.result)
        return Error{job.result->error().code,
                     fmt::format("'{}' for {}: {}", spec.entries[job.entry].problem.print(),
                                 nameOf(job.code), job.result->error().message)};
    HALO_CHECK(assemble());
    HALO_TRY(bytes, packBytes(built.manifest, contents));
    built.bytes = std::move(bytes);
    return std::move(built);
  }

private:
  static std::string nameOf(const PackCode &code) {
    return code.form == "cubin" ? code.arch : code.form == "sim" ? "sim" : code.arch + " PTX";
  }

  /// What to compile for an entry. Two sizes that get one schedule are one code.
  Result<void> plan(size_t index) {
    const PackEntrySpec &entry = spec.entries[index];
    size_t first = jobs.size();
    for (const PackTarget &one : entry.targets) {
      CompileOptions options;
      options.schedule = one.schedule;
      options.shapeHint.d = one.channels;
      options.records = options.packs = false;
      HALO_TRY(request, kernelRequest(one.target, entry.problem, options));
      auto same = std::find_if(jobs.begin() + int64_t(first), jobs.end(), [&](const Job &job) {
        return job.code.gpu == one.gpu && job.request.key.text() == request.key.text();
      });
      if (same == jobs.end()) {
        Job job;
        job.entry = index;
        job.code.form = one.form;
        job.code.arch = one.target.arch;
        job.code.gpu = one.gpu;
        if (one.form == "ptx")
          if (Result<Target> target = findTarget(one.target.arch))
            job.code.ptx = target->minPtx;
        job.request = request;
        same = jobs.insert(jobs.end(), std::move(job));
      }
      if (one.channels)
        same->code.channels.push_back(one.channels);
    }
    // The only one of its kind is for every D.
    for (size_t i = first; i < jobs.size(); ++i)
      if (std::count_if(jobs.begin() + int64_t(first), jobs.end(), [&](const Job &job) {
            return nameOf(job.code) == nameOf(jobs[i].code) && job.code.gpu == jobs[i].code.gpu;
          }) == 1)
        jobs[i].code.channels.clear();
    return {};
  }

  void compileAll() {
    std::atomic<size_t> next{0};
    std::atomic<bool> stopped{false};
    size_t done = 0;
    std::mutex mutex;
    auto work = [&] {
      for (size_t i = next++; i < jobs.size(); i = next++) {
        if (stopped) { // What comes after a failure would be thrown away.
          jobs[i].result.emplace(failed("not compiled, since another one failed"));
          continue;
        }
        jobs[i].result.emplace(compileKernel(jobs[i].request));
        std::lock_guard<std::mutex> lock(mutex);
        if (!*jobs[i].result) {
          stopped = true;
          continue;
        }
        const StageTimes &times = (*jobs[i].result)->times;
        bool kept = times.size() == 1 && (times[0].first == "disk" || times[0].first == "memory");
        (kept ? built.kept : built.compiled) += 1;
        progress(++done, jobs.size(),
                 fmt::format("{} for {}", spec.entries[jobs[i].entry].kernel, nameOf(jobs[i].code)));
      }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < std::min<size_t>(numThreads, jobs.size()); ++i)
      threads.emplace_back(work);
    work();
    for (std::thread &thread : threads)
      thread.join();
  }

  Result<void> assemble() {
    PackManifest &manifest = built.manifest;
    manifest.name = spec.name;
    manifest.toolchain["compiler"] = CompilerLibrary::currentBuildId();
    bool cubins = std::any_of(jobs.begin(), jobs.end(),
                              [](const Job &job) { return job.code.form == "cubin"; });
    if (cubins) {
      HALO_TRY(assembler, assemblerIdentity());
      manifest.toolchain["assembler"] = assembler;
    }
    if (spec.records.size())
      manifest.records = blobs.add("records.tuned", spec.records.print(), false);
    auto job = jobs.begin();
    for (size_t i = 0; i < spec.entries.size(); ++i) {
      const PackEntrySpec &entry = spec.entries[i];
      HALO_CHECK(addKernel(entry));
      PackProblem problem;
      problem.problem = entry.problem;
      problem.problem.kernel = entry.kernel;
      problem.traits = entry.traits;
      std::string folder = fmt::format("{:04}-{}", i, fileName(entry.kernel));
      auto last = std::find_if(job, jobs.end(), [&](const Job &one) { return one.entry != i; });
      HALO_CHECK(addTest(entry, (*job->result)->artifact.info, folder, problem));
      std::map<std::string, int> used;
      for (; job != last; ++job) {
        Artifact &artifact = (*job->result)->artifact;
        PackCode code = job->code;
        code.schedule = artifact.info.schedule;
        artifact.info.problem.clear(); // The manifest says it, and equal blobs are one.
        std::string name = folder + "/" + nameOf(code).substr(0, nameOf(code).find(' '));
        if (int count = used[nameOf(code)]++)
          name += fmt::format("-{}", count);
        code.info = blobs.add("infos/" + name + "." + code.form + ".json",
                              artifact.info.toJson(), false);
        code.code = blobs.add("codes/" + name + (code.form == "sim" ? ".bc" : "." + code.form),
                              std::move(artifact.code), true);
        problem.codes.push_back(std::move(code));
      }
      manifest.problems.push_back(std::move(problem));
    }
    blobs.finish(manifest, contents);
    return {};
  }

  /// A kernel's name as part of a path in the zip.
  static std::string fileName(std::string name) {
    for (char &c : name)
      if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_')
        c = '-';
    return name.substr(0, 64);
  }

  Result<void> addKernel(const PackEntrySpec &entry) {
    HALO_TRY(source, kernelSource(entry.problem.kernel));
    PackKernel kernel;
    kernel.name = entry.kernel;
    kernel.source = source.empty() ? "" : sha256(source);
    for (const PackKernel &other : built.manifest.kernels)
      if (other.name == kernel.name) {
        if (other.source == kernel.source)
          return {};
        return invalid(fmt::format("two kernels of the pack are named {}: {} is one", kernel.name,
                                   entry.problem.kernel));
      }
    if (!kernel.source.empty()) {
      HALO_TRY(builtins, listKernels());
      for (const KernelSummary &builtin : builtins)
        if (builtin.name == kernel.name)
          return invalid(fmt::format("{} has the name of the built-in kernel {}, by which it could "
                                     "not be found",
                                     entry.problem.kernel, kernel.name));
    }
    HALO_TRY(description, describeKernel(entry.problem.kernel));
    kernel.description = blobs.add("kernels/" + fileName(kernel.name) + ".json", description, false);
    built.manifest.kernels.push_back(std::move(kernel));
    return {};
  }

  Result<void> addTest(const PackEntrySpec &entry, const KernelInfo &info,
                       const std::string &folder, PackProblem &problem) {
    HALO_TRY(data, makePackTest(entry.problem, info));
    if (!data)
      return {};
    PackTest test;
    test.blob = blobs.add("tests/" + folder + ".safetensors", std::move(data->bytes), false);
    test.tolerance = data->tolerance;
    test.tiles = data->tiles;
    problem.test = std::move(test);
    return {};
  }

  const PackSpec &spec;
  const unsigned numThreads;
  const BuildProgress &progress;
  std::vector<Job> jobs; ///< By entry.
  PackBlobs blobs;
  std::vector<std::string> contents;
  BuiltPack built;
};

} // namespace

Result<BuiltPack> halo::tool::buildPack(const PackSpec &spec, unsigned jobs,
                                        const BuildProgress &progress) {
  return Builder(spec, jobs, progress).build();
}
