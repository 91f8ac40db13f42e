#include "tools/halo/inspect/Mix.h"

#include <algorithm>
#include <cstdlib>

using namespace halo;
using namespace halo::tool;

static constexpr const char *kNames[] = {"global_load", "global_store", "async_copy",  "bulk_copy",
                                         "shared_load", "shared_store", "matrix_load", "local_load",
                                         "local_store", "mma",          "fma",         "float",
                                         "convert",     "mufu",         "shuffle",     "barrier",
                                         "async_wait",  "integer",      "control",     "other"};
static_assert(std::size(kNames) == kKinds);

const char *halo::tool::name(Kind kind) { return kNames[int(kind)]; }

namespace {

/// An opcode's words: "ld.global.nc.v4.b32".
struct Words {
  std::vector<std::string> words;
  explicit Words(const std::string &opcode) {
    for (size_t begin = 0; begin <= opcode.size();) {
      size_t end = std::min(opcode.find('.', begin), opcode.size());
      words.push_back(opcode.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  const std::string &first() const { return words[0]; }
  bool has(const char *word) const {
    return std::find(words.begin(), words.end(), word) != words.end();
  }
  bool starts(const char *text) const { return words[0].rfind(text, 0) == 0; }
};

bool isOneOf(const std::string &word, std::initializer_list<const char *> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Bytes of "v4.b32": the vector's length times the type's.
int ptxBytes(const Words &words) {
  int lanes = 1, bits = 0;
  for (const std::string &word : words.words) {
    if (word == "v2" || word == "v4" || word == "v8")
      lanes = word[1] - '0';
    else if (word.size() >= 2 && std::string("bsuf").find(word[0]) != std::string::npos &&
             isdigit(uint8_t(word[1])))
      bits = std::atoi(word.c_str() + 1);
  }
  return lanes * bits / 8;
}

/// The number behind the last comma, or 0: cp.async's size, ldmatrix's count is in the opcode.
int lastNumber(const std::string &operands) {
  size_t comma = operands.rfind(',');
  return comma == std::string::npos ? 0 : std::atoi(operands.c_str() + comma + 1);
}

/// m16n8k16: two operations for each product.
double ptxMmaFlops(const Words &words) {
  for (const std::string &word : words.words) {
    int m = 0, n = 0, k = 0;
    if (std::sscanf(word.c_str(), "m%dn%dk%d", &m, &n, &k) == 3)
      return 2.0 * m * n * k;
  }
  return 0;
}

Classified memory(Kind kind, int bytes) { return {kind, bytes, false, 0}; }

Classified classifyPtx(const Instruction &instruction) {
  Words words(instruction.opcode);
  const std::string &first = words.first();
  bool load = first == "ld" || first == "ldu", store = first == "st";
  if (load || store) {
    int bytes = ptxBytes(words);
    if (words.has("shared"))
      return memory(load ? Kind::SharedLoad : Kind::SharedStore, bytes);
    if (words.has("local"))
      return memory(load ? Kind::LocalLoad : Kind::LocalStore, bytes);
    if (words.has("param") || words.has("const"))
      return {};
    Classified access = memory(load ? Kind::GlobalLoad : Kind::GlobalStore, bytes);
    access.readOnly = load && words.has("nc");
    return access;
  }
  if (first == "cp") {
    if (words.has("bulk"))
      return words.has("commit_group") || words.has("wait_group") ? Classified{Kind::AsyncWait}
                                                                  : Classified{Kind::BulkCopy};
    if (words.has("commit_group") || words.has("wait_group") || words.has("wait_all") ||
        words.has("mbarrier"))
      return {Kind::AsyncWait};
    return memory(Kind::AsyncCopy, lastNumber(instruction.operands));
  }
  if (first == "ldmatrix" || first == "stmatrix")
    return memory(Kind::MatrixLoad, words.has("x4") ? 16 : words.has("x2") ? 8 : 4);
  if (first == "mma" || first == "wgmma" || first == "tcgen05")
    return words.has("mma_async") || first == "mma" || words.has("mma")
               ? Classified{Kind::Mma, 0, false, ptxMmaFlops(words)}
               : Classified{Kind::AsyncWait};
  bool isFloat = words.has("f32") || words.has("f64") || words.has("f16") || words.has("bf16") ||
                 words.has("f16x2") || words.has("bf16x2") || words.has("f32x2");
  bool pair = words.has("f16x2") || words.has("bf16x2") || words.has("f32x2");
  if (isOneOf(first, {"ex2", "lg2", "rcp", "rsqrt", "sqrt", "sin", "cos", "tanh"}))
    return {Kind::Mufu, 0, false, 1};
  if (first == "fma" || (first == "mad" && isFloat))
    return {Kind::Fma, 0, false, pair ? 4.0 : 2.0};
  if (first == "cvt")
    return {Kind::Convert};
  if (isFloat && isOneOf(first, {"add", "sub", "mul", "div", "min", "max", "neg", "abs"}))
    return {Kind::Float, 0, false, first == "neg" || first == "abs" ? 0 : pair ? 2.0 : 1.0};
  if (isOneOf(first, {"shfl", "vote", "match", "redux", "movmatrix"}))
    return {Kind::Shuffle};
  if (isOneOf(first, {"bar", "barrier", "mbarrier"}))
    return {Kind::Barrier};
  if (isOneOf(first, {"bra", "brx", "ret", "exit", "call", "trap"}))
    return {Kind::Control};
  if (isOneOf(first, {"atom", "red", "fence", "membar", "prefetch", "discard"}))
    return {Kind::Other};
  return {Kind::Integer};
}

/// LDG.E.128: the width in bits is a word, 32 where none is.
int sassBytes(const Words &words) {
  for (const auto &[word, bytes] : {std::pair{"256", 32},
                                    {"128", 16},
                                    {"64", 8},
                                    {"U16", 2},
                                    {"S16", 2},
                                    {"16", 2},
                                    {"U8", 1},
                                    {"S8", 1}})
    if (words.has(word))
      return bytes;
  return 4;
}

/// HMMA.16816.F32: m, n and k.
double sassMmaFlops(const Words &words) {
  for (const std::string &word : words.words) {
    if (word == "16816")
      return 2.0 * 16 * 8 * 16;
    if (word == "1688")
      return 2.0 * 16 * 8 * 8;
    if (word == "16832")
      return 2.0 * 16 * 8 * 32;
    int m = 0, n = 0, k = 0;
    if (std::sscanf(word.c_str(), "%dx%dx%d", &m, &n, &k) == 3)
      return 2.0 * m * n * k; // HGMMA.64x64x16: by the four warps of a group.
  }
  return 0;
}

Classified classifySass(const Instruction &instruction) {
  Words words(instruction.opcode);
  const std::string &first = words.first();
  int bytes = sassBytes(words);
  if (first == "LDG") {
    Classified access = memory(Kind::GlobalLoad, bytes);
    access.readOnly = words.has("CONSTANT");
    return access;
  }
  if (first == "STG")
    return memory(Kind::GlobalStore, bytes);
  if (first == "LDGSTS")
    return memory(Kind::AsyncCopy, bytes);
  if (isOneOf(first, {"UBLKCP", "UTMALDG", "UTMASTG", "UBLKRED"}))
    return {Kind::BulkCopy};
  if (first == "LDS")
    return memory(Kind::SharedLoad, bytes);
  if (first == "STS")
    return memory(Kind::SharedStore, bytes);
  if (first == "LDSM" || first == "STSM")
    return memory(Kind::MatrixLoad, words.has("4") ? 16 : words.has("2") ? 8 : 4);
  if (first == "LDL")
    return memory(Kind::LocalLoad, bytes);
  if (first == "STL")
    return memory(Kind::LocalStore, bytes);
  if (isOneOf(first, {"HMMA", "IMMA", "DMMA", "HGMMA", "QGMMA", "IGMMA", "UTCHMMA"}))
    return {Kind::Mma, 0, false, sassMmaFlops(words)};
  if (isOneOf(first, {"FFMA", "HFMA2", "DFMA", "FFMA2"})) {
    // HFMA2.MMA R4, -RZ, RZ, 0, 0 only moves a constant.
    if (first == "HFMA2" && instruction.operands.find("-RZ, RZ") != std::string::npos)
      return {Kind::Integer};
    return {Kind::Fma, 0, false, first == "HFMA2" || first == "FFMA2" ? 4.0 : 2.0};
  }
  if (first == "MUFU")
    return {Kind::Mufu, 0, false, 1};
  if (isOneOf(first, {"FADD", "FMUL", "FADD2", "FMUL2", "HADD2", "HMUL2", "DADD", "DMUL"}))
    return {Kind::Float, 0, false, first.back() == '2' ? 2.0 : 1.0};
  if (isOneOf(first, {"FSETP", "FMNMX", "FSEL", "FCHK", "HSETP2", "HMNMX2", "FSET"}))
    return {Kind::Float};
  if (isOneOf(first, {"F2F", "F2FP", "F2I", "I2F", "FRND", "I2FP", "F2IP"}))
    return {Kind::Convert};
  if (isOneOf(first, {"SHFL", "VOTE", "VOTEU", "MATCH", "REDUX", "MOVM"}))
    return {Kind::Shuffle};
  if (isOneOf(first, {"BAR", "SYNCS", "WARPSYNC"}))
    return {Kind::Barrier};
  if (isOneOf(first, {"LDGDEPBAR", "DEPBAR", "ARRIVES", "UTMACMDFLUSH"}))
    return {Kind::AsyncWait};
  if (isOneOf(first, {"BRA", "BRX", "JMP", "EXIT", "RET", "CALL", "BSSY", "BSYNC", "BREAK", "NOP",
                      "YIELD", "KILL", "BPT", "WARPEXIT"}))
    return {Kind::Control};
  if (isOneOf(first, {"LDC", "ULDC", "LDCU", "S2R", "S2UR", "CS2R", "ATOM", "ATOMG", "RED", "ATOMS",
                      "MEMBAR", "ERRBAR", "CCTL", "FENCE"}))
    return {Kind::Other};
  return {Kind::Integer};
}

} // namespace

Classified halo::tool::classify(Listing::Form form, const Instruction &instruction) {
  return form == Listing::Form::Ptx ? classifyPtx(instruction) : classifySass(instruction);
}

void Mix::add(Listing::Form form, const Instruction &instruction) {
  Classified known = classify(form, instruction);
  ++counts[int(known.kind)];
  ++total;
  if (known.bytes)
    ++widths[known.kind][known.bytes];
  readOnlyLoads += known.readOnly;
  (known.kind == Kind::Mma ? warpFlops : laneFlops) += known.flops;
}

int Mix::globalBytes() const {
  int bytes = 0;
  for (Kind kind : {Kind::GlobalLoad, Kind::GlobalStore, Kind::AsyncCopy})
    if (auto found = widths.find(kind); found != widths.end())
      for (auto [width, count] : found->second)
        bytes += width * count;
  return bytes;
}

nlohmann::ordered_json Mix::toJson() const {
  nlohmann::ordered_json json = {{"instructions", total}};
  for (int kind = 0; kind < kKinds; ++kind)
    json[kNames[kind]] = counts[kind];
  json["read_only_load"] = readOnlyLoads;
  json["flops_per_lane"] = laneFlops;
  json["flops_per_warp"] = warpFlops;
  json["widths"] = nlohmann::ordered_json::object();
  for (const auto &[kind, byWidth] : widths)
    for (auto [width, count] : byWidth)
      json["widths"][name(kind)][std::to_string(width)] = count;
  return json;
}

Mix halo::tool::mixOf(const Listing &listing, const std::vector<size_t> &instructions) {
  Mix mix;
  for (size_t i : instructions)
    mix.add(listing.form, listing.instructions[i]);
  return mix;
}

Mix halo::tool::mixOf(const Listing &listing) {
  Mix mix;
  for (const Instruction &instruction : listing.instructions)
    mix.add(listing.form, instruction);
  return mix;
}
