// The runtime's space of schedules against the compiler, which has the last word.
#include "compiler/Compile.h"
#include "runtime/ScheduleSpace.h"

#include <gtest/gtest.h>

namespace halo::compiler {
namespace {

struct Drawn {
  const char *kernel, *layout, *taps, *type;
  int64_t channels;
};

CompileRequest requestOf(const Drawn &drawn) {
  CompileRequest request;
  request.kernel = drawn.kernel;
  request.bindings.params = {{"K", drawn.taps}, {"layout", drawn.layout}, {"T", drawn.type}};
  if (std::string(drawn.kernel) == "causal_conv1d_split")
    request.bindings.params["split"] = "q:64,k:64,v:128";
  request.emit = Emit::Halo;
  return request;
}

TEST(ScheduleSpaceTest, WhatItCallsLegalTheCompilerTakes) {
  for (const Drawn &drawn : {Drawn{"causal_conv1d", "bld", "4", "bf16", 4096},
                             {"causal_conv1d", "bdl", "7", "bf16", 4096},
                             {"causal_conv1d", "bld", "24", "f32", 1000},
                             {"causal_conv1d", "bdl", "48", "f32", 64},
                             {"causal_conv1d_split", "bld", "4", "bf16", 256},
                             {"causal_conv1d_split", "bdl", "4", "f16", 256}}) {
    CompileRequest request = requestOf(drawn);
    auto found = traits(request);
    ASSERT_TRUE(found) << found.error().message;
    KernelTraits facts = found->traits;
    facts.channels = drawn.channels;
    std::vector<Schedule> legal = enumerateSchedules(facts, DeviceTraits()).legal;
    ASSERT_FALSE(legal.empty());
    // Every step would take seconds; a prime stride meets all values of all axes.
    for (size_t i = 0; i < legal.size(); i += 13) {
      SCOPED_TRACE(std::string(drawn.kernel) + " " + drawn.layout + " K " + drawn.taps + ": " +
                   legal[i].print());
      request.schedule = legal[i].print();
      auto reply = compile(request);
      ASSERT_TRUE(reply) << reply.error().message;
      ThreadGrid grid = threadGrid(facts, legal[i]);
      EXPECT_EQ(reply->info.stepL, grid.stepL);
      EXPECT_EQ(reply->info.threads, grid.threads);
      EXPECT_EQ(reply->info.sharedBytes, estimateShared(facts, legal[i]));
    }
  }
}

} // namespace
} // namespace halo::compiler
