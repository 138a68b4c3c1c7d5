/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest.h"

#include "crypto/bearssl/provider.h"

#include <medsec/handshake.h>
#include <medsec/message.h>
#include <medsec/record.h>

#include <string.h>

/* A whole medsec/1 session that another implementation recorded: both ends say the same again. */

#define PICO (&medsec_profile_pico_vitals)

enum { SUITE_AND_KEYS = 5, STEP_FIELDS = 3 };

/* Three fields a record: who sent it, the record, what is in it. */
typedef struct step {
    bool of_device;
    const medsec_bytes *record;
    const medsec_bytes *message;
} step;

static size_t steps(const selftest_vector *v)
{
    return ((size_t)v->count - SUITE_AND_KEYS) / STEP_FIELDS;
}

static step step_of(const selftest_vector *v, size_t i)
{
    const medsec_bytes *f = &v->field[SUITE_AND_KEYS + STEP_FIELDS * i];
    return (step){selftest_number(&f[0]) == 1, &f[1], &f[2]};
}

static bool begin(medsec_handshake *h, const selftest_vector *v, medsec_role role)
{
    const uint8_t prologue[] = {
        'm', 'e', 'd', 's', 'e', 'c', '/', '1', MEDSEC_RECORD_FLAGS(v->flag)};
    const size_t own = role == MEDSEC_INITIATOR ? 1 : 2;
    bool good = medsec_handshake_open(h, medsec_crypto_bearssl(), MEDSEC_PATTERN_IKPSK1, role,
                                      prologue, sizeof prologue) == MEDSEC_OK &&
                medsec_handshake_set_static(h, v->field[own].data, NULL) == MEDSEC_OK &&
                medsec_handshake_set_ephemeral(h, v->field[own + 2].data) == MEDSEC_OK;
    medsec_handshake_set_psk(h, v->field[0].data);
    return good;
}

static bool writes(medsec_handshake *h, const step *s)
{
    const medsec_bytes body = {s->record->data + MEDSEC_RECORD_HEADER_LEN,
                               s->record->len - MEDSEC_RECORD_HEADER_LEN};
    size_t len = 0;
    return medsec_handshake_write(h, selftest_room, SELFTEST_ROOM_LEN, &len, s->message->data,
                                  s->message->len) == MEDSEC_OK &&
           selftest_same(selftest_room, len, &body);
}

static bool reads(medsec_handshake *h, const step *s)
{
    size_t len = 0;
    return medsec_handshake_read(h, selftest_room, &len, s->record->data + MEDSEC_RECORD_HEADER_LEN,
                                 s->record->len - MEDSEC_RECORD_HEADER_LEN) == MEDSEC_OK &&
           selftest_same(selftest_room, len, s->message);
}

static bool split(medsec_handshake *h, medsec_record direction[2], medsec_suite suite)
{
    uint8_t key[2][MEDSEC_CHACHAPOLY_KEY_LEN];
    return medsec_handshake_split(h, key[0], key[1]) == MEDSEC_OK &&
           medsec_record_open(&direction[0], medsec_crypto_bearssl(), suite, key[0]) == MEDSEC_OK &&
           medsec_record_open(&direction[1], medsec_crypto_bearssl(), suite, key[1]) == MEDSEC_OK;
}

static bool shake_hands(const selftest_vector *v, medsec_record seals[2], medsec_record opens[2])
{
    static medsec_handshake device;
    static medsec_handshake gateway;
    const step hello = step_of(v, 0);
    const step welcome = step_of(v, 1);
    if (!begin(&device, v, MEDSEC_INITIATOR) || !begin(&gateway, v, MEDSEC_RESPONDER)) {
        return false;
    }
    medsec_handshake_set_remote_static(&device, gateway.static_public);
    return writes(&device, &hello) && reads(&gateway, &hello) && writes(&gateway, &welcome) &&
           reads(&device, &welcome) && split(&device, seals, (medsec_suite)v->flag) &&
           split(&gateway, opens, (medsec_suite)v->flag);
}

static bool seals_and_opens(medsec_record *seals, medsec_record *opens, const step *s)
{
    uint8_t *message = NULL;
    size_t len = 0;
    return medsec_record_seal(seals, selftest_room, SELFTEST_ROOM_LEN, &len, s->message->data,
                              s->message->len) == MEDSEC_OK &&
           selftest_same(selftest_room, len, s->record) &&
           medsec_record_unseal(opens, selftest_room, len, &message, &len) == MEDSEC_OK &&
           selftest_same(message, len, s->message);
}

static bool readings_encode_again(const medsec_bytes *message)
{
    static medsec_readings_reader reader;
    static medsec_readings_writer writer;
    medsec_sample sample;
    uint32_t sequence = 0;
    size_t len = 0;
    if (medsec_readings_open(&reader, PICO, message->data, message->len) != MEDSEC_OK ||
        medsec_readings_begin(&writer, selftest_room, SELFTEST_ROOM_LEN, PICO, &reader.head,
                              reader.rows) != MEDSEC_OK) {
        return false;
    }
    while (medsec_readings_next(&reader, &sample, &sequence)) {
        if (medsec_readings_add(&writer, &sample) != MEDSEC_OK) {
            return false;
        }
    }
    return medsec_readings_end(&writer, &len) == MEDSEC_OK &&
           selftest_same(selftest_room, len, message);
}

static bool encodes_again(const medsec_bytes *message)
{
    medsec_control control;
    size_t len = 0;
    if (message->data[0] == MEDSEC_KIND_READINGS) {
        return readings_encode_again(message);
    }
    return medsec_control_decode(&control, message->data, message->len) == MEDSEC_OK &&
           medsec_control_encode(selftest_room, SELFTEST_ROOM_LEN, &len, &control) == MEDSEC_OK &&
           selftest_same(selftest_room, len, message);
}

bool selftest_session(const selftest_vector *v)
{
    static medsec_record seals[2];
    static medsec_record opens[2];
    bool good = shake_hands(v, seals, opens);
    for (size_t i = 2; good && i < steps(v); i++) {
        const step s = step_of(v, i);
        const size_t direction = s.of_device ? 0 : 1;
        good =
            seals_and_opens(&seals[direction], &opens[direction], &s) && encodes_again(s.message);
    }
    return good;
}
