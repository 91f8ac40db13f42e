#include "compiler/Specialise.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

namespace {

struct Part {
  std::string name;
  int64_t width;
};

class Specialiser {
public:
  Specialiser(KernelOp kernel, Bindings &bindings)
      : kernel(kernel), bindings(bindings), ctx(kernel.getContext()) {}

  LogicalResult run() {
    if (failed(bindParams()) || failed(findPresent()) || failed(bindOps()))
      return failure();
    eraseAbsent();
    if (failed(rejectAbsentUses()) || failed(bindSignature()))
      return failure();
    kernel.setParamsAttr(ArrayAttr::get(ctx, {}));
    return success();
  }

private:
  KernelOp kernel;
  Bindings &bindings;
  MLIRContext *ctx;
  /// By name, inputs and outputs apart: a state may be both.
  std::set<std::string> present[2];
  /// The parts a variadic output expands to, by the output's name.
  std::map<std::string, std::vector<Part>> expanded;

  StringRef text(StringRef param) { return bindings.params[param.str()]; }

  LogicalResult bindParams() {
    for (auto &[name, value] : bindings.params)
      if (!kernel.lookupParam(name)) {
        auto error = kernel.emitError() << "unknown option '" << name << "' of kernel '"
                                        << kernel.getSymName() << "', which has ";
        llvm::interleaveComma(kernel.getParams().getAsRange<ParamDeclAttr>(), error,
                              [&](ParamDeclAttr param) { error << param.getName(); });
        return error;
      }
    for (auto param : kernel.getParams().getAsRange<ParamDeclAttr>())
      if (param.getKind() == ParamKind::Length)
        bindings.params.erase(param.getName().str()); // Known at launch: no part of the code.
      else if (failed(bindParam(param)))
        return failure();
    return success();
  }

  LogicalResult bindParam(ParamDeclAttr param) {
    auto [entry, missing] = bindings.params.try_emplace(param.getName().str());
    std::string &value = entry->second;
    if (missing) {
      StringRef fallback = param.getDefaultText().getValue();
      if (kernel.lookupParam(fallback) && fallback != param.getName())
        value = text(fallback).str();
      else if (!fallback.empty())
        value = fallback.str();
      else if (param.getKind() == ParamKind::Enum)
        value = param.getValues().front().str();
      else if (param.getKind() == ParamKind::Flag)
        value = "false";
      else if (param.getKind() != ParamKind::Heads)
        return kernel.emitError() << "option '" << param.getName() << "' of kernel '"
                                  << kernel.getSymName() << "' has no default and is not given";
    }
    auto bad = [&](const Twine &expected) -> LogicalResult {
      return kernel.emitError() << "option '" << param.getName() << "': '" << value << "' is not "
                                << expected;
    };
    int64_t number;
    switch (param.getKind()) {
    case ParamKind::Int:
      if (StringRef(value).getAsInteger(10, number) || number < 1 || number > INT32_MAX)
        return bad("a number in 1..2147483647");
      return success();
    case ParamKind::Type:
      return storageType(value) ? success() : bad("f32, f16 or bf16");
    case ParamKind::Flag:
      return value == "true" || value == "false" ? success() : bad("true or false");
    case ParamKind::Enum: {
      // A value may carry a number: column_split:8.
      StringRef plain = StringRef(value).split(':').first;
      std::string all;
      for (StringAttr legal : param.getValues()) {
        if (legal.getValue() == plain && (plain == value || plain == "column_split"))
          return success();
        all += (all.empty() ? "" : ", ") + legal.str();
      }
      return bad("one of " + all);
    }
    case ParamKind::Parts:
      return succeeded(parts(param.getName())) ? success() : failure();
    case ParamKind::Heads:
    case ParamKind::Length:
      return success();
    }
    return failure();
  }

  Type storageType(StringRef name) {
    if (name == "f32")
      return Float32Type::get(ctx);
    if (name == "f16")
      return Float16Type::get(ctx);
    if (name == "bf16")
      return BFloat16Type::get(ctx);
    return {};
  }

