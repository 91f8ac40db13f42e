#include "tests/oracle/Modal.h"

#include <cmath>

using namespace halo;

double ModalFilter::at(int64_t k) const {
  double sum = 0;
  for (size_t s = 0; s < logPoles.size(); ++s)
    sum += residues[s] * std::exp(logPoles[s] * double(k));
  return sum;
}

std::vector<double> ModalFilter::convolveDirectly(const std::vector<double> &u,
                                                  std::vector<double> &state) const {
  size_t length = u.size();
  std::vector<double> h(length), y(length), next(state.size());
  for (size_t k = 0; k < length; ++k)
    h[k] = at(int64_t(k));
  for (size_t t = 0; t < length; ++t) {
    for (size_t k = 0; k <= t; ++k)
      y[t] += h[k] * u[t - k];
    for (size_t s = 0; s < state.size(); ++s)
      y[t] += residues[s] * std::exp(logPoles[s] * double(t + 1)) * state[s];
  }
  for (size_t s = 0; s < state.size(); ++s) {
    next[s] = std::exp(logPoles[s] * double(length)) * state[s];
    for (size_t t = 0; t < length; ++t)
      next[s] += std::exp(logPoles[s] * double(length - 1 - t)) * u[t];
  }
  state = next;
  return y;
}

std::vector<double> ModalFilter::convolveByRecurrence(const std::vector<double> &u,
                                                      std::vector<double> &state) const {
  std::vector<double> y(u.size()), decays;
  for (double logPole : logPoles)
    decays.push_back(std::expm1(logPole));
  for (size_t t = 0; t < u.size(); ++t)
    for (size_t s = 0; s < state.size(); ++s) {
      state[s] += decays[s] * state[s] + u[t];
      y[t] += residues[s] * state[s];
    }
  return y;
}

std::vector<double> ModalFilter::convolve(const std::vector<double> &u,
                                          std::vector<double> &state) const {
  return int64_t(u.size()) > kDirectLength ? convolveByRecurrence(u, state)
                                           : convolveDirectly(u, state);
}
