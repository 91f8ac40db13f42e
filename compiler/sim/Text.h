// Small texts of the fault sentences.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace halo::sim {

inline std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

inline std::string triple(const uint32_t *xyz) {
  return "(" + std::to_string(xyz[0]) + ", " + std::to_string(xyz[1]) + ", " +
         std::to_string(xyz[2]) + ")";
}

} // namespace halo::sim
