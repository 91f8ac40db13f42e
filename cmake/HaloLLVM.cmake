# Finds LLVM/MLIR 22 and makes its archives linkable statically.
#
# MLIR's exported targets name the 150 MB shared libLLVM in their link interfaces; we remove it and
# link the component archives instead, so that libhalo_compiler.so carries LLVM hidden inside.

# MLIR's version file refuses "22"; ask for any and check by hand.
find_package(MLIR CONFIG QUIET HINTS /usr/lib/llvm-22/lib/cmake/mlir)
if(NOT MLIR_FOUND)
  message(FATAL_ERROR "LLVM/MLIR 22 not found: install libmlir-22-dev, or set MLIR_DIR, "
                      "or build only the runtime with -DHALO_BUILD_COMPILER=OFF")
endif()
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "LLVM/MLIR 22 is needed, found ${LLVM_PACKAGE_VERSION}")
endif()
message(STATUS "LLVM/MLIR ${LLVM_PACKAGE_VERSION} in ${MLIR_CMAKE_DIR}")

list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)
# AddLLVM may reset the output folders' flags; system headers keep our warnings ours.
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
add_compile_definitions(${LLVM_DEFINITIONS_LIST})

get_property(haloImported DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(target IN LISTS haloImported)
  get_target_property(links ${target} INTERFACE_LINK_LIBRARIES)
  if(links)
    list(REMOVE_ITEM links LLVM)
    set_target_properties(${target} PROPERTIES INTERFACE_LINK_LIBRARIES "${links}")
  endif()
endforeach()

llvm_map_components_to_libnames(HALO_LLVM_LIBS
  core support irreader bitreader bitwriter passes analysis target transformutils
  scalaropts instcombine ipo linker asmparser targetparser
  nvptxcodegen nvptxdesc nvptxinfo
  orcjit x86codegen x86desc x86info x86asmparser)
set(HALO_TABLEGEN_OUTPUT_ROOT ${CMAKE_BINARY_DIR})
