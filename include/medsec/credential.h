/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CREDENTIAL_H
#define MEDSEC_CREDENTIAL_H

#include <medsec/export.h>
#include <medsec/limits.h>
#include <medsec/status.h>

#include <stddef.h>
#include <stdint.h>

/*
 * What a device needs to speak, as a JSON file of mode 0600:
 * {"format":"medsec-credential/1","device":"...","wire":"seed","profile":"pico-vitals",
 *  "key":"16 characters","iv":"16 characters"}
 * `profile` may be absent: pico-vitals. Keep it in locked memory and wipe it when done.
 */
typedef struct medsec_credential {
    char device[MEDSEC_DEVICE_ID_MAX + 1];
    char profile[MEDSEC_PROFILE_NAME_MAX + 1];
    uint8_t key[MEDSEC_AES128_KEY_LEN]; /* printable ASCII on the seed wire */
    uint8_t iv[MEDSEC_AES_BLOCK_LEN];
} medsec_credential;

#define MEDSEC_CREDENTIAL_JSON_MAX 1024u /* bytes of a credential file */
#define MEDSEC_PROFILE_DEFAULT "pico-vitals" /* of a credential that names none */

MEDSEC_BEGIN_DECLS

/* Reads a credential. ERR_SYNTAX; ERR_DEVICE_ID; ERR_ARGUMENT: a key or iv that is not 16 printable
 * ASCII characters; ERR_STATE: another wire than this version speaks. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_credential_parse(medsec_credential *credential,
                                                              const char *json, size_t len);

/* Reads a file. Also ERR_NOT_FOUND, ERR_IO (errno), ERR_PERMISSION: others may read or write it. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_credential_load(medsec_credential *credential,
                                                             const char *path);

/* Creates a file with mode 0600, whole or not at all. ERR_EXISTS: never overwrites. ERR_IO. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_credential_save(const medsec_credential *credential,
                                                             const char *path);

/* Writes the JSON text, ended by a line end. ERR_BUFFER; ERR_DEVICE_ID, ERR_ARGUMENT: as parse. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_credential_write(char *out, size_t cap, size_t *len,
                                                              const medsec_credential *credential);

/* Fills in a random seed key and IV (16 printable characters each, 96 bits). */
MEDSEC_API void medsec_credential_generate(medsec_credential *credential);

MEDSEC_API void medsec_credential_wipe(medsec_credential *credential);

MEDSEC_END_DECLS

#endif
