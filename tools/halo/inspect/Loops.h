// The loops of a listing, and which one is the main loop: where the kernel spends its time.
//
// How the main loop is chosen: a loop weighs the instructions of its hot path times 8 for each loop
// around it, as if every loop ran 8 times as often as what surrounds it; the heaviest is the main
// one. Of its twins, loops of equal depth that move as many bytes of global memory and compute as
// much, the shortest is taken: the others are the guarded forms for the ends of a sequence.
//
// The hot path is the way round the loop that does the most: that moves the most bytes of global
// memory by its wide accesses (at least half as wide as the widest), then has the most
// floating-point operations, and all that with the fewest instructions. What it passes by are
// guarded alternatives, and loops inside of it are apart.
#pragma once

#include "tools/halo/inspect/Listing.h"

#include <vector>

namespace halo::tool {

/// Instructions [begin, end), entered at the front and left at the back.
struct BasicBlock {
  size_t begin = 0, end = 0;
  std::vector<size_t> successors; ///< Blocks; none at the kernel's end.
};

struct Loop {
  size_t header = 0;
  std::vector<size_t> blocks; ///< All of them, those of inner loops too; ascending.
  int depth = 1;              ///< 1: in no other loop.
  std::vector<size_t> path;   ///< Blocks of the hot path, in order, without inner loops'.
  std::vector<size_t> inner;  ///< Loops directly inside, whose header the path passes.
};

struct Flow {
  std::vector<BasicBlock>
      blocks; ///< The entry's first; those that are never reached are left out of loops.
  std::vector<Loop> loops; ///< By header.
  /// Index in `loops`; -1 where the kernel has none.
  int main = -1;
  /// The hot path through the whole kernel, without loops, and the outer loops it comes through.
  std::vector<size_t> straight, straightInner;
};

Flow findFlow(const Listing &listing);

/// The instructions of some blocks, by index.
std::vector<size_t> instructionsOf(const Flow &flow, const std::vector<size_t> &blocks);

} // namespace halo::tool
