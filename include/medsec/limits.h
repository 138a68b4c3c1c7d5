/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_LIMITS_H
#define MEDSEC_LIMITS_H

/* Every limit of the core: value, unit, reason. Host-side defaults stand in gateway.h. */

#define MEDSEC_AES_BLOCK_LEN 16u /* bytes; FIPS 197 */
#define MEDSEC_AES128_KEY_LEN 16u /* bytes; FIPS 197 */

#define MEDSEC_SHA256_LEN 32u /* bytes; FIPS 180-4 */
#define MEDSEC_X25519_LEN 32u /* bytes of a private, public or shared key; RFC 7748 */
#define MEDSEC_CHACHAPOLY_KEY_LEN 32u /* bytes; RFC 8439 */
#define MEDSEC_CHACHAPOLY_TAG_LEN 16u /* bytes; RFC 8439 */
#define MEDSEC_PSK_LEN 32u /* bytes; Noise section 9 */
#define MEDSEC_HANDSHAKE_MESSAGE_MAX 2048u /* bytes; the longest record body */

#define MEDSEC_RECORD_HEADER_LEN 4u /* bytes: type, flags, length */
#define MEDSEC_RECORD_BODY_MAX 2048u /* bytes; a full batch fits, a device's memory holds it */
#define MEDSEC_RECORD_TAG_LEN 16u /* bytes; both suites */
#define MEDSEC_RECORD_LEN_MAX (MEDSEC_RECORD_HEADER_LEN + MEDSEC_RECORD_BODY_MAX) /* bytes */
/* Bytes of a message: with the tag, and at least one byte of padding to whole blocks, it fits. */
#define MEDSEC_MESSAGE_MAX (MEDSEC_RECORD_BODY_MAX - MEDSEC_RECORD_TAG_LEN - 1u)
#define MEDSEC_RECORDS_MAX 0x100000000u /* sealed in one direction of a session; then a new one */
#define MEDSEC_SESSION_LIFETIME_MS 86400000u /* 24 h; then the device makes a new handshake */
#define MEDSEC_HELLO_LEN 108u /* bytes of a HELLO: header, e, s and payload (8) with their tags */
#define MEDSEC_WELCOME_LEN 60u /* bytes of a WELCOME: header, e, payload (8) with its tag */

#define MEDSEC_BATCH_MAX 255u /* readings in a message */
#define MEDSEC_BATCH_DEFAULT 20u /* readings: one record a second at 20 Hz */
#define MEDSEC_SAMPLE_INTERVAL_MS_MIN 1u
#define MEDSEC_SAMPLE_INTERVAL_MS_MAX 3600000u /* an hour */
#define MEDSEC_SAMPLE_INTERVAL_MS_DEFAULT 50u /* 20 Hz, as the seed */
#define MEDSEC_REPORT_INTERVAL_MS_MAX 3600000u
#define MEDSEC_REPORT_INTERVAL_MS_DEFAULT 1000u
#define MEDSEC_TIME_MS_MAX 253402300799999u /* UTC: the end of year 9999 */

#define MEDSEC_DEVICE_INPUT_MAX \
    256u /* bytes of a record that a device takes: a gateway says little */
#define MEDSEC_DEVICE_HANDSHAKE_TIMEOUT_MS 10000u
/* A minute before a gateway would refuse, whose clock may run faster. */
#define MEDSEC_DEVICE_LIFETIME_MS (MEDSEC_SESSION_LIFETIME_MS - 60000u)
#define MEDSEC_DEVICE_ACK_TIMEOUT_MS 60000u /* a path can die without a word */
#define MEDSEC_DEVICE_BACKOFF_MIN_MS 250u
#define MEDSEC_DEVICE_BACKOFF_MAX_MS 30000u

#define MEDSEC_DEVICE_ID_MAX 64u /* characters; also the widest level it gets in a topic */
#define MEDSEC_PROFILE_NAME_MAX 32u /* characters */
#define MEDSEC_VITALS_MAX 16u /* vitals in a profile; bounds a reading to 128 bytes of values */
#define MEDSEC_VITAL_KEY_MAX 24u /* characters of a member name in a reading */
#define MEDSEC_VITAL_TOPIC_MAX 96u /* characters of a topic suffix */
#define MEDSEC_VITAL_UNIT_MAX 16u /* characters of a UCUM unit */
#define MEDSEC_VITAL_CODE_MAX 32u /* characters of a LOINC or MDC code */

#define MEDSEC_VALUE_DIGITS_MAX 9u /* fits 32 bits with a sign; more than any sensor gives */
#define MEDSEC_VALUE_DECIMALS_MAX 6u /* decimals */
#define MEDSEC_VALUE_TEXT_MAX \
    12u /* characters of a canonical value: sign, 9 digits, point, one more */

#define MEDSEC_READING_EXTRA_MAX 16u /* unknown members in a reading, ignored and counted */

#define MEDSEC_TOPIC_MAX 256u /* bytes of an expanded topic; MQTT allows 65535, nobody needs it */
#define MEDSEC_TOPIC_TEMPLATE_MAX 128u /* bytes of a template */
#define MEDSEC_TOPIC_PARTS_MAX 5u /* two variables and the literals around them */

#define MEDSEC_SEED_BLOCKS_MAX 64u /* blocks in a seed frame (1024 characters); usual are 8 */
#define MEDSEC_SEED_BLOCK_HEX_LEN 32u /* characters of one block on the wire */
/* Characters of a frame of n blocks: 32 hex digits each, joined with '+'. */
#define MEDSEC_SEED_FRAME_LEN(blocks) (33u * (blocks)-1u)

#define MEDSEC_SESSION_SIZE_MAX 1024u /* bytes of a session; checked at compile time */

#endif
