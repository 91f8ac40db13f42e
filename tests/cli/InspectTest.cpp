// The parts of halo inspect that need no compiler, on listings written by hand.
#include "tools/halo/inspect/CodeReport.h"
#include "tools/halo/inspect/CubinFile.h"
#include "tools/halo/inspect/DiffReport.h"
#include "tools/halo/inspect/HtmlReport.h"
#include "tools/halo/inspect/Loops.h"
#include "tools/halo/inspect/Mix.h"
#include "tools/halo/inspect/Occupancy.h"
#include "tools/halo/inspect/Roofline.h"
#include "tools/halo/inspect/SchedulePicture.h"
#include "tools/halo/inspect/TextReport.h"

#include <gtest/gtest.h>

#include <elf.h>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

namespace {

// A prologue loop, then a walk whose full rows store 16 bytes and whose guarded rows 2 at a time,
// around a loop over taps.
constexpr const char *kPtx = R"(
.version 7.8
.target sm_90
.visible .entry walk(
	.param .u64 walk_param_0
)
.maxntid 128, 1, 1
{
	.reg .b32 	%r<9>;
	.loc	1 3 1
	ld.param.b64 	%rd1, [walk_param_0];
	ld.global.nc.v4.b32 	{%r1, %r2, %r3, %r4}, [%rd1];
$L__BB0_1:
	cp.async.cg.shared.global [%r1], [%rd1], 16;
	add.s32 	%r5, %r5, 1;
	@%p1 bra 	$L__BB0_1;
$L__BB0_2:
	.loc	1 5 7
	cp.async.wait_group 1;
	ld.shared.v2.b32 	{%r6, %r7}, [%r8];
	mov.b32 	%f0, 0f00000000;
$L__BB0_3:
	fma.rn.f32 	%f1, %f2, %f3, %f1;
	setp.lt.s32 	%p5, %r1, %r2;
	@%p5 bra 	$L__BB0_3;
	.loc	1 6 7
	ex2.approx.ftz.f32 	%f6, %f7;
	mul.rn.f32 	%f8, %f6, %f9;
	@%p2 bra 	$L__BB0_5;
	st.global.v4.b32 	[%rd2], {%r1, %r2, %r3, %r4};
	bra.uni 	$L__BB0_6;
$L__BB0_5:
	st.global.b16 	[%rd2], %rs1;
	st.global.b16 	[%rd2+2], %rs2;
	st.global.b16 	[%rd2+4], %rs2;
$L__BB0_6:
	mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1}, {%r1}, {%r2}, {%f1};
	bar.sync 	0;
	add.s32 	%r5, %r5, %r6;
	sub.s32 	%r5, %r5, %r6;
	and.b32 	%r5, %r5, %r6;
	or.b32 	%r5, %r5, %r6;
	xor.b32 	%r5, %r5, %r6;
	shl.b32 	%r5, %r5, 2;
	shr.u32 	%r5, %r5, 2;
	min.s32 	%r5, %r5, %r6;
	max.s32 	%r5, %r5, %r6;
	selp.b32 	%r5, %r5, %r6, %p1;
	cvt.rn.bf16x2.f32 	%r3, %f1, %f2;
	not.b32 	%r5, %r5;
	neg.s32 	%r5, %r5;
	abs.s32 	%r5, %r5;
	mad.lo.s32 	%r5, %r5, %r6, %r7;
	mul.wide.s32 	%rd5, %r5, 2;
	add.s64 	%rd5, %rd5, %rd6;
	setp.ge.s32 	%p3, %r5, %r6;
	@%p3 bra 	$L__BB0_8;
	bra.uni 	$L__BB0_2;
$L__BB0_8:
	ret;
}
)";

Listing listing(const char *text, bool sass = false) {
  Result<Listing> parsed = sass ? parseSass(text) : parsePtx(text);
  EXPECT_TRUE(bool(parsed)) << parsed.error().message;
  return parsed ? *parsed : Listing();
}

TEST(ListingTest, Ptx) {
  Listing code = listing(kPtx);
  EXPECT_EQ(code.entry, "walk");
  EXPECT_EQ(code.arch, "sm_90");
  EXPECT_EQ(code.threads, 128);
  EXPECT_EQ(code.instructions[0].opcode, "ld.param.b64");
  EXPECT_EQ(code.instructions[1].line, 3);
  EXPECT_EQ(code.labels.at("$L__BB0_1"), 2u);
  const Instruction &branch = code.instructions[4];
  EXPECT_EQ(branch.opcode, "bra");
  EXPECT_EQ(branch.guard, "%p1");
  EXPECT_EQ(branch.target, "$L__BB0_1");
  EXPECT_FALSE(parsePtx("no code"));
}

