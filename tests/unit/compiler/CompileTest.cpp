#include "compiler/Compile.h"

#include "compiler/Assembler.h"
#include "compiler/Describe.h"
#include "compiler/FatalError.h"
#include "runtime/Problem.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace halo::compiler {
namespace {

CompileRequest conv(const char *layout, const char *taps, Emit emit) {
  CompileRequest request;
  request.kernel = "causal_conv1d";
  request.bindings.params = {{"K", taps}, {"layout", layout}, {"T", "bf16"}};
  request.emit = emit;
  return request;
}

/// A file that goes with its test.
class TextFile {
public:
  explicit TextFile(const std::string &text, const std::string &name = "kernel.mlir") {
    std::string pattern = (std::filesystem::temp_directory_path() / "halo-test-XXXXXX").string();
    folder = mkdtemp(pattern.data());
    std::ofstream(path = folder / name) << text;
  }
  ~TextFile() { std::filesystem::remove_all(folder); }
  std::filesystem::path folder, path;
};

TEST(CompileTest, AFatalErrorEndsTheRequestOnly) {
  CompileRequest request = conv("bld", "4", Emit::Llvm);
  auto llvm = compile(request);
  ASSERT_TRUE(llvm);
  request.emit = Emit::Ptx;
  auto plain = compile(request);
  ASSERT_TRUE(plain);
  request.overrideStage = "llvm";
  request.overrideText = llvm->blob + "declare void @llvm.x86.sse2.pause()\n";
  size_t end = request.overrideText.find("  ret void");
  request.overrideText.insert(end, "  call void @llvm.x86.sse2.pause()\n");
  for (int i = 0; i < 3; ++i) {
    auto reason = catchFatalError([&] { (void)compile(request); });
    ASSERT_TRUE(reason);
    EXPECT_NE(reason->find("Cannot select"), std::string::npos) << *reason;
    abandonThreadContext();
    // The thread goes on, with refusals and with code.
    auto refused = compile(conv("bld", "nonsense", Emit::Ptx));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Invalid);
    auto again = compile(conv("bld", "4", Emit::Ptx));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->blob, plain->blob);
  }
  EXPECT_FALSE(catchFatalError([] {}));
}

TEST(CompileTest, ATextByPathGivesTheSamePtx) {
  for (const std::string &name : builtinKernels())
    for (const char *layout : {"bdl", "bld"}) {
      CompileRequest request = conv(layout, "4", Emit::Ptx);
      request.kernel = name;
      if (name == "causal_conv1d_split")
        request.bindings.params["split"] = "q:64,v:128";
      auto text = kernelText(name);
      ASSERT_TRUE(text);
      if (text->find("layout : enum") == std::string::npos)
        request.bindings.params.erase("layout"); // A step has none.
      if (text->find("layout : enum<bd, bdl>") != std::string::npos && layout == std::string("bld"))
        request.bindings.params["layout"] = "bd";
      if (text->find("K : int") == std::string::npos)
        request.bindings.params.erase("K");
      if (text->find("S : int") != std::string::npos)
        request.bindings.params["S"] = "4";
      if (text->find("T : type") == std::string::npos)
        request.bindings.params.erase("T");
      auto named = compile(request);
      ASSERT_TRUE(named) << named.error().message;
      TextFile file(*text);
      request.kernel = file.path.string();
      auto byPath = compile(request);
      ASSERT_TRUE(byPath) << byPath.error().message;
      EXPECT_EQ(named->blob, byPath->blob);
      EXPECT_EQ(named->info.schedule, byPath->info.schedule);
      EXPECT_EQ(byPath->info.entry, name);
    }
}

TEST(CompileTest, RepeatedCompilesGiveTheSameBytes) {
  for (Emit emit : {Emit::Halo, Emit::Gpu, Emit::Llvm, Emit::Ptx, Emit::Sim})
    for (const char *taps : {"4", "100"}) {
      auto first = compile(conv("bdl", taps, emit)), second = compile(conv("bdl", taps, emit));
      ASSERT_TRUE(first) << first.error().message;
      ASSERT_TRUE(second) << second.error().message;
      EXPECT_FALSE(first->blob.empty());
      EXPECT_EQ(first->blob, second->blob);
      EXPECT_EQ(first->info.toJson(), second->info.toJson());
    }
}

