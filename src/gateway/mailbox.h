/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_MAILBOX_H
#define MEDSEC_GATEWAY_MAILBOX_H

#include <medsec/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#define MEDSEC__COMMANDS_WAITING 256u /* of a loop */

typedef struct medsec__connection medsec__connection;

/* Word for a connection from another thread. */
typedef struct medsec__mail {
    STAILQ_ENTRY(medsec__mail) link;
    medsec__connection *to; /* its loop throws away what it did not come to read */
    bool is_command; /* else: a newer session of the device is there */
    size_t len;
    char payload[]; /* of the command, with a NUL behind it */
} medsec__mail;

STAILQ_HEAD(medsec__mails, medsec__mail);

typedef struct medsec__mailbox {
    uv_mutex_t lock;
    struct medsec__mails mails;
    size_t commands;
} medsec__mailbox;

/* A connection gets mail as long as presence.c knows it; finishing it, its loop takes it
 * out there first and purges its mail then: no mail outlives its connection. */
MEDSEC_CHECK medsec_status medsec__mailbox_open(medsec__mailbox *mailbox);
void medsec__mailbox_close(medsec__mailbox *mailbox);
/* False: out of memory, or too many commands wait. */
bool medsec__mailbox_supersede(medsec__connection *to);
bool medsec__mailbox_command(medsec__connection *to, const uint8_t *payload, size_t len);
/* The oldest mail, for the caller to free; NULL: none. */
medsec__mail *medsec__mailbox_take(medsec__mailbox *mailbox);
/* The same, of one connection. */
medsec__mail *medsec__mailbox_take_of(medsec__connection *connection);

#endif
