/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_COMMAND_H
#define MEDSEC_GATEWAY_COMMAND_H

#include "connection.h"

#include <medsec/device.h>

/* Bytes of a command; the longest that means something has 120. */
#define MEDSEC__COMMAND_MAX 512u
#define MEDSEC__COMMANDS_PER_S 10u /* for one device */
#define MEDSEC__COMMANDS_BURST 20u

/* Commands for devices. `context` is the gateway. */
#define MEDSEC__COMMAND_TOPIC "Command/Config"
void medsec__command_received(void *context, const char *topic, size_t topic_len,
                              const uint8_t *payload, size_t payload_len);
/* Reads {"sample_interval_ms":..,...}; NULL, or a word for what is wrong with it. `*versioned`: it
 * brings a version. `text` has a NUL at its end. */
const char *medsec__command_parse(medsec_config *config, bool *versioned, const char *text,
                                  size_t len);
void medsec__command_run(medsec__loop *loop);
/* They will not be sent any more. */
void medsec__command_purge(medsec__connection *connection);
void medsec__command_result(medsec__connection *connection, const medsec_config_ack *ack);

#endif
