// The C API of operators: what they are made of and what they take. Launches: CApiLaunch.cpp.
#include "runtime/CApi.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

using namespace halo;
using namespace halo::capi;

namespace {

/// The options in parts, as the words of the one text, so that one parser judges both.
Result<void> addWords(const char *option, const char *const *list, size_t count,
                      std::vector<std::string> &words) {
  if (count && !list)
    return nullArgument(option);
  for (size_t i = 0; i < count; ++i) {
    if (!list[i])
      return nullArgument(option);
    words.insert(words.end(), {option, list[i]});
  }
  return {};
}

Result<Problem> problemOf(const halo_operator_options &options) {
  if (!options.problem == !options.kernel)
    return invalid(options.problem ? "both problem and kernel are set, where one is expected"
                                   : "neither problem nor kernel is set");
  std::vector<std::string> words;
  if (options.problem) {
    HALO_TRY(split, Problem::words(options.problem));
    words = std::move(split);
  } else {
    words = {options.kernel};
  }
  HALO_CHECK(addWords("--dtype", &options.dtype, options.dtype ? 1 : 0, words));
  HALO_CHECK(addWords("--wdtype", &options.wdtype, options.wdtype ? 1 : 0, words));
  HALO_CHECK(addWords("--set", options.set, options.set_count, words));
  HALO_CHECK(addWords("--with", options.with, options.with_count, words));
  return Problem::parse(std::move(words));
}

Result<const KernelInfo *> infoOf(const halo_operator &op) {
  if (const KernelInfo *info = op.op->info())
    return info;
  return invalid(fmt::format("the operands of '{}' are not known before it is loaded: call "
                             "halo_operator_prepare",
                             op.problem));
}

Result<const Operand *> operandOf(const halo_operator &op, size_t index) {
  HALO_TRY(info, infoOf(op));
  if (index >= info->operands.size())
    return invalid(fmt::format("operand {} is asked for, where kernel {} has {}", index,
                               info->kernel, info->operands.size()));
  return &info->operands[index];
}

// The numbers of halo.h are those of the enumerations.
static_assert(int(DType::F32) == HALO_F32 && int(DType::F16) == HALO_F16 &&
              int(DType::BF16) == HALO_BF16 && int(DType::I32) == HALO_I32 &&
              int(DType::I64) == HALO_I64);
static_assert(int(OperandKind::View) == HALO_VIEW && int(OperandKind::Taps) == HALO_TAPS &&
              int(OperandKind::Channel) == HALO_CHANNEL && int(OperandKind::State) == HALO_STATE &&
              int(OperandKind::Modes) == HALO_MODES &&
              int(OperandKind::ModalState) == HALO_MODAL_STATE &&
              int(OperandKind::Indices) == HALO_INDICES);
static_assert(int(Layout::BDL) == HALO_BDL && int(Layout::BLD) == HALO_BLD &&
              int(Layout::BD) == HALO_BD && int(Layout::DL) == HALO_DL);

} // namespace

halo_status halo_operator_create(halo_device *device, const halo_operator_options *options,
                                 halo_operator **op) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(device);
    HALO_NEED(options);
    HALO_NEED(op);
    HALO_TRY(known, readStruct(options, "halo_operator_options"));
    HALO_TRY(problem, problemOf(known));
    CompileOptions compile;
    if (known.schedule)
      compile.schedule = known.schedule;
    compile.shapeHint = {known.b, known.d, known.l};
    std::string text = problem.print();
    auto made = std::make_unique<halo_operator>();
    made->op = std::make_shared<Operator>(device->device, std::move(problem), std::move(compile));
    made->problem = std::move(text);
    *op = made.release();
    return {};
  });
}

void halo_operator_destroy(halo_operator *op) { delete op; }

halo_status halo_operator_prepare(halo_operator *op) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(op);
    return op->op->prepare();
  });
}

halo_status halo_operator_prepare_align(halo_operator *op, int32_t align) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(op);
    return op->op->prepare(align);
  });
}

void halo_operator_freeze(halo_operator *op) {
  if (op)
    op->op->freeze();
}

const char *halo_operator_problem(const halo_operator *op) {
  if (!op)
    return nullptr;
  const KernelInfo *info = op->op->info();
  return info && !info->problem.empty() ? info->problem.c_str() : op->problem.c_str();
}

halo_status halo_operator_operand_count(const halo_operator *op, size_t *count) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(op);
    HALO_NEED(count);
    HALO_TRY(info, infoOf(*op));
    *count = info->operands.size();
    return {};
  });
}

halo_status halo_operator_operand(const halo_operator *op, size_t index, halo_operand *operand) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(op);
    HALO_NEED(operand);
    size_t size = operand->struct_size;
    // What the caller's version has behind ours is for us to clear, whatever it holds.
    HALO_CHECK(checkStruct(operand, std::min(size, sizeof(halo_operand)), kFirstSize<halo_operand>,
                           sizeof(halo_operand), "halo_operand"));
    HALO_TRY(found, operandOf(*op, index));
    halo_operand said{};
    said.struct_size = size;
    said.name = found->name.c_str();
    said.kind = int32_t(found->kind);
    said.dtype = int32_t(found->dtype);
    said.output = found->output;
    said.layout = int32_t(found->layout);
    said.rank = int32_t(rankOf(*found));
    said.streams = found->streams;
    said.taps = found->taps;
    said.group = found->group;
    said.channels = found->channels;
    said.modes = found->modes;
    std::memset(operand, 0, size);
    std::memcpy(operand, &said, std::min(size, sizeof(said)));
    return {};
  });
}

halo_status halo_operator_operand_sizes(const halo_operator *op, size_t index, int64_t b, int64_t d,
                                        int64_t l, int64_t *sizes, int32_t *rank) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(op);
    HALO_NEED(sizes);
    HALO_NEED(rank);
    if (b < 0 || d < 0 || l < 0)
      return invalid(fmt::format("B = {}, D = {}, L = {} where none is negative", b, d, l));
    HALO_TRY(found, operandOf(*op, index));
    Dims shape = outputShape(*found, {b, d, l});
    std::copy(shape.begin(), shape.end(), sizes);
    *rank = int32_t(shape.size());
    return {};
  });
}
