// Problems and schedules.
#include "tests/property/Draw.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

namespace halo::property {

static int64_t drawTaps(Random &random) {
  if (random.percent(70))
    return random.between(1, 8);
  return random.percent(50) ? random.between(9, 20)
                            : random.of<int64_t>({33, 64, 65, 100, 128, 130, 200});
}

/// A head that divides `width`, or 0.
static int64_t drawHead(Random &random, int64_t width, int64_t multiple) {
  std::vector<int64_t> heads;
  for (int64_t head = multiple; head <= std::min<int64_t>(width, 256); head += multiple)
    if (width % head == 0 && (head > 1 || random.percent(20)))
      heads.push_back(head);
  return heads.empty() ? 0 : random.of(heads);
}

/// Boundaries anywhere; the widths are multiples of `multiple`, and their sum of `group` too.
static void drawParts(Random &random, int64_t multiple, int64_t group, Problem &problem) {
  std::vector<int64_t> widths(size_t(random.between(1, 5)));
  for (int64_t &width : widths) {
    width = random.of<int64_t>({1, 3, 8, 16, 20, 32, 37, 40, 60, 64, 100, 128, 130});
    width = (width + multiple - 1) / multiple * multiple;
  }
  int64_t period = std::lcm(multiple, group);
  int64_t sum = std::accumulate(widths.begin(), widths.end(), int64_t(0));
  widths.back() += (period - sum % period) % period;

  std::vector<std::string> split, norm;
  for (size_t i = 0; i < widths.size(); ++i) {
    split.push_back(fmt::format("p{}:{}", i, widths[i]));
    if (!random.percent(40))
      continue;
    if (int64_t head = drawHead(random, widths[i], random.percent(70) ? multiple : 1))
      norm.push_back(fmt::format("p{}:{}", i, head));
  }
  problem.params["split"] = fmt::format("{}", fmt::join(split, ","));
  if (!norm.empty())
    problem.params["l2norm"] = fmt::format("{}", fmt::join(norm, ","));
}

/// A schedule that is probably possible. Now and then a number is arbitrary: then the compiler must
/// refuse it or compute rightly.
static std::string drawSchedule(Random &random, const Problem &problem) {
  bool bld = paramOf(problem, "layout", "bdl") == "bld";
  int64_t taps = numberOf(problem, "K", 1), head = 0;
  if (isGatedPair(problem))
    taps += 3 * numberOf(problem, "Kp", 3);
  for (const Part &part : partsOf(problem))
    head = std::max(head, part.head);
  int64_t group = 16 / int64_t(size(*parseDType(paramOf(problem, "T", "f32"))));

  bool shared = taps > 48 || random.percent(taps > 8 ? 50 : 25);
  int64_t vector = 1;
  if (problem.align == 16)
    while (vector < group && random.percent(70))
      vector *= 2;
  int64_t lanes = bld && !shared ? vector : 1, run = !bld && !shared ? vector : 1;
  int64_t warps = random.of<int64_t>({1, 2, 4, 4, 8});
  int64_t threads = 32 * warps, threadsN = 1;
  while (threadsN < threads && (threadsN * lanes < head || random.percent(75)))
    threadsN *= 2;
  int64_t unroll = random.of<int64_t>({1, 2, 3, 4, 8});
  // Unrolled code grows with all three; compiling must stay quick.
  while (!shared && unroll > 1 && taps * vector * unroll > 256)
    unroll /= 2;
  int64_t stages = bld && !shared && random.percent(35) ? 2 : 1;
  int64_t step = threads / threadsN * run * unroll;
  int64_t blockL = random.percent(50) ? 0 : step * random.between(1, 4);
  int64_t blockN = threadsN * lanes;
  if (random.percent(4))
    blockN = random.between(1, 300);
  if (random.percent(4))
    blockL = random.between(1, 300);
  if (random.percent(4))
    stages = 2;
  return fmt::format("block_n={},block_l={},num_warps={},vector={},unroll={},stages={},"
                     "min_blocks={},window={},fir=direct",
                     blockN, blockL, warps, vector, unroll, stages, random.between(1, 2),
                     shared ? "shared" : "registers");
}

/// fir=toeplitz for a kernel whose long FIR it can take, else nothing: a power of two of whole
/// groups, or any channels, and tiles of 32 (bld), 64 or 128 positions.
static std::string drawStagedSchedule(Random &random, const Problem &problem) {
  std::string type = paramOf(problem, "T", "f32"), taps = paramOf(problem, "W", type);
  bool multiplies = type == "bf16" || (type == "f16" && taps == "f16");
  bool cut = paramOf(problem, "streams", "").find(':') != std::string::npos;
  if (problem.align != 16 || !multiplies || cut || numberOf(problem, "K", 1) <= 8)
    return "";
  bool bld = paramOf(problem, "layout", "bdl") == "bld";
  int64_t group = numberOf(problem, "group", 1), vector = random.of<int64_t>({4, 8});
  int64_t warps = random.of<int64_t>({2, 4, 4, 8}), groups = random.of<int64_t>({1, 2, 4, 8});
  // Rows of bld are copied in 16 bytes.
  while (bld && groups * group % 8)
    groups *= 2;
  int64_t blockN = groups * group, threadsN = 1, tile = warps > 4 * groups ? 128 : 64;
  if (bld && random.percent(30))
    blockN = 16 * random.between(1, 8);
  if (bld && random.percent(30))
    vector = 2, tile = random.of<int64_t>({32, 64});
  while (threadsN * (bld ? vector : 1) < blockN)
    threadsN *= 2;
  int64_t threadsL = std::max<int64_t>(1, 32 * warps / threadsN) * (bld ? 1 : vector);
  while (tile < threadsL || (!bld && random.percent(30)))
    tile *= 2;
  return fmt::format("block_n={},block_l={},num_warps={},vector={},unroll={},stages={},"
                     "min_blocks=1,window=registers,fir=toeplitz",
                     blockN, random.percent(50) ? 0 : tile * random.between(1, 4), warps, vector,
                     tile / threadsL, random.between(2, 3));
}

/// Now and then a problem for fir=toeplitz: few of the others are.
static void preferStaged(Random &random, Problem &problem) {
  if (random.percent(75))
    return;
  problem.align = 16;
  problem.params["T"] = random.of<std::string>({"bf16", "bf16", "f16"});
  if (problem.params["T"] == "f16")
    problem.params["W"] = "f16";
  problem.params["K"] = std::to_string(random.of<int64_t>({9, 17, 33, 100, 128, 130, 256}));
  problem.params["group"] = std::to_string(random.of<int64_t>({1, 4, 8, 15, 16, 16, 24, 32}));
  if (problem.params.count("streams"))
    problem.params["streams"] = random.of<std::string>({"interleave", "split"});
}

static int64_t drawGroup(Random &random) {
  return random.percent(60) ? 1 : random.of<int64_t>({2, 3, 4, 15, 15, 16, 16});
}

static std::string drawKernelName(Random &random) {
  if (random.percent(8))
    return "causal_conv1d_update";
  if (random.percent(40))
    return random.of<std::string>({"hcs", "hcs", "hcm", "hcm", "hcl", "hcl", "b2b_causal_conv1d",
                                   "hcs_step", "hcm_step", "hcl_step"});
  return random.percent(60) ? "causal_conv1d" : "causal_conv1d_split";
}

static std::string drawStepSchedule(Random &random) {
  int64_t warps = random.of<int64_t>({1, 2, 4, 8}), blockN = 32 * warps;
  while (blockN > 1 && random.percent(60))
    blockN /= 2;
  return fmt::format("block_n={},num_warps={},block_l={},stages={}", blockN, warps,
                     random.between(0, 3), random.between(1, 3));
}

/// Tokens of a state that is updated in place.
static void drawUpdate(Random &random, Case &into) {
  Problem &problem = into.problem;
  std::string type = random.of<std::string>({"f32", "f16", "bf16"});
  problem.params = {{"T", type},
                    {"W", random.of<std::string>({"f32", "f16", "bf16"})},
                    {"K", std::to_string(drawTaps(random))},
                    {"group", std::to_string(drawGroup(random))},
                    {"layout", random.of<std::string>({"bd", "bdl"})},
                    {"activation", random.of<std::string>({"none", "silu", "sigmoid"})}};
  for (const char *operand : {"bias", "cache_seqlens", "conv_state_indices"})
    if (random.percent(50))
      problem.with.insert(operand);
  problem.align = random.percent(55) ? 16 : 1;
  if (random.percent(50))
    return;
  bool shared = numberOf(problem, "K", 1) > 32;
  int64_t warps = random.of<int64_t>({1, 2, 4}), blockN = 32 * warps;
  while (blockN > 1 && random.percent(50))
    blockN /= 2;
  bool runs = problem.align == 16 && !isFlat(problem) && random.percent(50);
  into.schedule = fmt::format("block_n={},num_warps={},vector={},unroll={},stages=1,window={}",
                              blockN, warps, runs ? 16 / int64_t(size(*parseDType(type))) : 1,
                              shared ? 8 : random.between(1, 4),
                              shared ? "shared" : "registers");
}

/// Tiles of a recurrence on the tensor cores: 128 or 256 positions in bld, 256 or 512 in bdl.
static std::string drawModalTiles(Random &random, bool bld) {
  int64_t warps = random.of<int64_t>({1, 2, 4}), perWarp = random.of<int64_t>({2, 4});
  int64_t blockN = warps * perWarp, vector = bld ? 2 : 8;
  // bld copies whole accesses of a row.
  if (bld)
    blockN = std::max<int64_t>(blockN, 8);
  int64_t across = bld ? blockN / vector : blockN;
  int64_t unroll = (bld ? 128 : 256) * random.between(1, 2) / (bld ? 1 : vector) * across / (32 * warps);
  return fmt::format("fir=toeplitz,block_n={},num_warps={},vector={},unroll={},stages={},cluster={},"
                     "min_blocks=1,window=registers",
                     blockN, warps, vector, std::max<int64_t>(1, unroll), random.between(2, 3),
                     random.of<int64_t>({1, 1, 2, 3}));
}

/// Several threads per channel, each with several positions.
static std::string drawModalSchedule(Random &random, const Problem &problem) {
  bool bld = paramOf(problem, "layout", "bdl") == "bld";
  bool narrow = problem.align == 16 && !isPacked(problem) && paramOf(problem, "T", "f32") == "bf16";
  if (narrow && random.percent(60))
    return drawModalTiles(random, bld);
  int64_t most = 16 / int64_t(size(*parseDType(paramOf(problem, "T", "f32")))), vector = 1;
  while (problem.align == 16 && vector < most && random.percent(50))
    vector *= 2;
  int64_t warps = random.of<int64_t>({1, 2, 4, 8}), blockN = 32 * warps;
  while (blockN > 1 && random.percent(70))
    blockN /= 2;
  return fmt::format("block_n={},num_warps={},vector={},unroll={},stages=1,window=registers",
                     blockN * (bld ? vector : 1), warps, vector, random.of<int64_t>({1, 2, 3, 5}));
}

static std::string drawDirectOrStaged(Random &random, const Problem &problem) {
  std::string staged = !isPacked(problem) && random.percent(60) ? drawStagedSchedule(random, problem) : "";
  return staged.empty() ? drawSchedule(random, problem) : staged;
}

/// hcs, hcm, hcl, their steps, b2b_causal_conv1d.
static void drawGatedPair(Random &random, Case &into) {
  Problem &problem = into.problem;
  bool step = isStep(problem);
  problem.params = {{"T", random.of<std::string>({"f32", "f16", "bf16"})},
                    {"W", random.of<std::string>({"f32", "f16", "bf16"})},
                    {"K", std::to_string(drawTaps(random))},
                    {"group", std::to_string(drawGroup(random))}};
  bool modal = isModal(problem);
  if (modal) {
    problem.params.erase("K");
    problem.params.erase("group");
    problem.params["S"] = std::to_string(random.of<int64_t>({1, 2, 3, 4, 16, 16, 17}));
  }
  if (random.percent(30))
    problem.params["Kp"] = std::to_string(random.of<int64_t>({1, 2, 4, 6}));
  if (problem.kernel != "b2b_causal_conv1d")
    problem.params["streams"] = random.of<std::string>(
        {"interleave", "interleave", "split", "column_split:1", "column_split:4"});
  if (!step) {
    problem.params["layout"] = random.of<std::string>({"bdl", "bld"});
    if (problem.kernel != "hcs" && random.percent(30))
      problem.params["precision"] = "fast";
    // Both states in and out, mostly: that is what continues a sequence.
    bool continued = random.percent(50);
    if (continued || random.percent(30))
      problem.params["states"] = "true";
    for (const char *state : {"proj_state", modal ? "modal_state" : "fir_state"})
      if (continued || random.percent(20))
        problem.with.insert(state);
  }
  if (random.percent(50))
    problem.with.insert("skip");
  if (!step && random.percent(25))
    problem.with.insert("cu_seqlens");
  if (step && !modal && random.percent(40))
    problem.with.insert("fir_position");
  problem.align = random.percent(55) ? 16 : 1;
  if (!step && !modal)
    preferStaged(random, problem);
  // What the tensor cores take: short FIRs of bf16 taps are products too.
  if (!step && modal && random.percent(30)) {
    problem.align = 16;
    problem.params["T"] = "bf16";
    problem.params["W"] = random.of<std::string>({"bf16", "bf16", "f32"});
    problem.params["streams"] = random.of<std::string>({"interleave", "split"});
  }
  if (random.percent(50))
    into.schedule = step    ? drawStepSchedule(random)
                    : modal ? drawModalSchedule(random, problem)
                            : drawDirectOrStaged(random, problem);
}

Case drawKernel(Random &random, const DrawOptions &options) {
  Case result;
  Problem &problem = result.problem;
  problem.kernel = options.kernel.empty() ? drawKernelName(random) : options.kernel;
  if (isUpdate(problem)) {
    drawUpdate(random, result);
    return result;
  }
  if (isGatedPair(problem)) {
    drawGatedPair(random, result);
    return result;
  }
  std::string type = random.of<std::string>({"f32", "f16", "bf16"});
  int64_t group = drawGroup(random);
  problem.params = {{"T", type},
                    {"W", random.of<std::string>({"f32", "f16", "bf16"})},
                    {"K", std::to_string(drawTaps(random))},
                    {"group", std::to_string(group)},
                    {"layout", random.of<std::string>({"bdl", "bld"})},
                    {"activation", random.of<std::string>({"none", "silu", "sigmoid"})},
                    {"taps", random.of<std::string>({"correlation", "convolution"})}};
  if (random.percent(60))
    problem.params["final_state"] = "true";
  const std::pair<const char *, int64_t> optional[] = {
      {"bias", 50}, {"initial_state", 50}, {"residual", 35}};
  for (auto [operand, chance] : optional)
    if (random.percent(chance))
      problem.with.insert(operand);
  if (random.percent(30))
    problem.with.insert(random.of<std::string>({"cu_seqlens", "cu_seqlens", "seq_idx"}));
  problem.align = random.percent(55) ? 16 : 1;
  if (problem.kernel == "causal_conv1d")
    preferStaged(random, problem);
  if (problem.kernel == "causal_conv1d_split")
    drawParts(random, problem.align == 16 ? 16 / int64_t(size(*parseDType(type))) : 1, group,
              problem);
  if (random.percent(50))
    result.schedule = problem.kernel == "causal_conv1d" ? drawDirectOrStaged(random, problem)
                                                        : drawSchedule(random, problem);
  return result;
}

Case drawCase(uint64_t seed, uint64_t index, const DrawOptions &options) {
  Random kernel(mixSeed(seed, 2 * (index / kShapesPerKernel)));
  Random shape(mixSeed(seed, 2 * index + 1));
  Case result = drawKernel(kernel, options);
  result.order = options.simulated ? uint64_t(kernel.between(0, 3)) : 0;
  drawShape(shape, options, result);
  return result;
}

} // namespace halo::property
