#include "compiler/Describe.h"

#include "compiler/lowering/KernelPlan.h"

#include "mlir/Parser/Parser.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace halo::compiler {

Diagnostics::Diagnostics(MLIRContext &context)
    : handler(&context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error || !first.empty())
          return success();
        llvm::raw_string_ostream stream(first);
        // Built-in texts are not files a user can open; only a user's own file gets its place.
        Location place = diagnostic.getLocation();
        place->walk([&](Location nested) {
          auto file = dyn_cast<FileLineColLoc>(nested);
          if (file && file.getFilename().getValue().ends_with(".mlir")) {
            stream << file.getFilename().getValue() << ":" << file.getLine() << ":"
                   << file.getColumn() << ": ";
            return WalkResult::interrupt();
          }
          return WalkResult::advance();
        });
        stream << diagnostic.str();
        return success();
      }) {}

std::string Diagnostics::text() const {
  std::string line = first.empty() ? "the compiler failed without a message" : first;
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

OwningOpRef<ModuleOp> parseKernelText(MLIRContext &context, const std::string &text,
                                      const std::string &name) {
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, name), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
}

ir::KernelOp onlyKernel(ModuleOp module, Diagnostics &) {
  auto kernels = llvm::to_vector(module.getOps<ir::KernelOp>());
  if (kernels.size() != 1) {
    module.emitError() << "the text has " << kernels.size() << " kernels, expected 1";
    return {};
  }
  return kernels.front();
}

static DType dtypeOf(Attribute element) {
  Type type = ir::knownElement(element);
  return type.isF32() ? DType::F32 : type.isF16() ? DType::F16 : DType::BF16;
}

static IndexForm formOf(ir::IndexForm form) {
  switch (form) {
  case ir::IndexForm::Rows:
    return IndexForm::Rows;
  case ir::IndexForm::Positions:
    return IndexForm::Positions;
  case ir::IndexForm::Bounds:
    return IndexForm::Bounds;
  }
  return IndexForm::Rows;
}

static std::string nameOf(FlatSymbolRefAttr index) {
  return index ? index.getValue().str() : std::string();
}

std::vector<Operand> operandsOf(ir::KernelOp kernel) {
  std::map<std::string, int64_t> widths;
  kernel.walk([&](ir::SplitStoreOp split) {
    for (auto [part, width] : llvm::zip(
             split.getParts(), cast<DenseI64ArrayAttr>(split.getWidths()).asArrayRef()))
      widths[cast<FlatSymbolRefAttr>(part).getValue().str()] = width;
  });
  std::map<std::string, int64_t> heads;
  kernel.walk([&](ir::LoadOp load) {
    if (auto streams = dyn_cast_or_null<ir::StreamsAttr>(load.getStreams().value_or(Attribute())))
      heads[load.getView().str()] = streams.getHeads();
  });
  std::vector<Operand> operands;
  for (auto decl : kernel.getOperandDecls().getAsRange<ir::OperandDeclAttr>()) {
    Operand operand;
    operand.name = decl.getName().str();
    operand.output = decl.getOutput();
    if (auto found = widths.find(operand.name); found != widths.end())
      operand.channels = found->second;
    llvm::TypeSwitch<Type>(decl.getType())
        .Case([&](ir::ViewType type) {
          operand.kind = OperandKind::View;
          operand.dtype = dtypeOf(type.getElement());
          operand.layout = layoutOf(type.getLayout());
          operand.streams = *ir::knownCount(type.getStreams());
          operand.heads = operand.output ? 0 : heads[operand.name];
        })
        .Case([&](ir::TapsType type) {
          operand.kind = OperandKind::Taps;
          operand.dtype = dtypeOf(type.getElement());
          operand.taps = *ir::knownCount(type.getTaps());
          operand.group = *ir::knownCount(type.getGroup());
          operand.streams = *ir::knownCount(type.getStreams());
        })
        .Case([&](ir::ChannelType type) {
          operand.kind = OperandKind::Channel;
          operand.dtype = dtypeOf(type.getElement());
        })
        .Case([&](ir::StateType type) {
          operand.kind = OperandKind::State;
          operand.dtype = dtypeOf(type.getElement());
          operand.taps = *ir::knownCount(type.getTaps());
          operand.streams = *ir::knownCount(type.getStreams());
          operand.longer = bool(type.getLonger());
          operand.ring = nameOf(type.getRing());
          operand.slots = nameOf(type.getSlots());
        })
        .Case([&](ir::ModesType type) {
          operand.kind = OperandKind::Modes;
          operand.modes = *ir::knownCount(type.getModes());
        })
        .Case([&](ir::ModalStateType type) {
          operand.kind = OperandKind::ModalState;
          operand.modes = *ir::knownCount(type.getModes());
        })
        .Case([&](ir::IndicesType type) {
          operand.kind = OperandKind::Indices;
          operand.dtype = DType::I32;
          operand.form = formOf(type.getForm());
        });
    operands.push_back(operand);
  }
  return operands;
}