  /// "q:2048,k:2048" as names and widths.
  FailureOr<std::vector<Part>> parts(StringRef param) {
    std::vector<Part> list;
    std::set<std::string> names;
    SmallVector<StringRef> pieces;
    text(param).split(pieces, ',');
    for (StringRef piece : pieces) {
      auto [name, width] = piece.split(':');
      int64_t number;
      if (name.empty() || width.getAsInteger(10, number) || number < 1 || number > INT32_MAX)
        return kernel.emitError() << "option '" << param << "': '" << piece
                                  << "' is not name:width with a width of at least 1";
      if (!names.insert(name.str()).second)
        return kernel.emitError() << "option '" << param << "': part '" << name
                                  << "' is given twice";
      list.push_back({name.str(), number});
    }
    return list;
  }

  /// "q,k:128" as a head width per part; names wait for the next number. 0: not normalised.
  FailureOr<SmallVector<int64_t>> heads(StringRef param, const std::vector<Part> &list) {
    SmallVector<int64_t> widths(list.size(), 0);
    SmallVector<StringRef> pieces;
    text(param).split(pieces, ',', -1, /*KeepEmpty=*/false);
    SmallVector<StringRef> waiting;
    for (StringRef piece : pieces) {
      auto [name, width] = piece.split(':');
      waiting.push_back(name);
      if (width.empty())
        continue;
      int64_t number;
      if (width.getAsInteger(10, number) || number < 1)
        return kernel.emitError() << "option '" << param << "': head width '" << width
                                  << "' is not a number of at least 1";
      for (StringRef part : waiting) {
        auto found = llvm::find_if(list, [&](const Part &p) { return p.name == part; });
        if (found == list.end())
          return kernel.emitError() << "option '" << param << "': '" << part
                                    << "' is not one of the " << list.size() << " parts";
        if (found->width % number)
          return kernel.emitError() << "option '" << param << "': part '" << part << "' of width "
                                    << found->width << " is not a multiple of head " << number;
        widths[found - list.begin()] = number;
      }
      waiting.clear();
    }
    if (!waiting.empty())
      return kernel.emitError() << "option '" << param << "': part '" << waiting.front()
                                << "' has no head width";
    return widths;
  }

  LogicalResult findPresent() {
    for (const std::string &name : bindings.with) {
      if (!kernel.lookupOperand(name, /*output=*/false))
        return kernel.emitError() << "operand '" << name << "' is not an input of kernel '"
                                  << kernel.getSymName() << "'";
    }
    for (auto decl : kernel.getOperandDecls().getAsRange<OperandDeclAttr>()) {
      std::string name = decl.getName().str();
      bool here = !decl.getOptional() || (decl.getOutput() ? text(decl.flagName()) == "true"
                                                           : bindings.with.count(name) > 0);
      if (here)
        present[decl.getOutput()].insert(name);
    }
    // `with` names optional operands; a required one there says nothing new.
    for (auto it = bindings.with.begin(); it != bindings.with.end();)
      it = kernel.lookupOperand(*it, false).getOptional() ? std::next(it) : bindings.with.erase(it);
    return success();
  }

  bool isPresent(StringRef name, bool output = false) {
    return present[output].count(name.str()) > 0;
  }

  FailureOr<Attribute> bindStreams(Attribute streams) {
    auto ref = dyn_cast_or_null<ParamRefAttr>(streams);
    if (!ref)
      return streams;
    auto [name, heads] = text(ref.getName()).split(':');
    auto kind = symbolizeStreamKind(name);
    int64_t number = 0;
    if (!kind || (*kind == StreamKind::ColumnSplit && heads.getAsInteger(10, number)))
      return kernel.emitError() << "option '" << ref.getName() << "': '" << text(ref.getName())
                                << "' is not interleave, split or column_split:H";
    return Attribute(StreamsAttr::get(ctx, *kind, number));
  }

