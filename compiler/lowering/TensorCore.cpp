#include "compiler/lowering/TensorCore.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

static std::array<Value, 4> unpack(OpBuilder &b, Location loc, Value four) {
  std::array<Value, 4> parts;
  for (int64_t i = 0; i < 4; ++i)
    parts[i] = LLVM::ExtractValueOp::create(b, loc, four, i);
  return parts;
}

SmallVector<Value, 4> halo::compiler::loadMatrices(OpBuilder &b, Location loc, Value pointer,
                                                   int count, bool transposed) {
  Type type = b.getI32Type();
  if (count > 1)
    type = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(count, type));
  auto shape = NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8);
  Value all = NVVM::LdMatrixOp::create(
      b, loc, type, pointer, count, transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row, shape,
      NVVM::LdStMatrixEltType::B16);
  if (count == 1)
    return {all};
  SmallVector<Value, 4> parts;
  for (int i = 0; i < count; ++i)
    parts.push_back(LLVM::ExtractValueOp::create(b, loc, all, i));
  return parts;
}

std::array<Value, 4> halo::compiler::multiply(OpBuilder &b, Location loc, Type element,
                                              std::array<Value, 4> a, std::array<Value, 2> b2,
                                              std::array<Value, 4> c) {
  Type f32 = b.getF32Type();
  auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), {f32, f32, f32, f32});
  bool half = element.isF16();
  SmallVector<Value> left(a.begin(), a.end()), right(b2.begin(), b2.end());
  if (half) // f16 fragments are <2 x half>, bf16 ones are i32.
    for (auto *side : {&left, &right})
      for (Value &part : *side)
        part = LLVM::BitcastOp::create(b, loc, VectorType::get({2}, element), part);
  auto kind = half ? NVVM::MMATypes::f16 : NVVM::MMATypes::bf16;
  return unpack(b, loc,
                NVVM::MmaOp::create(b, loc, type, left, right, ValueRange(ArrayRef<Value>(c)),
                                    {16, 8, 16}, std::nullopt, std::nullopt,
                                    std::array<NVVM::MMATypes, 2>{kind, kind},
                                    std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row,
                                                                   NVVM::MMALayout::col}));
}
