// A modal filter in f64: h[k] = sum over s of R[s]·exp(lp[s]·k), for one channel.
//
//   lp = [-ln 2], R = [3]:  h = 3, 1.5, 0.75, ...
//   conv  y(t) = h[0]·u(t) + ... + h[t]·u(0)  +  sum over s of R[s]·exp(lp[s]·(t+1))·state[s]
//   next  state'[s] = sum over t of exp(lp[s]·(L-1-t))·u(t)  +  exp(lp[s]·L)·state[s]
#pragma once

#include <cstdint>
#include <vector>

namespace halo {

struct ModalFilter {
  std::vector<double> logPoles, residues;

  double at(int64_t k) const;
  /// The convolution's values, as direct sums, or where that takes longer than kDirectLength
  /// positions by the recurrence (a test compares the two). `state` becomes the one after the end.
  std::vector<double> convolve(const std::vector<double> &u, std::vector<double> &state) const;
  std::vector<double> convolveDirectly(const std::vector<double> &u,
                                       std::vector<double> &state) const;
  std::vector<double> convolveByRecurrence(const std::vector<double> &u,
                                           std::vector<double> &state) const;

  static constexpr int64_t kDirectLength = 4096;
};

} // namespace halo
