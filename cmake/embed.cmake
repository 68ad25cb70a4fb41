# A text file of the source tree as a C string of room `target`: extern const char radz_<name>[], ended by a NUL.
function(radz_embed target name file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/embed/${name}.c
       CONTENT "extern const char radz_${name}[];\nconst char radz_${name}[] = {\n${bytes}0x00};\n")
  target_sources(${target} PRIVATE ${CMAKE_BINARY_DIR}/embed/${name}.c)
endfunction()
