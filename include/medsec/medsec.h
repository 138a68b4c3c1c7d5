/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmedsec: vital signs from wearable devices over hostile networks to MQTT.
 *
 * The contract of every function, stated once:
 *
 * - Results. Whatever can fail returns medsec_status: MEDSEC_OK (0) or a negative MEDSEC_ERR_*.
 *   Unless a function says otherwise its outputs are untouched, or wiped, when it fails.
 * - NULL. A pointer argument must not be NULL unless its function says that it may;
 *   a NULL with length 0 is always fine. NULL gives MEDSEC_ERR_ARGUMENT, not a crash,
 *   in every function that returns a status.
 * - Memory. The core (data and wire headers) allocates nothing: the caller owns every struct,
 *   and may put it anywhere. Do not touch members; they are visible only to give the size.
 *   Host objects (registry, gateway, publishers, log) are opaque and have a create and a destroy.
 * - Threads. There is no global state. One object belongs to one thread at a time; the host
 *   objects that may be shared say so.
 * - Time and randomness come in as arguments or through a provider: the core has no clock.
 * - Secrets. Structs that hold keys have a close function that wipes them. Comparison of secrets
 *   takes constant time. No secret is ever in a log line or an error text.
 * - Text is ASCII with an explicit length; a `const char *` without one is NUL-terminated.
 * - Lengths are bytes, times are milliseconds (`_ms`), temperatures in a name say their unit.
 */
#ifndef MEDSEC_MEDSEC_H
#define MEDSEC_MEDSEC_H

/* IWYU pragma: begin_exports */
#include <medsec/export.h>
#include <medsec/limits.h>
#include <medsec/status.h>
#include <medsec/version.h>

/* data */
#include <medsec/aes_cbc.h>
#include <medsec/crypto.h>
#include <medsec/heart_rate.h>
#include <medsec/hex.h>
#include <medsec/profile.h>
#include <medsec/reading.h>
#include <medsec/topic.h>
#include <medsec/value.h>

/* wire */
#include <medsec/handshake.h>
#include <medsec/message.h>
#include <medsec/record.h>
#include <medsec/seed_frame.h>
#include <medsec/wire.h>

/* the two ends */
#include <medsec/credential.h>
#include <medsec/device.h>
#include <medsec/provision.h>
#include <medsec/session.h>
#include <medsec/setup.h>

/* host */
#include <medsec/config.h>
#include <medsec/credential_file.h>
#include <medsec/gateway.h>
#include <medsec/log.h>
#include <medsec/metrics.h>
#include <medsec/profile_file.h>
#include <medsec/publisher.h>
#include <medsec/registry.h>
/* IWYU pragma: end_exports */

#endif
