// Random numbers that are the same on every machine: no distribution of the standard library.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace halo::property {

class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}

  uint64_t next() { return engine(); }
  /// In [0, bound).
  int64_t below(int64_t bound) { return int64_t(engine() % uint64_t(bound)); }
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }
  bool percent(int64_t chance) { return below(100) < chance; }
  template <typename T> T of(const std::vector<T> &choices) {
    return choices[size_t(below(int64_t(choices.size())))];
  }
  /// In [0, 1).
  double uniform() { return double(engine() >> 11) * 0x1p-53; }
  double normal() {
    double u = (double(engine() >> 11) + 1) * 0x1p-53, v = double(engine() >> 11) * 0x1p-53;
    return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
  }

private:
  std::mt19937_64 engine;
};

/// A seed for the `index`-th of many independent streams.
inline uint64_t mixSeed(uint64_t seed, uint64_t index) {
  uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

} // namespace halo::property
