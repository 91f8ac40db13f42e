#include "compiler/lowering/Toeplitz.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;

ToeplitzTaps::ToeplitzTaps(Emitter &e, const StagedFir &staged, Type element, Value row,
                           Value pair) {
  ir::FirOp fir = staged.fir;
  int64_t count = tapsOf(fir);
  bool convolution = e.tapIndex(fir, 0) == 0;
  SmallVector<SmallVector<Value>, 2> parts(staged.split ? 2 : 1); // [part][m]
  Value difference = e.sub(row, pair);
  auto tapOfAge = [&](Value age) {
    Value known = e.both(e.less(e.num(-1), age), e.less(age, e.num(count)));
    Value safe = e.min(e.max(age, e.num(0)), e.num(count - 1));
    Value tap = e.loadTap(fir, convolution ? safe : e.sub(e.num(count - 1), safe));
    return e.select(known, tap, e.zero());
  };
  auto packed = [&](Value low, Value high) -> Value {
    Value both = e.pack({low, high});
    return LLVM::BitcastOp::create(e.b, e.loc, e.b.getI32Type(), both);
  };
  // The least age in R_m is 8 m - 7.
  for (int64_t m = 0; 8 * m - 7 < count; ++m) {
    Value age = e.offset(difference, 8 * m);
    Value even = tapOfAge(age), odd = tapOfAge(e.offset(age, -1));
    for (auto &part : parts) {
      Value low = e.toStorage(even, element), high = e.toStorage(odd, element);
      part.push_back(packed(low, high));
      // What the first number left over.
      even = arith::SubFOp::create(e.b, e.loc, even, e.toF32(low));
      odd = arith::SubFOp::create(e.b, e.loc, odd, e.toF32(high));
    }
  }
  // No bits, which nobody can know: the sign of a number of tiles.
  Value nothing = e.b.createOrFold<arith::ShRUIOp>(e.loc, e.tilesN, e.num(31));
  auto copy = [&](Value value) {
    return e.b.createOrFold<arith::OrIOp>(e.loc, value, nothing);
  };
  for (auto &part : parts) {
    auto at = [&](int64_t m) {
      return m >= 0 && m < int64_t(part.size()) ? part[m] : e.num(0);
    };
    auto &row = blocks.emplace_back();
    for (int64_t d = 0; d < staged.blocks; ++d)
      row.push_back({at(2 * d), at(2 * d + 1), copy(at(2 * d - 1)), copy(at(2 * d))});
  }
}

SmallVector<std::array<Value, 4>, 2> ToeplitzTaps::block(int64_t d) const {
  SmallVector<std::array<Value, 4>, 2> result;
  for (auto &part : blocks)
    result.push_back(part[d]);
  return result;
}
