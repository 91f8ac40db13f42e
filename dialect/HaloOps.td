// The ops: few and orthogonal. A new fusion is a new text, not a new op.
#ifndef HALO_OPS_TD
#define HALO_OPS_TD

include "dialect/HaloTypes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Halo_Op<string opMnemonic, list<Trait> traits = []>
    : Op<Halo_Dialect, opMnemonic, traits>;
/// An op inside a kernel that yields signals and may be erased, moved and merged.
class Halo_SignalOp<string opMnemonic, list<Trait> traits = []>
    : Halo_Op<opMnemonic, !listconcat(traits, [Pure, HasParent<"KernelOp">])>;
/// An op inside a kernel that writes an output.
class Halo_StoreOp<string opMnemonic> : Halo_Op<opMnemonic, [HasParent<"KernelOp">]>;

def KernelOp : Halo_Op<"kernel", [IsolatedFromAbove, Symbol, SingleBlock, NoTerminator,
                                  NoRegionArguments]> {
  let summary = "a kernel: parameters, operands, and the signals it stores";
  let description = [{
    `params` are compile-time: numbers, types, enumerations, flags, and the parts and heads of a
    split. The pass `halo-specialise` binds them, erases absent optional operands, expands variadic
    outputs, and leaves a kernel without parameters. An optional output is present when the flag
    of its name is true, or the flag it names: `@proj_state : optional(states) state<T, Kp, 3>`. A
    state may be in `ins` and in `outs` under one name: loads read the one, stores write the other.

    ```mlir
    halo.kernel @smooth params(K : int, layout : enum<bdl, bld>, T : type, W : type)
        ins(@x : view<T, layout>, @weight : taps<W, K>, @bias : optional channel<W>)
        outs(@y : view<T, layout>) {
      %x = halo.load @x
      %f = halo.fir %x, @weight
      halo.store %f, @y
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<StrAttr>:$sym_visibility,
                       ArrayAttr:$params, ArrayAttr:$operand_decls,
                       OptionalAttr<Halo_ScheduleAttr>:$schedule);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The declared operand of this name, or null. Where a state is an input and an output, the
    /// input.
    OperandDeclAttr lookupOperand(::llvm::StringRef name);
    /// The declared input (or output) of this name, or null.
    OperandDeclAttr lookupOperand(::llvm::StringRef name, bool output);
    /// The declared parameter of this name, or null.
    ParamDeclAttr lookupParam(::llvm::StringRef name);
    /// True once no parameter is left.
    bool isSpecialised() { return getParams().empty(); }
  }];
}

def LoadOp : Halo_SignalOp<"load"> {
  let summary = "the signals of a view";
  let description = [{
    At t < 0 the signal is 0, or the history in `init`: the last K - 1 samples before t = 0, newest
    last. An operand with m streams yields m signals.

    `packed` names what says where one sequence ends and the next begins. Positions are the kernel's:
    what one load says holds for every FIR, state and store of it, and two may not differ. Of the
    operands named, one at most is there at a time; with none, nothing is packed.

    `indices<bounds>`, b[0] = 0 to b[N] = L: sequence n has positions b[n] to b[n + 1] - 1, none where
    both are equal. Taps reach back to b[n], and what lies before it is 0 or sequence n's own history:
    states have N rows. There is one row of positions (B = 1).

    `indices<positions>`, a number per position: taps count where the number is that of the output's
    position, and as 0 elsewhere. History before t = 0 has the number of t = 0. Where the number is
    negative what is stored is 0. A state keeps the samples with the number of position L - 1, and 0
    in the place of others, or of all where that is negative.

    ```mlir
    %x = halo.load @x init(@initial_state) packed(@cu_seqlens, @seq_idx)
    %x2, %x1, %v = halo.load @z streams(interleave)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$view, OptionalAttr<AnyAttr>:$streams,
                       OptionalAttr<FlatSymbolRefAttr>:$init,
                       OptionalAttr<TypedArrayAttrBase<FlatSymbolRefAttr, "operands">>:$packed);
  let results = (outs Variadic<F32>:$signals);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def ChannelOp : Halo_SignalOp<"channel"> {
  let summary = "a per-channel operand as a signal that is constant along positions";
  let description = "Example: `%b = halo.channel @bias`";
  let arguments = (ins FlatSymbolRefAttr:$operand);
  let results = (outs F32:$signal);
  let assemblyFormat = "$operand attr-dict";
  let hasVerifier = 1;
}

def FirOp : Halo_SignalOp<"fir"> {
  let summary = "causal FIR: y[t] = sum over k of w[k] * u[t - k] (or the taps reversed)";
  let description = [{
    `taps(correlation)`, the default: w[K-1] meets the current sample. `taps(convolution)`: w[0]
    does. `precision(fast)` lets the tensor cores round wider taps to the samples' type (relative norm of
    the error up to 6e-3 in bf16); `accurate`, the default, keeps them as sums of two numbers. `plus(%b)` adds a signal: the sum starts from it. u[t] for t < 0 is 0 unless the input has a history (`load init`, `resume`). Terms are
    added oldest sample first, with fused multiply-adds in f32.

    ```mlir
    %y = halo.fir %x, @weight plus(%b)
    %y = halo.fir %u, @filter taps(convolution)
    %p = halo.fir %x1, @proj_weight stream(1, interleave)
    ```
  }];
  let arguments = (ins F32:$input, Optional<F32>:$addend, FlatSymbolRefAttr:$weight,
                       OptionalAttr<AnyAttr>:$order, OptionalAttr<AnyAttr>:$precision,
                       OptionalAttr<I64Attr>:$stream, OptionalAttr<AnyAttr>:$streams);
  let results = (outs F32:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def ModalOp : Halo_SignalOp<"modal"> {
  let summary = "causal convolution with a sum of S exponentials, as long as the sequence";
  let description = [{
    y[t] = sum over k of h[k] * u[t - k], h[k] = sum over s of R[s] * exp(lp[s] * k), lp < 0: the
    filter of `log_poles` and `residues`, which nobody stores. Computed as S states per channel,
    S[t] = exp(lp) * S[t - 1] + u[t], y[t] = sum of R * S[t]; `init` holds the states before t = 0,
    `store_state` of the result stores those after L - 1.

    A state never loses what a slow pole takes from it: it decays by expm1(lp * k) for k positions at
    a time. After 1,048,576 positions with lp = -1e-6 the result is as right as after one (hyena_c3).
    On the tensor cores `precision(fast)` rounds poles' powers, residues and states within a tile to
    the samples' type (relative norm of the error up to 6e-3 in bf16); `accurate`, the default, keeps
    them as sums of two numbers.

    Not promised: over how many positions a state moves at a time; a schedule says it. A sequence
    cut in two and continued from its stored states may differ in the last bits from one that is not.

    ```mlir
    %y = halo.modal %u, @log_poles, @residues init(@modal_state)
    halo.store_state %y, @modal_state
    ```
  }];
  let arguments = (ins F32:$input, FlatSymbolRefAttr:$log_poles, FlatSymbolRefAttr:$residues,
                       OptionalAttr<FlatSymbolRefAttr>:$init, OptionalAttr<AnyAttr>:$precision);
  let results = (outs F32:$result);
  let assemblyFormat = [{
    $input `,` $log_poles `,` $residues (`init` `(` $init^ `)`)?
    (`precision` `(` custom<Precision>($precision)^ `)`)? attr-dict
  }];
  let hasVerifier = 1;
}

def ModalFilterOp : Halo_SignalOp<"modal_filter"> {
  let summary = "the filter of a modal convolution: h[k] = sum over s of R[s] * exp(lp[s] * k)";
  let description = [{
    Each position is computed from its own exponentials, never from a neighbour's.
    Example: `%h = halo.modal_filter @log_poles, @residues`
  }];
  let arguments = (ins FlatSymbolRefAttr:$log_poles, FlatSymbolRefAttr:$residues);
  let results = (outs F32:$result);
  let assemblyFormat = "$log_poles `,` $residues attr-dict";
  let hasVerifier = 1;
}

def ResumeOp : Halo_SignalOp<"resume"> {
  let summary = "the input for t >= 0; before that, its history";
  let description = [{
    What `load init` is for a view, for a computed signal: chunked prefill of the second FIR of a
    chain. Example: `%u1 = halo.resume %u, @fir_state`
  }];
  let arguments = (ins F32:$input, FlatSymbolRefAttr:$state);
  let results = (outs F32:$result);
  let assemblyFormat = "$input `,` $state attr-dict";
  let hasVerifier = 1;
}

def RoundOp : Halo_SignalOp<"round", [SameOperandsAndResultType]> {
  let summary = "round to a storage type, to nearest even, and widen again";
  let description = [{
    Part of the law, never removed: an `arith.truncf`/`extf` pair would fold away.
    Example: `%u = halo.round %g to T`
  }];
  let arguments = (ins F32:$input, AnyAttr:$type);
  let results = (outs F32:$result);
  let assemblyFormat = "$input `to` custom<ElementAttr>($type) attr-dict";
  let hasVerifier = 1;
}

class Halo_ActivationOp<string opMnemonic, string formula>
    : Halo_SignalOp<opMnemonic, [SameOperandsAndResultType]> {
  let summary = formula;
  let arguments = (ins F32:$input);
  let results = (outs F32:$result);
  let assemblyFormat = "$input attr-dict";
}
def SiluOp : Halo_ActivationOp<"silu", "a / (1 + exp(-a))"> {
  let description = "Example: `%s = halo.silu %a`";
}
def SigmoidOp : Halo_ActivationOp<"sigmoid", "1 / (1 + exp(-a))"> {
  let description = "Example: `%s = halo.sigmoid %a`";
}

def ChooseOp : Halo_SignalOp<"choose"> {
  let summary = "one of several signals, by the value of a parameter or an operand's presence";
  let description = [{
    Resolved by `halo-specialise`. An optional operand's cases are `present` and `absent`, a
    flag's `true` and `false`, an enumeration's its values.

    ```mlir
    %a = halo.choose bias {present = %sum, absent = %f}
    ```
  }];
  let arguments = (ins StrAttr:$param, StrArrayAttr:$cases, Variadic<F32>:$values);
  let results = (outs F32:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def StoreOp : Halo_StoreOp<"store"> {
  let summary = "store a signal for 0 <= t < L, rounded to the view's type";
  let description = "Example: `halo.store %y, @y`";
  let arguments = (ins F32:$input, FlatSymbolRefAttr:$view);
  let assemblyFormat = "$input `,` $view attr-dict";
  let hasVerifier = 1;
}

def SplitStoreOp : Halo_StoreOp<"split_store"> {
  let summary = "store consecutive ranges of channels to separate views";
  let description = [{
    Boundaries are arbitrary; the widths add up to D, which is checked at launch. A part with a
    head width h is normalised per head of h channels, in f32 before the rounding:
    x / sqrt(sum of x*x over the head + 1e-6).

    ```mlir
    halo.split_store %y, [@parts] widths(split) heads(l2norm)
    halo.split_store %y, [@q, @v] widths([100, 28]) heads([50, 0])
    ```
  }];
  let arguments = (ins F32:$input, ArrayAttr:$parts, AnyAttr:$widths, OptionalAttr<AnyAttr>:$heads);
  let assemblyFormat = [{ $input `,` $parts `widths` `(` custom<NumbersOrParam>($widths) `)`
                          (`heads` `(` custom<NumbersOrParam>($heads)^ `)`)? attr-dict }];
  let hasVerifier = 1;
}

def StoreStateOp : Halo_StoreOp<"store_state"> {
  let summary = "store the last K - 1 samples of a signal, those of its history included";
  let description = [{
    For the raw input of a load with streams give all its signals, in order. To a `modal_state`,
    the states of the `halo.modal` whose result is given.
    Example: `halo.store_state %x, @final_state`
  }];
  let arguments = (ins Variadic<F32>:$inputs, FlatSymbolRefAttr:$state, OptionalAttr<AnyAttr>:$streams);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

#endif
