/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CREDENTIAL_FILE_H
#define MEDSEC_CREDENTIAL_FILE_H

#include <medsec/credential.h>

/*
 * A device's credential as a JSON file of mode 0600:
 *
 * {"format":"medsec-credential/1","device":"...","wire":"medsec/1","suite":"A128CBC-HS256",
 *  "profile":"pico-vitals","device_private":B64,"device_public":B64,"psk":B64,"gateway_public":B64}
 *
 * with base64 (RFC 4648 section 4) of 32 bytes each, without device_private when the device made
 * its key itself; or
 *
 * {"format":"medsec-credential/1","device":"...","wire":"seed","profile":"pico-vitals",
 *  "key":"16 characters","iv":"16 characters"}
 *
 * `profile` may be absent: pico-vitals.
 */
#define MEDSEC_CREDENTIAL_JSON_MAX 1024u /* bytes of a credential file */

MEDSEC_BEGIN_DECLS

/*
 * Whether an open file may hold a secret: this user's or root's, with no rights for group and
 * others. Or root's, mode 0440 and of group root, as systemd.exec(5) LoadCredential= passes one:
 * the right of its user is in an access list then. ERR_PERMISSION: it may not. ERR_IO.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_secret_file_check(int fd);

/* Reads a credential. ERR_SYNTAX; ERR_DEVICE_ID; ERR_ARGUMENT: a key of the wrong length or
 * characters, a private key that does not belong to the public one; ERR_STATE: another wire or
 * suite than this version speaks. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_credential_parse(medsec_credential *credential,
                                                              const char *json, size_t len);

/* Reads a file. Also ERR_NOT_FOUND, ERR_IO (errno), ERR_PERMISSION: others may read or write it. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_credential_load(medsec_credential *credential,
                                                             const char *path);

/* Creates a file with mode 0600, whole or not at all. ERR_EXISTS: never overwrites. ERR_IO. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_credential_save(const medsec_credential *credential,
                                                             const char *path);

/* The same for the block of credential.h, as bytes for a device's flash. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_credential_save_block(
    const medsec_credential *credential, const medsec_crypto *crypto, const char *path);

/*
 * The same for the image of provision.h, as a UF2 file to be dropped onto a Pico's USB drive, with
 * a seed for its generator, and a number for its first start that is beyond all that an earlier
 * image of the same device led to. For one device, once. Also ERR_STATE: the clock is before 2024,
 * from when on these numbers count.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_credential_save_uf2(
    const medsec_credential *credential, const medsec_crypto *crypto, const char *path);

/* Writes the JSON text, ended by a line end. ERR_BUFFER; ERR_DEVICE_ID, ERR_ARGUMENT: as parse. */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_credential_write(char *out, size_t cap, size_t *len,
                                                              const medsec_credential *credential);

/*
 * Fills in fresh secrets for credential->wire: on the seed wire key and IV (16 printable characters
 * each, 96 bits); on medsec/1 a psk, and a device key pair unless device_public is given (not all
 * zero) and has_private is false. All else is the caller's: names, wire, suite, gateway_public.
 */
MEDSEC_API void medsec_credential_generate(medsec_credential *credential);

MEDSEC_API void medsec_credential_wipe(medsec_credential *credential);

MEDSEC_END_DECLS

#endif
