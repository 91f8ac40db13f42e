// What a launch costs its caller over a raw launch of the same kernel: README.md beside this file.
#include "runtime/Halo.h"
#include "runtime/halo.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <dlfcn.h>
#include <fstream>
#include <optional>
#include <thread>

using namespace halo;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

namespace {

/// Launches of one way before the next has its turn, and the turns before a stream is emptied.
constexpr int kBatch = 64;
constexpr int64_t kL = 8, kD = 32, kTaps = 4;

struct Options {
  std::string device, out;
  int64_t launches = 20000; ///< Timed, per way and thread.
  double limit = 0;         ///< Nanoseconds of `operator` over `raw` at one thread; 0: none.
};

/// The driver as a program without Halo would use it.
struct Driver {
  int (*launch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                void *, void **, void **) = nullptr;
  int (*streamContext)(void *, void **) = nullptr;
  int (*setCurrent)(void *) = nullptr;
  int (*current)(void **) = nullptr;
  int (*contextId)(void *, unsigned long long *) = nullptr;

  Result<void> open() {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    auto find = [&](const char *name, auto &function) {
      function = library ? reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name))
                         : nullptr;
      return function != nullptr;
    };
    if (!find("cuLaunchKernel", launch) || !find("cuStreamGetCtx", streamContext) ||
        !find("cuCtxSetCurrent", setCurrent) || !find("cuCtxGetCurrent", current))
      return unavailable("libcuda.so.1 lacks what a raw launch takes");
    find("cuCtxGetId", contextId);
    return {};
  }
};

struct CloseDevice {
  void operator()(halo_device *device) const { halo_device_close(device); }
};
struct DestroyOperator {
  void operator()(halo_operator *op) const { halo_operator_destroy(op); }
};

/// What the threads share.
struct Setup {
  std::shared_ptr<Device> device;
  Driver driver;
  Operator conv;
  std::optional<Kernel> kernel;
  DeviceBuffer x, w;
  std::unique_ptr<halo_device, CloseDevice> cDevice;
  std::unique_ptr<halo_operator, DestroyOperator> cConv;
};

enum Way { kClock, kRaw, kBound, kOperator, kNamed, kCApi, kForm, kWays };
constexpr const char *kNames[kWays] = {"clock", "raw",   "bound", "operator",
                                       "named", "c_api", "form"};

/// One thread's samples, in nanoseconds, by way.
using Samples = std::array<std::vector<double>, kWays>;

/// Times `launch` a batch long, each call on its own.
template <typename Launch> bool timeBatch(std::vector<double> *samples, const Launch &launch) {
  for (int i = 0; i < kBatch; ++i) {
    auto start = Clock::now();
    bool ok = launch();
    auto end = Clock::now();
    if (!ok)
      return false;
    if (samples)
      samples->push_back(std::chrono::duration<double, std::nano>(end - start).count());
  }
  return true;
}

halo_tensor tensorOf(const TensorRef &tensor) {
  halo_tensor made = {};
  made.struct_size = sizeof(made);
  made.data = tensor.data;
  made.dtype = HALO_F32;
  made.rank = int32_t(tensor.shape.size());
  std::copy(tensor.shape.begin(), tensor.shape.end(), made.sizes);
  std::copy(tensor.strides.begin(), tensor.strides.end(), made.strides);
  return made;
}

