#include "runtime/TuningRecords.h"

#include "runtime/Device.h"
#include "runtime/Launch.h"
#include "runtime/Problem.h"
#include "runtime/TuningStore.h"
#include "tests/unit/runtime/TestSupport.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace halo {
namespace {

const char *kCode = "block_n=512,block_l=0,num_warps=4,vector=4,unroll=4,stages=4,min_blocks=5,"
                    "window=registers";

TuningRecord record(int64_t l = 65536, const std::string &date = "2026-11-21T10:00:00Z") {
  TuningRecord record;
  record.gpu = "NVIDIA H200, 132 SMs";
  record.driver = "580.95.05";
  record.toolkit = "nvJitLink 13.0";
  record.problem = "causal_conv1d --dtype bf16 --set K=4 --set layout=bld";
  record.bucket = {1, 4096, l};
  record.schedule = kCode;
  record.blockL = 32;
  record.ms = 0.26;
  record.low = 0.259;
  record.high = 0.261;
  record.defaultSchedule = kCode;
  record.defaultMs = 0.27;
  record.date = date;
  return record;
}

// The table in TuningRecords.h.
TEST(TuningRecordsTest, BucketTable) {
  const std::pair<int64_t, int64_t> table[] = {
      {1, 1},         {2, 2},         {3, 4},         {4, 4},         {5, 4},   {6, 8},
      {8, 8},         {11, 8},        {12, 16},       {16, 16},       {0, 0},   {46340, 32768},
      {46341, 65536}, {65536, 65536}, {92681, 65536}, {92682, 131072}};
  for (auto [size, bucket] : table) {
    EXPECT_EQ(bucketOf({size, 7, size}).l, bucket) << size;
    EXPECT_EQ(bucketOf({size, 7, size}).b, bucket) << size;
    EXPECT_EQ(bucketOf({size, 7, size}).d, 7);
  }
  for (int64_t size = 1; size < 3000; ++size) {
    int64_t bucket = bucketOf({1, 1, size}).l;
    EXPECT_EQ(bucketOf({1, 1, bucket}).l, bucket) << "a bucket stands for itself";
    EXPECT_LE(double(std::max(size, bucket)) / double(std::min(size, bucket)), 1.4143);
  }
}

TEST(TuningRecordsTest, ParseOfPrintIsTheRecord) {
  TuningRecord written = record();
  written.pinned = true;
  Result<TuningRecord> read = TuningRecord::parse(written.print());
  HALO_ASSERT_OK(read);
  EXPECT_EQ(read->print(), written.print());
  EXPECT_EQ(read->key(), written.key());
}

TEST(TuningRecordsTest, RefusalsNameTheFieldAndTheNumbers) {
  auto refuse = [](const char *from, const char *to, const char *part, const char *other) {
    std::string line = record().print();
    size_t place = line.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    line.replace(place, std::strlen(from), to);
    test::expectRefused(TuningRecord::parse(line), part, other);
  };
  refuse("\"l\":65536", "\"l\":65535", "65535", "65536");
  refuse("\"d\":4096", "\"d\":0", "d = 0", "1 to");
  refuse("\"b\":1", "\"b\":\"1\"", "'b'", "string");
  refuse("block_l=0", "block_l=64", "block_l = 64", "expected 0");
  refuse("num_warps=4", "num_warps=64", "num_warps", "64");
  refuse("\"ms\":0.26", "\"ms\":-1", "ms", "-1");
  refuse("--set K=4", "--set", "--set", "name=value");
  refuse("{", "", "tuning record", "object");
}

TEST(TuningRecordsTest, MergingCommutes) {
  std::vector<TuningRecord> given;
  test::Random random;
  SCOPED_TRACE(random.trace());
  for (int i = 0; i < 200; ++i) {
    TuningRecord one = record(int64_t(1) << random.below(3),
                              "2026-11-2" + std::to_string(random.below(3)) + "T00:00:00Z");
    one.pinned = random.below(8) == 0;
    one.ms = 0.1 * double(1 + random.below(5));
    one.driver = random.below(2) ? "580" : "590";
    given.push_back(one);
  }
  TuningRecords forward, backward;
  for (const TuningRecord &one : given)
    forward.add(one);
  std::reverse(given.begin(), given.end());
  for (const TuningRecord &one : given)
    backward.add(one);
  EXPECT_EQ(forward.print(), backward.print());
  EXPECT_LE(forward.size(), 6u);
  // Merging a set into itself changes nothing.
  std::vector<std::string> complaints;
  EXPECT_EQ(forward.merge(backward.print(), complaints), 0u);
  EXPECT_TRUE(complaints.empty());
}

TEST(TuningRecordsTest, PinnedStaysAndLaterWins) {
  TuningRecords records;
  TuningRecord old = record(65536, "2026-01-01T00:00:00Z"), late = record();
  late.ms = 0.2;
  EXPECT_TRUE(records.add(old));
  EXPECT_TRUE(records.add(late));
  EXPECT_FALSE(records.add(old));
  EXPECT_EQ(records.all()[0].ms, 0.2);
  old.pinned = true;
  EXPECT_TRUE(records.add(old));
  late.date = "2030-01-01T00:00:00Z";
  EXPECT_FALSE(records.add(late));
  EXPECT_EQ(records.forget(late.gpu, late.problem, {1, 4096, 60000}), 1u);
  EXPECT_EQ(records.size(), 0u);
}

TEST(TuningRecordsTest, FindTakesTheBucketThenTheDriver) {
  TuningRecords records;
  TuningRecord near = record(), far = record(1024), other = record();
  other.driver = "590";
  other.date = "2027-01-01T00:00:00Z";
  for (const TuningRecord &one : {near, far, other})
    records.add(one);
  auto find = [&](const Shape &shape, const char *driver = "580.95.05") {
    return records.find(near.gpu, driver, near.problem, shape);
  };
  ASSERT_TRUE(find({1, 4096, 50000}));
  EXPECT_EQ(find({1, 4096, 50000})->driver, "580.95.05");
  EXPECT_EQ(find({1, 4096, 50000}, "590")->driver, "590");
  EXPECT_EQ(find({1, 4096, 50000}, "570")->driver, "590") << "the latest of others";
  EXPECT_EQ(find({1, 4096, 1000})->bucket.l, 1024);
  EXPECT_FALSE(find({1, 4096, 46340})) << "the next bucket";
  EXPECT_FALSE(find({2, 4096, 65536})) << "another batch";
  EXPECT_FALSE(find({1, 4104, 65536})) << "another D";
  EXPECT_EQ(find({0, 0, 0})->bucket.l, 65536) << "unknown sizes: the largest";
  EXPECT_FALSE(records.find("NVIDIA H100, 132 SMs", "", near.problem, {1, 4096, 65536}));
  EXPECT_FALSE(records.find(near.gpu, "", near.problem + " --set x=1", {1, 4096, 65536}));
}

// conv_c5: what an invariant problem takes from records depends on neither B nor L.
TEST(TuningRecordsTest, AnInvariantProblemsRecordServesEveryBAndL) {
  Problem problem = *Problem::parse(record().problem);
  problem.invariant = true;
  TuningRecord one = record();
  one.problem = problem.print();
  Shape sizes = recordSizes(problem, {8, 4096, 70000});
  EXPECT_EQ(sizes.b + sizes.l, 0);
  EXPECT_EQ(recordSizes(*Problem::parse(record().problem), {8, 4096, 70000}).l, 70000);
  test::expectRefused(TuningRecord::parse(one.print()), "b = 1, l = 65536, block_l = 32",
                      "0, 0, 0");
  one.bucket = sizes;
  one.blockL = 0;
  HALO_ASSERT_OK(TuningRecord::parse(one.print()));
  TuningRecord narrow = one, plain = record();
  narrow.bucket.d = 2048;
  plain.bucket = {0, 4096, 0};
  test::expectRefused(TuningRecord::parse(plain.print()), "b = 0, l = 0", "1, 1, 0");

  TuningRecords records;
  for (const TuningRecord &each : {record(), narrow, one})
    records.add(each);
  for (const Shape &shape : {Shape{1, 4096, 1}, {64, 4096, 1 << 20}, {0, 4096, 0}, {3, 0, 5}}) {
    const TuningRecord *found =
        records.find(one.gpu, one.driver, one.problem, recordSizes(problem, shape));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->bucket.d, 4096) << "the largest D where it is not known";
  }
  EXPECT_FALSE(records.find(one.gpu, one.driver, one.problem, recordSizes(problem, {1, 512, 8})));
  EXPECT_TRUE(records.find(one.gpu, one.driver, record().problem, {1, 4096, 65536}));
}

