add_test(NAME layers COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/layers.sh ${CMAKE_SOURCE_DIR})

# Command-line tests: every folder of tests/cli/ (see tests/cli/run.sh). Those whose folder holds a file `needs-torch`
# run only where the plugin was built.
if(TARGET radz-bench)
  file(GLOB cli_commands CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cli/*/cmd)
  foreach(command ${cli_commands})
    get_filename_component(folder ${command} DIRECTORY)
    get_filename_component(name ${folder} NAME)
    if(NOT EXISTS ${folder}/needs-torch OR TARGET radz_torch_plugin)
      add_test(NAME cli_${name} COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/run.sh ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR} ${folder})
      set_tests_properties(cli_${name} PROPERTIES TIMEOUT 600)
    endif()
  endforeach()
endif()

# report.html in a browser; skipped where there is none
if(TARGET radz-bench)
  add_test(NAME page COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/page/page.sh ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  set_tests_properties(page PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600)
endif()