Result<void> measureThread(Setup &setup, int64_t launches, std::atomic<int> &waiting,
                           Samples &samples) {
  HALO_TRY(stream, DeviceStream::create(setup.device));
  HALO_TRY(y, DeviceBuffer::allocate(setup.device, kL * kD * sizeof(float)));
  TensorRef x = TensorRef::contiguous(setup.x.data(), DType::F32, {1, kL, kD});
  TensorRef w = TensorRef::contiguous(setup.w.data(), DType::F32, {kD, kTaps});
  TensorRef out = TensorRef::contiguous(y.data(), DType::F32, {1, kL, kD});
  HALO_TRY(bound, setup.kernel->bind({x, w, out}));
  const LoadedKernel &kernel = setup.kernel->loadedKernel();
  void *function = kernel.function(), *context = nullptr;
  // As any program of the driver has it: the context is current in each thread that launches.
  if (function && (setup.driver.streamContext(stream.get(), &context) != 0 ||
                   setup.driver.setCurrent(context) != 0))
    return failed("the device's context cannot be made current");

  halo_operator *cConv = setup.cConv.get();
  const halo_tensor tensors[] = {tensorOf(x), tensorOf(w), tensorOf(out)};
  void *const data[] = {x.data, w.data, out.data};
  halo_form *form = nullptr;
  if (halo_form_create(cConv, tensors, 3, &form) != HALO_OK)
    return failed(halo_last_error());
  std::unique_ptr<halo_form, void (*)(halo_form *)> owned(form, halo_form_destroy);

  auto raw = [&] {
    if (!function)
      return bool(setup.device->launch(kernel, bound.blocks, bound.params(), stream.get()));
    return setup.driver.launch(
               function, unsigned(bound.blocks), 1, 1, unsigned(kernel.info.threads), 1, 1,
               unsigned(kernel.info.sharedBytes), stream.get(), bound.params(), nullptr) == 0;
  };
  auto rounds = [&](int64_t count, bool keep) -> Result<void> {
    auto into = [&](Way way) { return keep ? &samples[way] : nullptr; };
    for (int64_t round = 0; round < count; ++round) {
      bool ok =
          timeBatch(into(kClock), [] { return true; }) && timeBatch(into(kRaw), raw) &&
          timeBatch(into(kBound),
                    [&] { return bool(setup.kernel->launch(bound, stream.get())); }) &&
          timeBatch(into(kOperator),
                    [&] {
                      return bool(setup.conv.launch({x, w, out}, stream.get()));
                    }) &&
          timeBatch(
              into(kNamed),
              [&] {
                return bool(setup.conv.launch({{"x", x}, {"weight", w}, {"y", out}}, stream.get()));
              }) &&
          timeBatch(into(kCApi),
                    [&] { return halo_launch(cConv, tensors, 3, stream.get()) == HALO_OK; }) &&
          timeBatch(into(kForm),
                    [&] { return halo_form_launch(form, data, 3, stream.get()) == HALO_OK; });
      if (!ok)
        return failed("a launch failed");
      HALO_CHECK(setup.device->synchronize(stream.get()));
    }
    return {};
  };
  for (std::vector<double> &list : samples)
    list.reserve(size_t(launches + kBatch));
  HALO_CHECK(rounds(4, /*keep=*/false));
  // All threads measure at the same time.
  --waiting;
  while (waiting > 0)
    std::this_thread::yield();
  return rounds((launches + kBatch - 1) / kBatch, /*keep=*/true);
}

Json percentiles(std::vector<double> &samples) {
  std::sort(samples.begin(), samples.end());
  auto at = [&](double q) { return samples[size_t(q * double(samples.size() - 1))]; };
  double sum = 0;
  for (double sample : samples)
    sum += sample;
  return {{"p1", at(0.01)},
          {"p50", at(0.5)},
          {"p90", at(0.9)},
          {"p99", at(0.99)},
          {"mean", sum / double(samples.size())}};
}

Result<Json> measure(Setup &setup, int64_t launches, int threads) {
  std::vector<Samples> samples{size_t(threads)};
  std::vector<Result<void>> results{size_t(threads)};
  std::vector<std::thread> workers;
  std::atomic<int> waiting{threads};
  for (size_t i = 0; i < size_t(threads); ++i)
    workers.emplace_back([&, i] {
      results[i] = measureThread(setup, launches, waiting, samples[i]);
      if (!results[i])
        waiting = 0; // Nobody waits for one that has failed.
    });
  for (std::thread &worker : workers)
    worker.join();
  Json ways, over;
  double raw = 0;
  for (int way = 0; way < kWays; ++way) {
    std::vector<double> all;
    for (size_t i = 0; i < size_t(threads); ++i) {
      HALO_CHECK(results[i]);
      all.insert(all.end(), samples[i][way].begin(), samples[i][way].end());
    }
    ways[kNames[way]] = percentiles(all);
    double median = ways[kNames[way]]["p50"];
    if (way == kRaw)
      raw = median;
    else if (way > kRaw)
      over[kNames[way]] = median - raw;
  }
  return Json{{"threads", threads}, {"ns", ways}, {"over_raw_ns", over}};
}

/// Nanoseconds of one call, from many in a row.
template <typename Call> double probe(const Call &call) {
  constexpr int count = 100000;
  auto start = Clock::now();
  for (int i = 0; i < count; ++i)
    call();
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / count;
}