TEST(TuningRecordsTest, BlockLServesItsBucketOnly) {
  TuningRecords records;
  TuningRecord one = record();
  one.blockL = 64;
  records.add(one);
  std::vector<TunedBlockL> tuned = records.blockLs(one.gpu, one.problem, one.schedule);
  ASSERT_EQ(tuned.size(), 1u);
  EXPECT_EQ(tunedBlockL(tuned, 4, {1, 4096, 60000}), 64);
  EXPECT_EQ(tunedBlockL(tuned, 4, {1, 4096, 40000}), 0);
  EXPECT_EQ(tunedBlockL(tuned, 4, {1, 2048, 60000}), 0);
  EXPECT_EQ(tunedBlockL(tuned, 48, {1, 4096, 60000}), 0) << "another compiler's step";

  // At a launch: after the schedule's own number, before the analytic one.
  KernelInfo info;
  info.stepL = 4;
  info.threads = 32;
  info.tiles = {{0, 0, 512}};
  Operand x;
  x.name = "x";
  info.operands = {x};
  float *memory = reinterpret_cast<float *>(256);
  auto walk = [&](int64_t l, const std::vector<TunedBlockL> *known) {
    Argument x{"x", TensorRef::contiguous(memory, DType::F32, {1, l, 4096})};
    Result<BoundLaunch> bound =
        halo::bind(info, Span<Argument>(&x, 1), DeviceTraits(), known ? *known : std::vector<TunedBlockL>());
    return bound ? bound->blockL : -1;
  };
  int64_t analytic = walk(60000, nullptr);
  ASSERT_NE(analytic, 64);
  EXPECT_EQ(walk(60000, &tuned), 64);
  EXPECT_EQ(walk(40000, &tuned), walk(40000, nullptr));
  info.blockL = 16;
  EXPECT_EQ(walk(60000, &tuned), 16);
  EXPECT_TRUE(records.blockLs(one.gpu, one.problem, "block_n=1").empty());
}