TEST(CompileTest, TraitsBindEveryParameter) {
  CompileRequest request = conv("bdl", "7", Emit::Cubin);
  request.bindings.with = {"bias"};
  auto found = traits(request);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->traits.maxTaps, 7);
  EXPECT_EQ(found->traits.layout, Layout::BDL);
  EXPECT_EQ(found->bindings.params.at("W"), "bf16");
  EXPECT_EQ(found->bindings.params.at("activation"), "none");
  // What a compile says of its problem is the same, and it is a text the command line takes.
  request.emit = Emit::Halo;
  auto reply = compile(request);
  ASSERT_TRUE(reply) << reply.error().message;
  auto problem = Problem::parse(reply->info.problem);
  ASSERT_TRUE(problem) << problem.error().message;
  EXPECT_EQ(problem->params, found->bindings.params);
  request.bindings.params["layout"] = "dbl";
  EXPECT_FALSE(traits(request));
}

TEST(CompileTest, AnEmptyListIsAnOptionNotGiven) {
  CompileRequest request = conv("bld", "4", Emit::Halo);
  request.kernel = "causal_conv1d_split";
  request.bindings.params["split"] = "q:64,v:128";
  auto reply = compile(request);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_TRUE(Problem::parse(reply->info.problem)) << reply->info.problem;
}

TEST(CompileTest, ATextInTheRequestIsNotReadFromThePath) {
  auto text = kernelText("causal_conv1d");
  ASSERT_TRUE(text);
  CompileRequest request = conv("bld", "4", Emit::Ptx);
  auto named = compile(request);
  ASSERT_TRUE(named) << named.error().message;
  request.kernel = "/nonexistent/k.mlir";
  request.source = *text;
  auto given = compile(request);
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ(given->blob, named->blob);
  request.source = "nothing of ours";
  auto broken = compile(request);
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("/nonexistent/k.mlir:1:1"), std::string::npos)
      << broken.error().message;
}

TEST(CompileTest, StageTimesAreRecordedInOrder) {
  auto stages = [](Emit emit) {
    auto reply = compile(conv("bld", "4", emit));
    EXPECT_TRUE(reply) << reply.error().message;
    std::vector<std::string> names;
    for (const auto &[stage, ms] : reply->times) {
      names.push_back(stage);
      EXPECT_GE(ms, 0);
      EXPECT_LT(ms, 60000);
    }
    return names;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(stages(Emit::Halo), (Names{"parse", "specialise"}));
  EXPECT_EQ(stages(Emit::Gpu), (Names{"parse", "specialise", "lower"}));
  EXPECT_EQ(stages(Emit::Llvm), (Names{"parse", "specialise", "lower", "convert", "translate"}));
  EXPECT_EQ(stages(Emit::Ptx),
            (Names{"parse", "specialise", "lower", "convert", "translate", "llvm", "nvptx"}));
  if (!assemblerName().empty())
    EXPECT_EQ(stages(Emit::Cubin), (Names{"parse", "specialise", "lower", "convert", "translate",
                                          "llvm", "nvptx", "assemble"}));
}

TEST(CompileTest, ACubinComesWithItsResources) {
  if (assemblerName().empty())
    GTEST_SKIP() << "neither nvJitLink nor ptxas was found";
  auto reply = compile(conv("bld", "4", Emit::Cubin));
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->blob.substr(0, 4), "\x7f"
                                      "ELF");
  EXPECT_GT(reply->info.registers, 0);
  EXPECT_LE(reply->info.registers, 255);
  EXPECT_EQ(reply->info.spillBytes, 0);
  EXPECT_FALSE(reply->log.empty());
}

