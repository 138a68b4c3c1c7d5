/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of records, cut into pieces and tampered with: what opens is what was sealed, in that
 * order, and after the first record that does not open nothing does. Input: one byte for the suite,
 * one for the size of the pieces, then operations of three bytes each (what, where, how much):
 * seal another message, flip a bit of what is on the wire, cut something out, repeat something,
 * put bytes in.
 */
#include <medsec/record.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WIRE_MAX = 1 << 15, RECORDS_MAX = 256, OPERATION_LEN = 3 };
enum { SEAL = 0, FLIP = 1, CUT = 2, REPEAT = 3, INSERT = 4, OPERATIONS = 5 };

static const uint8_t KEY[MEDSEC_CHACHAPOLY_KEY_LEN] = "the key of one direction; 32 b.";

typedef struct stream {
    uint8_t wire[WIRE_MAX];
    size_t len;
    size_t message_len[RECORDS_MAX]; /* of each that was sealed */
    size_t sealed;
    size_t untouched; /* bytes from the beginning that nobody changed */
    bool touched;
} stream;

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

/* Every message is another one, so that an exchange would be seen. */
static void fill_message(uint8_t message[MEDSEC_MESSAGE_MAX], size_t number, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        message[i] = (uint8_t)(number * 31 + i);
    }
}

static void seal(stream *s, medsec_record *record, size_t len)
{
    uint8_t message[MEDSEC_MESSAGE_MAX];
    size_t record_len = 0;
    size_t whole = medsec_record_len((medsec_suite)record->suite, len);
    if (s->sealed == RECORDS_MAX || WIRE_MAX - s->len < whole) {
        return;
    }
    fill_message(message, s->sealed, len);
    check(medsec_record_seal(record, s->wire + s->len, WIRE_MAX - s->len, &record_len, message,
                             len) == MEDSEC_OK);
    check(record_len == whole);
    if (!s->touched) {
        s->untouched += whole;
    }
    s->message_len[s->sealed++] = len;
    s->len += whole;
}

static void touch(stream *s, size_t at)
{
    s->untouched = at < s->untouched ? at : s->untouched;
    s->touched = true;
}

/* Puts bytes of the wire, or of the operation, in at a place. */
static void insert(stream *s, size_t at, const uint8_t *bytes, size_t len)
{
    uint8_t copy[256];
    if (len > sizeof copy || WIRE_MAX - s->len < len) {
        return;
    }
    memcpy(copy, bytes, len);
    memmove(s->wire + at + len, s->wire + at, s->len - at);
    memcpy(s->wire + at, copy, len);
    s->len += len;
    touch(s, at);
}

static void operate(stream *s, medsec_record *record, const uint8_t operation[OPERATION_LEN])
{
    size_t at = s->len == 0 ? 0 : s->len * operation[1] / 256;
    size_t len = operation[2] < s->len - at ? operation[2] : s->len - at;
    switch (operation[0] % OPERATIONS) {
    case SEAL:
        seal(s, record, ((size_t)operation[1] << 8 | operation[2]) % MEDSEC_MESSAGE_MAX + 1);
        break;
    case FLIP:
        if (s->len > 0) {
            s->wire[at] ^= (uint8_t)(1u << operation[2] % 8);
            touch(s, at);
        }
        break;
    case CUT:
        memmove(s->wire + at, s->wire + at + len, s->len - at - len);
        s->len -= len;
        touch(s, at);
        break;
    case REPEAT:
        insert(s, at, s->wire + at, len);
        break;
    default:
        insert(s, at, operation, OPERATION_LEN);
    }
}

/* The receiver: gathers a record, opens it, stops at the first that is none. */
typedef struct receiver {
    medsec_record record;
    uint8_t data[MEDSEC_RECORD_LEN_MAX];
    size_t have;
    size_t opened;
    size_t read; /* bytes of the records that opened */
    medsec_status last;
} receiver;

static void open_one(receiver *r, const stream *s)
{
    uint8_t expected[MEDSEC_MESSAGE_MAX];
    uint8_t *message = NULL;
    size_t len = 0;
    r->last = medsec_record_unseal(&r->record, r->data, r->have, &message, &len);
    if (r->last == MEDSEC_OK) {
        check(r->opened < s->sealed && len == s->message_len[r->opened]);
        fill_message(expected, r->opened, len);
        check(memcmp(message, expected, len) == 0);
        r->opened++;
        r->read += r->have;
    } else {
        check(r->last == MEDSEC_ERR_CRYPTO || r->last == MEDSEC_ERR_FRAME);
        check(medsec_record_unseal(&r->record, r->data, r->have, &message, &len) ==
              MEDSEC_ERR_STATE);
    }
    r->have = 0;
}

/* Takes what the record that is being gathered still needs. */
static size_t take(receiver *r, const uint8_t *bytes, size_t len)
{
    size_t need = MEDSEC_RECORD_HEADER_LEN;
    medsec_record_header header = {0};
    if (r->have >= MEDSEC_RECORD_HEADER_LEN) {
        check(medsec_record_read_header(&header, r->data) == MEDSEC_OK);
        need += header.length;
    }
    size_t some = need - r->have < len ? need - r->have : len;
    memcpy(r->data + r->have, bytes, some);
    r->have += some;
    return some;
}

static bool is_whole(receiver *r)
{
    medsec_record_header header;
    if (r->have < MEDSEC_RECORD_HEADER_LEN) {
        return false;
    }
    r->last = medsec_record_read_header(&header, r->data);
    return r->last == MEDSEC_OK && r->have == MEDSEC_RECORD_HEADER_LEN + (size_t)header.length;
}

static void receive(receiver *r, const stream *s, medsec_suite suite, size_t step)
{
    memset(r, 0, sizeof *r);
    check(medsec_record_open(&r->record, medsec_crypto_openssl(), suite, KEY) == MEDSEC_OK);
    for (size_t at = 0; at < s->len && r->last == MEDSEC_OK; at += step) {
        size_t len = s->len - at < step ? s->len - at : step;
        for (size_t done = 0; done < len && r->last == MEDSEC_OK;) {
            done += take(r, s->wire + at + done, len - done);
            if (is_whole(r)) {
                open_one(r, s);
            }
        }
    }
    medsec_record_close(&r->record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static stream s;
    static receiver whole;
    static receiver pieces;
    medsec_record record;
    if (size < 2) {
        return 0;
    }
    memset(&s, 0, sizeof s);
    medsec_suite suite = data[0] % 2 == 0 ? MEDSEC_SUITE_A128CBC_HS256 : MEDSEC_SUITE_CHACHAPOLY;
    check(medsec_record_open(&record, medsec_crypto_openssl(), suite, KEY) == MEDSEC_OK);
    for (size_t at = 2; size - at >= OPERATION_LEN; at += OPERATION_LEN) {
        operate(&s, &record, data + at);
    }
    medsec_record_close(&record);
    receive(&whole, &s, suite, WIRE_MAX);
    receive(&pieces, &s, suite, (size_t)data[1] + 1);
    check(whole.opened == pieces.opened && whole.last == pieces.last);
    /* All that stands before the first change opens. */
    size_t end = 0;
    for (size_t i = 0; i < s.sealed; i++) {
        end += medsec_record_len(suite, s.message_len[i]);
        check(end > s.untouched || whole.opened > i);
    }
    check(whole.opened <= s.sealed && (whole.opened < s.sealed || whole.read == end));
    return 0;
}
