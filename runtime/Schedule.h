// A schedule says how a kernel is computed: tile sizes, threads, vector width, strategy. Nothing
// else differs between two candidates. Printed and parsed as one line of name=value pairs, the
// form the command line's --schedule takes and `#halo.schedule<...>` shows in the IR.
#pragma once

#include "runtime/Export.h"
#include "runtime/KernelInfo.h"
#include "runtime/Result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace halo {

/// Where the samples under a FIR's taps live.
enum class Window : uint8_t {
  Registers, ///< Taps unrolled, samples in registers: short filters.
  Shared,    ///< Taps in a loop, samples staged in shared memory: any K.
};

/// How long FIRs are computed.
enum class Fir : uint8_t {
  Direct,   ///< Multiply-adds in f32.
  Toeplitz, ///< Tensor cores: 16 x 16 Toeplitz blocks of taps times the samples of a group.
};

struct HALO_API Schedule {
  int64_t blockN = 0; ///< Channels per block.
  int64_t blockL = 0; ///< Positions per block; launch-time. 0: chosen at launch from the shape.
  int numWarps = 4;   ///< Threads per block / 32.
  int vector = 0;     ///< Elements per memory access along the contiguous dimension.
  int unroll = 0;     ///< bld: rows per step of the walk. bdl: runs of `vector` per step.
  int stages = 1;     ///< Steps whose loads are in flight or in use; 1: loaded when needed.
  int minBlocks = 1;  ///< Blocks per SM the register allocator must leave room for.
  Window window = Window::Registers;
  Fir fir = Fir::Direct; ///< Printed only where it is not direct.
  /// Blocks that take a stripe's tiles in turn, as a cluster: for recurrences with fir=toeplitz.
  /// The bits are the same for any. Printed only where it is not 1.
  int cluster = 1;

  /// "block_n=256,block_l=64,num_warps=4,vector=8,unroll=4,stages=1,min_blocks=1,window=registers"
  std::string print() const;
  /// Any subset of the names, in any order; the rest keep `base`'s values, but for fir and
  /// cluster where all others are given: parse(print()) is the schedule, whatever the base. Unknown names, values
  /// that are no numbers, and numbers out of range are refused.
  static Result<Schedule> parse(std::string_view text, const Schedule &base);
  bool operator==(const Schedule &other) const;
};

/// What the analytic choice looks at: facts of a specialised kernel, no IR.
struct HALO_API KernelTraits {
  Layout layout = Layout::BLD;
  int align = 16;          ///< 16: aligned variant. 1: element-wise variant.
  int maxElementBytes = 2; ///< Of the storage types of all views.
  int minElementBytes = 2;
  int64_t maxTaps = 1;      ///< Longest FIR.
  int64_t sumTaps = 1;      ///< Taps over all FIRs: multiply-adds per output.
  int64_t halo = 0;         ///< Joint halo of the inputs.
  int64_t modes = 0;        ///< Modes over all modal recurrences; 0: nothing is carried along L.
  int64_t channels = 0;     ///< D where it is known, 0 elsewhere. A hint: any D runs.
  int views = 2;            ///< Views read and written per position, streams counted.
  int streams = 1;          ///< Most streams of a view.
  int64_t head = 0;         ///< Largest head normalised by a split store; 0 if none.
  int64_t partUnit = 0;     ///< Greatest common divisor of a split's widths and heads; 0 if none.
  /// Channels per filter of long FIRs that fir=toeplitz can take, 1 for a recurrence that it can; else 0.
  int64_t toeplitzGroup = 0;
  bool crossLayout = false; ///< A bdl kernel that stores [B, L, n] parts.
  bool fast = false;        ///< A convolution is of the precision class fast.
  bool storesStates = false;
  bool loadsStates = false; ///< It goes on from a state of samples or of a recurrence.
  bool packed = false; ///< Sequences lie one after another (`halo.load packed`).
  bool keeps = false; ///< States are updated in place by a walk of whole sequences.

  /// The verb `traits` of CompilerAbi.h. A new field needs its line in KernelTraits.cpp.
  std::string toJson() const;
  static Result<KernelTraits> fromJson(std::string_view json);
};

/// Sizes of one launch; 0 where unknown.
struct Shape {
  int64_t b = 0, d = 0, l = 0;
  /// Sequences in the one row of positions, which states have a row each for; -1: positions are not
  /// packed by bounds, and states have B rows.
  int64_t n = -1;

  int64_t stateRows() const { return n < 0 ? b : n; }
};

/// The device facts the model uses.
struct DeviceTraits {
  int sms = 132;
  int maxThreadsPerSm = 2048;
  int registersPerSm = 65536;
  int64_t sharedPerBlock = 232448;
  int l2Bytes = 50 << 20;
  int maxCluster = 8; ///< Blocks of a cluster that any kernel may have; 1: there are no clusters.
};

/// A good schedule without measuring. Never depends on L or B in a way that changes the code
/// (only blockL may depend on them, and it is a launch-time number).
HALO_API Schedule chooseSchedule(const KernelTraits &traits, const DeviceTraits &device);

/// The positions a block walks: a multiple of stepL that fills whole waves without paying much
/// halo. `threads` and the tile counts come from `info`.
HALO_API int64_t chooseBlockL(const KernelInfo &info, const Shape &shape,
                              const DeviceTraits &device);

} // namespace halo