TEST(TuningRecordsTest, OwnKernelsAreNamedByTheirText) {
  Problem one, two;
  one.kernel = "/home/a/mine.mlir";
  two.kernel = "b/other.mlir";
  EXPECT_EQ(recordProblem(one, "text"), recordProblem(two, "text"));
  EXPECT_NE(recordProblem(one, "text"), recordProblem(one, "edited"));
  one.kernel = "causal_conv1d";
  EXPECT_EQ(recordProblem(one, ""), one.print());
}

/// A folder of its own, gone with the test.
class TuningStoreTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = std::string(testing::TempDir()) + "halo-tuned-XXXXXX";
    ASSERT_TRUE(mkdtemp(name.data()));
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  TuningRecords read(size_t expectedComplaints = 0) {
    TuningRecords records;
    std::vector<std::string> complaints;
    readRecords(folder, records, complaints);
    EXPECT_EQ(complaints.size(), expectedComplaints);
    return records;
  }
  std::string folder;
};

TEST_F(TuningStoreTest, WhatIsAddedIsReadBack) {
  TuningRecord other = record();
  other.gpu = "simulator, 132 SMs";
  for (const TuningRecord &one : {record(), record(1024), other})
    HALO_ASSERT_OK(changeRecords(folder, [&](TuningRecords &records) { records.add(one); }));
  EXPECT_EQ(read().size(), 3u);
  EXPECT_TRUE(std::filesystem::exists(folder + "/nvidia-h200-132-sms.causal-conv1d.tuned"));
  EXPECT_TRUE(std::filesystem::exists(folder + "/simulator-132-sms.causal-conv1d.tuned"));
  HALO_ASSERT_OK(changeRecords(folder, [&](TuningRecords &records) {
    records.forget(other.gpu, other.problem, {});
  }));
  EXPECT_EQ(read().size(), 2u);
  EXPECT_FALSE(std::filesystem::exists(folder + "/simulator-132-sms.causal-conv1d.tuned"));
}

TEST_F(TuningStoreTest, BadLinesAndFilesAreSkipped) {
  std::ofstream(folder + "/a.tuned") << "# a comment\n\nno record\n" << record().print() << "\n{}\n";
  std::filesystem::create_directory(folder + "/b.tuned");
  std::ofstream(folder + "/c.txt") << "not ours\n";
  TuningRecords records;
  std::vector<std::string> complaints;
  readRecords(folder, records, complaints);
  EXPECT_EQ(records.size(), 1u);
  ASSERT_EQ(complaints.size(), 3u);
  EXPECT_NE(complaints[0].find("a.tuned, line 3"), std::string::npos) << complaints[0];
  EXPECT_NE(complaints[1].find("line 5"), std::string::npos) << complaints[1];
}

TEST_F(TuningStoreTest, AFolderThatCannotBeIsAnError) {
  std::ofstream(folder + "/file") << "";
  Result<void> result = changeRecords(folder + "/file/tuned", [](TuningRecords &) {});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("file/tuned"), std::string::npos);
}

} // namespace
} // namespace halo