TEST(ListingTest, Sass) {
  Listing code = listing(R"(
	.target	sm_90
	.section	.text.k,"ax",@progbits
k:
.text.k:
	//## File "k.mlir", line 7
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/              @!P0 EXIT ;
.L_x_1:
	//## File "k.mlir", line 9
        /*0020*/                   LDG.E.128.CONSTANT R4, desc[UR8][R12.64] ;
        /*0030*/                   FFMA R4, R5, R6, R7 ;
        /*0040*/               @P1 BRA `(.L_x_1) ;
        /*0050*/                   EXIT ;
.L_x_2:
        /*0060*/                   BRA `(.L_x_2);
        /*0070*/                   NOP;
)",
                         /*sass=*/true);
  EXPECT_EQ(code.entry, "k");
  EXPECT_EQ(code.arch, "sm_90");
  ASSERT_EQ(code.instructions.size(), 8u);
  EXPECT_EQ(code.instructions[1].guard, "!P0");
  EXPECT_EQ(code.instructions[2].line, 9);
  EXPECT_EQ(code.instructions[4].target, ".L_x_1");
  Flow flow = findFlow(code);
  ASSERT_EQ(flow.loops.size(), 1u) << "the trap behind the end is never reached";
  Mix mix = mixOf(code, instructionsOf(flow, flow.loops[size_t(flow.main)].path));
  EXPECT_EQ(mix.total, 3);
  EXPECT_EQ(mix[Kind::GlobalLoad], 1);
  EXPECT_EQ(mix.readOnlyLoads, 1);
  EXPECT_EQ(mix.widths[Kind::GlobalLoad][16], 1);
  EXPECT_FALSE(parseSass("nothing"));
}

TEST(LoopsTest, TheMainLoopAndItsHotPath) {
  Listing code = listing(kPtx);
  Flow flow = findFlow(code);
  ASSERT_EQ(flow.loops.size(), 3u);
  ASSERT_GE(flow.main, 0);
  const Loop &main = flow.loops[size_t(flow.main)];
  EXPECT_EQ(flow.blocks[main.header].begin, code.labels["$L__BB0_2"]);
  EXPECT_EQ(main.depth, 1);
  ASSERT_EQ(main.inner.size(), 1u);
  EXPECT_EQ(flow.loops[main.inner[0]].depth, 2);
  Mix mix = mixOf(code, instructionsOf(flow, main.path));
  EXPECT_EQ(mix[Kind::GlobalStore], 1) << "the guarded rows are passed by";
  EXPECT_EQ(mix.widths[Kind::GlobalStore][16], 1);
  EXPECT_EQ(mix[Kind::Fma], 0) << "they are in the loop inside";
  EXPECT_EQ(mix[Kind::Mma], 1);
  EXPECT_EQ(mix.warpFlops, 2 * 16 * 8 * 16);
  EXPECT_EQ(mix[Kind::Mufu], 1);
  EXPECT_EQ(mix[Kind::Barrier], 1);
  EXPECT_EQ(mix[Kind::SharedLoad], 1);
  EXPECT_EQ(mix.widths[Kind::SharedLoad][8], 1);
  EXPECT_EQ(mix[Kind::AsyncWait], 1);
}

TEST(LoopsTest, AHeavyInnerLoopIsTheMainOne) {
  // 4 instructions 8 times over outweigh 12 around them.
  Listing code =
      listing(".entry k(\n)\n{\n"
              "$A:\n add.s32 %r1, %r1, 1;\n add.s32 %r1, %r1, 1;\n add.s32 %r1, %r1, 1;\n"
              " add.s32 %r1, %r1, 1;\n"
              "$B:\n fma.rn.f32 %f1, %f1, %f1, %f1;\n fma.rn.f32 %f1, %f1, %f1, %f1;\n"
              " setp.lt.s32 %p1, %r1, %r2;\n @%p1 bra $B;\n"
              " add.s32 %r1, %r1, 1;\n add.s32 %r1, %r1, 1;\n add.s32 %r1, %r1, 1;\n"
              " @%p2 bra $A;\n ret;\n}\n");
  Flow flow = findFlow(code);
  ASSERT_EQ(flow.loops.size(), 2u);
  EXPECT_EQ(flow.loops[size_t(flow.main)].depth, 2);
  Json report = codeReport(code);
  EXPECT_EQ(report["main_loop"]["label"], "$B");
  EXPECT_EQ(report["main_loop"]["mix"]["fma"], 2);
}

