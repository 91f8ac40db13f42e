// The calling convention of a compiled kernel: what the compiler tells the runtime about it.
//
// A kernel is launched with one flat parameter list: for every operand, in the order of
// `operands`, a device pointer and its element strides (i64), then the launch's sizes (i32):
//
//   view     pointer, stride of B, of channels, of L       [B, C, L], [B, L, C] or [B, C] in memory
//                                                          (stride of L 0), or [C, L] (stride of
//                                                          B 0)
//   taps     pointer, stride of rows, of taps              [rows, K]
//   channel  pointer, stride                               [D]
//   state    pointer, stride of B, of channels, of taps    [B, C, K-1], newest last
//            and, of a state of a length of its own, N     [B or slots, C, N]
//   modes    pointer, stride of channels, of modes         [D, S] f32
//   modal_state  pointer, stride of B, of channels, of modes   [B, D, S] f32
//   indices  pointer, stride of the first dimension,       [B], [B, L] or [N + 1] i32
//            of the second (rows: 0; bounds: N instead)
//   sizes    B, D, L, block_l, tiles_l, tiles_n            i32 each
//
// The grid is one-dimensional (y and z are limited to 65,535): B * tiles_l * tiles_n blocks of
// `threads` threads, where tiles_l = ceil(L / block_l), at least 1 when the kernel stores a state,
// and tiles_n = the number of channel tiles (tileCount). block_l, the positions a block walks, is
// a launch-time number, a multiple of stepL: one cubin serves every L. A kernel with clusters has
// `cluster` blocks for each of these.
#pragma once

#include "runtime/DType.h"
#include "runtime/Export.h"
#include "runtime/Result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace halo {

/// The version of the parameter list above; an artifact of another version is refused. Of version 2
/// are kernels whose blocks walk along B: the grid has tiles_l * tiles_n blocks with tiles_l =
/// ceil(B / block_l), and all else is as in version 1.
constexpr int kCallingConvention = 1, kRowsConvention = 2;

/// The i32 parameters at the end of the list; all others are 8 bytes wide.
constexpr size_t kSizeParameters = 6;
/// The longest list a launch has room for; a kernel with more operands is refused when loaded.
constexpr size_t kMaxParameters = 256;

enum class OperandKind : uint8_t { View, Taps, Channel, State, Modes, ModalState, Indices };
/// What indices have a number for: each row of the batch, [B]; each position, [B, L]; each end of N
/// sequences that lie one after another, [N + 1].
enum class IndexForm : uint8_t { Rows, Positions, Bounds };
/// BD: one position, L = 1; all views of a kernel have it, or none.
/// DL: no batch, B = 1; likewise.
enum class Layout : uint8_t { BDL, BLD, BD, DL };

/// One operand of a specialised kernel: present, with every number known.
struct Operand {
  std::string name;
  OperandKind kind = OperandKind::View;
  DType dtype = DType::F32;
  bool output = false;
  /// The view's layout in memory. Only views have one.
  Layout layout = Layout::BLD;
  /// Memory channels per kernel channel: a Hyena input of 3D channels has 3. (C = streams * D.)
  int64_t streams = 1;
  /// Taps and states: K. A state holds K - 1 samples.
  int64_t taps = 0;
  /// Taps: channels that share a filter row, D / G.
  int64_t group = 1;
  /// Views: a fixed channel count (a part of a split), or 0 where it follows D.
  int64_t channels = 0;
  /// Views: heads of streams that are split by columns, which D is a multiple of; 0 elsewhere.
  int64_t heads = 0;
  /// Modes and modal states: S, the exponentials per channel.
  int64_t modes = 0;
  /// Indices: what there is a number for.
  IndexForm form = IndexForm::Rows;
  /// States: N >= K - 1 samples of a length of their own; else K - 1.
  bool longer = false;
  /// States: the indices that say where in a ring a row's next sample goes, and which slot of
  /// the tensor is a row's; "" where there are none.
  std::string ring = {}, slots = {};