TEST(CompileTest, TheInfoSaysWhatWasCompiled) {
  CompileRequest request = conv("bld", "4", Emit::Ptx);
  request.bindings.params["final_state"] = "true";
  request.bindings.with = {"bias", "initial_state"};
  request.schedule = "block_n=128,num_warps=2,vector=4,unroll=2,block_l=32";
  auto reply = compile(request);
  ASSERT_TRUE(reply) << reply.error().message;
  const KernelInfo &info = reply->info;
  EXPECT_EQ(info.kernel, "causal_conv1d");
  EXPECT_EQ(info.threads, 64);
  EXPECT_EQ(info.vector, 4);
  EXPECT_EQ(info.align, 16);
  EXPECT_EQ(info.stepL, 4);
  EXPECT_EQ(info.blockL, 32);
  EXPECT_EQ(info.halo, 3);
  EXPECT_EQ(info.layout, Layout::BLD);
  EXPECT_TRUE(info.storesState());
  ASSERT_EQ(info.operands.size(), 6u);
  EXPECT_EQ(info.operands[2].name, "bias");
  EXPECT_EQ(info.registers, -1);
  EXPECT_NE(info.schedule.find("block_n=128,block_l=32,num_warps=2,vector=4,unroll=2"),
            std::string::npos)
      << info.schedule;
  auto again = KernelInfo::fromJson(info.toJson());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->toJson(), info.toJson());
}

