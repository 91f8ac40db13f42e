// What tuning has found, as text: one JSON object a line, so that files can be concatenated,
// sorted, committed and read by a person. Lines that start with # are comments.
//
//   {"gpu":"NVIDIA H200, 132 SMs","driver":"CUDA 13.0","toolkit":"nvJitLink 13.0",
//    "problem":"causal_conv1d --dtype bf16 --set K=4 ...","b":1,"d":4096,"l":65536,
//    "schedule":"block_n=512,...","block_l":32,"ms":0.26,"low":0.259,"high":0.261,
//    "default":"block_n=256,...","default_ms":0.27,"date":"2026-11-21T10:00:00Z","pinned":false}
//
// One record serves a bucket: D as it is, B and L to the nearest power of two, halves going up. Of
// an invariant problem it serves every B and L, and has 0 for both, and for block_l:
//
//   L   1  2  3  4  5   6  8  11  12  16   46340  46341  65536  92681  92682
//   l   1  2  4  4  4   8  8   8  16  16   32768  65536  65536  65536  131072
//
// Which one of two records of one key stays: the pinned, else the later, else the smaller text. So
// merging is commutative and associative, and two machines that exchange files end up equal.
#pragma once

#include "runtime/Export.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"
#include "runtime/TensorRef.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace halo {

class Device;
struct Problem;

/// The sizes for which one record stands. A size that is not known (0) stays 0.
HALO_API Shape bucketOf(const Shape &shape);
/// The sizes that select a record of this problem: those of the launch; of an invariant problem D
/// alone, so that its records stand for every B and L, written as 0.
HALO_API Shape recordSizes(const Problem &problem, const Shape &shape);
/// "NVIDIA H200, 132 SMs": devices of one class run a schedule equally fast.
HALO_API std::string gpuClassOf(const Device &device);
/// The text that names a problem in records: canonical, with a digest of the text in place of the
/// path of a user's own kernel, so that records survive a move and end with an edit.
HALO_API std::string recordProblem(const Problem &problem, std::string_view source);

struct HALO_API TuningRecord {
  std::string gpu, driver, toolkit, problem;
  Shape bucket;
  std::string schedule; ///< Its block_l is 0: that number is `blockL`, and for this bucket only.
  int64_t blockL = 0;
  double ms = 0, low = 0, high = 0; ///< Median and its confidence interval.
  std::string defaultSchedule;      ///< The analytic choice of that time.
  double defaultMs = 0;
  std::string date; ///< ISO 8601, UTC.
  bool pinned = false;

  std::string print() const;
  /// Refuses what print() would not write, a schedule that does not parse included.
  static Result<TuningRecord> parse(std::string_view line);
  /// What makes two records the same question: gpu, driver, toolkit, problem, bucket.
  std::string key() const;
};

/// Positions to walk in the launches of one bucket, as measured.
struct TunedBlockL {
  Shape bucket;
  int64_t blockL = 0;
};
/// The one for a launch, if it is a legal walk of a kernel with this step; 0 where there is none.
HALO_API int64_t tunedBlockL(Span<TunedBlockL> tuned, int64_t stepL,
                             const Shape &shape);

/// A set of records, at most one for each key.
class HALO_API TuningRecords {
public:
  /// Adds one; false where the one that is there stays.
  bool add(const TuningRecord &record);
  /// Adds every line of a text. What is no record is skipped; `complaints` gets a sentence each.
  size_t merge(std::string_view text, std::vector<std::string> &complaints);
  /// Removes the records of a question, pinned or not, of every driver and toolkit.
  size_t forget(const std::string &gpu, const std::string &problem, const Shape &shape);

  /// The record for a launch: of this bucket; pinned before others, then of this driver, then the
  /// latest. A size that is 0 fits every bucket; then the largest problem decides. Null if none.
  const TuningRecord *find(const std::string &gpu, const std::string &driver,
                           const std::string &problem, const Shape &shape) const;
  /// What the records of one code know about block_l, bucket by bucket.
  std::vector<TunedBlockL> blockLs(const std::string &gpu, const std::string &problem,
                                   const std::string &schedule) const;

  std::vector<TuningRecord> all() const;
  size_t size() const { return records.size(); }
  std::string print() const; ///< Sorted by key: the same set, the same text.

private:
  std::map<std::string, TuningRecord> records;
};

} // namespace halo
