// The emitter's vocabulary: integers, vectors, addresses, loops.
#include "compiler/lowering/Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;

Value Emitter::num(int64_t value) {
  return arith::ConstantIntOp::create(b, loc, b.getI32Type(), value);
}
Value Emitter::wide(int64_t value) {
  return arith::ConstantIntOp::create(b, loc, b.getI64Type(), value);
}
Value Emitter::widen(Value value) {
  return arith::ExtSIOp::create(b, loc, b.getI64Type(), value);
}
Value Emitter::add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(loc, x, y); }
Value Emitter::sub(Value x, Value y) { return b.createOrFold<arith::SubIOp>(loc, x, y); }
Value Emitter::mul(Value x, Value y) { return b.createOrFold<arith::MulIOp>(loc, x, y); }
Value Emitter::div(Value x, Value y) { return b.createOrFold<arith::DivUIOp>(loc, x, y); }
Value Emitter::rem(Value x, Value y) { return b.createOrFold<arith::RemUIOp>(loc, x, y); }
Value Emitter::min(Value x, Value y) { return b.createOrFold<arith::MinSIOp>(loc, x, y); }
Value Emitter::max(Value x, Value y) { return b.createOrFold<arith::MaxSIOp>(loc, x, y); }
Value Emitter::less(Value x, Value y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}
Value Emitter::both(Value x, Value y) { return b.createOrFold<arith::AndIOp>(loc, x, y); }
Value Emitter::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, loc, condition, x, y);
}

Type Emitter::signalType(Type scalar) {
  return plan.lanes > 1 ? Type(VectorType::get({plan.lanes}, scalar)) : scalar;
}

Value Emitter::zero() {
  Type type = signalType(b.getF32Type());
  return arith::ConstantOp::create(b, loc, cast<TypedAttr>(b.getZeroAttr(type)));
}

Value Emitter::splat(Value scalar) {
  Type type = signalType(scalar.getType());
  return type == scalar.getType() ? scalar
                                  : Value(vector::BroadcastOp::create(b, loc, type, scalar));
}

static Type withElement(Type like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like))
    return VectorType::get(vector.getShape(), element);
  return element;
}

/// Half a loaded word: bf16 is the upper half of an f32, so one shift or one mask widens it, where a
/// conversion of the extracted half would take two instructions. Null for anything else.
static Value widenHalf(OpBuilder &b, Location loc, Value scalar) {
  auto extract = scalar.getDefiningOp<vector::ExtractOp>();
  if (!extract || !scalar.getType().isBF16() || extract.getStaticPosition().size() != 1)
    return {};
  auto type = extract.getSourceVectorType();
  int64_t index = extract.getStaticPosition()[0];
  if (type.getRank() != 1 || type.getNumElements() % 2 || index < 0)
    return {};
  Type i32 = b.getI32Type();
  auto words = VectorType::get({type.getNumElements() / 2}, i32);
  Value word = vector::ExtractOp::create(
      b, loc, vector::BitCastOp::create(b, loc, words, extract.getSource()),
      ArrayRef<int64_t>{index / 2});
  auto constant = [&](int64_t value) {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(i32, value));
  };
  Value bits = index % 2
                   ? Value(arith::AndIOp::create(b, loc, word, constant(int32_t(0xffff0000))))
                   : Value(arith::ShLIOp::create(b, loc, word, constant(16)));
  return arith::BitcastOp::create(b, loc, b.getF32Type(), bits);
}

Value Emitter::toF32(Value stored) {
  Type wideType = withElement(stored.getType(), b.getF32Type());
  if (wideType == stored.getType())
    return stored;
  Value value = arith::ExtFOp::create(b, loc, wideType, stored);
  narrow[value] = stored;
  return value;
}

Value Emitter::loadedToF32(Value stored) {
  auto vector = dyn_cast<VectorType>(stored.getType());
  if (!vector) {
    Value half = widenHalf(b, loc, stored);
    if (!half)
      return toF32(stored);
    narrow[half] = stored;
    return half;
  }
  if (!vector.getElementType().isBF16())
    return toF32(stored);
  SmallVector<Value> lanes;
  for (int64_t i = 0; i < vector.getNumElements(); ++i)
    lanes.push_back(
        loadedToF32(b.createOrFold<vector::ExtractOp>(loc, stored, ArrayRef<int64_t>{i})));
  Value value = pack(lanes);
  if (value.getType() != vector)
    narrow[value] = stored;
  return value;
}

