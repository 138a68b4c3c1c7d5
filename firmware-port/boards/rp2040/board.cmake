# Images for the RP2040 on bare metal: start-up, board table, second stage of the loader.

find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(rp2040_folder "${CMAKE_CURRENT_LIST_DIR}")

# Its own program at address 0, since it runs wherever the chip's ROM puts it.
add_executable(rp2040_boot2 "${rp2040_folder}/boot2.c")
target_link_options(rp2040_boot2 PRIVATE LINKER:-Ttext=0 LINKER:-e,boot2)
set(boot2_image "${CMAKE_CURRENT_BINARY_DIR}/boot2_image.c")
add_custom_command(OUTPUT "${boot2_image}"
  COMMAND ${CMAKE_OBJCOPY} -O binary -j .text $<TARGET_FILE:rp2040_boot2> boot2.bin
  COMMAND Python3::Interpreter "${rp2040_folder}/boot2.py" boot2.bin "${boot2_image}"
  DEPENDS rp2040_boot2 "${rp2040_folder}/boot2.py"
  VERBATIM)

add_library(rp2040_board OBJECT
  "${boot2_image}"
  "${rp2040_folder}/adc.c"
  "${rp2040_folder}/board.c"
  "${rp2040_folder}/chip.c"
  "${rp2040_folder}/clocks.c"
  "${rp2040_folder}/flash.c"
  "${rp2040_folder}/i2c.c"
  "${rp2040_folder}/pins.c"
  "${rp2040_folder}/start.c"
  "${rp2040_folder}/time.c"
  "${rp2040_folder}/uart.c")
target_include_directories(rp2040_board PUBLIC "${rp2040_folder}" "${rp2040_folder}/../../app")
target_link_libraries(rp2040_board PUBLIC medsec_libc)
# gcc's -Wshadow also means a parameter that is named as its type.
target_compile_options(rp2040_board PUBLIC -Wno-shadow)
# The RAM holds code too, so its segment is writable and executable.
target_link_options(rp2040_board INTERFACE LINKER:-T,${rp2040_folder}/rp2040.ld
  LINKER:--no-warn-rwx-segments)

# rp2040_image(<name> SOURCES ... [LIBRARIES ...]): NAME.elf, NAME.bin, NAME.uf2
function(rp2040_image name)
  cmake_parse_arguments(PARSE_ARGV 1 image "" "" "SOURCES;LIBRARIES")
  set(folder "${CMAKE_CURRENT_FUNCTION_LIST_DIR}")
  add_executable(${name} ${image_SOURCES})
  target_link_libraries(${name} PRIVATE rp2040_board ${image_LIBRARIES})
  set_target_properties(${name} PROPERTIES SUFFIX .elf LINK_DEPENDS "${folder}/rp2040.ld")
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND ${CMAKE_OBJCOPY} -O binary $<TARGET_FILE:${name}> ${name}.bin
    COMMAND Python3::Interpreter "${folder}/uf2.py" ${name}.bin ${name}.uf2
    VERBATIM)
endfunction()

# A shell to try the board with; not for a device.
rp2040_image(medsec-check SOURCES "${rp2040_folder}/check.c" "${rp2040_folder}/../check/check.c")
