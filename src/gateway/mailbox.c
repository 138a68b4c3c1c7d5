/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

medsec_status medsec__mailbox_open(medsec__mailbox *mailbox)
{
    STAILQ_INIT(&mailbox->mails);
    mailbox->commands = 0;
    return uv_mutex_init(&mailbox->lock) == 0 ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
}

void medsec__mailbox_close(medsec__mailbox *mailbox)
{
    medsec__mail *mail;
    while ((mail = medsec__mailbox_take(mailbox))) {
        free(mail);
    }
    uv_mutex_destroy(&mailbox->lock);
}

/* False: too many commands wait. */
static bool put(medsec__mailbox *mailbox, medsec__mail *mail)
{
    uv_mutex_lock(&mailbox->lock);
    bool room = !mail->is_command || mailbox->commands < MEDSEC__COMMANDS_WAITING;
    if (room) {
        mailbox->commands += mail->is_command;
        STAILQ_INSERT_TAIL(&mailbox->mails, mail, link);
    }
    uv_mutex_unlock(&mailbox->lock);
    return room;
}

static bool post(medsec__mail *mail)
{
    medsec__loop *loop = mail->to->loop;
    if (!put(&loop->mailbox, mail)) {
        free(mail);
        return false;
    }
    medsec__loop_wake(loop);
    return true;
}

bool medsec__mailbox_supersede(medsec__connection *to)
{
    medsec__mail *mail = malloc(sizeof *mail);
    if (!mail) {
        return false;
    }
    *mail = (medsec__mail){.to = to};
    return post(mail);
}

bool medsec__mailbox_command(medsec__connection *to, const uint8_t *payload, size_t len)
{
    medsec__mail *mail = malloc(sizeof *mail + len + 1);
    if (!mail) {
        return false;
    }
    *mail = (medsec__mail){.to = to, .is_command = true, .len = len};
    if (len > 0) {
        memcpy(mail->payload, payload, len);
    }
    mail->payload[len] = '\0';
    return post(mail);
}

static void unlink_mail(medsec__mailbox *mailbox, medsec__mail *mail)
{
    STAILQ_REMOVE(&mailbox->mails, mail, medsec__mail, link);
    mailbox->commands -= mail->is_command;
}

medsec__mail *medsec__mailbox_take(medsec__mailbox *mailbox)
{
    uv_mutex_lock(&mailbox->lock);
    medsec__mail *mail = STAILQ_FIRST(&mailbox->mails);
    if (mail) {
        unlink_mail(mailbox, mail);
    }
    uv_mutex_unlock(&mailbox->lock);
    return mail;
}

medsec__mail *medsec__mailbox_take_of(medsec__connection *c)
{
    medsec__mailbox *mailbox = &c->loop->mailbox;
    uv_mutex_lock(&mailbox->lock);
    medsec__mail *mail = STAILQ_FIRST(&mailbox->mails);
    while (mail && mail->to != c) {
        mail = STAILQ_NEXT(mail, link);
    }
    if (mail) {
        unlink_mail(mailbox, mail);
    }
    uv_mutex_unlock(&mailbox->lock);
    return mail;
}