  LogicalResult bindOps() {
    SmallVector<Operation *> ops;
    for (Operation &op : kernel.getBody().front())
      ops.push_back(&op);
    for (Operation *op : ops) {
      if (Attribute streams = op->getAttr("streams")) {
        auto bound = bindStreams(streams);
        if (failed(bound))
          return failure();
        op->setAttr("streams", *bound);
      }
      if (auto ref = op->getAttrOfType<ParamRefAttr>("precision")) {
        auto precision = symbolizePrecision(text(ref.getName()));
        if (!precision)
          return op->emitError() << "parameter '" << ref.getName() << "' is not accurate or fast";
        op->setAttr("precision", PrecisionAttr::get(ctx, *precision));
      }
      LogicalResult bound =
          llvm::TypeSwitch<Operation *, LogicalResult>(op)
              .Case([&](ChooseOp choose) { return bindChoose(choose); })
              .Case([&](RoundOp round) {
                if (auto ref = dyn_cast<ParamRefAttr>(round.getType()))
                  round->setAttr("type", TypeAttr::get(storageType(text(ref.getName()))));
                return success();
              })
              .Case([&](FirOp fir) { return bindTapOrder(fir); })
              .Case([&](LoadOp load) {
                if (load.getInitAttr() && !isPresent(*load.getInit()))
                  load.removeInitAttr();
                return bindPacked(load);
              })
              .Case([&](ModalOp modal) {
                if (modal.getInitAttr() && !isPresent(*modal.getInit()))
                  modal.removeInitAttr();
                return success();
              })
              .Case([&](ResumeOp resume) {
                if (!isPresent(resume.getState())) {
                  resume.replaceAllUsesWith(resume.getInput());
                  resume.erase();
                }
                return success();
              })
              .Case([&](SplitStoreOp split) { return bindSplit(split); })
              .Default([](Operation *) { return success(); });
      if (failed(bound))
        return failure();
    }
    return success();
  }

  /// Of what may say where sequences begin, the one that is there.
  LogicalResult bindPacked(LoadOp load) {
    if (!load.getPacked())
      return success();
    SmallVector<Attribute> here;
    for (auto name : load.getPacked()->getAsRange<FlatSymbolRefAttr>())
      if (isPresent(name.getValue()))
        here.push_back(name);
    if (here.size() > 1)
      return kernel.emitError() << "operands '" << cast<FlatSymbolRefAttr>(here[0]).getValue()
                                << "' and '" << cast<FlatSymbolRefAttr>(here[1]).getValue()
                                << "' both say where sequences begin, expected 1";
    if (here.empty())
      load.removePackedAttr();
    else
      load.setPackedAttr(ArrayAttr::get(ctx, here));
    return success();
  }

  LogicalResult bindChoose(ChooseOp choose) {
    StringRef name = choose.getParam(), wanted;
    if (kernel.lookupParam(name))
      wanted = text(name);
    else
      wanted = isPresent(name, kernel.lookupOperand(name).getOutput()) ? "present" : "absent";
    for (auto [label, value] :
         llvm::zip(choose.getCases().getAsRange<StringAttr>(), choose.getValues()))
      if (label.getValue() == wanted) {
        choose.replaceAllUsesWith(value);
        choose.erase();
        return success();
      }
    return choose.emitError() << "no case for '" << wanted << "'";
  }

  LogicalResult bindTapOrder(FirOp fir) {
    auto ref = dyn_cast_or_null<ParamRefAttr>(fir.getOrder().value_or(Attribute()));
    if (!ref)
      return success();
    auto order = symbolizeTapOrder(text(ref.getName()));
    if (!order)
      return fir.emitError() << "parameter '" << ref.getName()
                             << "' is not correlation or convolution";
    fir.setOrderAttr(TapOrderAttr::get(ctx, *order));
    return success();
  }

  LogicalResult bindSplit(SplitStoreOp split) {
    auto ref = dyn_cast<ParamRefAttr>(split.getWidths());
    if (!ref)
      return success();
    auto list = parts(ref.getName());
    if (failed(list))
      return failure();
    if (split.getParts().size() != 1)
      return split.emitError() << "takes its widths from '" << ref.getName() << "' but names "
                               << split.getParts().size() << " operands, expected 1 variadic one";
    std::string variadic = cast<FlatSymbolRefAttr>(split.getParts()[0]).getValue().str();
    SmallVector<Attribute> names;
    SmallVector<int64_t> widths;
    for (const Part &part : *list) {
      if (part.name != variadic && kernel.lookupOperand(part.name))
        return kernel.emitError() << "option '" << ref.getName() << "': part '" << part.name
                                  << "' has the name of another operand";
      names.push_back(FlatSymbolRefAttr::get(ctx, part.name));
      widths.push_back(part.width);
    }
    if (auto headRef = dyn_cast_or_null<ParamRefAttr>(split.getHeads().value_or(Attribute()))) {
      auto bound = heads(headRef.getName(), *list);
      if (failed(bound))
        return failure();
      split.setHeadsAttr(DenseI64ArrayAttr::get(ctx, *bound));
    }
    split.setPartsAttr(ArrayAttr::get(ctx, names));
    split.setWidthsAttr(DenseI64ArrayAttr::get(ctx, widths));
    expanded[variadic] = *list;
    return success();
  }

