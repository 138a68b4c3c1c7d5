/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HANDSHAKE_H
#define MEDSEC_HANDSHAKE_H

#include <medsec/crypto.h>

/*
 * Noise handshakes over 25519, ChaChaPoly and SHA256 (Noise Protocol Framework, revision 34). The
 * pattern is a row of a table; medsec/1 uses IKpsk1. All memory is the caller's; randomness comes
 * in as the ephemeral private key, which must be fresh for every handshake.
 */
typedef enum medsec_pattern {
    MEDSEC_PATTERN_NN,
    MEDSEC_PATTERN_XK,
    MEDSEC_PATTERN_IK,
    MEDSEC_PATTERN_XX,
    MEDSEC_PATTERN_NNPSK0,
    MEDSEC_PATTERN_XKPSK3,
    MEDSEC_PATTERN_XXPSK3,
    MEDSEC_PATTERN_IKPSK1,
    MEDSEC_PATTERN_IKPSK2
} medsec_pattern;

typedef enum medsec_role { MEDSEC_INITIATOR = 0, MEDSEC_RESPONDER = 1 } medsec_role;

/* A ChaChaPoly key with its counter: CipherState, section 5.1. */
typedef struct medsec_cipherstate {
    uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN];
    uint64_t nonce;
    bool keyed;
} medsec_cipherstate;

typedef struct medsec_handshake {
    const medsec_crypto *crypto;
    medsec_cipherstate cipher;
    uint8_t chaining_key[MEDSEC_SHA256_LEN];
    uint8_t hash[MEDSEC_SHA256_LEN];
    uint8_t static_private[MEDSEC_X25519_LEN];
    uint8_t static_public[MEDSEC_X25519_LEN];
    uint8_t ephemeral_private[MEDSEC_X25519_LEN];
    uint8_t ephemeral_public[MEDSEC_X25519_LEN];
    uint8_t remote_static[MEDSEC_X25519_LEN];
    uint8_t remote_ephemeral[MEDSEC_X25519_LEN];
    uint8_t psk[MEDSEC_PSK_LEN];
    uint16_t at; /* bytes of the message being read that are done */
    uint8_t pattern;
    uint8_t role;
    uint8_t message; /* 0, 1, 2 */
    uint8_t token; /* of the message */
    uint8_t have; /* which of the keys above are set */
    bool failed;
} medsec_handshake;

MEDSEC_BEGIN_DECLS

/* Begins; the prologue is mixed in, so both sides must give the same. ERR_ARGUMENT. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_handshake_open(medsec_handshake *handshake,
                                                            const medsec_crypto *crypto,
                                                            medsec_pattern pattern,
                                                            medsec_role role,
                                                            const uint8_t *prologue, size_t len);

/* Own keys, before the first message; a public half that is NULL is computed, which costs as much
 * as a Diffie-Hellman. ERR_CRYPTO: not a usable key; ERR_STATE: the handshake has failed. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_handshake_set_static(
    medsec_handshake *handshake, const uint8_t private_key[MEDSEC_X25519_LEN],
    const uint8_t public_key[MEDSEC_X25519_LEN]);
MEDSEC_API MEDSEC_CHECK medsec_status medsec_handshake_set_ephemeral(
    medsec_handshake *handshake, const uint8_t private_key[MEDSEC_X25519_LEN]);

/* What is known of the other side beforehand. */
MEDSEC_API void medsec_handshake_set_remote_static(medsec_handshake *handshake,
                                                   const uint8_t public_key[MEDSEC_X25519_LEN]);
MEDSEC_API void medsec_handshake_set_psk(medsec_handshake *handshake,
                                         const uint8_t psk[MEDSEC_PSK_LEN]);

/* The other side's static key, once it has been read or set; else NULL. */
MEDSEC_API const uint8_t *medsec_handshake_remote_static(const medsec_handshake *handshake);

/*
 * Writes the next message with its payload. ERR_STATE: it is the other side's turn, or a key is
 * missing. ERR_BUFFER. ERR_CRYPTO: a Diffie-Hellman result of zero; the handshake is over.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_handshake_write(medsec_handshake *handshake,
                                                             uint8_t *out, size_t cap, size_t *len,
                                                             const uint8_t *payload,
                                                             size_t payload_len);

/*
 * Reads the next message; `payload` has room for `len` bytes. ERR_CRYPTO: it is not authentic, or
 * malformed; the handshake is over. ERR_STATE: not this side's turn, or a key is missing. When it
 * is the psk that is missing, the progress is kept: look the sender up by
 * medsec_handshake_remote_static, set the psk, call again with the same message. (A copy of the
 * struct made before lets another psk be tried.)
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_handshake_read(medsec_handshake *handshake,
                                                            uint8_t *payload, size_t *payload_len,
                                                            const uint8_t *message, size_t len);

/* True after the last message. */
MEDSEC_API bool medsec_handshake_done(const medsec_handshake *handshake);

/* The two keys of Split(): initiator to responder, responder to initiator. ERR_STATE: not done. */
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_handshake_split(medsec_handshake *handshake, uint8_t to_responder[MEDSEC_CHACHAPOLY_KEY_LEN],
                       uint8_t to_initiator[MEDSEC_CHACHAPOLY_KEY_LEN]);

/* Wipes everything. May be called twice, and on a zeroed struct. */
MEDSEC_API void medsec_handshake_close(medsec_handshake *handshake);

MEDSEC_END_DECLS

#endif