Result<Setup> prepare(const std::string &name) {
  HALO_TRY(device, openDevice(name));
  constexpr const char *text = "causal_conv1d --dtype f32 --set K=4 layout=bld";
  HALO_TRY(problem, Problem::parse(text));
  Setup setup{device, {}, Operator(device, problem), {}, {}, {}, {}, {}};
  halo_device_options where = {};
  where.struct_size = sizeof(where);
  where.name = name.c_str();
  halo_operator_options what = {};
  what.struct_size = sizeof(what);
  what.problem = text;
  halo_device *cDevice = nullptr;
  halo_operator *cConv = nullptr;
  if (halo_device_open(&where, &cDevice) != HALO_OK)
    return failed(halo_last_error());
  setup.cDevice.reset(cDevice);
  if (halo_operator_create(cDevice, &what, &cConv) != HALO_OK)
    return failed(halo_last_error());
  setup.cConv.reset(cConv);
  if (halo_operator_prepare(cConv) != HALO_OK)
    return failed(halo_last_error());
  if (device->kind() == "cuda")
    HALO_CHECK(setup.driver.open());
  HALO_CHECK(setup.conv.prepare());
  HALO_TRY(kernel, setup.conv.kernel(16));
  setup.kernel = kernel;
  for (DeviceBuffer *buffer : {&setup.x, &setup.w}) {
    HALO_TRY(made, DeviceBuffer::allocate(device, kL * kD * sizeof(float)));
    *buffer = std::move(made);
    HALO_CHECK(device->fill(buffer->data(), 0, buffer->bytes()));
  }
  return setup;
}

Result<bool> run(const Options &options) {
  HALO_TRY(setup, prepare(options.device));
  char date[32];
  std::time_t now = std::time(nullptr);
  std::strftime(date, sizeof(date), "%Y-%m-%d", std::gmtime(&now));
  const char *commit = std::getenv("HALO_COMMIT");
  Json report = {{"device", setup.device->name()},
                 {"kind", setup.device->kind()},
                 {"date", date},
                 {"commit", commit ? commit : ""},
                 {"problem", setup.conv.info()->problem},
                 {"shape", {{"B", 1}, {"D", kD}, {"L", kL}}},
                 {"launches", options.launches},
                 {"host_threads", std::thread::hardware_concurrency()}};
  if (setup.driver.launch) {
    // What it costs to know the caller's context.
    void *context = nullptr;
    unsigned long long id = 0;
    report["probes_ns"]["cuCtxGetCurrent"] = probe([&] { setup.driver.current(&context); });
    if (setup.driver.contextId)
      report["probes_ns"]["cuCtxGetId"] = probe([&] { setup.driver.contextId(nullptr, &id); });
  }
  bool within = true;
  for (int threads : {1, 2, 4, 8, 16}) {
    HALO_TRY(row, measure(setup, options.launches, threads));
    report["threads"].push_back(row);
    std::string line = fmt::format("{:2} threads:", threads);
    for (const char *name : kNames)
      line += fmt::format("  {} {:.0f} ns (p99 {:.0f})", name, double(row["ns"][name]["p50"]),
                          double(row["ns"][name]["p99"]));
    double over = row["over_raw_ns"]["operator"];
    std::puts(fmt::format("{}; operator over raw {:.0f} ns", line, over).c_str());
    if (threads == 1 && options.limit > 0 && over > options.limit) {
      std::puts(
          fmt::format("operator is {:.0f} ns over raw, above the limit {:.0f}", over, options.limit)
              .c_str());
      within = false;
    }
  }
  if (!options.out.empty()) {
    std::ofstream file(options.out);
    if (!(file << report.dump(1) << "\n"))
      return failed(fmt::format("cannot write '{}'", options.out));
  }
  return within;
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    std::string name = argv[i], value = i + 1 < argc ? argv[i + 1] : "";
    if (name == "--device" && !value.empty())
      options.device = value;
    else if (name == "-o" && !value.empty())
      options.out = value;
    else if (name == "--launches" && std::atoll(value.c_str()) > 0)
      options.launches = std::atoll(value.c_str());
    else if (name == "--limit" && std::atof(value.c_str()) > 0)
      options.limit = std::atof(value.c_str());
    else {
      std::fputs("usage: halo-launch-latency [--device null|sim|cuda] [--launches N] [--limit NS] "
                 "[-o FILE]\n",
                 stderr);
      return 2;
    }
  }
  auto done = run(options);
  if (!done) {
    std::fputs(fmt::format("halo-launch-latency: error: {}\n", done.error().message).c_str(),
               stderr);
    return 1;
  }
  return *done ? 0 : 1;
}