  /// Stores to absent outputs go, then every signal nobody needs.
  void eraseAbsent() {
    for (Operation &op : llvm::make_early_inc_range(kernel.getBody().front())) {
      auto store = dyn_cast<StoreOp>(op);
      auto state = dyn_cast<StoreStateOp>(op);
      if ((store && !isPresent(store.getView(), true)) ||
          (state && !isPresent(state.getState(), true)))
        op.erase();
    }
    for (Operation &op :
         llvm::make_early_inc_range(llvm::reverse(kernel.getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

  LogicalResult rejectAbsentUses() {
    for (Operation &op : kernel.getBody().front())
      for (NamedAttribute attr : op.getAttrs())
        if (auto name = dyn_cast<FlatSymbolRefAttr>(attr.getValue()))
          if (bool output = isa<StoreOp, StoreStateOp>(op);
              kernel.lookupOperand(name.getValue(), output) && !isPresent(name.getValue(), output))
            return op.emitError() << "operand '" << name.getValue()
                                  << "' is absent here: guard its use with halo.choose";
    return success();
  }

  Attribute bindPiece(Attribute piece) {
    auto ref = dyn_cast<ParamRefAttr>(piece);
    if (!ref)
      return piece;
    StringRef value = text(ref.getName());
    switch (kernel.lookupParam(ref.getName()).getKind()) {
    case ParamKind::Int: {
      int64_t number = 0;
      (void)value.getAsInteger(10, number);
      return IntegerAttr::get(IntegerType::get(ctx, 64), number);
    }
    case ParamKind::Type:
      return TypeAttr::get(storageType(value));
    default:
      if (auto layout = symbolizeLayoutKind(value))
        return LayoutKindAttr::get(ctx, *layout);
      return {};
    }
  }

  Type bindType(Type type) {
    return llvm::TypeSwitch<Type, Type>(type)
        .Case([&](ViewType t) -> Type {
          Attribute layout = bindPiece(t.getLayout());
          return layout ? ViewType::get(ctx, bindPiece(t.getElement()), layout,
                                        bindPiece(t.getStreams()))
                        : Type();
        })
        .Case([&](TapsType t) {
          return TapsType::getChecked([&] { return kernel.emitError(); }, ctx,
                                      bindPiece(t.getElement()), bindPiece(t.getTaps()),
                                      bindPiece(t.getGroup()), bindPiece(t.getStreams()));
        })
        .Case([&](ChannelType t) { return ChannelType::get(ctx, bindPiece(t.getElement())); })
        .Case([&](StateType t) {
          auto given = [&](FlatSymbolRefAttr index) {
            return index && isPresent(index.getValue()) ? index : FlatSymbolRefAttr();
          };
          return StateType::get(ctx, bindPiece(t.getElement()), bindPiece(t.getTaps()),
                                bindPiece(t.getStreams()), t.getLonger(), given(t.getRing()),
                                given(t.getSlots()));
        })
        .Case([&](ModesType t) { return ModesType::get(ctx, bindPiece(t.getModes())); })
        .Case([&](ModalStateType t) {
          return ModalStateType::get(ctx, bindPiece(t.getModes()));
        })
        .Case([](IndicesType t) { return t; });
  }

  LogicalResult bindSignature() {
    SmallVector<Attribute> decls;
    for (auto decl : kernel.getOperandDecls().getAsRange<OperandDeclAttr>()) {
      if (!isPresent(decl.getName(), decl.getOutput()))
        continue;
      Type type = bindType(decl.getType());
      if (!type)
        return kernel.emitError() << "operand '" << decl.getName()
                                  << "': its layout is not bdl, bld, bd or dl";
      auto add = [&](StringRef name) {
        decls.push_back(
            OperandDeclAttr::get(ctx, name, type, decl.getOutput(), false, false, StringAttr()));
      };
      if (!decl.getVariadic())
        add(decl.getName());
      else
        for (const Part &part : expanded[decl.getName().str()])
          add(part.name);
    }
    kernel.setOperandDeclsAttr(ArrayAttr::get(ctx, decls));
    return success();
  }
};

} // namespace

LogicalResult compiler::specialise(KernelOp kernel, Bindings &bindings) {
  return Specialiser(kernel, bindings).run();
}