TEST(LoopsTest, OfTwinsTheUnguardedOne) {
  auto loop = [](const char *label, int guards) {
    std::string text = std::string(label) + ":\n st.global.v4.b32 [%rd1], {%r1, %r2, %r3, %r4};\n";
    for (int i = 0; i < guards; ++i)
      text += " selp.b32 %r1, %r2, %r3, %p1;\n";
    return text + " @%p1 bra " + label + ";\n";
  };
  std::string text = ".entry k(\n)\n{\n" + loop("$A", 3) + loop("$B", 9) + " ret;\n}\n";
  Json report = codeReport(listing(text.c_str()));
  EXPECT_EQ(report["main_loop"]["label"], "$A");
  EXPECT_EQ(report["loops"], 2);
}

TEST(LoopsTest, WithoutALoopTheWayThrough) {
  Listing code = listing(".entry k(\n)\n{\n @%p1 bra $END;\n ld.global.v4.b32 {%r1}, [%rd1];\n"
                         " st.global.v4.b32 [%rd1], {%r1};\n$END:\n ret;\n}\n");
  Json report = codeReport(code);
  EXPECT_FALSE(report["main_loop"]["found"]);
  EXPECT_EQ(report["main_loop"]["mix"]["global_store"], 1);
  EXPECT_EQ(report["main_loop"]["mix"]["instructions"], 4);
}

TEST(MixTest, KindsAndWidths) {
  struct Row {
    Listing::Form form;
    const char *opcode, *operands;
    Kind kind;
    int bytes;
  };
  auto ptx = Listing::Form::Ptx, sass = Listing::Form::Sass;
  for (const Row &row :
       {Row{ptx, "ld.global.nc.v4.b16", "", Kind::GlobalLoad, 8},
        Row{ptx, "ld.global.nc.b16", "", Kind::GlobalLoad, 2},
        Row{ptx, "st.global.v2.b32", "", Kind::GlobalStore, 8},
        Row{ptx, "ld.shared.f32", "", Kind::SharedLoad, 4},
        Row{ptx, "st.local.b32", "", Kind::LocalStore, 4},
        Row{ptx, "ld.param.b64", "", Kind::Other, 0},
        Row{ptx, "cp.async.ca.shared.global", "[%r1], [%rd1], 8", Kind::AsyncCopy, 8},
        Row{ptx, "cp.async.commit_group", "", Kind::AsyncWait, 0},
        Row{ptx, "cp.async.bulk.shared::cluster.global", "", Kind::BulkCopy, 0},
        Row{ptx, "ldmatrix.sync.aligned.m8n8.x4.shared.b16", "", Kind::MatrixLoad, 16},
        Row{ptx, "shfl.sync.up.b32", "", Kind::Shuffle, 0},
        Row{ptx, "add.rn.f32", "", Kind::Float, 0},
        Row{ptx, "add.s32", "", Kind::Integer, 0},
        Row{sass, "LDG.E", "", Kind::GlobalLoad, 4},
        Row{sass, "LDG.E.U16.CONSTANT", "", Kind::GlobalLoad, 2},
        Row{sass, "STG.E.128", "", Kind::GlobalStore, 16},
        Row{sass, "LDGSTS.E.BYPASS.128", "", Kind::AsyncCopy, 16},
        Row{sass, "LDS.64", "", Kind::SharedLoad, 8},
        Row{sass, "LDSM.16.M88.4", "", Kind::MatrixLoad, 16},
        Row{sass, "STL", "", Kind::LocalStore, 4},
        Row{sass, "HMMA.16816.F32.BF16", "", Kind::Mma, 0},
        Row{sass, "HFMA2.MMA", "R4, -RZ, RZ, 0, 0", Kind::Integer, 0},
        Row{sass, "MUFU.EX2", "", Kind::Mufu, 0},
        Row{sass, "F2FP.BF16.F32.PACK_AB", "", Kind::Convert, 0},
        Row{sass, "BAR.SYNC.DEFER_BLOCKING", "", Kind::Barrier, 0},
        Row{sass, "LDGDEPBAR", "", Kind::AsyncWait, 0}}) {
    Instruction instruction;
    instruction.opcode = row.opcode;
    instruction.operands = row.operands;
    Classified known = classify(row.form, instruction);
    EXPECT_EQ(known.kind, row.kind) << row.opcode << " is " << name(known.kind);
    EXPECT_EQ(known.bytes, row.bytes) << row.opcode;
  }
}

