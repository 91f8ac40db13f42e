#include "tools/halo/Statistics.h"

#include <algorithm>
#include <cmath>

using namespace halo::tool;

static double quantile(const std::vector<double> &sorted, double q) {
  double place = q * double(sorted.size() - 1);
  size_t below = size_t(place), above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - double(below)) * (sorted[above] - sorted[below]);
}

Statistics halo::tool::summarise(std::vector<double> samples) {
  if (samples.empty())
    return {};
  std::sort(samples.begin(), samples.end());
  return {quantile(samples, 0.5), quantile(samples, 0.1), quantile(samples, 0.9)};
}

/// P(Binomial(n, 1/2) = i), by logarithms: 2^-n leaves the range of a double beyond n = 1074.
static double heads(size_t i, size_t n) {
  return std::exp(std::lgamma(double(n) + 1) - std::lgamma(double(i) + 1) -
                  std::lgamma(double(n - i) + 1) - double(n) * std::log(2.0));
}

Ratio halo::tool::compareRounds(const std::vector<double> &a, const std::vector<double> &b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (a[i] > 0 && b[i] > 0)
      ratios.push_back(b[i] / a[i]);
  Ratio result;
  size_t n = result.rounds = ratios.size();
  if (n == 0)
    return result;
  std::sort(ratios.begin(), ratios.end());
  result.median = quantile(ratios, 0.5);

  // `tail` is P(Binomial <= k): one rank further in, as long as that stays improbable.
  size_t k = 0;
  double outside = 0;
  for (double tail = heads(0, n); tail <= 0.025; tail += heads(k, n)) {
    ++k;
    outside = tail;
  }
  if (k == 0)
    return result;
  result.bounded = true;
  result.low = ratios[k - 1];
  result.high = ratios[n - k];
  result.confidence = 1 - 2 * outside;
  return result;
}
