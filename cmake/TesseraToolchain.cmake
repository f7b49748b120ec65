# Compiler, linker and flags, the same for every target. Nothing is downloaded here.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

option(TESSERA_BUILD_TESTS "Build the tests" ON)
set(TESSERA_SANITIZER "" CACHE STRING "Sanitizers of the whole build: address,undefined or thread")

# Dev: assertions on, debug info only for line numbers; a cold build on two cores has to stay short.
set(CMAKE_CXX_FLAGS_DEV "-O1 -gline-tables-only -fno-inline-functions")
set(CMAKE_C_FLAGS_DEV "-O1 -gline-tables-only")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(TESSERA_CCACHE ccache)
if(TESSERA_CCACHE)
  # Sloppiness: a precompiled header is compared by content, not by time. hash_dir/base_dir: checkouts share results.
  set(_launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=10G ${TESSERA_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${_launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${_launcher})
endif()

# For sources with stable_sort or stable_partition: libstdc++ 12 calls in them what it marks as deprecated itself, and clang
# says so at every use.
set(TESSERA_STABLE_SORT_OPTIONS -Wno-deprecated-declarations)
add_compile_options(-Wall -Wextra -Wno-unused-parameter -fno-semantic-interposition -ffunction-sections -fdata-sections
                    "$<$<COMPILE_LANGUAGE:CXX>:-Wno-deprecated-copy>")
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fpch-instantiate-templates>")
  add_link_options(-fuse-ld=lld)
  # CMake hands precompiled headers over by absolute paths behind -Xclang, where ccache cannot make them relative: no checkout could
  # use what another one compiled. So: the header by its name (TesseraTargets.cmake gives the folder), the result by a
  # driver option that ccache knows.
  set(CMAKE_CXX_COMPILE_OPTIONS_CREATE_PCH -Xclang -emit-pch -Xclang -include -Xclang cmake_pch.hxx -x c++-header)
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -include-pch <PCH_FILE>)
endif()
# as-needed: Debian's LLVM archives name libraries (z3) that none of our code reaches.
add_link_options(-Wl,--gc-sections -Wl,--as-needed)
if(TESSERA_SANITIZER)
  add_compile_options(-fsanitize=${TESSERA_SANITIZER} -fno-omit-frame-pointer -fno-sanitize=vptr,function)
  add_link_options(-fsanitize=${TESSERA_SANITIZER})
endif()

find_package(LLVM 22.1 REQUIRED CONFIG)
find_package(MLIR REQUIRED CONFIG)
# Debian's MLIR archives say that they need libLLVM.so. Here LLVM comes from archives too and stays hidden: one LLVM a library,
# none that another library in the process could meet (R11).
add_library(tessera_llvm_archives INTERFACE)
target_link_libraries(tessera_llvm_archives INTERFACE LLVMCore LLVMTargetParser LLVMSupport)
get_property(_imported DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(_target ${_imported})
  if(_target MATCHES "^MLIR")
    get_target_property(_libraries ${_target} INTERFACE_LINK_LIBRARIES)
    list(TRANSFORM _libraries REPLACE "^LLVM$" "tessera_llvm_archives")
    set_target_properties(${_target} PROPERTIES INTERFACE_LINK_LIBRARIES "${_libraries}")
  endif()
endforeach()
list(APPEND CMAKE_MODULE_PATH "${LLVM_CMAKE_DIR}" "${MLIR_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)
find_package(Threads REQUIRED)
message(STATUS "Tessera: LLVM ${LLVM_PACKAGE_VERSION}, ${CMAKE_BUILD_TYPE}, sanitizer '${TESSERA_SANITIZER}'")
