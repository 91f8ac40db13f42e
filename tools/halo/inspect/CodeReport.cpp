#include "tools/halo/inspect/CodeReport.h"

#include "tools/halo/inspect/Loops.h"
#include "tools/halo/inspect/Mix.h"

#include <set>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

static constexpr const char *kHow =
    "the loop whose hot path has the most instructions, times 8 for each loop around it; of twins "
    "the shortest. The hot path moves the most bytes of global memory, with the most arithmetic "
    "and "
    "the fewest instructions";

static std::string labelAt(const Listing &listing, size_t instruction) {
  for (const auto &[label, at] : listing.labels)
    if (at == instruction)
      return label;
  return "";
}

static constexpr const char *kHowRows =
    "the outermost loop of the most instructions, a pass of which is a row of the batch. The hot "
    "path moves the most bytes of global memory, with the most arithmetic and the fewest "
    "instructions";

/// The outermost loop of the most instructions, or -1.
static int rowLoop(const Flow &flow) {
  int found = -1;
  size_t most = 0;
  for (size_t i = 0; i < flow.loops.size(); ++i)
    if (size_t size = instructionsOf(flow, flow.loops[i].blocks).size();
        flow.loops[i].depth == 1 && size > most) {
      most = size;
      found = int(i);
    }
  return found;
}

Json halo::tool::codeReport(const Listing &listing, Walk walk) {
  Flow flow = findFlow(listing);
  if (walk == Walk::Rows)
    flow.main = rowLoop(flow);
  bool looped = walk != Walk::None && flow.main >= 0;
  const std::vector<size_t> &path = looped ? flow.loops[size_t(flow.main)].path : flow.straight;
  std::vector<size_t> hot = instructionsOf(flow, path);
  Mix mix = mixOf(listing, hot);
  std::set<int> lines;
  for (size_t i : hot)
    if (listing.instructions[i].line)
      lines.insert(listing.instructions[i].line);

  Json main = {{"found", looped},
               {"how", looped ? walk == Walk::Rows ? kHowRows : kHow
                              : "no loop: the path through the kernel that moves the most bytes of "
                                "global memory, with the most arithmetic and the fewest "
                                "instructions"}};
  Json inner = Json::array();
  for (size_t i : looped ? flow.loops[size_t(flow.main)].inner : flow.straightInner)
    inner.push_back(mixOf(listing, instructionsOf(flow, flow.loops[i].path)).toJson());
  main["inner"] = inner;
  if (looped) {
    const Loop &loop = flow.loops[size_t(flow.main)];
    main["depth"] = loop.depth;
    main["label"] = labelAt(listing, flow.blocks[loop.header].begin);
    main["alternatives"] = instructionsOf(flow, loop.blocks).size() - hot.size();
  }
  main["lines"] = lines;
  main["mix"] = mix.toJson();
  main["instructions"] = hot;
  return {{"form", listing.form == Listing::Form::Ptx ? "ptx" : "sass"},
          {"entry", listing.entry},
          {"total", mixOf(listing).toJson()},
          {"loops", flow.loops.size()},
          {"main_loop", main}};
}
