/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts medsec/1 readings at the broker, each once: what is missing, repeated, or came after a
 * later one. Usage: bench_tally PORT TOPIC, such as 1883 Pico/+/Readings (or Pico/+/Reading). The
 * broker keeps its session while the two are apart. Prints a JSON object a second, and the last one
 * after standard input has ended and the broker has had nothing more for a second.
 */
#include <mosquitto.h>

#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ID_MAX = 64, TURN_MS = 100, AGAIN_US = 50000, RECEIVE_MAX = 65535, KEEP_ALIVE_S = 60 };

/* A start of a device, and the readings that came of it. */
typedef struct starting {
    char id[ID_MAX + 1];
    uint32_t boot;
    uint32_t end; /* after the highest sequence that came */
    uint32_t room; /* sequences that `seen` has bits for */
    uint64_t *seen;
} starting;

typedef struct tally {
    starting *starts; /* open addressing; an empty id: free */
    size_t room; /* a power of two */
    size_t count;
    uint64_t messages;
    uint64_t bytes;
    uint64_t readings;
    uint64_t repeated;
    uint64_t disordered;
    uint64_t strange; /* messages of another form */
    uint32_t connects;
    const char *topic;
    bool subscribed;
} tally;

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_tally: %s\n", what);
        exit(1);
    }
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static size_t hash(const char *id, size_t len, uint32_t boot)
{
    uint64_t sum = 14695981039346656037u ^ boot;

    for (size_t i = 0; i < len; i++) {
        sum = (sum ^ (uint8_t)id[i]) * 1099511628211u;
    }
    return (size_t)(sum ^ sum >> 32);
}

/* Its place, or the free one where it belongs. */
static starting *place_of(const tally *t, const char *id, size_t len, uint32_t boot)
{
    size_t at = hash(id, len, boot) & (t->room - 1);

    for (;;) {
        starting *s = &t->starts[at];
        if (s->id[0] == '\0' ||
            (s->boot == boot && strncmp(s->id, id, len) == 0 && s->id[len] == '\0')) {
            return s;
        }
        at = (at + 1) & (t->room - 1);
    }
}

static void make_room(tally *t)
{
    const tally old = *t;

    if (t->room > 0 && t->count < t->room / 2) {
        return;
    }
    t->room = old.room > 0 ? old.room * 2 : 1024;
    t->starts = calloc(t->room, sizeof *t->starts);
    must(t->starts != NULL, "out of memory");
    for (size_t i = 0; i < old.room; i++) {
        const starting *s = &old.starts[i];
        if (s->id[0] != '\0') {
            *place_of(t, s->id, strlen(s->id), s->boot) = *s;
        }
    }
    free(old.starts);
}

static starting *find(tally *t, const char *id, size_t len, uint32_t boot)
{
    make_room(t);
    starting *s = place_of(t, id, len, boot);
    if (s->id[0] == '\0') {
        memcpy(s->id, id, len);
        s->boot = boot;
        t->count++;
    }
    return s;
}

static void grow(starting *s, uint32_t sequence)
{
    uint32_t room = s->room > 0 ? s->room : 64;

    while (room <= sequence) {
        room *= 2;
    }
    if (room != s->room) {
        s->seen = realloc(s->seen, room / 8);
        must(s->seen != NULL, "out of memory");
        memset(s->seen + s->room / 64, 0, (room - s->room) / 8);
        s->room = room;
    }
}

static void take_reading(tally *t, starting *s, uint32_t sequence)
{
    const uint64_t bit = (uint64_t)1 << sequence % 64;

    grow(s, sequence);
    if ((s->seen[sequence / 64] & bit) != 0) {
        t->repeated++;
        return;
    }
    s->seen[sequence / 64] |= bit;
    t->readings++;
    t->disordered += sequence < s->end ? 1 : 0;
    s->end = sequence < s->end ? s->end : sequence + 1;
}

/* What stands behind `name` from `at` on; NULL: nothing does. */
static const char *behind(const char *at, const char *end, const char *name)
{
    const char *found = memmem(at, (size_t)(end - at), name, strlen(name));

    return found != NULL ? found + strlen(name) : NULL;
}