TEST(CompileTest, RefusalsAreSentences) {
  struct Row {
    std::function<void(CompileRequest &)> change;
    const char *message;
    ErrorCode code = ErrorCode::Invalid;
  };
  TextFile noKernel("module {}"), broken("halo.kernel @k outs(@y : view<f64, bld>) {}"),
      unlowerable("halo.kernel @k ins(@x : view<bf16, bld>) outs(@y : view<bf16, bld>) {\n"
                  "  %x = halo.load @x\n  %s = math.sin %x : f32\n  halo.store %s, @y\n}\n");
  auto text = [](const TextFile &file) {
    return [&file](CompileRequest &request) {
      request.kernel = file.path.string();
      request.bindings = {};
    };
  };
  for (const Row &row : {
           Row{[](CompileRequest &r) { r.arch = "sm_75"; }, "unknown architecture 'sm_75'"},
           Row{[](CompileRequest &r) { r.kernel = "conv"; },
               "unknown kernel 'conv', expected one of b2b_causal_conv1d, causal_conv1d, "},
           Row{[](CompileRequest &r) { r.kernel = "absent.mlir"; },
               "kernel file 'absent.mlir' cannot be read: No such file or directory"},
           Row{[](CompileRequest &r) { r.bindings.params["K"] = "0"; },
               "option 'K': '0' is not a number in 1..2147483647"},
           Row{[](CompileRequest &r) { r.bindings.params["depth"] = "3"; },
               "unknown option 'depth' of kernel 'causal_conv1d'"},
           Row{[](CompileRequest &r) { r.bindings.with = {"skip"}; },
               "operand 'skip' is not an input of kernel 'causal_conv1d'"},
           Row{[](CompileRequest &r) { r.schedule = "block_n=100"; }, "schedule: block_n 100"},
           Row{[](CompileRequest &r) { r.schedule = "vector=3"; }, "vector"},
           Row{[](CompileRequest &r) { r.schedule = "colour=3"; }, "colour"},
           Row{[](CompileRequest &r) {
                 r.arch = "sm_100";
                 r.maxPtx = 80;
               },
               "the driver accepts PTX 8.0 but sm_100 needs 8.6", ErrorCode::Unavailable},
           Row{text(noKernel), "the text has 0 kernels, expected 1"},
           Row{text(broken), "kernel.mlir:1:31: custom op 'halo.kernel' element type 'f64' is not "
                             "f32, f16 or bf16"},
           Row{text(unlowerable), "kernel.mlir:3:8: 'math.sin' cannot be lowered in a kernel"},
       }) {
    CompileRequest request = conv("bld", "4", Emit::Ptx);
    row.change(request);
    auto reply = compile(request);
    ASSERT_FALSE(reply) << row.message;
    const std::string &message = reply.error().message;
    EXPECT_EQ(int(reply.error().code), int(row.code)) << message;
    EXPECT_NE(message.find(row.message), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_NE(message.back(), '.') << message;
  }
}

TEST(CompileTest, AfterARefusalTheNextCompileIsWhole) {
  auto before = compile(conv("bld", "4", Emit::Ptx));
  CompileRequest wrong = conv("bld", "4", Emit::Ptx);
  wrong.schedule = "block_n=100";
  ASSERT_FALSE(compile(wrong));
  auto after = compile(conv("bld", "4", Emit::Ptx));
  ASSERT_TRUE(before && after);
  EXPECT_EQ(before->blob, after->blob);
}

TEST(CompileTest, ThreadsCompileAtOnce) {
  std::vector<CompileRequest> requests = {conv("bdl", "4", Emit::Ptx), conv("bld", "4", Emit::Ptx),
                                          conv("bdl", "7", Emit::Sim),
                                          conv("bdl", "100", Emit::Ptx)};
  std::vector<std::string> expected;
  for (const CompileRequest &request : requests) {
    auto reply = compile(request);
    ASSERT_TRUE(reply) << reply.error().message;
    expected.push_back(reply->blob);
  }
  constexpr int kRounds = 4;
  std::vector<std::string> problems(requests.size());
  std::vector<std::thread> threads;
  for (size_t t = 0; t < requests.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        size_t which = (t + i) % requests.size();
        auto reply = compile(requests[which]);
        if (!reply)
          problems[t] = reply.error().message;
        else if (reply->blob != expected[which])
          problems[t] = "another text for request " + std::to_string(which);
        CompileRequest wrong = requests[which];
        wrong.bindings.params["K"] = "none" + std::to_string(t);
        auto refused = compile(wrong);
        std::string sentence = "option 'K': 'none" + std::to_string(t) +
                               "' is not a number in 1..2147483647";
        if (refused || refused.error().message != sentence)
          problems[t] = refused ? "compiled a wrong request" : refused.error().message;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::string &problem : problems)
    EXPECT_EQ(problem, "");
}

TEST(CompileTest, OneKernelForEveryTarget) {
  for (const char *arch : {"sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_103", "sm_120"}) {
    CompileRequest request = conv("bld", "4", Emit::Ptx);
    request.arch = arch;
    auto reply = compile(request);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_NE(reply->blob.find(".target " + std::string(arch) + "\n"), std::string::npos) << arch;
  }
}

TEST(CompileTest, TraitsForTheAnalyticChoice) {
  struct Case {
    const char *layout;
    int64_t taps;
  };
  for (auto [layout, taps] : {Case{"bdl", 4}, Case{"bld", 7}}) {
    auto text = kernelText("causal_conv1d");
    ASSERT_TRUE(text);
    mlir::MLIRContext &context = threadContext();
    auto module = parseKernelText(context, *text, "test");
    ASSERT_TRUE(module);
    auto kernel = *module->getOps<ir::KernelOp>().begin();
    Bindings bindings{{{"K", std::to_string(taps)}, {"layout", layout}, {"T", "bf16"},
                       {"activation", "silu"}, {"group", "4"}},
                      {"residual"}};
    ASSERT_TRUE(succeeded(specialise(kernel, bindings)));
    KernelTraits traits = traitsOf(kernel, 16);
    EXPECT_EQ(traits.layout, layout[1] == 'd' ? Layout::BDL : Layout::BLD);
    EXPECT_EQ(traits.maxTaps, taps);
    EXPECT_EQ(traits.sumTaps, taps);
    EXPECT_EQ(traits.halo, taps - 1);
    EXPECT_EQ(traits.views, 3);
    EXPECT_EQ(traits.maxElementBytes, 2);
    EXPECT_EQ(traits.head, 0);
    EXPECT_FALSE(traits.crossLayout);
  }
}

} // namespace
} // namespace halo::compiler
