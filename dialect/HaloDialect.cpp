#include "dialect/HaloDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace halo::ir;

#include "dialect/HaloDialect.cpp.inc"
#include "dialect/HaloEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/HaloAttrs.cpp.inc"

void HaloDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/HaloAttrs.cpp.inc"
      >();
  registerTypes();
  addOperations<
#define GET_OP_LIST
#include "dialect/HaloOps.cpp.inc"
      >();
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t blockN,
                                   int64_t blockL, int64_t numWarps, int64_t vector,
                                   int64_t unroll, int64_t stages, int64_t minBlocks,
                                   WindowKind window, int64_t align, FirKind fir,
                                   int64_t cluster) {
  if (numWarps < 1 || numWarps > 32)
    return emitError() << "schedule: num_warps " << numWarps << " is not in 1..32";
  if (vector < 1 || vector > 8 || (vector & (vector - 1)))
    return emitError() << "schedule: vector " << vector << " is not 1, 2, 4 or 8";
  if (blockN < 1 || blockL < 0)
    return emitError() << "schedule: block_n " << blockN << " must be at least 1 and block_l "
                       << blockL << " at least 0";
  if (unroll < 1 || unroll > 64)
    return emitError() << "schedule: unroll " << unroll << " is not in 1..64";
  if (stages < 1 || stages > 8)
    return emitError() << "schedule: stages " << stages << " is not in 1..8";
  if (minBlocks < 1 || minBlocks > 32)
    return emitError() << "schedule: min_blocks " << minBlocks << " is not in 1..32";
  if (cluster < 1 || cluster > 8 || (cluster & (cluster - 1)))
    return emitError() << "schedule: cluster " << cluster << " is not 1, 2, 4 or 8";
  if (align != 1 && align != 16)
    return emitError() << "schedule: align " << align << " is not 1 or 16";
  return success();
}