  /// An output of which a launch writes some elements only, the others staying: it is updated.
  bool updates() const { return output && !(ring.empty() && slots.empty()); }
  /// A state that a kernel of any layout may update in place.
  bool kept() const { return longer || !ring.empty() || !slots.empty(); }
};

/// A run of channel tiles of equal width. `end` = 0 means D.
struct ChannelTiles {
  int64_t begin = 0, end = 0, width = 0;
};

/// Everything the runtime needs to bind, check and launch one compiled kernel.
struct HALO_API KernelInfo {
  int convention = kCallingConvention;
  std::string kernel;   ///< The kernel's name in its text.
  std::string entry;    ///< The symbol in the cubin.
  std::string problem;  ///< Canonical problem text: what the command line takes.
  std::string schedule; ///< Canonical schedule text.
  Layout layout = Layout::BLD;
  std::vector<Operand> operands;
  int threads = 0;         ///< Threads per block.
  int64_t sharedBytes = 0; ///< Dynamic shared memory per block.
  int vector = 1;          ///< Elements per access along the contiguous dimension; see `align`.
  /// 16: base pointers of all but states and indices are multiples of 16 bytes; taps, channels, modes and modal
  /// states are contiguous; a view's contiguous dimension has stride 1 and, like its other strides, a
  /// multiple of 16 bytes, as are the heads of column_split in bld. 1: any element-aligned pointer,
  /// any strides.
  int align = 1;
  int64_t stepL = 1;  ///< block_l must be a positive multiple of it.
  int64_t warmup = 0; ///< Positions a block walks before its own, to fill its windows; 0: it has none.
  /// A recurrence is carried along L, or states are updated in place: a block takes a whole
  /// sequence, and block_l is what covers L, whatever the schedule says.
  bool carries = false;
  /// Neighbouring blocks that form a cluster and take a stripe's tiles in turn; the grid has this
  /// many for each (B, channel tile).
  int cluster = 1;
  int64_t halo = 0;   ///< Positions a block reads ahead of its own: what block_l amortises.
  int64_t blockL = 0; ///< The schedule's block_l; 0 leaves it to the launch (chooseBlockL).
  std::vector<ChannelTiles> tiles;
  /// Resources as the assembler reported them; -1 where nobody has assembled yet.
  int registers = -1, spillBytes = -1, staticSharedBytes = -1;

  /// A step whose blocks walk block_l rows of the batch.
  bool walksRows() const { return convention == kRowsConvention; }
  /// Length of the flat parameter list, the sizes included.
  size_t parameterCount() const;
  bool storesState() const;
  /// Number of channel tiles for D channels.
  int64_t tileCount(int64_t d) const;
  /// Channel count that D must have because parts of fixed width cover it; 0 if none do.
  int64_t requiredChannels() const;

  std::string toJson() const;
  static Result<KernelInfo> fromJson(std::string_view json);
};

/// Strides of such an operand in the parameter list.
constexpr size_t strideCount(OperandKind kind) {
  switch (kind) {
  case OperandKind::Channel:
    return 1;
  case OperandKind::Taps:
  case OperandKind::Modes:
  case OperandKind::Indices:
    return 2;
  case OperandKind::View:
  case OperandKind::State:
  case OperandKind::ModalState:
    break;
  }
  return 3;
}
/// Dimensions of an operand's tensor.
inline size_t rankOf(const Operand &operand) {
  bool flat = operand.kind == OperandKind::View
                  ? operand.layout == Layout::BD || operand.layout == Layout::DL
                  : operand.kind == OperandKind::Indices && operand.form != IndexForm::Positions;
  return strideCount(operand.kind) - (flat ? 1 : 0);
}
HALO_API std::string_view name(OperandKind kind);
HALO_API std::string_view name(Layout layout);
HALO_API std::string_view name(IndexForm form);

} // namespace halo
