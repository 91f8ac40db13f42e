#include "compiler/lowering/ToeplitzFragments.h"

#include "compiler/lowering/TensorCore.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;

namespace {

/// 1 in the window's type, in the lower half of a register where `low` equals `of`, in the upper
/// where `high` does.
Value oneAt(Emitter &e, Type element, Value of, Value low, Value high) {
  int64_t one = element.isBF16() ? 0x3f80 : 0x3c00;
  auto equal = [&](Value x) -> Value {
    return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, of, x);
  };
  return e.select(equal(low), e.num(one), e.select(equal(high), e.num(one << 16), e.num(0)));
}

/// bld: taps left.
class TapsLeft final : public ToeplitzFragments {
public:
  TapsLeft(StagedBlock &block, Value lane) : e(block.e), lane(lane) {
    row = e.div(lane, e.num(4));
    pair = e.mul(e.rem(lane, e.num(4)), e.num(2));
    samplesHalf = e.rem(e.div(lane, e.num(8)), e.num(2));
    taps = {row, pair, {0, 8, -8, 0}, 7, /*shared=*/true};
    position = row;
    offsets = {0, 8};
    int64_t group = block.staged.group;
    lanes = 2;
    products = group + group % 2 > 8 ? 2 : 1;
    for (int64_t matrix = 0; matrix < products; ++matrix)
      owners.push_back({e.offset(pair, matrix * 8), matrix});
  }

  // Lanes 0-15 address channels 0-7, lanes 16-31 channels 8-15.
  Value samplesChannel() override {
    return e.add(e.mul(e.div(lane, e.num(16)), e.num(8)), e.rem(lane, e.num(8)));
  }

  Four identity(Type element) override {
    Value one = oneAt(e, element, row, pair, e.offset(pair, 1));
    return {one, e.num(0), e.num(0), one};
  }

  Sums widened(Type element, const Four &samples) override {
    Sums sums(products);
    for (int64_t i = 0; i < 2 * products; ++i) {
      Type pair = VectorType::get({2}, element);
      Value wide = e.loadedToF32(LLVM::BitcastOp::create(e.b, e.loc, pair, samples[i]));
      for (int64_t k = 0; k < 2; ++k)
        sums[i / 2][i % 2 * 2 + k] = e.lane(wide, k);
    }
    return sums;
  }

  Four multiplied(Type element, const Four &taps, const Four &samples, int64_t index,
                  const Four &sum) override {
    return multiply(e.b, e.loc, element, taps, {samples[2 * index], samples[2 * index + 1]}, sum);
  }

  SmallVector<Value> numbers(const Sums &sums, const Owner &owner, int64_t offset) override {
    SmallVector<Value> result;
    for (int64_t i = 0; i < lanes; ++i)
      result.push_back(sums[owner.index][(offset ? 2 : 0) + i]);
    return result;
  }

private:
  Emitter &e;
  Value lane, row, pair;
};

/// bdl: samples left.
class SamplesLeft final : public ToeplitzFragments {
public:
  SamplesLeft(StagedBlock &block, Value lane) : e(block.e), lane(lane) {
    Value row = e.div(lane, e.num(4)), quarter = e.rem(lane, e.num(4));
    pair = e.mul(quarter, e.num(2));
    column = e.add(e.mul(e.div(row, e.num(2)), e.num(4)), e.rem(row, e.num(2)));
    samplesHalf = e.div(lane, e.num(16));
    taps = {column, pair, {0, -8, 2, -6}, 13, /*shared=*/false};
    position = e.mul(quarter, e.num(4));
    offsets = {0};
    lanes = 4;
    along = true;
    for (int64_t half = 0; half < (block.staged.group > 8 ? 2 : 1); ++half)
      owners.push_back({e.offset(row, 8 * half), half});
  }

  Value samplesChannel() override { return e.rem(lane, e.num(16)); }

  Four identity(Type element) override {
    Four result;
    for (int64_t i = 0; i < 4; ++i) {
      Value age = e.offset(e.sub(column, pair), taps.ages[i]);
      result[i] = oneAt(e, element, age, e.num(0), e.num(1));
    }
    return result;
  }

  Four multiplied(Type element, const Four &taps, const Four &samples, int64_t index,
                  const Four &sum) override {
    return multiply(e.b, e.loc, element, samples, {taps[2 * index], taps[2 * index + 1]}, sum);
  }

  SmallVector<Value> numbers(const Sums &sums, const Owner &owner, int64_t) override {
    int64_t at = 2 * owner.index;
    return {sums[0][at], sums[0][at + 1], sums[1][at], sums[1][at + 1]};
  }

private:
  Emitter &e;
  Value lane, pair, column;
};

} // namespace

std::unique_ptr<ToeplitzFragments> ToeplitzFragments::make(StagedBlock &block, Value lane) {
  if (block.plan.layout == Layout::BLD)
    return std::make_unique<TapsLeft>(block, lane);
  return std::make_unique<SamplesLeft>(block, lane);
}
