#include "tools/halo/inspect/Loops.h"

#include "tools/halo/inspect/Mix.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <tuple>

using namespace halo;
using namespace halo::tool;

static constexpr double kRounds = 8; ///< That a loop is taken to run, for want of its count.

static bool endsFlow(const Instruction &instruction) {
  static const char *const ends[] = {"ret", "exit", "trap", "EXIT", "RET", "KILL"};
  std::string first = instruction.opcode.substr(0, instruction.opcode.find('.'));
  return std::find(std::begin(ends), std::end(ends), first) != std::end(ends);
}

/// Blocks and their edges.
static std::vector<BasicBlock> cutIntoBlocks(const Listing &listing) {
  const std::vector<Instruction> &code = listing.instructions;
  std::set<size_t> starts = {0};
  for (const auto &[label, at] : listing.labels)
    starts.insert(at);
  for (size_t i = 0; i < code.size(); ++i)
    if (!code[i].target.empty() || endsFlow(code[i]))
      starts.insert(i + 1);
  std::vector<BasicBlock> blocks;
  std::map<size_t, size_t> blockAt;
  for (auto start = starts.begin(); start != starts.end() && *start < code.size(); ++start) {
    auto next = std::next(start);
    size_t end = next == starts.end() ? code.size() : std::min(*next, code.size());
    blockAt[*start] = blocks.size();
    blocks.push_back({*start, end, {}});
  }
  for (BasicBlock &block : blocks) {
    const Instruction &last = code[block.end - 1];
    auto go = [&](size_t to) {
      auto found = blockAt.find(to);
      if (found != blockAt.end() &&
          !std::count(block.successors.begin(), block.successors.end(), found->second))
        block.successors.push_back(found->second);
    };
    if (!last.target.empty())
      if (auto label = listing.labels.find(last.target); label != listing.labels.end())
        go(label->second);
    if ((last.target.empty() && !endsFlow(last)) || !last.guard.empty())
      go(block.end);
  }
  return blocks;
}

namespace {

/// Which blocks every way to a block passes.
class Dominators {
public:
  explicit Dominators(const std::vector<BasicBlock> &blocks) : sets(blocks.size()) {
    std::vector<std::vector<size_t>> before(blocks.size());
    for (size_t i = 0; i < blocks.size(); ++i)
      for (size_t next : blocks[i].successors)
        before[next].push_back(i);
    reached.assign(blocks.size(), false);
    std::vector<size_t> waiting = {0};
    while (!waiting.empty()) {
      size_t block = waiting.back();
      waiting.pop_back();
      if (reached[block])
        continue;
      reached[block] = true;
      waiting.insert(waiting.end(), blocks[block].successors.begin(),
                     blocks[block].successors.end());
    }
    std::vector<bool> all = reached;
    sets.assign(blocks.size(), all);
    sets[0].assign(blocks.size(), false);
    sets[0][0] = true;
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = 1; i < blocks.size(); ++i) {
        if (!reached[i])
          continue;
        std::vector<bool> meet = all;
        for (size_t from : before[i])
          if (reached[from])
            for (size_t k = 0; k < meet.size(); ++k)
              meet[k] = meet[k] && sets[from][k];
        meet[i] = true;
        changed |= meet != sets[i];
        sets[i] = std::move(meet);
      }
    }
  }
  bool dominates(size_t above, size_t below) const { return reached[below] && sets[below][above]; }

private:
  std::vector<bool> reached;
  std::vector<std::vector<bool>> sets;
};

/// The hot path through some blocks, by the rule of Loops.h.
class HotPath {
public:
  /// All of them must outlive it.
  HotPath(const Listing &listing, const Flow &flow, const Dominators &dominators,
          const std::set<size_t> &within, const std::set<size_t> &inner)
      : listing(listing), flow(flow), dominators(dominators), within(within), inner(inner) {
    for (size_t block : within)
      if (!inner.count(block))
        for (const auto &[width, count] : globalWidths(block))
          widest = std::max(widest, width);
  }

