// Stands in for libcuda.so.1, so that what the runtime does with contexts is tested without a GPU:
// two devices, and one kernel, Iota.h's. It is stricter than the driver: whoever passes a handle of
// a destroyed context, which cuda.h leaves undefined, ends the process; and a new context takes the
// address of a destroyed one.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum {
  Success,
  InvalidValue,
  OutOfMemory,
  InvalidImage = 200,
  InvalidContext = 201,
  InvalidHandle = 400,
  NotFound = 500,
  Destroyed = 709,
  CaptureUnsupported = 900
};

struct Context {
  bool alive = false;
  int device = 0, retains = 0;
  uint64_t id = 0;
};

/// A context as somebody remembers it.
struct Ref {
  Context *context = nullptr;
  uint64_t id = 0;
  bool alive() const { return context->alive && context->id == id; }
};

/// One iota: y[i] = i for i < l.
struct Launch {
  float *y;
  int l;
  void run() const {
    for (int i = 0; i < l; ++i)
      y[i] = float(i);
  }
};

/// Module, function, stream, event or graph: all that matters is where it lives.
struct Object {
  Ref home;
  bool capturing = false;
  std::vector<Launch> launches;
  std::chrono::steady_clock::time_point time;
};

struct Allocation {
  Ref home;
  size_t bytes;
  uint64_t id;
};

std::recursive_mutex mutex;
Context primaries[2], created[4];
uint64_t ids = 100;
std::map<uintptr_t, Allocation> memory;
thread_local std::vector<Ref> stack;

using Lock = std::lock_guard<std::recursive_mutex>;

[[noreturn]] void undefined(const char *what) {
  std::fprintf(stderr, "fake driver: %s of a destroyed context\n", what);
  std::abort();
}

int current(Ref &ref) {
  if (stack.empty())
    return InvalidContext;
  ref = stack.back();
  return ref.alive() ? Success : Destroyed;
}

bool special(const Object *stream) { return reinterpret_cast<uintptr_t>(stream) <= 2; }

/// An object that is passed to the driver while `here` is current.
int touch(const Object *object, const Ref &here, const char *what) {
  if (!object->home.alive())
    undefined(what);
  return object->home.context == here.context ? Success : InvalidHandle;
}

Ref bear(Context &context, int device) {
  context = {true, device, 0, ++ids};
  return {&context, context.id};
}

void kill(Context &context) {
  context.alive = false;
  for (auto it = memory.begin(); it != memory.end();)
    if (it->second.home.alive()) {
      ++it;
    } else {
      std::free(reinterpret_cast<void *>(it->first));
      it = memory.erase(it);
    }
}

} // namespace

#define ENTER()                                                                                    \
  Lock lock(mutex);                                                                                \
  Ref here;                                                                                        \
  if (int result = current(here))                                                                  \
  return result
#define TOUCH(object, what)                                                                        \
  if (int result = touch(object, here, what))                                                      \
  return result

EXPORT int cuInit(unsigned) { return Success; }
EXPORT int cuDriverGetVersion(int *version) { return *version = 13000, Success; }
EXPORT int cuGetErrorString(int, const char **text) {
  return *text = "an error of the fake driver", 0;
}
EXPORT int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, Success; }
EXPORT int cuDeviceGetCount(int *count) { return *count = 2, Success; }
EXPORT int cuDeviceGetName(char *name, int size, int) {
  return std::snprintf(name, size_t(size), "fake GPU"), Success;
}
EXPORT int cuDeviceGetAttribute(int *value, int which, int) {
  const std::map<int, int> values = {{16, 100}, {38, 50 << 20}, {39, 2048},  {75, 9},
                                     {76, 0},   {82, 65536},    {97, 232448}};
  return *value = values.at(which), Success;
}

