/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_IDENTIFY_H
#define MEDSEC_GATEWAY_IDENTIFY_H

#include "connection.h"

/* The session's questions, `context` is the connection. */
medsec_status medsec__identify(void *context, const uint8_t block[MEDSEC_AES_BLOCK_LEN],
                               medsec_identity *identity);
medsec_status medsec__identify_public(void *context, const uint8_t public_key[MEDSEC_X25519_LEN],
                                      medsec_suite suite, medsec_peer *peer);
uint32_t medsec__identify_lane(const char *id);
/* The seed device of this connection proved itself: try it first the next time. */
void medsec__identify_remember(const medsec__connection *connection);
/* The directory in use is out of date: takes the new one and closes whom it does not know. */
void medsec__identify_renew(medsec__loop *loop);
/* The loop's first, or its next. */
void medsec__identify_use(medsec__loop *loop, medsec_directory *directory);

#endif
