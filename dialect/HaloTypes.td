// Types of a kernel's operands. An element type is `f32`, `f16`, `bf16` or a type parameter; a
// count is a number or an integer parameter. They appear in signatures only, never on values.
#ifndef HALO_TYPES_TD
#define HALO_TYPES_TD

include "dialect/HaloBase.td"

class Halo_Type<string name, string typeMnemonic> : TypeDef<Halo_Dialect, name> {
  let mnemonic = typeMnemonic;
  let genVerifyDecl = 1;
}

def Halo_ViewType : Halo_Type<"View", "view"> {
  let summary = "a strided activation tensor: [B, D, L] (bdl), [B, L, D] (bld), [B, D] (bd), [D, L] (dl)";
  let description = [{
    Examples: `view<T, layout>`, `view<bf16, bld, 3>` (3 streams: 3D channels). A `bd` view is one
    position: a kernel of such views is a step, which reads its states and writes them anew, in
    place where the caller gives the same memory twice. A `dl` view has no batch, B = 1.
  }];
  let parameters = (ins "::mlir::Attribute":$element, "::mlir::Attribute":$layout,
                        "::mlir::Attribute":$streams);
  let assemblyFormat = [{ `<` `` custom<Element>($element) `,` custom<Layout>($layout)
                          `` custom<TrailingCount>($streams) `` `>` }];
}
def Halo_TapsType : Halo_Type<"Taps", "taps"> {
  let summary = "FIR coefficients [streams*D/group, K]: `group` consecutive channels share a row";
  let description = "Example: `taps<W, K, group>`, `taps<f32, 3, 1, 3>` (3 streams).";
  let parameters = (ins "::mlir::Attribute":$element, "::mlir::Attribute":$taps,
                        "::mlir::Attribute":$group, "::mlir::Attribute":$streams);
  let assemblyFormat = [{ `<` `` custom<Element>($element) `,` custom<Count>($taps)
                          `` custom<GroupAndStreams>($group, $streams) `` `>` }];
}
def Halo_ChannelType : Halo_Type<"Channel", "channel"> {
  let summary = "one number per channel: [D]";
  let parameters = (ins "::mlir::Attribute":$element);
  let assemblyFormat = "`<` `` custom<Element>($element) `` `>`";
}
def Halo_StateType : Halo_Type<"State", "state"> {
  let summary = "the last K - 1 samples of every channel, newest last: [B, streams*D, K - 1]";
  let description = [{
    A state may be kept in memory of its own making, which a launch updates in place:
    - `longer`: [B, streams*D, N] of any N >= K - 1 (update_c1), the last N samples.
    - `ring(@at)`: the newest sample lies before place at[b] mod N, and what comes before it wraps
      around. A launch writes its own samples alone, the first at at[b] mod N; who launches moves
      `at` on. A state in the usual order is the ring of at = 0.
    - `slots(@index)`: [slots, streams*D, N]; row b of the batch has slot index[b]. A row of slot
      -1 is padding: what is stored of it is 0, and no state is touched. No two rows of a launch
      have one slot.

    `at` and `index` are `indices<rows>`; where they are optional and absent, the state is a plain
    one. Examples: `state<T, K, 3>`, `state<T, K ring(@fir_position)>`,
    `state<T, K longer ring(@cache_seqlens) slots(@conv_state_indices)>`.
  }];
  let parameters = (ins "::mlir::Attribute":$element, "::mlir::Attribute":$taps,
                        "::mlir::Attribute":$streams,
                        OptionalParameter<"::mlir::UnitAttr">:$longer,
                        OptionalParameter<"::mlir::FlatSymbolRefAttr">:$ring,
                        OptionalParameter<"::mlir::FlatSymbolRefAttr">:$slots);
  let assemblyFormat = [{ `<` `` custom<Element>($element) `,` custom<Count>($taps)
                          `` custom<TrailingCount>($streams)
                          `` custom<Keeping>($longer, $ring, $slots) `` `>` }];
  let extraClassDeclaration = [{
    /// True where the state is more than K - 1 samples in their order, a row for each of the batch.
    bool isKept() const { return getLonger() || getRing() || getSlots(); }
  }];
}
def Halo_ModesType : Halo_Type<"Modes", "modes"> {
  let summary = "S numbers per channel, always f32: log-poles or residues, [D, S]";
  let description = "Example: `modes<S>`, `modes<16>`.";
  let parameters = (ins "::mlir::Attribute":$modes);
  let assemblyFormat = "`<` `` custom<Count>($modes) `` `>`";
}
def Halo_ModalStateType : Halo_Type<"ModalState", "modal_state"> {
  let summary = "what a modal recurrence carries from position to position, f32: [B, D, S]";
  let parameters = (ins "::mlir::Attribute":$modes);
  let assemblyFormat = "`<` `` custom<Count>($modes) `` `>`";
}
def Halo_IndicesType : Halo_Type<"Indices", "indices"> {
  let summary = "whole numbers, always i32: one per row, [B] (rows), one per position, [B, L] (positions), or the N + 1 ends of N sequences (bounds)";
  let description = [{
    Example: `@cache_seqlens : optional indices<rows>`. They say where something is; no signal is
    made of them. The host checks their values where it can see them, a launch does not.
  }];
  let parameters = (ins EnumParameter<Halo_IndexFormEnum>:$form);
  let assemblyFormat = "`<` `` $form `` `>`";
}

#endif