EXPORT int cuDevicePrimaryCtxRetain(Context **context, int device) {
  Lock lock(mutex);
  if (!primaries[device].alive)
    bear(primaries[device], device);
  ++primaries[device].retains;
  return *context = &primaries[device], Success;
}
EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
  Lock lock(mutex);
  if (!primaries[device].retains)
    return InvalidContext;
  if (!--primaries[device].retains)
    kill(primaries[device]);
  return Success;
}
EXPORT int cuCtxCreate_v2(Context **context, unsigned, int device) {
  Lock lock(mutex);
  for (Context &slot : created)
    if (!slot.alive) {
      stack.push_back(bear(slot, device));
      return *context = &slot, Success;
    }
  return OutOfMemory;
}
EXPORT int cuCtxDestroy_v2(Context *context) {
  Lock lock(mutex);
  if (!context->alive)
    undefined("destruction");
  if (!stack.empty() && stack.back().context == context)
    stack.pop_back();
  return kill(*context), Success;
}
EXPORT int cuCtxPushCurrent_v2(Context *context) {
  Lock lock(mutex);
  if (!context->alive)
    undefined("push");
  return stack.push_back({context, context->id}), Success;
}
EXPORT int cuCtxPopCurrent_v2(Context **context) {
  if (stack.empty())
    return InvalidContext;
  *context = stack.back().context;
  return stack.pop_back(), Success;
}
EXPORT int cuCtxSetCurrent(Context *context) {
  if (!stack.empty())
    stack.pop_back();
  return context ? cuCtxPushCurrent_v2(context) : Success;
}
EXPORT int cuCtxGetCurrent(Context **context) {
  return *context = stack.empty() ? nullptr : stack.back().context, Success;
}
EXPORT int cuCtxGetDevice(int *device) {
  ENTER();
  return *device = here.context->device, Success;
}
EXPORT int cuCtxGetId(Context *context, unsigned long long *id) {
  if (context)
    undefined("id asked by handle, perhaps"); // The runtime asks for the current one's only.
  ENTER();
  return *id = here.id, Success;
}

EXPORT int cuMemAlloc_v2(uintptr_t *pointer, size_t bytes) {
  ENTER();
  size_t rounded = (bytes + 255) / 256 * 256;
  void *block = bytes >> 40 ? nullptr : std::aligned_alloc(256, rounded);
  if (!block)
    return OutOfMemory;
  *pointer = reinterpret_cast<uintptr_t>(block);
  memory[*pointer] = {here, bytes, ++ids};
  return Success;
}
EXPORT int cuMemFree_v2(uintptr_t pointer) {
  ENTER();
  auto found = memory.find(pointer);
  if (found == memory.end() || !found->second.home.alive())
    undefined("free");
  std::free(reinterpret_cast<void *>(pointer));
  return memory.erase(found), Success;
}
EXPORT int cuPointerGetAttribute(void *value, int which, uintptr_t pointer) {
  Lock lock(mutex);
  Ref here;
  if (current(here) == Destroyed)
    return Destroyed;
  auto found = memory.find(pointer);
  if (which != 7 || found == memory.end())
    return InvalidValue;
  std::memcpy(value, &found->second.id, sizeof(uint64_t));
  return Success;
}
EXPORT int cuMemcpyHtoD_v2(uintptr_t to, const void *from, size_t bytes) {
  ENTER();
  return std::memcpy(reinterpret_cast<void *>(to), from, bytes), Success;
}
EXPORT int cuMemcpyDtoH_v2(void *to, uintptr_t from, size_t bytes) {
  ENTER();
  return std::memcpy(to, reinterpret_cast<void *>(from), bytes), Success;
}
EXPORT int cuMemcpyDtoDAsync_v2(uintptr_t to, uintptr_t from, size_t bytes, Object *) {
  return cuMemcpyHtoD_v2(to, reinterpret_cast<void *>(from), bytes);
}
EXPORT int cuMemsetD8Async(uintptr_t to, unsigned char byte, size_t bytes, Object *) {
  ENTER();
  return std::memset(reinterpret_cast<void *>(to), byte, bytes), Success;
}

