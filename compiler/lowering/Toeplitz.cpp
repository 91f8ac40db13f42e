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
  parts.resize(staged.split ? 2 : 1);
  zero = e.num(0);
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
}

Value ToeplitzTaps::at(size_t part, int64_t m) const {
  return m >= 0 && m < int64_t(parts[part].size()) ? parts[part][m] : Value();
}

SmallVector<std::array<Value, 4>, 2> ToeplitzTaps::block(int64_t d) const {
  SmallVector<std::array<Value, 4>, 2> blocks;
  for (size_t part = 0; part < parts.size(); ++part) {
    std::array<Value, 4> block = {at(part, 2 * d), at(part, 2 * d + 1), at(part, 2 * d - 1),
                                  at(part, 2 * d)};
    if (llvm::none_of(block, [](Value value) { return bool(value); }))
      continue;
    for (Value &value : block)
      value = value ? value : zero;
    blocks.push_back(block);
  }
  return blocks;
}
