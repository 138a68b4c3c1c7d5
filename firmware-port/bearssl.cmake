# The parts of BearSSL that the firmware needs, from the distribution's source package, which
# scripts/deps-firmware unpacks into MEDSEC_BEARSSL.

set(MEDSEC_BEARSSL "${PROJECT_SOURCE_DIR}/../build/bearssl" CACHE PATH "unpacked source of BearSSL")
if(NOT EXISTS "${MEDSEC_BEARSSL}/inc/bearssl.h")
  message(FATAL_ERROR "no BearSSL in ${MEDSEC_BEARSSL}: scripts/deps-firmware gets it")
endif()

set(bearssl_sources
  codec/ccopy.c
  codec/dec32be.c
  codec/dec32le.c
  codec/enc32be.c
  codec/enc32le.c
  ec/ec_c25519_m15.c
  hash/sha2small.c
  mac/hmac.c
  rand/hmac_drbg.c
  symcipher/aes_ct.c
  symcipher/aes_ct_cbcdec.c
  symcipher/aes_ct_cbcenc.c
  symcipher/aes_ct_dec.c
  symcipher/aes_ct_enc.c
  symcipher/chacha20_ct.c
  symcipher/poly1305_ctmul32.c)
list(TRANSFORM bearssl_sources PREPEND "${MEDSEC_BEARSSL}/src/")

add_library(bearssl STATIC ${bearssl_sources})
target_include_directories(bearssl SYSTEM PUBLIC "${MEDSEC_BEARSSL}/inc")
target_include_directories(bearssl PRIVATE "${MEDSEC_BEARSSL}/src")
target_compile_options(bearssl PRIVATE -w) # its own business
target_link_libraries(bearssl PUBLIC medsec_libc)
add_library(BearSSL::BearSSL ALIAS bearssl)
