/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_STATUS_H
#define MEDSEC_STATUS_H

#include <medsec/export.h>

/*
 * One table of errors: name, number, word for logs and metrics, sentence for people.
 * Numbers are stable; new ones are added at the end.
 */
#define MEDSEC_STATUS_MAP(X)                                                                     \
    X(OK, 0, "ok", "success")                                                                    \
    X(ERR_ARGUMENT, -1, "argument", "invalid argument")                                          \
    X(ERR_STATE, -2, "state", "call not possible in this state")                                 \
    X(ERR_LIMIT, -3, "limit", "a named limit was exceeded")                                      \
    X(ERR_BUFFER, -4, "buffer", "output buffer too small")                                       \
    X(ERR_MEMORY, -5, "memory", "out of memory")                                                 \
    X(ERR_SYNTAX, -6, "syntax", "malformed text")                                                \
    X(ERR_NUMBER, -7, "number", "not a plain decimal of at most 9 digits and 6 decimals")        \
    X(ERR_MISSING, -8, "missing-member", "a member that the profile requires is missing")        \
    X(ERR_DUPLICATE, -9, "duplicate-member", "a member is given twice")                          \
    X(ERR_FRAME, -10, "frame", "malformed frame")                                                \
    X(ERR_WIRE, -11, "wire", "the first byte belongs to no known wire")                          \
    X(ERR_CRYPTO, -12, "crypto", "cryptographic check failed")                                   \
    X(ERR_PROVIDER, -13, "provider", "the cryptographic provider failed")                        \
    X(ERR_UNKNOWN_DEVICE, -14, "unknown-device", "no registered key opens the first block")      \
    X(ERR_DEVICE_ID, -15, "device-id", "a device id is 1-64 of A-Z a-z 0-9 _ - . (not . or ..)") \
    X(ERR_EXISTS, -16, "exists", "exists already")                                               \
    X(ERR_NOT_FOUND, -17, "not-found", "not found")                                              \
    X(ERR_SAMPLE_KEY, -18, "sample-key", "a published sample key; it protects nothing")          \
    X(ERR_PERMISSION, -19, "permission", "a secret file that others may read or write")          \
    X(ERR_IO, -20, "io", "input or output failed")                                               \
    X(ERR_CORRUPT, -21, "corrupt", "stored data is damaged or was altered")                      \
    X(ERR_BUSY, -22, "busy", "busy or full; try again later")                                    \
    X(ERR_TOPIC, -23, "topic", "not a valid topic or topic template")                            \
    X(ERR_REVOKED, -24, "revoked", "the device is revoked or decommissioned")                    \
    X(ERR_TIMEOUT, -25, "timeout", "nothing was received in time")                               \
    X(ERR_CLOSED, -26, "closed", "closed by the other side")                                     \
    X(ERR_MESSAGE, -27, "message", "malformed message, or one not in deterministic encoding")    \
    X(ERR_EXPIRED, -28, "expired", "the session's lifetime or number of records is used up")     \
    X(ERR_FLOOD, -29, "flood", "too many connections from one source")                           \
    X(ERR_REFUSED, -30, "refused", "the broker refuses it: look at its access rules")            \
    X(ERR_CLEAR_TEXT, -31, "clear-text", "not without TLS to an address that is not private")

typedef enum medsec_status {
#define MEDSEC_STATUS_ENUM(name, number, word, sentence) MEDSEC_##name = (number),
    MEDSEC_STATUS_MAP(MEDSEC_STATUS_ENUM)
#undef MEDSEC_STATUS_ENUM
} medsec_status;

MEDSEC_BEGIN_DECLS

/* The sentence for a status; never NULL. */
MEDSEC_API const char *medsec_strerror(medsec_status status);

/* The short word for logs, metrics and JSON ("unknown-device"); never NULL. */
MEDSEC_API const char *medsec_status_word(medsec_status status);

MEDSEC_END_DECLS

#endif
