// How the checked mode names what it found.
#include "compiler/sim/Block.h"
#include "compiler/sim/Checker.h"
#include "compiler/sim/Text.h"

namespace halo::sim {

/// "stores 16 B at model.mlir:12", or with the intrinsic that did it.
std::string Checker::verb(AccessKind kind, uint64_t bytes, uint32_t site) const {
  const Site &s = program.sites[site];
  const char *does = isLoad(kind) ? "loads " : reads(kind) ? "updates " : "stores ";
  std::string text = does + std::to_string(bytes) + " B";
  if (s.op)
    text += " by " + std::string(s.op->name);
  return text + s.where;
}

/// The array a byte of shared memory belongs to, " (@tile + 4)".
std::string Checker::sharedName(uint64_t offset) const {
  for (const SharedArray &a : program.shared.arrays)
    if (offset >= a.offset && offset < a.offset + a.bytes)
      return " (@" + a.name + " + " + std::to_string(offset - a.offset) + ")";
  if (offset >= program.shared.dynamicOffset && offset < sharedSize)
    return " (dynamic + " + std::to_string(offset - program.shared.dynamicOffset) + ")";
  return "";
}

/// ", which thread (1, 0, 0) read".
std::string Checker::other(Stamp stamp, const char *did) const {
  return ", which thread " + triple(threads[stamp.thread()].tid) + " " + did;
}

std::string Checker::outside(const char *address, uint64_t bytes, AccessKind kind,
                             uint32_t site) const {
  // The region it most likely meant: the nearest.
  const Region *nearest = nullptr;
  uint64_t least = ~0ull;
  for (const Region &r : regions) {
    uint64_t before = uint64_t(r.base) - uint64_t(address);
    uint64_t after = uint64_t(address) - uint64_t(r.base + r.bytes);
    uint64_t distance = address < r.base ? before : address < r.base + r.bytes ? 0 : after;
    if (distance < least) {
      least = distance;
      nearest = &r;
    }
  }
  std::string text = "out of bounds: " + verb(kind, bytes, site) + " at ";
  if (!nearest)
    return text + hex(uint64_t(address)) + ", and the launch names no region";
  int64_t offset = int64_t(uint64_t(address) - uint64_t(nearest->base));
  return text + "byte " + std::to_string(offset) + " of " + nearest->name + ", which has " +
         std::to_string(nearest->bytes) + " B";
}

} // namespace halo::sim
