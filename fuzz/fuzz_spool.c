/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment of the spool that somebody altered, read by the spool's own reader: what comes out is
 * what was put in, in that order and nothing twice; blocks in front of the first altered byte come
 * out whole. Input: one byte that chooses, then operations of three bytes each (what, where, how
 * much): seal another block, flip a bit, cut something out, repeat something, put bytes in. Or, an
 * odd first byte: the rest is what a block has sealed, by a writer that went mad.
 */
#include "publisher/spool_disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_MAX = 1 << 15, OPERATION_LEN = 3, PAYLOAD_MAX = 300 };
enum { SEAL = 0, FLIP = 1, CUT = 2, REPEAT = 3, INSERT = 4, OPERATIONS = 5 };

static const uint8_t KEY[MEDSEC_SPOOL_KEY_LEN] = "the key of a spool, 32 bytes...";
static const char NAME[] = "k0000000000000001";
static char folder[] = "/tmp/fuzz-spool-XXXXXX";

typedef struct segment {
    uint8_t bytes[FILE_MAX];
    size_t len;
    uint64_t records; /* sealed; their sequence numbers are 1, 2, ... */
    uint64_t safe; /* of them in front of all that was altered */
    bool touched;
    medsec__spool_keys keys;
    uint8_t id[MEDSEC__SPOOL_ID_LEN];
} segment;

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static void remove_file(const char *name)
{
    char path[128];
    check((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path);
    (void)unlink(path);
}

static void remove_folder(void)
{
    remove_file("state");
    remove_file(NAME);
    (void)rmdir(folder);
}

static void begin(segment *s)
{
    static bool made;
    if (!made) {
        check(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
        made = true;
    }
    memset(s, 0, sizeof *s);
    medsec__spool_keys_derive(&s->keys, KEY);
    const medsec__spool_header header = {.first = 1, .time_ms = 1};
    medsec__spool_header_write(s->bytes, &header, &s->keys);
    memcpy(s->id, header.id, sizeof s->id);
    s->len = MEDSEC__SPOOL_HEADER_LEN;
}

/* Every payload is another one, so that an exchange would be seen. */
static size_t fill_payload(uint8_t payload[PAYLOAD_MAX], uint64_t sequence)
{
    const size_t len = (size_t)(sequence * 37 % PAYLOAD_MAX);
    for (size_t i = 0; i < len; i++) {
        payload[i] = (uint8_t)(sequence * 31 + i);
    }
    return len;
}

static medsec_message message_of(uint64_t sequence, uint8_t payload[PAYLOAD_MAX])
{
    return (medsec_message){.topic = "Pico/d/Reading",
                            .topic_len = 14,
                            .payload = payload,
                            .payload_len = fill_payload(payload, sequence),
                            .lane = (uint32_t)sequence,
                            .qos = sequence % 2,
                            .retain = sequence % 3 == 0};
}

static void seal_bytes(segment *s, const uint8_t *records, const medsec__spool_block *block)
{
    medsec__spool_block_seal(s->bytes + s->len, records, block, s->id, s->len, &s->keys);
    s->len += medsec__spool_block_size(block);
}

static void seal(segment *s, unsigned count)
{
    static uint8_t records[FILE_MAX];
    uint8_t payload[PAYLOAD_MAX];
    medsec__spool_block block = {.first = s->records + 1, .time_ms = 1};
    for (unsigned i = 0; i < count; i++) {
        const medsec_message m = message_of(block.first + i, payload);
        medsec__spool_record_write(records + block.len, block.first + i, &m);
        block.len += medsec__spool_record_size(&m);
        block.last = block.first + i;
        block.count++;
    }
    if (count == 0 || FILE_MAX - s->len < medsec__spool_block_size(&block)) {
        return;
    }
    seal_bytes(s, records, &block);
    s->records = block.last;
    s->safe = s->touched ? s->safe : s->records;
}

/* All before `at` is as it was. */
static void touch(segment *s, size_t at)
{
    medsec__spool_block block;
    uint64_t safe = 0;
    size_t end = MEDSEC__SPOOL_HEADER_LEN;
    while (at >= MEDSEC__SPOOL_HEADER_LEN && end < s->len &&
           medsec__spool_block_read(&block, s->bytes + end) &&
           end + medsec__spool_block_size(&block) <= at) {
        end += medsec__spool_block_size(&block);
        safe = block.last;
    }
    s->safe = !s->touched || safe < s->safe ? safe : s->safe;
    s->touched = true;
}

static void alter(segment *s, unsigned what, size_t at, size_t count)
{
    uint8_t *place = s->bytes + at;
    const size_t behind = s->len - at;
    const size_t room = FILE_MAX - s->len;
    touch(s, at);
    if (what == FLIP) {
        *place ^= (uint8_t)(1u << count % 8);
    } else if (what == CUT) {
        count = count < behind ? count : behind;
        memmove(place, place + count, behind - count);
        s->len -= count;
    } else {
        count = count < room ? count : room;
        memmove(place + count, place, behind);
        if (what == INSERT) {
            memset(place, (int)count, count);
        }
        s->len += count;
    }
}

static void operate(segment *s, const uint8_t operation[OPERATION_LEN])
{
    const unsigned what = operation[0] % OPERATIONS;
    if (what == SEAL) {
        seal(s, operation[1] % 8);
    } else if (s->len > 0) {
        alter(s, what, s->len * operation[1] / 256, operation[2]);
    }
}

static void write_file(const segment *s)
{
    char path[128];
    check((size_t)snprintf(path, sizeof path, "%s/%s", folder, NAME) < sizeof path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(fd >= 0 && write(fd, s->bytes, s->len) == (ssize_t)s->len && close(fd) == 0);
}

static void check_record(const medsec__spool_record *record, const segment *s)
{
    uint8_t payload[PAYLOAD_MAX];
    check(record->sequence >= 1 && record->sequence <= s->records);
    const medsec_message m = message_of(record->sequence, payload);
    const medsec_message *got = &record->message;
    check(got->topic_len == m.topic_len && memcmp(got->topic, m.topic, m.topic_len) == 0);
    check(got->payload_len == m.payload_len &&
          (m.payload_len == 0 || memcmp(got->payload, m.payload, m.payload_len) == 0));
    check(got->lane == m.lane && got->qos == m.qos && got->retain == m.retain);
}

static void read_file(const segment *s, bool honest)
{
    medsec__spool_disk disk;
    const medsec_spool_options options = {.folder = folder, .key = KEY};
    medsec__spool_record record;
    uint64_t last = 0;
    check(medsec__spool_disk_open(&disk, &options) == MEDSEC_OK);
    while (medsec__spool_disk_peek(&disk, &record) == MEDSEC_OK) {
        if (honest) {
            check(record.sequence > last && (last >= s->safe || record.sequence == last + 1));
            check_record(&record, s);
        }
        last = record.sequence;
        medsec__spool_disk_take(&disk, &record);
    }
    check(!honest || last >= s->safe);
    medsec__spool_disk_close(&disk);
    remove_file(NAME);
    remove_file("damaged-k0000000000000001");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static segment s;
    if (size == 0) {
        return 0;
    }
    begin(&s);
    const bool honest = data[0] % 2 == 0;
    if (honest) {
        for (size_t i = 1; i + OPERATION_LEN <= size; i += OPERATION_LEN) {
            operate(&s, data + i);
        }
    } else if (size <= FILE_MAX / 2) {
        seal_bytes(&s, data + 1,
                   &(medsec__spool_block){.len = size - 1, .count = 1, .first = 1, .last = 99});
    }
    write_file(&s);
    read_file(&s, honest);
    return 0;
}