  /// From `start` to a block that `isEnd`, inner loops' blocks among them.
  std::vector<size_t> find(size_t start, const std::function<bool(size_t)> &isEnd) {
    this->isEnd = isEnd;
    std::vector<size_t> path;
    if (!best(start))
      return path;
    for (std::optional<size_t> at = start; at; at = known[*at]->next)
      path.push_back(*at);
    return path;
  }

private:
  struct Way {
    long bytes = 0, instructions = 0;
    double flops = 0;
    std::optional<size_t> next;
    bool better(const Way &other) const {
      return std::make_tuple(-bytes, -flops, instructions) <
             std::make_tuple(-other.bytes, -other.flops, other.instructions);
    }
  };
  const Listing &listing;
  const Flow &flow;
  const Dominators &dominators;
  const std::set<size_t> &within, &inner;
  int widest = 0; ///< Access to global memory, bytes.
  std::function<bool(size_t)> isEnd;
  std::map<size_t, std::optional<Way>> known; ///< None: no way to an end.

  Mix mixOf(size_t block) const { return tool::mixOf(listing, instructionsOf(flow, {block})); }

  /// Widths of the accesses to global memory, and how many there are of each.
  std::vector<std::pair<int, int>> globalWidths(size_t block) const {
    Mix mix = mixOf(block);
    std::vector<std::pair<int, int>> widths;
    for (Kind kind : {Kind::GlobalLoad, Kind::GlobalStore, Kind::AsyncCopy})
      if (auto found = mix.widths.find(kind); found != mix.widths.end())
        widths.insert(widths.end(), found->second.begin(), found->second.end());
    return widths;
  }

  const std::optional<Way> &best(size_t block) {
    if (auto found = known.find(block); found != known.end())
      return found->second;
    known[block] = std::nullopt; // What is being looked at is no way: the graph may be irreducible.
    std::optional<Way> chosen;
    if (isEnd(block))
      chosen = Way();
    for (size_t next : flow.blocks[block].successors) {
      if (!within.count(next) || dominators.dominates(next, block))
        continue;
      if (const std::optional<Way> &rest = best(next); rest && (!chosen || rest->better(*chosen))) {
        chosen = rest;
        chosen->next = next;
      }
    }
    if (chosen && !inner.count(block)) {
      Mix mix = mixOf(block);
      for (const auto &[width, count] : globalWidths(block))
        chosen->bytes += 2 * width >= widest ? long(width) * count : 0;
      chosen->flops += mix.warpFlops + 32 * mix.laneFlops;
      chosen->instructions += mix.total;
    }
    return known[block] = chosen;
  }
};

} // namespace

static std::vector<Loop> naturalLoops(const std::vector<BasicBlock> &blocks,
                                      const Dominators &dominators) {
  std::vector<std::vector<size_t>> before(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i)
    for (size_t next : blocks[i].successors)
      before[next].push_back(i);
  std::map<size_t, std::set<size_t>> bodies;
  for (size_t i = 0; i < blocks.size(); ++i)
    for (size_t header : blocks[i].successors) {
      if (!dominators.dominates(header, i))
        continue;
      std::set<size_t> &body = bodies[header];
      body.insert(header);
      std::vector<size_t> waiting = {i};
      while (!waiting.empty()) {
        size_t block = waiting.back();
        waiting.pop_back();
        if (body.insert(block).second)
          waiting.insert(waiting.end(), before[block].begin(), before[block].end());
      }
    }
  std::vector<Loop> loops;
  for (const auto &[header, body] : bodies)
    loops.push_back({header, {body.begin(), body.end()}, 1, {}, {}});
  return loops;
}

static bool isInside(const Loop &inner, const Loop &outer) {
  return inner.header != outer.header &&
         std::binary_search(outer.blocks.begin(), outer.blocks.end(), inner.header);
}

