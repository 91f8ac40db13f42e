#include "runtime/Operator.h"

#include "runtime/LaunchBuilder.h"

#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <optional>

namespace halo {

struct Operator::State {
  State(std::shared_ptr<Device> device, Problem problem, CompileOptions options)
      : device(std::move(device)), problem(std::move(problem)), options(std::move(options)) {}

  /// The table. Null where the variant is not loaded; never changes after that.
  const Kernel *find(int align) const {
    return published[align == 16].load(std::memory_order_acquire);
  }
  const Kernel *any() const {
    const Kernel *aligned = find(16);
    return aligned ? aligned : find(1);
  }

  /// find(), or compiles and loads. `launching`: for a launch on `stream`, which may be captured.
  [[gnu::cold, gnu::noinline]] Result<const Kernel *> load(int align, bool launching,
                                                           Stream stream);
  template <typename T> Result<void> launch(Span<T> tensors, Stream stream);

  const std::shared_ptr<Device> device;
  const Problem problem;
  const CompileOptions options;
  std::atomic<bool> frozen{false};

private:
  Error missing(int align, const char *because) const;

  std::mutex loading;
  std::optional<Kernel> kernels[2]; ///< Guarded by `loading`; what `published` points to.
  std::atomic<const Kernel *> published[2] = {nullptr, nullptr};
};

Error Operator::State::missing(int align, const char *because) const {
  return invalid(fmt::format("'{}' has no kernel loaded for {} tensors, and {}: call prepare() "
                             "before",
                             problem.print(), align == 16 ? "aligned" : "unaligned", because));
}

Result<const Kernel *> Operator::State::load(int align, bool launching, Stream stream) {
  if (align != 16 && align != 1)
    return invalid(fmt::format("align = {} where 1 or 16 is expected", align));
  if (align > problem.align)
    return invalid(
        fmt::format("align = {} where '{}' allows {}", align, problem.print(), problem.align));
  std::lock_guard<std::mutex> lock(loading);
  if (const Kernel *found = find(align))
    return found;
  if (frozen)
    return missing(align, "the operator is frozen");
  if (isFrozen())
    return missing(align, "the process is frozen");
  if (launching && device->capturing(stream))
    return missing(align, "its stream is being captured");
  Problem variant = problem;
  variant.align = align;
  HALO_TRY(kernel, Kernel::compile(device, variant, options));
  std::optional<Kernel> &place = kernels[align == 16];
  place = kernel;
  published[align == 16].store(&*place, std::memory_order_release);
  return &*place;
}

template <typename T> Result<void> Operator::State::launch(Span<T> tensors, Stream stream) {
  // All variants have the same operands and rules, so any of them can tell which one is needed.
  const Kernel *kernel = any();
  if (!kernel) {
    HALO_TRY(first, load(problem.align, /*launching=*/true, stream));
    kernel = first;
  }
  LaunchBuilder builder(kernel->loadedKernel().plan, kernel->tunedBlockLs());
  if (!builder.match(tensors) || !builder.check())
    return std::move(builder.why);
  int align = problem.align == 16 && builder.aligned() ? 16 : 1;
  kernel = find(align);
  if (!kernel) {
    HALO_TRY(needed, load(align, /*launching=*/true, stream));
    kernel = needed;
  }
  builder.use(kernel->loadedKernel().plan, kernel->tunedBlockLs());
  BoundLaunch bound;
  if (!builder.build(bound))
    return std::move(builder.why);
  return device->launch(kernel->loadedKernel(), bound.blocks, bound.params(), stream);
}

Operator::Operator(std::shared_ptr<Device> device, Problem problem, CompileOptions options)
    : state(std::make_unique<State>(std::move(device), std::move(problem), std::move(options))) {}
Operator::Operator(Operator &&) noexcept = default;
Operator &Operator::operator=(Operator &&) noexcept = default;
Operator::~Operator() = default;

Result<void> Operator::prepare() {
  if (state->problem.align == 16)
    HALO_CHECK(prepare(16));
  return prepare(1);
}

Result<void> Operator::prepare(int align) {
  auto loaded = state->load(align, /*launching=*/false, nullptr);
  return loaded ? Result<void>() : loaded.error();
}

Result<void> Operator::launch(Span<TensorRef> tensors, Stream stream) {
  return state->launch(tensors, stream);
}

Result<void> Operator::launch(Span<Argument> arguments, Stream stream) {
  return state->launch(arguments, stream);
}

void Operator::freeze() { state->frozen = true; }

const KernelInfo *Operator::info() const {
  const Kernel *kernel = state->any();
  return kernel ? &kernel->info() : nullptr;
}

Result<Kernel> Operator::kernel(int align) {
  HALO_TRY(loaded, state->load(align, /*launching=*/false, nullptr));
  return *loaded;
}

} // namespace halo
