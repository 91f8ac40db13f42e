// halo tune-worker: the process that `halo tune` risks. It owns the device; what hangs or crashes
// takes nobody along. Not for people: it talks over the socket it is given (TuneWire.h).
//
//   it says first             {"name", "kind", "arch", "emit", "ptx", "gpu", "driver", "traits"}
//   {"do": "setup", "kernel", "params", "with", "align", "shape": [b, d, l], "seed"}    -> {}
//                             forgets all before it
//   {"do": "load", "id"} + info and code        checks it -> {"registers", "spill_bytes", "check"}
//   {"do": "bind", "id", "block_l"}             -> {"launch", "block_l", "blocks"}
//   {"do": "time", "id": launch}                -> {"ms", "bytes"}; -1 is the copy of as many bytes
//
// Whatever fails is {"error": sentence}, and the worker goes on; with "sick" it cannot: after a
// fault a GPU context answers nothing but errors.
#include "tools/halo/Command.h"
#include "tools/halo/Measure.h"
#include "tools/halo/TuneCheck.h"
#include "tools/halo/TuneWire.h"

#include <fmt/format.h>

#include <map>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::json;

namespace {

class Worker {
public:
  Worker(std::shared_ptr<Device> device, int socket)
      : device(std::move(device)), socket(socket) {}

  /// Until the parent closes the socket.
  Result<int> serve() {
    HALO_CHECK(sendMessage(socket, {facts(), ""}));
    for (;;) {
      Result<Message> request = receiveMessage(socket, -1);
      if (!request)
        return 0;
      Result<Json> reply = answer(*request);
      Json json = reply ? *reply : Json{{"error", reply.error().message}};
      if (!reply && !device->synchronize(nullptr))
        json["sick"] = true;
      HALO_CHECK(sendMessage(socket, {json, ""}));
    }
  }

private:
  struct Launch {
    int64_t kernel;
    BoundLaunch bound;
  };

  std::shared_ptr<Device> device;
  int socket;
  std::unique_ptr<TuneCheck> check;
  std::map<int64_t, Kernel> kernels;
  std::vector<Launch> launches;
  DeviceBuffer flush, from, to;
  size_t copied = 0;
  uint8_t round = 0;

  Json facts() const {
    CompileTarget target = targetOf(*device);
    const DeviceTraits &traits = target.traits;
    return {{"name", device->name()},
            {"kind", device->kind()},
            {"arch", target.arch},
            {"emit", target.emit},
            {"ptx", target.ptx},
            {"gpu", target.gpu},
            {"driver", target.driver},
            {"traits",
             {{"sms", traits.sms},
              {"maxThreadsPerSm", traits.maxThreadsPerSm},
              {"registersPerSm", traits.registersPerSm},
              {"sharedPerBlock", traits.sharedPerBlock},
              {"maxCluster", traits.maxCluster},
              {"l2Bytes", traits.l2Bytes}}}};
  }

  Result<Json> answer(const Message &request) {
    std::string verb = request.json.value("do", "");
    if (verb == "setup")
      return setUp(request.json);
    if (!check)
      return failed("a worker is asked to work before it is set up");
    if (verb == "load")
      return load(request);
    if (verb == "bind")
      return bind(request.json);
    if (verb == "time")
      return time(request.json);
    return failed(fmt::format("a worker does not know '{}'", verb));
  }

  Result<Json> setUp(const Json &json) {
    Problem problem;
    problem.kernel = json.value("kernel", "");
    problem.params = json.value("params", problem.params);
    problem.with = json.value("with", problem.with);
    problem.align = json.value("align", 16);
    std::vector<int64_t> sizes = json.value("shape", std::vector<int64_t>());
    if (sizes.size() != 3)
      return failed(fmt::format("a shape has {} sizes, expected 3", sizes.size()));
    launches.clear();
    kernels.clear();
    from = DeviceBuffer();
    to = DeviceBuffer();
    check.reset(); // Its memory goes before that of the next one comes.
    check = std::make_unique<TuneCheck>(device, problem, Shape{sizes[0], sizes[1], sizes[2]},
                                        json.value("seed", uint64_t(1)));
    if (device->kind() == "cuda" && !flush.data()) {
      HALO_TRY(buffer, DeviceBuffer::allocate(device, FlushBytes));
      flush = std::move(buffer);
    }
    return Json::object();
  }