/// A number, a storage type's or a layout's name, or the parameter's name.
static llvm::json::Value piece(Attribute attribute) {
  if (auto ref = dyn_cast<ir::ParamRefAttr>(attribute))
    return ref.getName().str();
  if (auto number = ir::knownCount(attribute))
    return *number;
  if (auto layout = dyn_cast<ir::LayoutKindAttr>(attribute))
    return ir::stringifyLayoutKind(layout.getValue()).str();
  return std::string(name(dtypeOf(attribute)));
}

std::string summaryOf(const std::string &text) {
  llvm::StringRef rest = text;
  std::string summary;
  while (rest.consume_front("//")) {
    auto [line, next] = rest.split('\n');
    summary += (summary.empty() ? "" : " ") + line.trim().str();
    rest = next;
  }
  size_t end = summary.find(". ");
  return end == std::string::npos ? summary : summary.substr(0, end + 1);
}

/// How streams share the channels: a parameter's name, or what --set would say.
static std::string orderText(Attribute streams) {
  if (auto ref = dyn_cast<ir::ParamRefAttr>(streams))
    return ref.getName().str();
  auto known = cast<ir::StreamsAttr>(streams);
  std::string text = ir::stringifyStreamKind(known.getKind()).str();
  return known.getHeads() ? text + ":" + std::to_string(known.getHeads()) : text;
}

std::string describe(ir::KernelOp kernel, const std::string &text) {
  llvm::StringMap<Attribute> orders;
  kernel.walk([&](ir::LoadOp load) {
    if (Attribute streams = load.getStreams().value_or(Attribute()))
      orders[load.getView()] = streams;
  });
  llvm::json::Array params, operands;
  for (auto param : kernel.getParams().getAsRange<ir::ParamDeclAttr>()) {
    llvm::json::Array values;
    for (StringAttr value : param.getValues())
      values.push_back(value.str());
    params.push_back(llvm::json::Object{{"name", param.getName().str()},
                                        {"kind", ir::stringifyParamKind(param.getKind()).str()},
                                        {"default", param.getDefaultText().str()},
                                        {"values", std::move(values)}});
  }
  for (auto decl : kernel.getOperandDecls().getAsRange<ir::OperandDeclAttr>()) {
    llvm::json::Object operand{{"name", decl.getName().str()},
                               {"output", decl.getOutput()},
                               {"optional", decl.getOptional()},
                               {"variadic", decl.getVariadic()}};
    if (decl.getOutput() && decl.getOptional())
      operand["flag"] = decl.flagName().str();
    llvm::TypeSwitch<Type>(decl.getType())
        .Case([&](ir::ViewType type) {
          operand["kind"] = "view";
          if (Attribute order = orders.lookup(decl.getName()))
            operand["stream_order"] = orderText(order);
          operand["dtype"] = piece(type.getElement());
          operand["layout"] = piece(type.getLayout());
          operand["streams"] = piece(type.getStreams());
        })
        .Case([&](ir::TapsType type) {
          operand["kind"] = "taps";
          operand["dtype"] = piece(type.getElement());
          operand["taps"] = piece(type.getTaps());
          operand["group"] = piece(type.getGroup());
          operand["streams"] = piece(type.getStreams());
        })
        .Case([&](ir::ChannelType type) {
          operand["kind"] = "channel";
          operand["dtype"] = piece(type.getElement());
        })
        .Case([&](ir::StateType type) {
          operand["kind"] = "state";
          operand["dtype"] = piece(type.getElement());
          operand["taps"] = piece(type.getTaps());
          operand["streams"] = piece(type.getStreams());
          if (type.getLonger())
            operand["longer"] = true;
          if (type.getRing())
            operand["ring"] = nameOf(type.getRing());
          if (type.getSlots())
            operand["slots"] = nameOf(type.getSlots());
        })
        .Case([&](ir::ModesType type) {
          operand["kind"] = "modes";
          operand["dtype"] = "f32";
          operand["modes"] = piece(type.getModes());
        })
        .Case([&](ir::ModalStateType type) {
          operand["kind"] = "modal_state";
          operand["dtype"] = "f32";
          operand["modes"] = piece(type.getModes());
        })
        .Case([&](ir::IndicesType type) {
          operand["kind"] = "indices";
          operand["dtype"] = "i32";
          operand["form"] = ir::stringifyIndexForm(type.getForm()).str();
        });
    operands.push_back(std::move(operand));
  }
  std::string json;
  llvm::raw_string_ostream(json) << llvm::json::Value(llvm::json::Object{
      {"name", kernel.getSymName().str()},
      {"summary", summaryOf(text)},
      {"source", text},
      {"params", std::move(params)},
      {"operands", std::move(operands)}});
  return json;
}

} // namespace halo::compiler