static uint32_t number_at(const char *at, const char *end)
{
    uint64_t number = 0;

    for (; at < end && *at >= '0' && *at <= '9' && number <= UINT32_MAX; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    must(number < UINT32_MAX / 2, "a number that no run reaches");
    return (uint32_t)number;
}

static void take_message(tally *t, const char *text, size_t len)
{
    const char *end = text + len;
    const char *id = behind(text, end, "\"device\":\"");
    const char *id_end = id != NULL ? memchr(id, '"', (size_t)(end - id)) : NULL;
    const char *boot = behind(text, end, "\"boot\":");

    t->messages++;
    t->bytes += len;
    if (id_end == NULL || id_end == id || id_end - id > ID_MAX || boot == NULL) {
        t->strange++;
        return;
    }
    starting *s = find(t, id, (size_t)(id_end - id), number_at(boot, end));
    for (const char *at = text; (at = behind(at, end, "\"seq\":")) != NULL;) {
        take_reading(t, s, number_at(at, end));
    }
}

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *m)
{
    (void)client;
    take_message(context, m->payload, (size_t)m->payloadlen);
}

static void on_connect(struct mosquitto *client, void *context, int code)
{
    tally *t = context;

    must(code == 0 && mosquitto_subscribe(client, NULL, t->topic, 1) == MOSQ_ERR_SUCCESS,
         "the broker does not let us in");
    t->connects++;
}

static void on_subscribe(struct mosquitto *client, void *context, int id, int count, const int *qos)
{
    (void)client;
    (void)id;
    must(count == 1 && qos[0] == 1, "the broker does not let us subscribe");
    ((tally *)context)->subscribed = true;
}

static uint64_t missing(const tally *t)
{
    uint64_t ends = 0;

    for (size_t i = 0; i < t->room; i++) {
        ends += t->starts[i].end;
    }
    return ends - t->readings;
}

static void print(const tally *t)
{
    printf("{\"subscribed\":%s,\"starts\":%zu,\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"readings\":%" PRIu64 ",\"repeated\":%" PRIu64 ",\"disordered\":%" PRIu64
           ",\"missing\":%" PRIu64 ",\"strange\":%" PRIu64 ",\"connects\":%" PRIu32 "}\n",
           t->subscribed ? "true" : "false", t->count, t->messages, t->bytes, t->readings,
           t->repeated, t->disordered, missing(t), t->strange, t->connects);
    must(fflush(stdout) == 0, "cannot write");
}

static bool input_ended(void)
{
    char text[64];
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, text, sizeof text) <= 0;
}

static void turn(struct mosquitto *client)
{
    if (mosquitto_loop(client, TURN_MS, 1) != MOSQ_ERR_SUCCESS) {
        usleep(AGAIN_US);
        (void)mosquitto_reconnect(client); /* the next turn tells */
    }
}

static void run(struct mosquitto *client, tally *t)
{
    uint64_t next_ms = now_ms();
    uint64_t before = 0;

    for (bool ended = false, quiet = false; !ended || !quiet;) {
        turn(client);
        if (now_ms() >= next_ms) {
            quiet = ended && before == t->messages;
            ended = ended || input_ended();
            before = t->messages;
            next_ms = now_ms() + 1000u;
            print(t);
        }
    }
}

int main(int argc, char **argv)
{
    tally t = {.topic = argc == 3 ? argv[2] : NULL};

    must(argc == 3, "PORT TOPIC are needed");
    mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new("bench-tally", false, &t);
    must(client != NULL, "out of memory");
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_subscribe_callback_set(client, on_subscribe);
    mosquitto_message_callback_set(client, on_message);
    mosquitto_int_option(client, MOSQ_OPT_RECEIVE_MAXIMUM, RECEIVE_MAX);
    must(mosquitto_connect(client, "127.0.0.1", atoi(argv[1]), KEEP_ALIVE_S) == MOSQ_ERR_SUCCESS,
         "no broker");
    run(client, &t);
    mosquitto_destroy(client);
    mosquitto_lib_cleanup();
    for (size_t i = 0; i < t.room; i++) {
        free(t.starts[i].seen);
    }
    free(t.starts);
    return 0;
}
