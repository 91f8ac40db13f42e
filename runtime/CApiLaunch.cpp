// The C API of launches: the caller's tensors become TensorRefs on the stack, without allocating.
#include "runtime/CApi.h"
#include "runtime/LaunchBuilder.h"

#include <fmt/format.h>

#include <vector>

using namespace halo;
using namespace halo::capi;

struct halo_form {
  std::shared_ptr<Operator> op;
  std::vector<Argument> arguments; ///< By name; their names are in `names`. Or:
  std::vector<TensorRef> tensors;  ///< by position.
  std::vector<std::string> names;
  size_t count;
};

namespace {

/// Room for the most tensors a launch can have. Only what is used is ever constructed: all of it
/// would cost more than the launch.
template <typename T> class StackList {
  static_assert(std::is_trivially_destructible_v<T>);

public:
  void add(const T &value) { new (&bytes[sizeof(T) * used++]) T(value); }
  T &operator[](size_t i) { return *std::launder(reinterpret_cast<T *>(&bytes[sizeof(T) * i])); }
  Span<T> span() { return {std::launder(reinterpret_cast<T *>(bytes)), used}; }

private:
  size_t used = 0;
  alignas(T) unsigned char bytes[sizeof(T) * kMaxOperands];
};

Error tooMany(size_t count) {
  return invalid(fmt::format("{} tensors are above the limit {}", count, kMaxOperands));
}

/// The caller's tensors, whatever its version.
class Tensors {
public:
  Tensors(const halo_tensor *first, size_t count)
      : bytes(reinterpret_cast<const char *>(first)), count(count),
        stride(count ? first->struct_size : 0) {}

  Result<void> check() const {
    if (count > kMaxOperands)
      return tooMany(count);
    bool named = count && (*this)[0].name;
    for (size_t i = 0; i < count; ++i) {
      const halo_tensor &tensor = (*this)[i];
      if (tensor.struct_size != stride || stride != sizeof(halo_tensor))
        HALO_CHECK(checkVersion(i));
      if (bool(tensor.name) != named)
        return invalid(fmt::format("tensor {} has {} name where tensor 0 has {}", i,
                                   named ? "no" : "a", named ? "one" : "none"));
      if (uint32_t(tensor.rank) > HALO_MAX_RANK)
        return invalid(fmt::format("tensor {} has rank {} where 0 to {} is expected", i,
                                   tensor.rank, HALO_MAX_RANK));
      if (uint32_t(tensor.dtype) > HALO_I64)
        return invalid(fmt::format("tensor {} has dtype {} where 0 to {} is expected", i,
                                   tensor.dtype, int(HALO_I64)));
    }
    return {};
  }
  bool named() const { return count && (*this)[0].name; }
  const halo_tensor &operator[](size_t i) const {
    return *reinterpret_cast<const halo_tensor *>(bytes + i * stride);
  }
  TensorRef ref(size_t i) const {
    const halo_tensor &tensor = (*this)[i];
    size_t rank = size_t(tensor.rank);
    return {tensor.data, DType(tensor.dtype), Dims(tensor.sizes, rank), Dims(tensor.strides, rank)};
  }

  const char *const bytes;
  const size_t count;

private:
  [[gnu::cold, gnu::noinline]] Result<void> checkVersion(size_t i) const {
    HALO_CHECK(
        checkStruct(bytes, stride, kFirstSize<halo_tensor>, sizeof(halo_tensor), "halo_tensor"));
    if ((*this)[i].struct_size != stride)
      return invalid(fmt::format("tensor {} has struct_size = {} where tensor 0 has {}", i,
                                 (*this)[i].struct_size, stride));
    return checkStruct(&(*this)[i], stride, kFirstSize<halo_tensor>, sizeof(halo_tensor),
                       "halo_tensor");
  }

  const size_t stride;
};

} // namespace

halo_status halo_launch(halo_operator *op, const halo_tensor *tensors, size_t count, void *stream) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(op);
    if (count)
      HALO_NEED(tensors);
    Tensors given(tensors, count);
    HALO_CHECK(given.check());
    if (given.named()) {
      StackList<Argument> list;
      for (size_t i = 0; i < count; ++i)
        list.add({given[i].name, given.ref(i)});
      return op->op->launch(list.span(), stream);
    }
    StackList<TensorRef> list;
    for (size_t i = 0; i < count; ++i)
      list.add(given.ref(i));
    return op->op->launch(list.span(), stream);
  });
}

halo_status halo_form_create(halo_operator *op, const halo_tensor *tensors, size_t count,
                             halo_form **form) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(op);
    HALO_NEED(form);
    if (count)
      HALO_NEED(tensors);
    Tensors given(tensors, count);
    HALO_CHECK(given.check());
    auto made = std::make_unique<halo_form>();
    made->op = op->op;
    made->count = count;
    made->names.reserve(count); // The arguments point into them.
    for (size_t i = 0; i < count; ++i)
      if (given.named())
        made->arguments.push_back({made->names.emplace_back(given[i].name), given.ref(i)});
      else
        made->tensors.push_back(given.ref(i));
    *form = made.release();
    return {};
  });
}

void halo_form_destroy(halo_form *form) { delete form; }

halo_status halo_form_launch(const halo_form *form, void *const *data, size_t count, void *stream) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(form);
    if (count != form->count)
      return invalid(
          fmt::format("{} pointers are given to a form of {} tensors", count, form->count));
    if (count)
      HALO_NEED(data);
    if (!form->arguments.empty()) {
      StackList<Argument> list;
      for (size_t i = 0; i < count; ++i) {
        list.add(form->arguments[i]);
        list[i].tensor.data = data[i];
      }
      return form->op->launch(list.span(), stream);
    }
    StackList<TensorRef> list;
    for (size_t i = 0; i < count; ++i) {
      list.add(form->tensors[i]);
      list[i].data = data[i];
    }
    return form->op->launch(list.span(), stream);
  });
}
