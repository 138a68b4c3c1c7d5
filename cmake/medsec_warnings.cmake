# What every compiler that builds a part of this is asked to say: the host's and the device's.

add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wpointer-arith -Wwrite-strings -Wformat=2 -Wvla -fno-strict-aliasing
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=. -ffile-prefix-map=${PROJECT_BINARY_DIR}=build)
if(MEDSEC_WERROR)
  add_compile_options(-Werror)
endif()
