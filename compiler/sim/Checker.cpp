#include "compiler/sim/Checker.h"
#include "compiler/sim/Block.h"
#include "compiler/sim/Text.h"

#include <algorithm>
#include <sys/mman.h>

namespace halo::sim {

using Fault = std::optional<std::string>;

Checker::Checker(const SimProgram &program, const HaloSimLaunch &launch) : program(program) {
  numThreads = launch.blockX * launch.blockY * launch.blockZ;
  numWarps = (numThreads + 31) / 32;
  auto add = [&](const HaloSimRegion &region, std::string name) {
    regions.push_back({static_cast<const char *>(region.base), region.bytes, std::move(name),
                       nullptr});
  };
  for (size_t i = 0; i != launch.numRegions; ++i)
    add(launch.regions[i], "region " + std::to_string(i));
  for (size_t i = 0; i != program.globals.size(); ++i)
    add(program.globals[i], "variable " + program.globalNames[i]);
  std::stable_sort(regions.begin(), regions.end(),
                   [](const Region &a, const Region &b) { return a.base < b.base; });
  regionOfSite.resize(program.sites.size());
}

size_t Checker::cellBytes(const Region &region) const {
  return ((region.bytes >> program.globalGranule) + 2) * sizeof(GlobalCell);
}

Checker::~Checker() {
  for (Region &r : regions)
    if (r.cells)
      munmap(r.cells, cellBytes(r));
}

void Checker::beginBlock(const SimThread *blockThreads, const char *shared, uint64_t sharedBytes) {
  threads = blockThreads;
  sharedBase = shared;
  sharedSize = sharedBytes;
  ++block;
  warpClock.assign(numWarps, 0);
  laneClock.assign(numThreads, 0);
  seenWarps.assign(size_t(numWarps) * numWarps, 0);
  seenLanes.assign(size_t(numThreads) * 32, 0);
  cells.assign((sharedBytes >> program.sharedGranule) + 1, Cell());
  // What lies between two arrays belongs to neither.
  uint64_t end = 0;
  auto markGap = [&](uint64_t from, uint64_t to) {
    uint64_t granule = 1ull << program.sharedGranule;
    for (uint64_t c = (from + granule - 1) >> program.sharedGranule;
         (c + 1) << program.sharedGranule <= to; ++c)
      cells[c].write.bits = Stamp::kGap;
  };
  for (const SharedArray &a : program.shared.arrays) {
    markGap(end, a.offset);
    end = a.offset + a.bytes;
  }
  markGap(end, std::min(program.shared.dynamicOffset, sharedBytes));
}

Stamp Checker::now(const SimThread &t) const {
  return Stamp::make(t.index, warpClock[t.warpId], laneClock[t.index]);
}

bool Checker::isOrdered(Stamp stamp, const SimThread &t) const {
  uint32_t u = stamp.thread();
  if (u == t.index)
    return true;
  uint32_t uWarp = u / 32;
  // A saturated clock says nothing; missing a race is better than inventing one.
  if (stamp.warpClock() < seenWarps[t.warpId * numWarps + uWarp] ||
      stamp.warpClock() == Stamp::kMaxWarpClock)
    return true;
  return uWarp == t.warpId && stamp.laneClock() < seenLanes[t.index * 32 + u % 32];
}

bool Checker::isOrdered(const GlobalCell &cell, const SimThread &t) const {
  if (cell.block != block)
    return false;
  return cell.warpClock == GlobalCell::kMaxWarpClock ||
         cell.laneClock == GlobalCell::kMaxLaneClock ||
         isOrdered(Stamp::make(cell.thread, cell.warpClock, cell.laneClock), t);
}

void Checker::syncLanes(uint32_t warp, uint32_t lanes) {
  uint32_t joined[32] = {};
  size_t first = size_t(warp) * 32;
  size_t count = std::min<size_t>(32, numThreads - first);
  for (size_t lane = 0; lane != count; ++lane)
    if (lanes >> lane & 1)
      for (size_t i = 0; i != 32; ++i)
        joined[i] = std::max(joined[i], seenLanes[(first + lane) * 32 + i]);
  for (size_t lane = 0; lane != count; ++lane)
    if (lanes >> lane & 1)
      joined[lane] = ++laneClock[first + lane];
  for (size_t lane = 0; lane != count; ++lane)
    if (lanes >> lane & 1)
      std::copy_n(joined, 32, &seenLanes[(first + lane) * 32]);
}

void Checker::syncWarps(uint32_t warps) {
  uint32_t joined[32] = {};
  for (uint32_t w = 0; w != numWarps; ++w)
    if (warps >> w & 1)
      for (uint32_t i = 0; i != numWarps; ++i)
        joined[i] = std::max(joined[i], seenWarps[w * numWarps + i]);
  for (uint32_t w = 0; w != numWarps; ++w)
    if (warps >> w & 1)
      joined[w] = warpClock[w] = std::min(warpClock[w] + 1, Stamp::kMaxWarpClock);
  for (uint32_t w = 0; w != numWarps; ++w)
    if (warps >> w & 1)
      std::copy_n(joined, numWarps, &seenWarps[w * numWarps]);
}

Fault Checker::access(const SimThread &t, const void *pointer, uint64_t bytes, uint32_t align,
                      Space space, AccessKind kind, uint32_t site) {
  const char *address = static_cast<const char *>(pointer);
  uint64_t offset = uint64_t(address) - uint64_t(sharedBase);
  bool inShared = offset < sharedSize;
  if (space == Space::Shared || (space == Space::Generic && inShared)) {
    if (offset >= sharedSize || bytes > sharedSize - offset)
      return "out of bounds: " + verb(kind, bytes, site) + " at byte " +
             std::to_string(int64_t(offset)) +
             " of shared memory, which has " + std::to_string(sharedSize) + " B";
    if (offset % align)
      return "misaligned: " + verb(kind, bytes, site) + " at byte " + std::to_string(offset) +
             " of shared memory, where alignment " + std::to_string(align) + " is needed";
    return shared(t, offset, bytes, kind, isAtomic(kind) ? Stamp::kAtomic : 0, site);
  }
  if (Fault fault = global(t, address, bytes, kind, site))
    return fault;
  if (uint64_t(address) % align)
    return "misaligned: " + verb(kind, bytes, site) + " at address " + hex(uint64_t(address)) +
           ", where alignment " + std::to_string(align) + " is needed";
  return {};
}

Fault Checker::shared(const SimThread &t, uint64_t offset, uint64_t bytes, AccessKind kind,
                      uint64_t flags, uint32_t site) {
  if (!bytes)
    return {};
  uint64_t first = offset >> program.sharedGranule;
  uint64_t last = (offset + bytes - 1) >> program.sharedGranule;
  Stamp mine = now(t);
  Stamp known = mine; // Neighbouring cells mostly have one history.
  auto ordered = [&](Stamp stamp) {
    if (!stamp || stamp.bits == known.bits)
      return true;
    if (!isOrdered(stamp, t))
      return false;
    known = stamp;
    return true;
  };
  for (uint64_t c = first; c <= last; ++c) {
    Cell &cell = cells[c];
    auto place = [&] {
      uint64_t byte = std::max(offset, c << program.sharedGranule);
      return verb(kind, bytes, site) + " at byte " + std::to_string(byte) + " of shared memory" +
             sharedName(byte);
    };
    if (cell.write.is(Stamp::kGap))
      return place() + ", which is between the arrays";
    if (cell.write.is(Stamp::kInFlight))
      return place() + other(cell.write, "is copying to") + " and has not waited for";
    bool bothAtomic = isAtomic(kind) && cell.write.is(Stamp::kAtomic);
    if (!bothAtomic && !ordered(cell.write))
      return "race: " + place() + other(cell.write, "stored") + " with no barrier in between";
    if (reads(kind) && !cell.write)
      return place() + ", which nobody has initialised yet";
    if (isLoad(kind)) {
      // Keep the readers that a later store must still be ordered after.
      Stamp *readers = cell.reads;
      if (readers[0] == mine || readers[1] == mine)
        continue;
      if (!readers[0] || isOrdered(readers[0], t))
        readers[0] = mine;
      else if (!readers[1] || isOrdered(readers[1], t) ||
               readers[0].thread() / 32 == readers[1].thread() / 32)
        readers[1] = mine;
      continue;
    }
    for (Stamp read : cell.reads)
      if (!ordered(read))
        return "race: " + place() + other(read, "read") + " with no barrier in between";
    cell.write.bits = mine.bits | flags;
    cell.reads[0] = cell.reads[1] = Stamp();
  }
  return {};
}

Fault Checker::global(const SimThread &t, const char *address, uint64_t bytes, AccessKind kind,
                      uint32_t site) {
  if (!bytes)
    return {};
  auto holds = [&](const Region &r) {
    uint64_t offset = uint64_t(address) - uint64_t(r.base);
    return offset < r.bytes && bytes <= r.bytes - offset;
  };
  uint32_t index = regionOfSite[site];
  if (index >= regions.size() || !holds(regions[index])) {
    index = 0;
    while (index != regions.size() && !holds(regions[index]))
      ++index;
    if (index == regions.size())
      return outside(address, bytes, kind, site);
    regionOfSite[site] = index;
  }
  Region &region = regions[index];
  if (!region.cells) {
    if (isLoad(kind))
      return {};
    size_t size = cellBytes(region);
    void *p = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
      return "out of memory for " + std::to_string(size) + " B of write records";
    region.cells = static_cast<GlobalCell *>(p);
  }
  // Atomics, and threads that may talk through fences, order themselves in ways not modelled.
  if (isLoad(kind) && (program.hasFences || program.hasAtomics))
    return {};
  // Cells follow addresses, because a region need not begin on a granule.
  uint64_t origin = uint64_t(region.base) >> program.globalGranule;
  uint64_t last = (uint64_t(address) + bytes - 1) >> program.globalGranule;
  GlobalCell mine = {block, t.index,
                     std::min(warpClock[t.warpId], GlobalCell::kMaxWarpClock),
                     std::min(laneClock[t.index], GlobalCell::kMaxLaneClock), isAtomic(kind)};
  for (uint64_t c = uint64_t(address) >> program.globalGranule; c <= last; ++c) {
    GlobalCell &cell = region.cells[c - origin];
    bool bothAtomic = isAtomic(kind) && cell.atomic;
    bool ordered = !cell.block || bothAtomic || isOrdered(cell, t);
    if (!ordered) {
      std::string who = " that thread " + triple(threads[cell.thread].tid) +
                        " of block " + std::to_string(cell.block - 1) +
                        " stored in the same launch";
      return "race: " + verb(kind, bytes, site) + " at byte " +
             std::to_string(std::max(uint64_t(address), c << program.globalGranule) -
                            uint64_t(region.base)) +
             " of " + region.name + who + " with nothing to order them";
    }
    if (isLoad(kind))
      continue;
    cell = mine;
  }
  return {};
}

Fault Checker::beginCopy(const SimThread &t, const void *to, uint64_t bytes, uint32_t site) {
  uint64_t offset = uint64_t(to) - uint64_t(sharedBase);
  if (Fault fault = access(t, to, bytes, uint32_t(bytes), Space::Shared, AccessKind::Store, site))
    return fault;
  uint64_t last = (offset + bytes - 1) >> program.sharedGranule;
  for (uint64_t c = offset >> program.sharedGranule; c <= last; ++c)
    cells[c].write.bits |= Stamp::kInFlight;
  return {};
}

void Checker::landCopy(const SimThread &t, const void *to, uint64_t bytes) {
  uint64_t offset = uint64_t(to) - uint64_t(sharedBase);
  uint64_t last = (offset + bytes - 1) >> program.sharedGranule;
  for (uint64_t c = offset >> program.sharedGranule; c <= last; ++c)
    cells[c].write = now(t);
}

} // namespace halo::sim
