// The runtime's space of schedules against the compiler, which has the last word.
#include "compiler/Compile.h"
#include "runtime/ScheduleSpace.h"

#include <gtest/gtest.h>

namespace halo::compiler {
namespace {

struct Drawn {
  const char *kernel, *layout, *taps, *type;
  int64_t channels;
  const char *group = "1";
};

CompileRequest requestOf(const Drawn &drawn) {
  CompileRequest request;
  request.kernel = drawn.kernel;
  request.bindings.params = {{"K", drawn.taps}, {"layout", drawn.layout}, {"T", drawn.type}};
  if (std::string(drawn.kernel) == "causal_conv1d_split")
    request.bindings.params["split"] = "q:64,k:64,v:128";
  if (std::string(drawn.kernel) == "hcl")
    request.bindings.params = {{"S", "16"}, {"layout", drawn.layout}, {"T", drawn.type}};
  else
    request.bindings.params["group"] = drawn.group;
  request.emit = Emit::Halo;
  return request;
}

TEST(ScheduleSpaceTest, WhatItCallsLegalTheCompilerTakes) {
  for (const Drawn &drawn : {Drawn{"causal_conv1d", "bld", "4", "bf16", 4096},
                             {"causal_conv1d", "bdl", "7", "bf16", 4096},
                             {"causal_conv1d", "bld", "24", "f32", 1000},
                             {"causal_conv1d", "bdl", "48", "f32", 64},
                             {"causal_conv1d_split", "bld", "4", "bf16", 256},
                             {"causal_conv1d_split", "bdl", "4", "f16", 256},
                             {"hcm", "bld", "128", "bf16", 4096, "16"},
                             {"hcm", "bld", "33", "bf16", 1920, "15"},
                             {"hcm", "bdl", "128", "bf16", 4096, "16"},
                             {"hcm", "bdl", "33", "bf16", 1920, "15"},
                             {"hcm", "bld", "256", "f16", 4096, "64"},
                             {"hcm", "bdl", "17", "bf16", 512, "256"},
                             {"hcl", "bld", "", "bf16", 4096},
                             {"hcl", "bdl", "", "f32", 4096}}) {
    CompileRequest request = requestOf(drawn);
    auto found = traits(request);
    ASSERT_TRUE(found) << found.error().message;
    KernelTraits facts = found->traits;
    facts.channels = drawn.channels;
    std::vector<Schedule> legal = enumerateSchedules(facts, DeviceTraits()).legal;
    ASSERT_FALSE(legal.empty());
    // Every one would take seconds; a prime stride meets all values of all axes.
    size_t stride = drawn.kernel[0] == 'h' ? 7 : 13;
    for (size_t i = 0; i < legal.size(); i += stride) {
      SCOPED_TRACE(std::string(drawn.kernel) + " " + drawn.layout + " K " + drawn.taps + ": " +
                   legal[i].print());
      request.schedule = legal[i].print();
      auto reply = compile(request);
      ASSERT_TRUE(reply) << reply.error().message;
      ThreadGrid grid = threadGrid(facts, legal[i]);
      EXPECT_EQ(reply->info.stepL, grid.stepL);
      EXPECT_EQ(reply->info.threads, grid.threads);
      // What streams are read back, and what a staged block keeps, depends on the signals too.
      int64_t shared = estimateShared(facts, legal[i]);
      if (facts.streams == 1)
        EXPECT_EQ(reply->info.sharedBytes, shared);
      else if (legal[i].fir == Fir::Toeplitz)
        EXPECT_NEAR(double(reply->info.sharedBytes), double(shared), 0.2 * double(shared));
    }
  }
}

} // namespace
} // namespace halo::compiler
