# tessera_library, tessera_mlir_library, tessera_llvm_library, tessera_plugin, tessera_unit_test: the kinds of target there are.
# Every one takes an explicit SOURCES list (a check fails on a source file that no list names) and LINK.

# tessera_library(NAME SOURCES … LINK …): a static, position-independent library. No LLVM, no MLIR headers.
function(tessera_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}")
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
endfunction()

# One precompiled header for everything that includes MLIR, one for what includes LLVM's IRBuilder. ccache shall hand what one
# checkout compiled to another, so nothing in them may depend on the place: they are named in angle brackets, carry no time
# stamps, and the compiler records files relative to /proc/self/cwd, the build folder of whoever reads them (copied there, since
# ninja would cut `cwd/..` off).
set(TESSERA_PCH_OPTIONS "SHELL:-Xclang -fno-pch-timestamp -working-directory=/proc/self/cwd")

function(tessera_define_pch)
  if(NOT TARGET tessera_pch_mlir)
    configure_file("${CMAKE_SOURCE_DIR}/cmake/pch/Mlir.h" "${CMAKE_BINARY_DIR}/pch/Mlir.h" COPYONLY)
    configure_file("${CMAKE_SOURCE_DIR}/cmake/pch/Llvm.h" "${CMAKE_BINARY_DIR}/pch/Llvm.h" COPYONLY)
    file(WRITE "${CMAKE_BINARY_DIR}/pch/empty_mlir.cpp" "// anchor of the precompiled header\n")
    add_library(tessera_pch_mlir OBJECT "${CMAKE_BINARY_DIR}/pch/empty_mlir.cpp")
    target_include_directories(tessera_pch_mlir SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
    target_include_directories(tessera_pch_mlir PRIVATE "${CMAKE_BINARY_DIR}" "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/tessera_pch_mlir.dir")
    target_compile_options(tessera_pch_mlir PRIVATE ${TESSERA_PCH_OPTIONS})
    target_precompile_headers(tessera_pch_mlir PRIVATE "<pch/Mlir.h>")
    file(WRITE "${CMAKE_BINARY_DIR}/pch/empty_llvm.cpp" "// anchor of the precompiled header\n")
    add_library(tessera_pch_llvm OBJECT "${CMAKE_BINARY_DIR}/pch/empty_llvm.cpp")
    target_include_directories(tessera_pch_llvm SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS})
    target_include_directories(tessera_pch_llvm PRIVATE "${CMAKE_BINARY_DIR}" "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/tessera_pch_llvm.dir")
    target_compile_options(tessera_pch_llvm PRIVATE ${TESSERA_PCH_OPTIONS})
    target_precompile_headers(tessera_pch_llvm PRIVATE "<pch/Llvm.h>")
  endif()
endfunction()

# tessera_mlir_library(NAME SOURCES … LINK … DEPENDS …): as tessera_library, with MLIR headers and their precompiled header.
function(tessera_mlir_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  tessera_define_pch()
  tessera_library(${name} SOURCES ${ARG_SOURCES} LINK ${ARG_LINK})
  target_include_directories(${name} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_compile_options(${name} PRIVATE ${TESSERA_PCH_OPTIONS})
  target_precompile_headers(${name} REUSE_FROM tessera_pch_mlir)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# tessera_llvm_library(NAME SOURCES … LINK …): as tessera_library, with LLVM (IRBuilder, targets) but no MLIR.
function(tessera_llvm_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  tessera_define_pch()
  tessera_library(${name} SOURCES ${ARG_SOURCES} LINK ${ARG_LINK})
  target_include_directories(${name} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS})
  target_compile_options(${name} PRIVATE ${TESSERA_PCH_OPTIONS})
  target_precompile_headers(${name} REUSE_FROM tessera_pch_llvm)
endfunction()

# tessera_shared(NAME SOURCES … LINK … EXPORTS file OUTPUT name): a shared object that exports only what EXPORTS names
# (a version script); everything it contains, LLVM and MLIR included, is hidden.
function(tessera_shared name)
  cmake_parse_arguments(ARG "" "EXPORTS;OUTPUT" "SOURCES;LINK" ${ARGN})
  add_library(${name} SHARED ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME "${ARG_OUTPUT}" PREFIX "lib" LINK_DEPENDS "${ARG_EXPORTS}")
  target_link_options(${name} PRIVATE "-Wl,--version-script=${ARG_EXPORTS}" -Wl,--exclude-libs,ALL -Wl,-Bsymbolic
                      -static-libstdc++ -static-libgcc)
endfunction()

# tessera_unit_test(NAME SOURCES … LINK … [ASAN] [TSAN]): a GoogleTest program, registered with ctest under its name. ASAN
# and TSAN: `./dev test` also runs it in that sanitizer's build (for tests that link no LLVM, which would take too long).
function(tessera_unit_test name)
  cmake_parse_arguments(ARG "ASAN;TSAN" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set(_labels "")
  if(NOT TARGET tessera_sanitized_tests)
    add_custom_target(tessera_sanitized_tests)
  endif()
  if(ARG_ASAN)
    list(APPEND _labels sanitized-asan)
  endif()
  if(ARG_TSAN)
    list(APPEND _labels sanitized-tsan)
  endif()
  if((ARG_ASAN AND TESSERA_SANITIZER MATCHES "address") OR (ARG_TSAN AND TESSERA_SANITIZER MATCHES "thread"))
    add_dependencies(tessera_sanitized_tests ${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${_labels}" TIMEOUT 600)
endfunction()

# A table that a script of the current folder makes when the build is configured: SCRIPT OUTPUT, the output within the build folder. Made anew when the script
# changes.
function(tessera_generated_table script output)
  set(_table "${CMAKE_BINARY_DIR}/${output}")
  cmake_path(GET _table PARENT_PATH _folder)
  file(MAKE_DIRECTORY "${_folder}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${script}")
  if("${CMAKE_CURRENT_SOURCE_DIR}/${script}" IS_NEWER_THAN "${_table}")
    execute_process(COMMAND "${Python3_EXECUTABLE}" "${CMAKE_CURRENT_SOURCE_DIR}/${script}" "${_table}" COMMAND_ERROR_IS_FATAL ANY)
  endif()
endfunction()