std::vector<size_t> halo::tool::instructionsOf(const Flow &flow,
                                               const std::vector<size_t> &blocks) {
  std::vector<size_t> instructions;
  for (size_t block : blocks)
    for (size_t i = flow.blocks[block].begin; i < flow.blocks[block].end; ++i)
      instructions.push_back(i);
  return instructions;
}

static void findPaths(const Listing &listing, Flow &flow, const Dominators &dominators) {
  for (Loop &loop : flow.loops) {
    std::set<size_t> within(loop.blocks.begin(), loop.blocks.end()), inner;
    for (size_t i = 0; i < flow.loops.size(); ++i)
      if (isInside(flow.loops[i], loop)) {
        inner.insert(flow.loops[i].blocks.begin(), flow.loops[i].blocks.end());
      }
    HotPath search(listing, flow, dominators, within, inner);
    std::vector<size_t> way = search.find(loop.header, [&](size_t block) {
      const std::vector<size_t> &next = flow.blocks[block].successors;
      return std::count(next.begin(), next.end(), loop.header) != 0;
    });
    for (size_t i = 0; i < flow.loops.size(); ++i)
      if (isInside(flow.loops[i], loop) && flow.loops[i].depth == loop.depth + 1 &&
          std::count(way.begin(), way.end(), flow.loops[i].header))
        loop.inner.push_back(i);
    std::copy_if(way.begin(), way.end(), std::back_inserter(loop.path),
                 [&](size_t block) { return !inner.count(block); });
  }
  std::set<size_t> all, looped;
  for (size_t i = 0; i < flow.blocks.size(); ++i)
    all.insert(i);
  for (const Loop &loop : flow.loops)
    looped.insert(loop.blocks.begin(), loop.blocks.end());
  HotPath search(listing, flow, dominators, all, looped);
  std::vector<size_t> way = search.find(0, [&](size_t block) {
    return flow.blocks[block].successors.empty() ||
           endsFlow(listing.instructions[flow.blocks[block].end - 1]);
  });
  for (size_t i = 0; i < flow.loops.size(); ++i)
    if (flow.loops[i].depth == 1 && std::count(way.begin(), way.end(), flow.loops[i].header))
      flow.straightInner.push_back(i);
  std::copy_if(way.begin(), way.end(), std::back_inserter(flow.straight),
               [&](size_t block) { return !looped.count(block); });
}

Flow halo::tool::findFlow(const Listing &listing) {
  Flow flow;
  flow.blocks = cutIntoBlocks(listing);
  Dominators dominators(flow.blocks);
  flow.loops = naturalLoops(flow.blocks, dominators);
  for (Loop &loop : flow.loops)
    for (const Loop &outer : flow.loops)
      loop.depth += isInside(loop, outer);
  findPaths(listing, flow, dominators);

  std::vector<Mix> mixes;
  double heaviest = 0;
  for (size_t i = 0; i < flow.loops.size(); ++i) {
    const Loop &loop = flow.loops[i];
    mixes.push_back(mixOf(listing, instructionsOf(flow, loop.path)));
    double weight = mixes[i].total;
    for (int level = 1; level < loop.depth; ++level)
      weight *= kRounds;
    // A loop of one instruction is the trap behind a kernel's end.
    if (weight > heaviest && mixes[i].total > 1) {
      heaviest = weight;
      flow.main = int(i);
    }
  }
  for (size_t i = 0; i < flow.loops.size() && flow.main >= 0; ++i) {
    const Mix &main = mixes[size_t(flow.main)], &other = mixes[i];
    bool twin = main.globalBytes() > 0 && other.globalBytes() == main.globalBytes() &&
                other.laneFlops >= main.laneFlops && other.warpFlops >= main.warpFlops &&
                flow.loops[i].depth == flow.loops[size_t(flow.main)].depth;
    if (twin && other.total < main.total)
      flow.main = int(i);
  }
  return flow;
}
