/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_RECORD_H
#define MEDSEC_RECORD_H

#include <medsec/crypto.h>
#include <medsec/wire.h>

/*
 * The records of medsec/1 (docs/wire.md): `type u8 | flags u8 | length u16 | body`, big-endian. A
 * DATA record's body is one sealed message; a medsec_record seals or opens one direction of one
 * session, in order. Nothing here allocates.
 */
typedef enum medsec_record_type {
    MEDSEC_RECORD_HELLO = 0xA1,
    MEDSEC_RECORD_WELCOME = 0xA2,
    MEDSEC_RECORD_DATA = 0xA3
} medsec_record_type;

typedef struct medsec_record_header {
    uint8_t type; /* medsec_record_type */
    uint8_t flags; /* MEDSEC_RECORD_FLAGS(suite) in HELLO and WELCOME, 0 in DATA */
    uint16_t length; /* of the body, 1..MEDSEC_RECORD_BODY_MAX */
} medsec_record_header;

#define MEDSEC_RECORD_VERSION 1u
#define MEDSEC_RECORD_FLAGS(suite) ((uint8_t)(MEDSEC_RECORD_VERSION << 4 | (unsigned)(suite)))

/* One direction: keys and the number of the next record. */
typedef struct medsec_record {
    const medsec_crypto *crypto;
    uint64_t sequence;
    uint8_t suite; /* medsec_suite; 0: closed, or failed */
    uint8_t keys[3 * MEDSEC_AES128_KEY_LEN]; /* MAC, ENC, IV; or the ChaChaPoly key */
} medsec_record;

MEDSEC_BEGIN_DECLS

/*
 * The header of a record. ERR_FRAME: unknown type, flags that this type does not have (a version or
 * suite that is not known), a length of 0 or too large. Checked before any cryptography.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_record_read_header(
    medsec_record_header *header, const uint8_t bytes[MEDSEC_RECORD_HEADER_LEN]);
MEDSEC_API void medsec_record_write_header(uint8_t out[MEDSEC_RECORD_HEADER_LEN],
                                           medsec_record_header header);

/* Begins a direction under the key of Noise's Split(). ERR_ARGUMENT: no such suite; ERR_PROVIDER.
 */
MEDSEC_API MEDSEC_CHECK medsec_status
medsec_record_open(medsec_record *record, const medsec_crypto *crypto, medsec_suite suite,
                   const uint8_t key[MEDSEC_CHACHAPOLY_KEY_LEN]);

/* Bytes of the whole record that seals a message of `message_len` bytes. */
MEDSEC_API size_t medsec_record_len(medsec_suite suite, size_t message_len);

/*
 * Writes a whole DATA record, header and all. `message` may lie at out + MEDSEC_RECORD_HEADER_LEN
 * (that saves a copy) or apart from `out`. ERR_LIMIT: empty, or longer than MEDSEC_MESSAGE_MAX;
 * ERR_BUFFER; ERR_EXPIRED: 2^32 records were sealed; ERR_STATE: closed; ERR_PROVIDER.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_record_seal(medsec_record *record, uint8_t *out,
                                                         size_t cap, size_t *len,
                                                         const uint8_t *message,
                                                         size_t message_len);

/*
 * Opens a whole DATA record in place; `*message` points into it. ERR_FRAME: the header is not that
 * of a DATA record of `len` bytes. ERR_CRYPTO, and nothing more precise: not authentic, not the
 * next one, badly padded; the record is wiped. ERR_EXPIRED; ERR_STATE. After any error the
 * direction is closed. The tag is compared, and the padding examined, without branching on it.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_record_unseal(medsec_record *record, uint8_t *data,
                                                           size_t len, uint8_t **message,
                                                           size_t *message_len);

/* Wipes. May be called twice, and on a zeroed struct. */
MEDSEC_API void medsec_record_close(medsec_record *record);

MEDSEC_END_DECLS

#endif
