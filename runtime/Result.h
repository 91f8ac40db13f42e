// Errors as values: the one error type of the runtime and of the C ABI.
//
// Nothing in a Halo library throws or aborts on bad input. A function that can fail returns
// Result<T>; the caller either handles the error or passes it on with HALO_TRY.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace halo {

/// What kind of failure this is. The command line maps it to its exit status.
enum class ErrorCode {
  Invalid,     ///< The request was wrong; nothing was launched or written (exit status 2).
  Unavailable, ///< This machine lacks something the request needs (exit status 1).
  Failed,      ///< The computation or the machine failed (exit status 1).
};

/// An error: a code and one sentence (lower case, no full stop) that names the operand, the rule's
/// label and both numbers where there are any.
struct Error {
  ErrorCode code = ErrorCode::Failed;
  std::string message;
};

inline Error invalid(std::string message) { return {ErrorCode::Invalid, std::move(message)}; }
inline Error unavailable(std::string message) {
  return {ErrorCode::Unavailable, std::move(message)};
}
inline Error failed(std::string message) { return {ErrorCode::Failed, std::move(message)}; }

/// A T or an Error. Like std::expected, which C++17 lacks.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : state(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state.index() == 0; }
  /// The value; asking a failed result for it is our bug, not the user's.
  T &operator*() {
    assert(*this);
    return std::get<0>(state);
  }
  const T &operator*() const {
    assert(*this);
    return std::get<0>(state);
  }
  T *operator->() { return &**this; }
  const T *operator->() const { return &**this; }
  const Error &error() const {
    assert(!*this);
    return std::get<1>(state);
  }

private:
  std::variant<T, Error> state;
};

/// Success, or an Error.
template <> class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Error error) : failure(std::move(error)), ok(false) {}
  explicit operator bool() const { return ok; }
  const Error &error() const {
    assert(!ok);
    return failure;
  }

private:
  Error failure;
  bool ok = true;
};

} // namespace halo

#define HALO_CONCAT_(a, b) a##b
#define HALO_CONCAT(a, b) HALO_CONCAT_(a, b)

/// `HALO_TRY(name, expr)`: binds `name` to the value of the Result `expr`, or returns its error.
#define HALO_TRY(name, ...)                                                                        \
  auto HALO_CONCAT(haloResult, __LINE__) = (__VA_ARGS__);                                          \
  if (!HALO_CONCAT(haloResult, __LINE__))                                                          \
    return HALO_CONCAT(haloResult, __LINE__).error();                                              \
  auto &&name = *HALO_CONCAT(haloResult, __LINE__)

/// `HALO_CHECK(expr)`: returns the error of the Result<void> `expr`, if it has one.
#define HALO_CHECK(...)                                                                            \
  do {                                                                                             \
    if (auto haloChecked = (__VA_ARGS__); !haloChecked)                                            \
      return haloChecked.error();                                                                  \
  } while (false)