EXPORT int cuModuleLoadData(Object **module, const char *image) {
  ENTER();
  if (!std::strstr(image, ".entry iota"))
    return InvalidImage;
  return *module = new Object{here, false, {}, {}}, Success;
}
EXPORT int cuModuleUnload(Object *module) {
  ENTER();
  TOUCH(module, "unloading a module");
  return delete module, Success;
}
EXPORT int cuModuleGetFunction(Object **function, Object *module, const char *name) {
  ENTER();
  TOUCH(module, "a function");
  return *function = module, std::strcmp(name, "iota") ? NotFound : Success;
}
EXPORT int cuFuncLoad(Object *) { return Success; }
EXPORT int cuFuncGetAttribute(int *value, int which, Object *) {
  return *value = which == 4 ? 8 : 0, Success;
}
EXPORT int cuFuncSetAttribute(Object *, int, int) { return Success; }
EXPORT int cuLaunchKernel(Object *function, unsigned, unsigned, unsigned, unsigned, unsigned,
                          unsigned, unsigned, Object *stream, void **params, void **) {
  ENTER();
  TOUCH(function, "a launch");
  Launch launch;
  std::memcpy(&launch.y, params[0], sizeof(launch.y));
  std::memcpy(&launch.l, params[6], sizeof(launch.l));
  if (!special(stream)) {
    TOUCH(stream, "a launch on a stream");
    if (stream->capturing)
      return stream->launches.push_back(launch), Success;
  }
  return launch.run(), Success;
}

EXPORT int cuEventCreate(Object **event, unsigned) {
  ENTER();
  return *event = new Object{here, false, {}, {}}, Success;
}
EXPORT int cuEventDestroy_v2(Object *event) { return delete event, Success; }
EXPORT int cuEventRecord(Object *event, Object *) {
  ENTER();
  TOUCH(event, "an event");
  return event->time = std::chrono::steady_clock::now(), Success;
}
EXPORT int cuEventSynchronize(Object *) { return Success; }
EXPORT int cuEventElapsedTime(float *milliseconds, Object *from, Object *to) {
  *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count() + 1e-6f;
  return Success;
}

EXPORT int cuStreamCreate(Object **stream, unsigned) { return cuEventCreate(stream, 0); }
EXPORT int cuStreamDestroy_v2(Object *stream) {
  ENTER();
  TOUCH(stream, "destroying a stream");
  return delete stream, Success;
}
EXPORT int cuStreamSynchronize(Object *stream) {
  ENTER();
  if (!special(stream))
    TOUCH(stream, "waiting for a stream");
  return Success;
}
EXPORT int cuStreamGetCtx(Object *stream, Context **context) {
  if (!stream->home.alive())
    undefined("a stream");
  return *context = stream->home.context, Success;
}
EXPORT int cuStreamBeginCapture_v2(Object *stream, int) {
  ENTER();
  TOUCH(stream, "capturing a stream");
  return stream->capturing ? CaptureUnsupported : (stream->capturing = true, Success);
}
EXPORT int cuStreamEndCapture(Object *stream, Object **graph) {
  ENTER();
  TOUCH(stream, "capturing a stream");
  *graph = new Object{here, false, std::move(stream->launches), {}};
  stream->launches.clear();
  return stream->capturing = false, Success;
}
EXPORT int cuStreamIsCapturing(Object *stream, int *status) {
  ENTER();
  return *status = !special(stream) && stream->capturing, Success;
}
EXPORT int cuGraphInstantiateWithFlags(Object **executable, Object *graph, unsigned long long) {
  return *executable = new Object(*graph), Success;
}
EXPORT int cuGraphLaunch(Object *graph, Object *stream) {
  ENTER();
  TOUCH(graph, "a graph");
  if (!special(stream))
    TOUCH(stream, "a graph on a stream");
  for (const Launch &launch : graph->launches)
    launch.run();
  return Success;
}
EXPORT int cuGraphDestroy(Object *graph) { return delete graph, Success; }
EXPORT int cuGraphExecDestroy(Object *graph) {
  ENTER();
  TOUCH(graph, "destroying a graph");
  return delete graph, Success;
}
