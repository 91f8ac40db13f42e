// halo-opt: runs Halo's passes on MLIR text, for tests and for reading what a pass does.
#include "compiler/Passes.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  halo::compiler::registerDialects(registry);
  halo::compiler::registerPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Halo optimizer driver\n", registry));
}
