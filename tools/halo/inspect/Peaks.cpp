#include "tools/halo/inspect/Peaks.h"

#include <algorithm>
#include <cctype>

using namespace halo;
using namespace halo::tool;

// NVIDIA's data sheets and architecture white papers: A100 (2021), A10 and GA102 (2021), H100
// (2023), L4, L40S and Ada (2023), H200 (2024), Blackwell: B200 by the DGX B200 data sheet (2024,
// an eighth), RTX Blackwell (2025). Clocks are boost clocks; f32 lanes are the tuning guides'.
const std::vector<Peaks> &halo::tool::allPeaks() {
  static const std::vector<Peaks> table = {
      {"H200", "sm_90", 132, 4800, 1980, 989, 128},
      {"H100", "sm_90", 132, 3350, 1980, 989, 128},
      {"H100-PCIe", "sm_90", 114, 2039, 1755, 756, 128},
      {"A100", "sm_80", 108, 2039, 1410, 312, 64},
      {"A100-40GB", "sm_80", 108, 1555, 1410, 312, 64},
      {"A10", "sm_86", 72, 600, 1695, 125, 128},
      {"RTX3090", "sm_86", 82, 936, 1695, 71, 128},
      {"L40S", "sm_89", 142, 864, 2520, 362, 128},
      {"L4", "sm_89", 58, 300, 2040, 121, 128},
      {"RTX4090", "sm_89", 128, 1008, 2520, 165, 128},
      {"B200", "sm_100", 148, 8000, 1965, 2250, 128},
      {"RTX5090", "sm_120", 170, 1792, 2407, 209, 128},
  };
  return table;
}

const Peaks *halo::tool::findPeaks(const std::string &name, const std::string &arch) {
  auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](uint8_t c) { return std::tolower(c); });
    return text;
  };
  for (const Peaks &peaks : allPeaks())
    if (name.empty() ? arch == peaks.arch : lower(name) == lower(peaks.name))
      return &peaks;
  return nullptr;
}