  Result<Json> load(const Message &request) {
    Artifact artifact;
    HALO_TRY(info, KernelInfo::fromJson(request.json.value("info", "")));
    artifact.info = std::move(info);
    artifact.code = request.blob;
    HALO_TRY(kernel, Kernel::load(device, artifact));
    HALO_TRY(against, check->check(kernel));
    HALO_CHECK(prepareCopy(kernel.info()));
    Json reply = {{"registers", kernel.info().registers},
                  {"spill_bytes", kernel.info().spillBytes},
                  {"check", against}};
    kernels.emplace(request.json.value("id", int64_t(0)), std::move(kernel));
    return reply;
  }

  /// Half of the views' bytes, copied: as many bytes read and written as the kernel's.
  Result<void> prepareCopy(const KernelInfo &info) {
    if (to.data())
      return {};
    size_t bytes = 0;
    for (const Operand &operand : info.operands)
      if (operand.kind == OperandKind::View) {
        const TensorRef &tensor = check->tensors()[operand.name];
        HALO_TRY(own, bytesOf(operand.name, tensor.dtype, tensor.shape));
        bytes += own;
      }
    copied = bytes / 2;
    for (DeviceBuffer *buffer : {&from, &to}) {
      HALO_TRY(memory, DeviceBuffer::allocate(device, copied));
      *buffer = std::move(memory);
      HALO_CHECK(device->fill(buffer->data(), 0, copied));
    }
    return {};
  }

  Result<Json> bind(const Json &json) {
    int64_t id = json.value("id", int64_t(0));
    auto kernel = kernels.find(id);
    if (kernel == kernels.end())
      return failed(fmt::format("candidate {} is not loaded", id));
    KernelInfo info = kernel->second.info();
    if (int64_t blockL = json.value("block_l", int64_t(0)))
      info.blockL = blockL;
    HALO_TRY(bound, halo::bind(info, check->tensors().arguments(), device->traits()));
    Json reply = {{"block_l", bound.blockL}, {"blocks", bound.blocks}, {"launch", launches.size()}};
    launches.push_back({id, std::move(bound)});
    return reply;
  }

  Result<Json> time(const Json &json) {
    int64_t id = json.value("id", int64_t(0));
    if (id >= int64_t(launches.size()))
      return failed(fmt::format("launch {} of {} does not exist", id, launches.size()));
    std::function<Result<void>()> before;
    if (flush.data())
      before = [&] { return device->fill(flush.data(), round++, FlushBytes); };
    auto work = [&]() -> Result<void> {
      if (id < 0)
        return device->copy(to.data(), from.data(), copied);
      const Launch &launch = launches[size_t(id)];
      return kernels.at(launch.kernel).launch(launch.bound);
    };
    HALO_TRY(ms, device->time(before, work));
    return Json{{"ms", ms}, {"bytes", 2 * copied}};
  }
};

Result<int> run(const Arguments &arguments) {
  HALO_TRY(socket, arguments.number("--socket", -1, 0));
  Result<std::shared_ptr<Device>> device = openDevice(arguments.value("--device"));
  if (device)
    return Worker(*device, int(socket)).serve();
  Json json = {{"error", device.error().message},
               {"invalid", device.error().code == ErrorCode::Invalid}};
  HALO_CHECK(sendMessage(int(socket), {json, ""}));
  return 1;
}

} // namespace

Command halo::tool::tuneWorkerCommand() {
  Syntax syntax;
  syntax.command = "tune-worker";
  syntax.options = {{"--socket", "N", "the connection to halo tune"},
                    {"--device", "NAME", "as halo tune's"}};
  return {syntax, run};
}
