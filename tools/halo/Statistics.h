// What the samples of a benchmark say.
//
// A quantile q of n sorted samples x[0] <= ... <= x[n-1] lies at place q * (n - 1) and interpolates
// between the two beside it; the median is the quantile 0.5.
//
// Two contenders A and B that ran in the same rounds are compared by the ratios of their rounds,
// r[i] = b[i] / a[i]: what drifts over a run, clocks and temperature, falls out. The estimate is
// the median of r. Its interval is the sign test's: [r(k), r(n+1-k)] of the sorted ratios, for the
// largest k with P(Binomial(n, 1/2) < k) <= 2.5 %. It assumes no distribution and needs no random
// numbers; an outlier moves it by at most one rank.
//
//   n rounds   5     6      10     50     100
//   k          none  1      2      18     40
//   coverage   -     0.969  0.979  0.967  0.965
#pragma once

#include <cstddef>
#include <vector>

namespace halo::tool {

struct Statistics {
  double median = 0, p10 = 0, p90 = 0;
};
/// Of a copy of the samples; all zero where there are none.
Statistics summarise(std::vector<double> samples);

/// How much longer B takes than A.
struct Ratio {
  double median = 0;        ///< Of b[i] / a[i]; 0 where no round counts.
  size_t rounds = 0;        ///< That count: both samples are above zero.
  bool bounded = false;     ///< From 6 rounds on there is an interval.
  double low = 0, high = 0; ///< Its ends.
  double confidence = 0;    ///< Its coverage: at least 0.95.
  /// The interval leaves out 1.
  bool significant() const { return bounded && (low > 1 || high < 1); }
};
/// Pairs a[i] with b[i], up to the shorter one's end.
Ratio compareRounds(const std::vector<double> &a, const std::vector<double> &b);

} // namespace halo::tool
