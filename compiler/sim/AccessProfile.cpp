#include "compiler/sim/AccessProfile.h"

#include "compiler/sim/Intrinsics.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <set>

namespace halo::sim {

constexpr uint64_t kWord = 4, kBanks = 32, kSector = 32;

RequestCost sharedCost(const WarpAccess &lanes) {
  uint32_t widest = 0;
  for (const LaneAccess &lane : lanes)
    widest = std::max(widest, lane.bytes);
  unsigned group = widest <= 4 ? 32 : widest <= 8 ? 16 : 8;
  RequestCost cost;
  for (unsigned first = 0; first < 32; first += group) {
    std::array<std::set<uint64_t>, kBanks> words;
    for (unsigned i = first; i < first + group; ++i)
      for (uint64_t at = lanes[i].offset / kWord * kWord; at < lanes[i].offset + lanes[i].bytes;
           at += kWord)
        words[at / kWord % kBanks].insert(at / kWord);
    size_t deepest = 0, total = 0;
    for (const std::set<uint64_t> &bank : words) {
      deepest = std::max(deepest, bank.size());
      total += bank.size();
    }
    cost.units += deepest;
    cost.ideal += (total + kBanks - 1) / kBanks;
  }
  return cost;
}

RequestCost globalCost(const WarpAccess &lanes) {
  std::vector<LaneAccess> sorted(lanes.begin(), lanes.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const LaneAccess &a, const LaneAccess &b) { return a.offset < b.offset; });
  uint64_t end = 0, bytes = 0; // Of what is covered so far.
  std::set<uint64_t> sectors;
  for (const LaneAccess &lane : sorted) {
    if (!lane.bytes)
      continue;
    uint64_t last = lane.offset + lane.bytes;
    bytes += last > end ? last - std::max(lane.offset, end) : 0;
    end = std::max(end, last);
    for (uint64_t sector = lane.offset / kSector; sector <= (last - 1) / kSector; ++sector)
      sectors.insert(sector);
  }
  return {sectors.size(), (bytes + kSector - 1) / kSector};
}

void AccessProfile::add(uint32_t thread, uint32_t site, bool shared, bool load, uint64_t offset,
                        uint64_t bytes) {
  if (!bytes || blocks >= kBlocks)
    return;
  Place place{site, shared * 2 + load};
  std::vector<uint32_t> &counts = visits[place];
  if (counts.size() <= thread)
    counts.resize(thread + 1);
  uint32_t visit = counts[thread]++;
  std::vector<WarpAccess> &warp = open[place][thread / 32];
  if (warp.size() <= visit)
    warp.resize(visit + 1);
  warp[visit][thread % 32] = {offset, uint32_t(bytes)};
  Total &total = totals[place];
  total.shared = shared;
  total.load = load;
  total.width = std::max(total.width, uint32_t(bytes));
  total.bytes += bytes;
}

void AccessProfile::endBlock() {
  if (blocks >= kBlocks)
    return;
  ++blocks;
  for (const auto &[place, warps] : open) {
    Total &total = totals[place];
    for (const auto &[warp, requests] : warps)
      for (const WarpAccess &request : requests) {
        RequestCost cost = total.shared ? sharedCost(request) : globalCost(request);
        ++total.requests;
        total.units += cost.units;
        total.ideal += cost.ideal;
      }
  }
  open.clear();
  visits.clear();
}

std::string AccessProfile::json() const {
  llvm::json::Array accesses;
  for (const auto &[place, total] : totals) {
    const Site &site = program.sites[place.first];
    llvm::StringRef where = site.where;
    where.consume_front(" at ");
    std::string op = site.op ? std::string(site.op->name) : total.load ? "load" : "store";
    accesses.push_back(llvm::json::Object{{"where", where.str()},
                                          {"op", op},
                                          {"space", total.shared ? "shared" : "global"},
                                          {"load", total.load},
                                          {"width", int64_t(total.width)},
                                          {"bytes", int64_t(total.bytes)},
                                          {"requests", int64_t(total.requests)},
                                          {"units", int64_t(total.units)},
                                          {"ideal", int64_t(total.ideal)}});
  }
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(llvm::json::Object{
      {"blocks", int64_t(blocks)}, {"accesses", std::move(accesses)}});
  return text;
}

} // namespace halo::sim
