#include "runtime/Environment.h"

#include <cstdlib>

namespace halo {

std::string environment(const EnvironmentVariable &variable) {
  const char *value = std::getenv(variable.name);
  return value ? value : "";
}

} // namespace halo
