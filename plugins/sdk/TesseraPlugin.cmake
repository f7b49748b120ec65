# tessera_plugin(NAME MANIFEST file [COMPILER SOURCES … LINK …] [DRIVER SOURCES … LINK …]): the libraries of one plugin.
# lib/libtessera_<NAME>.so has the compiler role (or both, where no DRIVER is given and the source says so),
# lib/libtessera_<NAME>_driver.so the driver role; the manifest goes to lib/tessera/plugins.d, where the loader finds it
# relative to the program or to libtessera.so. Every library exports the two symbols of plugin.exports and nothing else.
set(TESSERA_PLUGIN_EXPORTS "${CMAKE_CURRENT_LIST_DIR}/plugin.exports")
set(TESSERA_MANIFEST_DIR "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/tessera/plugins.d")

function(tessera_plugin_library target output)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  tessera_shared(${target} SOURCES ${ARG_SOURCES} LINK tessera_sdk ${ARG_LINK}
                 EXPORTS "${TESSERA_PLUGIN_EXPORTS}" OUTPUT ${output})
  # The build id keys the compile cache; a library must not need symbols that nobody gives it.
  target_link_options(${target} PRIVATE -Wl,--build-id=sha1 -Wl,--as-needed)
  # Libraries that a plugin brings along lie beside it.
  set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN")
  if(NOT TESSERA_SANITIZER) # not a generator expression: the list of sanitizers has a comma in it
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
endfunction()

function(tessera_plugin name)
  cmake_parse_arguments(ARG "" "MANIFEST" "COMPILER;DRIVER" ${ARGN})
  set(libraries "")
  if(ARG_COMPILER)
    tessera_plugin_library(tessera_plugin_${name} tessera_${name} ${ARG_COMPILER})
    list(APPEND libraries tessera_plugin_${name})
  endif()
  if(ARG_DRIVER)
    tessera_plugin_library(tessera_plugin_${name}_driver tessera_${name}_driver ${ARG_DRIVER})
    list(APPEND libraries tessera_plugin_${name}_driver)
  endif()
  # Beside the first library, so that whoever builds the plugin has its manifest too.
  cmake_path(GET ARG_MANIFEST FILENAME file)
  cmake_path(ABSOLUTE_PATH ARG_MANIFEST)
  add_custom_command(OUTPUT "${TESSERA_MANIFEST_DIR}/${file}"
                     COMMAND ${CMAKE_COMMAND} -E copy "${ARG_MANIFEST}" "${TESSERA_MANIFEST_DIR}/${file}" DEPENDS "${ARG_MANIFEST}")
  add_custom_target(tessera_plugin_${name}_manifest DEPENDS "${TESSERA_MANIFEST_DIR}/${file}")
  add_custom_target(tessera_plugin_${name}_all ALL DEPENDS ${libraries})
  add_dependencies(tessera_plugin_${name}_all tessera_plugin_${name}_manifest)
  set_property(GLOBAL APPEND PROPERTY TESSERA_PLUGIN_TARGETS ${libraries})
endfunction()
