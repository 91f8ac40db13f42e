// The staged strategy's code: the phases of StagedPlan.h, tile by tile.
#pragma once

#include "compiler/lowering/Emitter.h"

namespace halo::compiler {

/// Emits the walk of a block. `emitter` has the mapping of produce; its entry has been emitted.
void emitStaged(Emitter &emitter);

} // namespace halo::compiler
