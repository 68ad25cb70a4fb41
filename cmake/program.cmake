# The shared library of all rooms but the torch side, the plugin, and the program.
set(core_rooms)
foreach(room base config data image text encoder cache score metric report run)
  if(TARGET radz_${room})
    list(APPEND core_rooms radz_${room})
  endif()
endforeach()

function(radz_link_whole target)
  foreach(library ${ARGN})
    target_link_libraries(${target} PRIVATE -Wl,--whole-archive $<TARGET_FILE:${library}> -Wl,--no-whole-archive)
    add_dependencies(${target} ${library})
    # what the room needs from outside (libpng, libhdf5, ...), without the room's own archive a second time
    get_target_property(needs ${library} INTERFACE_LINK_LIBRARIES)
    foreach(need ${needs})
      if(NOT need MATCHES "^radz_(base|config|data|image|text|encoder|cache|score|metric|report|run|torch|model|train)$")
        target_link_libraries(${target} PRIVATE ${need})
      endif()
    endforeach()
  endforeach()
endfunction()

set(radz_rpath "$ORIGIN:$ORIGIN/../${CMAKE_INSTALL_LIBDIR}/radz-bench")

file(WRITE ${CMAKE_BINARY_DIR}/empty.c "typedef int radz_not_empty;\n")
add_library(radz SHARED ${CMAKE_BINARY_DIR}/empty.c)
set_target_properties(radz PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} INSTALL_RPATH "$ORIGIN")
radz_link_whole(radz ${core_rooms})
install(TARGETS radz LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/radz-bench)

# The helper process that reads DICOM files.
if(TARGET radz_image)
  add_executable(radz_dicom ${CMAKE_SOURCE_DIR}/src/image/gdcm_helper.cpp)
  set_target_properties(radz_dicom PROPERTIES OUTPUT_NAME radz-dicom CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON
                        CXX_EXTENSIONS OFF RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_include_directories(radz_dicom SYSTEM PRIVATE ${GDCM_INCLUDE_DIR})
  target_compile_options(radz_dicom PRIVATE -Wall -Wextra)
  target_link_libraries(radz_dicom PRIVATE radz_flags ${GDCM_MSFF_LIBRARY} ${GDCM_DSED_LIBRARY} ${GDCM_DICT_LIBRARY}
                        ${GDCM_Common_LIBRARY})
  install(TARGETS radz_dicom RUNTIME DESTINATION ${CMAKE_INSTALL_LIBDIR}/radz-bench)
endif()

if(TARGET radz_train)
  add_library(radz_torch_plugin MODULE ${CMAKE_BINARY_DIR}/empty.c)
  set_target_properties(radz_torch_plugin PROPERTIES OUTPUT_NAME radz_torch LINKER_LANGUAGE CXX
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} INSTALL_RPATH "$ORIGIN" INSTALL_RPATH_USE_LINK_PATH ON)
  radz_link_whole(radz_torch_plugin radz_torch radz_model radz_train)
  target_link_libraries(radz_torch_plugin PRIVATE radz)
  install(TARGETS radz_torch_plugin LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/radz-bench)
endif()

file(WRITE ${CMAKE_BINARY_DIR}/radz-home.txt "${CMAKE_SOURCE_DIR}\n")
file(GLOB bench_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/*.c)
if(bench_sources AND TARGET radz_run)
  add_executable(radz-bench ${bench_sources})
  target_include_directories(radz-bench PRIVATE ${CMAKE_SOURCE_DIR})
  set_target_properties(radz-bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} INSTALL_RPATH "${radz_rpath}")
  target_link_libraries(radz-bench PRIVATE radz_flags radz)
  install(TARGETS radz-bench RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(DIRECTORY manifests models DESTINATION ${CMAKE_INSTALL_DATADIR}/radz-bench)
endif()

if(EXISTS ${CMAKE_SOURCE_DIR}/bench/perf/CMakeLists.txt)
  add_subdirectory(bench/perf)
endif()