Value Emitter::toStorage(Value value, Type element) {
  Type type = withElement(value.getType(), element);
  if (type == value.getType())
    return value;
  if (Value stored = narrow.lookup(value); stored && stored.getType() == type)
    return stored;
  return arith::TruncFOp::create(b, loc, type, value);
}

Value Emitter::fma(Value x, Value y, Value z) {
  // math.fma would lower to a libdevice call.
  return LLVM::FMAOp::create(b, loc, x, y, z);
}

Value Emitter::pack(ArrayRef<Value> scalars) {
  if (scalars.size() == 1)
    return scalars.front();
  auto type = VectorType::get({int64_t(scalars.size())}, scalars.front().getType());
  return vector::FromElementsOp::create(b, loc, type, scalars);
}

Value Emitter::lane(Value value, int64_t index) {
  return isa<VectorType>(value.getType())
             ? Value(vector::ExtractOp::create(b, loc, value, ArrayRef<int64_t>{index}))
             : value;
}

Value Emitter::intrinsic(StringRef name, Value x) {
  auto vector = dyn_cast<VectorType>(x.getType());
  SmallVector<Value> results;
  for (int64_t i = 0, n = vector ? vector.getNumElements() : 1; i < n; ++i)
    results.push_back(LLVM::CallIntrinsicOp::create(b, loc, b.getF32Type(), b.getStringAttr(name),
                                                    ValueRange{lane(x, i)})
                          .getResult(0));
  return pack(results);
}

Value Emitter::address(Type element, Value pointer, Value index64) {
  return LLVM::GEPOp::create(b, loc, pointer.getType(), element, pointer,
                             ArrayRef<LLVM::GEPArg>{index64});
}

Value Emitter::load(Type type, Value pointer, int64_t align, bool invariant) {
  auto op = LLVM::LoadOp::create(b, loc, type, pointer, align);
  op.setInvariant(invariant);
  return op;
}

void Emitter::storeTo(Value value, Value pointer, int64_t align) {
  LLVM::StoreOp::create(b, loc, value, pointer, align);
}

Value Emitter::sharedByte(Value index) { return address(b.getI8Type(), sharedBase, widen(index)); }
Value Emitter::sharedFloat(Value index) { return address(b.getF32Type(), sharedBase, widen(index)); }

void Emitter::barrier() { gpu::BarrierOp::create(b, loc); }

void Emitter::ifThen(Value condition, llvm::function_ref<void()> body) {
  auto op = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  body();
}

void Emitter::ifElse(Value condition, llvm::function_ref<void()> then,
                     llvm::function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  then();
  b.setInsertionPointToStart(op.elseBlock());
  otherwise();
}

SmallVector<Value> Emitter::ifValues(Value condition, ValueRange otherwise,
                                     llvm::function_ref<SmallVector<Value>()> then) {
  if (otherwise.empty()) {
    ifThen(condition, [&] { then(); });
    return {};
  }
  auto op = scf::IfOp::create(b, loc, otherwise.getTypes(), condition, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  SmallVector<Value> values = then();
  scf::YieldOp::create(b, loc, values);
  b.setInsertionPointToStart(op.elseBlock());
  scf::YieldOp::create(b, loc, otherwise);
  return SmallVector<Value>(op.getResults());
}

SmallVector<Value>
Emitter::loop(Value from, Value to, Value step, ValueRange carried,
              llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto op = scf::ForOp::create(b, loc, from, to, step, carried);
  // The schedule owns unrolling; LLVM would unroll by 8 unasked.
  auto noUnroll = LLVM::LoopUnrollAttr::get(b.getContext(), b.getBoolAttr(true), {}, {}, {}, {},
                                            {}, {});
  op->setAttr("llvm.loop_annotation",
              LLVM::LoopAnnotationAttr::get(b.getContext(), {}, {}, {}, noUnroll, {}, {}, {}, {},
                                            {}, {}, {}, {}, {}, {}, {}));
  OpBuilder::InsertionGuard guard(b);
  if (carried.empty())
    b.setInsertionPoint(op.getBody()->getTerminator());
  else
    b.setInsertionPointToEnd(op.getBody());
  SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
  if (!carried.empty())
    scf::YieldOp::create(b, loc, next);
  return llvm::to_vector(llvm::map_range(op.getResults(), [](OpResult r) { return Value(r); }));
}
