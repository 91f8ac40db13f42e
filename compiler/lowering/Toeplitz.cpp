#include "compiler/lowering/Toeplitz.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <map>
#include <set>

using namespace mlir;
using namespace halo;
using namespace halo::compiler;

static constexpr int64_t kBlock = 16;

ToeplitzTaps::ToeplitzTaps(Emitter &e, const StagedFir &staged, Type element,
                           const TapRegisters &registers) {
  ir::FirOp fir = staged.fir;
  int64_t count = tapsOf(fir);
  bool convolution = e.tapIndex(fir, 0) == 0;
  Value difference = e.sub(registers.r, registers.k);
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
  // By age where r = k; those that are 0 in all lanes are left out.
  SmallVector<std::map<int64_t, Value>, 2> parts(staged.split ? 2 : 1);
  std::set<int64_t> ages;
  for (int64_t d = 0; d < staged.blocks; ++d)
    for (int64_t more : registers.ages)
      if (int64_t age = kBlock * d + more; age - 7 < count && age + registers.most >= 0)
        ages.insert(age);
  for (int64_t first : ages) {
    Value age = e.offset(difference, first);
    Value even = tapOfAge(age), odd = tapOfAge(e.offset(age, -1));
    for (auto &part : parts) {
      Value low = e.toStorage(even, element), high = e.toStorage(odd, element);
      part[first] = packed(low, high);
      // What the first number left over.
      even = arith::SubFOp::create(e.b, e.loc, even, e.toF32(low));
      odd = arith::SubFOp::create(e.b, e.loc, odd, e.toF32(high));
    }
  }
  // No bits, which nobody can know: the sign of a number of tiles.
  Value nothing = e.b.createOrFold<arith::ShRUIOp>(e.loc, e.tilesN, e.num(31));
  for (auto &part : parts) {
    auto &row = blocks.emplace_back();
    for (int64_t d = 0; d < staged.blocks; ++d) {
      auto &block = row.emplace_back();
      for (size_t i = 0; i < block.size(); ++i) {
        auto known = part.find(kBlock * d + registers.ages[i]);
        block[i] = known == part.end() ? e.num(0) : known->second;
        // Zeros too: the assembler would set them anew before each product.
        if (registers.shared && (i >= 2 || known == part.end()))
          block[i] = e.b.createOrFold<arith::OrIOp>(e.loc, block[i], nothing);
      }
    }
  }
}

SmallVector<std::array<Value, 4>, 2> ToeplitzTaps::block(int64_t d) const {
  SmallVector<std::array<Value, 4>, 2> result;
  for (auto &part : blocks)
    result.push_back(part[d]);
  return result;
}