TEST(OccupancyTest, TheFourLimits) {
  Target hopper = *findTarget("sm_90");
  // CUDA's occupancy calculator, 9.0.
  Occupancy registers = occupancyOf(hopper, {128, 96, 0});
  EXPECT_EQ(registers.blocks, 5); // 96 * 32 = 3072 a warp: 21 warps.
  EXPECT_EQ(registers.warps, 20);
  EXPECT_EQ(registers.limiter, "registers");
  EXPECT_DOUBLE_EQ(registers.share(), 20.0 / 64);
  Occupancy shared = occupancyOf(hopper, {128, 32, 100000});
  EXPECT_EQ(shared.blocks, 2);
  EXPECT_EQ(shared.limiter, "shared memory");
  EXPECT_EQ(occupancyOf(hopper, {1024, 32, 0}).limiter, "registers and warps");
  EXPECT_EQ(occupancyOf(hopper, {1024, 16, 0}).limiter, "warps");
  EXPECT_EQ(occupancyOf(hopper, {32, 16, 0}).limiter, "blocks");
  EXPECT_EQ(occupancyOf(*findTarget("sm_86"), {32, 16, 0}).blocks, 16);
  Occupancy unknown = occupancyOf(hopper, {256, -1, 0});
  EXPECT_EQ(unknown.blocks, 8);
  EXPECT_EQ(unknown.byRegisters, -1);
}

TEST(RooflineTest, TheLongestWall) {
  const Peaks *gpu = findPeaks("h200", "");
  ASSERT_NE(gpu, nullptr);
  EXPECT_EQ(findPeaks("", "sm_90"), gpu);
  EXPECT_EQ(findPeaks("", "sm_103"), nullptr);
  WorkPerOutput work;
  work.bytes = 4;
  work.warpInstructions = 0.25;
  Json report = rooflineReport(*gpu, work, 1e9);
  EXPECT_EQ(report["stands_at"], "DRAM");
  EXPECT_NEAR(report["us"].get<double>(), 4e9 / 4.8e6, 1e-6);
  work.warpInstructions = 2.5; // 1e9 * 2.5 / (132 * 4 * 1980 a us) = 2391 us.
  report = rooflineReport(*gpu, work, 1e9);
  EXPECT_EQ(report["stands_at"], "issue slots");
  EXPECT_NEAR(report["us"].get<double>(), 2.5e9 / (132 * 4 * 1980.0), 1e-6);
  work.tensorFlops = 4000;
  report = rooflineReport(*gpu, work, 1e9);
  EXPECT_EQ(report["stands_at"], "tensor");
  EXPECT_NEAR(report["intensity"].get<double>(), 1000, 1e-9);
}

/// A cubin of one function with its notes, as an assembler writes them.
std::string cubin() {
  std::string names("\0.text.k\0.nv.info.k\0.nv.info\0.nv.shared.k\0.shstrtab\0", 55);
  std::string info, global;
  auto put = [](std::string &to, auto value) {
    to.append(reinterpret_cast<const char *>(&value), sizeof value);
  };
  put(global, uint8_t(4)), put(global, uint8_t(0x2f)), put(global, uint16_t(8));
  put(global, uint32_t(1)), put(global, uint32_t(42));
  put(info, uint8_t(3)), put(info, uint8_t(0x1b)), put(info, uint16_t(0xff));
  put(info, uint8_t(4)), put(info, uint8_t(0x05)), put(info, uint16_t(12));
  put(info, uint32_t(128)), put(info, uint32_t(1)), put(info, uint32_t(1));
  std::vector<std::pair<size_t, std::string>> sections = {
      {0, ""},      {1, std::string(256, '\0')},        {9, info},
      {20, global}, {29, std::string(1024 + 64, '\0')}, {42, names}};
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_machine = 190;
  header.e_ident[EI_ABIVERSION] = 8;
  header.e_flags = 0x6005a04;
  header.e_shnum = uint16_t(sections.size());
  header.e_shstrndx = uint16_t(sections.size() - 1);
  std::string body;
  std::vector<Elf64_Shdr> table;
  for (const auto &[name, bytes] : sections) {
    Elf64_Shdr section = {};
    section.sh_name = uint32_t(name);
    section.sh_offset = sizeof header + body.size();
    section.sh_size = bytes.size();
    body += bytes;
    table.push_back(section);
  }
  header.e_shoff = sizeof header + body.size();
  std::string file(reinterpret_cast<const char *>(&header), sizeof header);
  file += body;
  return file.append(reinterpret_cast<const char *>(table.data()),
                     table.size() * sizeof(Elf64_Shdr));
}

