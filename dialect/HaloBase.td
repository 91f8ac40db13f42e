// The dialect itself, its enumerations and attributes.
#ifndef HALO_BASE_TD
#define HALO_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Halo_Dialect : Dialect {
  let name = "halo";
  let cppNamespace = "::halo::ir";
  let summary = "causal-convolution kernels: what is computed, apart from how";
  let description = [{
    A value in a kernel is a plain `f32` SSA value that *denotes a signal*: its value at (channel,
    position), for all of them. Constants, `arith` and `math` therefore compose without shapes;
    only `halo` ops look at other positions or at memory.

    A kernel names its tensors in its signature (`ins(@x : view<T, layout>)`) and its ops refer to
    them by that name. Sizes B, D and L appear nowhere: they are known at launch.

    Not promised: that a value is computed once, that it is stored anywhere, or in which order
    positions are visited. Only the rounding points (`halo.round`, the stores) are the law.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerTypes();
  }];
}

def Halo_LayoutEnum : I32EnumAttr<"LayoutKind", "order of a view's dimensions in memory", [
    I32EnumAttrCase<"BDL", 0, "bdl">, I32EnumAttrCase<"BLD", 1, "bld">,
    I32EnumAttrCase<"BD", 2, "bd">,
    I32EnumAttrCase<"DL", 3, "dl">]> {
  let cppNamespace = "::halo::ir";
  let genSpecializedAttr = 0;
}
def Halo_TapOrderEnum : I32EnumAttr<"TapOrder", "which tap meets the current sample", [
    I32EnumAttrCase<"Correlation", 0, "correlation">,
    I32EnumAttrCase<"Convolution", 1, "convolution">]> {
  let cppNamespace = "::halo::ir";
  let genSpecializedAttr = 0;
}
def Halo_PrecisionEnum : I32EnumAttr<"Precision", "error class of a convolution on the tensor cores", [
    I32EnumAttrCase<"Accurate", 0, "accurate">, I32EnumAttrCase<"Fast", 1, "fast">]> {
  let cppNamespace = "::halo::ir";
  let genSpecializedAttr = 0;
}
def Halo_StreamKindEnum : I32EnumAttr<"StreamKind", "how streams share a channel axis", [
    I32EnumAttrCase<"Interleave", 0, "interleave">, I32EnumAttrCase<"Split", 1, "split">,
    I32EnumAttrCase<"ColumnSplit", 2, "column_split">]> {
  let cppNamespace = "::halo::ir";
  let genSpecializedAttr = 0;
}
def Halo_WindowEnum : I32EnumAttr<"WindowKind", "where the samples under a FIR's taps live", [
    I32EnumAttrCase<"Registers", 0, "registers">, I32EnumAttrCase<"Shared", 1, "shared">]> {
  let cppNamespace = "::halo::ir";
  let genSpecializedAttr = 0;
}
def Halo_FirEnum : I32EnumAttr<"FirKind", "how long FIRs are computed", [
    I32EnumAttrCase<"Direct", 0, "direct">, I32EnumAttrCase<"Toeplitz", 1, "toeplitz">]> {
  let cppNamespace = "::halo::ir";
  let genSpecializedAttr = 0;
}
def Halo_ParamKindEnum : I32EnumAttr<"ParamKind", "what values a parameter takes", [
    I32EnumAttrCase<"Int", 0, "int">, I32EnumAttrCase<"Type", 1, "type">,
    I32EnumAttrCase<"Enum", 2, "enum">, I32EnumAttrCase<"Flag", 3, "flag">,
    I32EnumAttrCase<"Parts", 4, "parts">, I32EnumAttrCase<"Heads", 5, "heads">,
    I32EnumAttrCase<"Length", 6, "length">]> {
  let cppNamespace = "::halo::ir";
  let genSpecializedAttr = 0;
}

class Halo_Attr<string name, string attrMnemonic> : AttrDef<Halo_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Halo_LayoutAttr : EnumAttr<Halo_Dialect, Halo_LayoutEnum, "layout">;
def Halo_TapOrderAttr : EnumAttr<Halo_Dialect, Halo_TapOrderEnum, "taps">;
def Halo_PrecisionAttr : EnumAttr<Halo_Dialect, Halo_PrecisionEnum, "precision">;

def Halo_ParamRefAttr : Halo_Attr<"ParamRef", "param"> {
  let summary = "a parameter of the kernel, by name; specialise replaces it by its value";
  let parameters = (ins StringRefParameter<>:$name);
  let assemblyFormat = "`<` $name `>`";
}

def Halo_StreamsAttr : Halo_Attr<"Streams", "streams"> {
  let summary = "how the streams of an operand share its channel axis";
  let description = [{
    With m streams of D channels, stream s of channel c is memory channel
    `interleave`: c*m + s; `split`: s*D + c; `column_split` with H heads of hd = D/H channels:
    (c / hd)*m*hd + s*hd + c % hd.
  }];
  let parameters = (ins EnumParameter<Halo_StreamKindEnum>:$kind,
                        DefaultValuedParameter<"int64_t", "0">:$heads);
  let assemblyFormat = "`<` $kind (`,` $heads^)? `>`";
}

def Halo_ParamDeclAttr : Halo_Attr<"ParamDecl", "param_decl"> {
  let summary = "one entry of a kernel's params(...)";
  let parameters = (ins StringRefParameter<>:$name, EnumParameter<Halo_ParamKindEnum>:$kind,
                        "::mlir::StringAttr":$defaultText,
                        OptionalArrayRefParameter<"::mlir::StringAttr">:$values);
  let assemblyFormat = "`<` $name `,` $kind `,` $defaultText (`,` $values^)? `>`";
}

def Halo_OperandDeclAttr : Halo_Attr<"OperandDecl", "operand"> {
  let summary = "one entry of a kernel's ins(...) or outs(...)";
  let description = [{
    A state may be an input and an output under one name: ops know which they mean. An optional
    output is present when its flag is true: `optional(states)` names the flag, `optional` alone
    means the flag of the output's own name.
  }];
  let parameters = (ins StringRefParameter<>:$name, "::mlir::Type":$type, "bool":$output,
                        "bool":$optional, "bool":$variadic,
                        OptionalParameter<"::mlir::StringAttr">:$flag);
  let assemblyFormat =
      "`<` $name `,` $type `,` $output `,` $optional `,` $variadic (`,` $flag^)? `>`";
  let extraClassDeclaration = [{
    /// The flag that turns an optional output on.
    ::llvm::StringRef flagName() const { return getFlag() ? getFlag().getValue() : getName(); }
  }];
}

def Halo_ScheduleAttr : Halo_Attr<"Schedule", "schedule"> {
  let summary = "how a kernel is computed; the only difference between two candidates";
  let parameters = (ins "int64_t":$block_n, "int64_t":$block_l, "int64_t":$num_warps,
                        "int64_t":$vector, "int64_t":$unroll, "int64_t":$stages,
                        "int64_t":$min_blocks, EnumParameter<Halo_WindowEnum>:$window,
                        "int64_t":$align,
                        DefaultValuedParameter<"::halo::ir::FirKind",
                                               "::halo::ir::FirKind::Direct">:$fir,
                        DefaultValuedParameter<"int64_t", "1">:$cluster);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif
