# What libmedsec is made of, by layer. The firmware, the fuzzers and the examples use the same lists.

set(MEDSEC_CORE_SOURCES
  src/core/aes_cbc.c
  src/core/handshake.c
  src/core/hex.c
  src/core/hkdf.c
  src/core/profile.c
  src/core/reading_json.c
  src/core/reading_parser.c
  src/core/seed_decoder.c
  src/core/seed_frame.c
  src/core/session.c
  src/core/status.c
  src/core/text.c
  src/core/topic.c
  src/core/value.c
  src/core/writer.c)

set(MEDSEC_CRYPTO_OPENSSL_SOURCES
  src/crypto/openssl/openssl.c
  src/crypto/openssl/primitives.c)

set(MEDSEC_HOST_SOURCES
  src/host/audit.c
  src/host/config.c
  src/host/credential.c
  src/host/device.c
  src/host/directory.c
  src/host/flat_json.c
  src/host/import.c
  src/host/log.c
  src/host/profile_file.c
  src/host/registry.c
  src/host/seal.c
  src/host/secret_file.c
  src/host/store.c
  src/host/unlock.c
  src/host/verify.c)

set(MEDSEC_GATEWAY_SOURCES
  src/gateway/address.c
  src/gateway/broker_socket.c
  src/gateway/budget.c
  src/gateway/connection.c
  src/gateway/emit.c
  src/gateway/gateway.c
  src/gateway/identify.c
  src/gateway/listener.c
  src/gateway/loop.c
  src/gateway/mqtt_url.c
  src/gateway/paho_link.c
  src/gateway/paho_window.c
  src/gateway/presence.c
  src/gateway/publisher_memory.c
  src/gateway/publisher_paho.c
  src/gateway/queue.c
  src/gateway/watch.c)