TEST(CubinFileTest, ReadsTheNotes) {
  Result<CubinFile> file = readCubin(cubin());
  ASSERT_TRUE(bool(file)) << file.error().message;
  EXPECT_EQ(file->entry, "k");
  EXPECT_EQ(file->arch, "sm_90");
  EXPECT_EQ(file->registers, 42);
  EXPECT_EQ(file->threads, 128);
  EXPECT_EQ(file->sharedBytes, 64);
  EXPECT_EQ(file->codeBytes, 256);
  EXPECT_EQ(file->stackBytes, -1);
}

TEST(CubinFileTest, AnyCutIsRefusedOrReadWithoutHarm) {
  std::string whole = cubin();
  for (size_t size = 0; size < whole.size(); ++size) {
    Result<CubinFile> file = readCubin(std::string_view(whole).substr(0, size));
    if (file)
      EXPECT_EQ(file->entry, "k") << size;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = char(~flipped[at]);
    (void)readCubin(flipped);
  }
}

/// What every report has; enough for a page.
Json smallReport(double us) {
  Json code = {{"ptx", codeReport(listing(kPtx))}};
  return {{"halo inspect", 1},
          {"build", "b"},
          {"kernel", "walk<x>"},
          {"arch", "sm_90"},
          {"problem", "walk --set K=4"},
          {"schedule", "block_n=64"},
          {"resources", {{"threads", 128}, {"registers", 40}}},
          {"code", code},
          {"shape", {{"B", 1}, {"L", 64}, {"D", 64}, {"block_l", 32}, {"blocks", 2}}},
          {"tile",
           {{"layout", "bld"},
            {"channels", 64},
            {"step", 8},
            {"halo", 3},
            {"warmup", 0},
            {"carries", false},
            {"vector", 8},
            {"stages", 3},
            {"unroll", 2}}},
          {"roofline",
           {{"gpu", "H200"},
            {"dram_gbs", 4800},
            {"peak_gflops", 1e5},
            {"intensity", 2},
            {"ridge", 20},
            {"gflops_at_wall", 100},
            {"stands_at", "DRAM"},
            {"us", us},
            {"headroom", 2},
            {"outputs", 1},
            {"walls", Json::array({{{"name", "DRAM"}, {"us", us}, {"share", 1}}})}}},
          {"notes", Json::array({"a & b"})}};
}

TEST(DiffTest, NamesWhatDiffersAndWhichIsBetter) {
  Json a = smallReport(10), b = smallReport(8);
  b["resources"]["registers"] = 64;
  Result<Json> diff = diffReport(a, b);
  ASSERT_TRUE(bool(diff)) << diff.error().message;
  std::map<std::string, Json> rows;
  for (const Json &row : (*diff)["rows"])
    rows[row["what"]] = row;
  ASSERT_EQ(rows.size(), 3u) << diff->dump(1);
  EXPECT_EQ(rows["resources.registers"]["better"], "a");
  EXPECT_EQ(rows["roofline.us"]["better"], "b");
  EXPECT_EQ(rows["roofline.DRAM.us"]["a"], 10);
  std::string text = diffText(*diff);
  EXPECT_NE(text.find("+60.0 %"), std::string::npos) << text;
  EXPECT_NE(diffText(*diffReport(a, a)).find("no number differs"), std::string::npos);
  EXPECT_FALSE(diffReport(a, Json::object()));
}

TEST(TextTest, FitsATerminal) {
  std::string text = textReport(smallReport(10));
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    EXPECT_LE(end - at, 100u) << text.substr(at, end - at);
    at = end + 1;
  }
  EXPECT_NE(text.find("stands at: DRAM"), std::string::npos) << text;
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
  EXPECT_EQ(shortNumber(0.03125), "0.031");
  EXPECT_EQ(shortNumber(12345.6), "12,346");
}

TEST(HtmlTest, SpellsOutWhatIsMarkup) {
  std::string page = htmlReport(smallReport(10), Json());
  EXPECT_NE(page.find("walk&lt;x&gt;"), std::string::npos);
  EXPECT_EQ(page.find("walk<x>"), std::string::npos);
  EXPECT_NE(page.find("a &amp; b"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("://"), std::string::npos) << "nothing from elsewhere";
  EXPECT_EQ(escaped("<\"&>"), "&lt;&quot;&amp;&gt;");
}

} // namespace
