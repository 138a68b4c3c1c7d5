/* SPDX-License-Identifier: Apache-2.0 */
#include "drbg.h"

#include "sanitizer.h"
#include "unit.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct noisy_board {
    uint64_t random;
    bool dead; /* the ring oscillator */
    uint64_t now_us;
    uint16_t level; /* of the converter */
    unsigned run; /* of equal bits, once */
    unsigned flip; /* the n-th bit is another one; 0: none is */
} noisy_board;

static noisy_board source;

static const medsec_crypto *crypto(void)
{
    return medsec_crypto_openssl();
}

static void noise(void *context, uint8_t *out, size_t len)
{
    noisy_board *from = context;
    for (size_t i = 0; i < len; i++) {
        from->random = from->random * 6364136223846793005u + 1442695040888963407u;
        uint8_t bit = (uint8_t)(from->random >> 63);
        if (from->run > 0) {
            from->run--;
            bit = 0;
        }
        if (from->flip > 0 && --from->flip == 0) {
            bit ^= 1;
        }
        out[i] = from->dead ? 0xff : (uint8_t)(0x40 | bit);
    }
}

static uint64_t now_us(void *context)
{
    return ((noisy_board *)context)->now_us;
}

static uint16_t adc_read(void *context, board_adc channel)
{
    assert_int_equal(channel, BOARD_ADC_CHIP);
    return ((noisy_board *)context)->level;
}

static const board table = {
    .context = &source, .noise = noise, .now_us = now_us, .adc_read = adc_read};

/* The noise of a board in this condition. */
static bool gather(uint8_t out[MEDSEC_BOOT_SEED_LEN], const noisy_board *from)
{
    bool alive;
    source = *from;
    drbg_noise(out, &alive, &table, crypto());
    return alive;
}

static void test_noise_depends_on_every_source(void **state)
{
    (void)state;
    const noisy_board from[] = {{.random = 1},
                                {.random = 2},
                                {.random = 1, .now_us = 1},
                                {.random = 1, .level = 1},
                                {.dead = true},
                                {.dead = true, .level = 1}};
    enum { COUNT = sizeof from / sizeof from[0] };
    uint8_t out[COUNT][MEDSEC_BOOT_SEED_LEN];
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(gather(out[i], &from[i]), !from[i].dead);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(out[i], out[j], MEDSEC_BOOT_SEED_LEN);
        }
    }
    uint8_t again[MEDSEC_BOOT_SEED_LEN];
    assert_true(gather(again, &from[0]));
    assert_memory_equal(again, out[0], sizeof again);
}

/* Eight bits of the oscillator for each bit of a seed, and each of them counts. */
static void test_noise_depends_on_every_bit(void **state)
{
    (void)state;
    uint8_t same[MEDSEC_BOOT_SEED_LEN];
    uint8_t out[MEDSEC_BOOT_SEED_LEN];
    assert_true(gather(same, &(noisy_board){.random = 1}));
    for (unsigned bit = 1; bit <= 2048; bit += bit < 64 || bit >= 1984 ? 1 : 7) {
        assert_true(gather(out, &(noisy_board){.random = 1, .flip = bit}));
        assert_memory_not_equal(out, same, sizeof out);
    }
}

static void test_noise_counts_repetitions(void **state)
{
    (void)state;
    uint8_t out[MEDSEC_BOOT_SEED_LEN];
    for (unsigned i = 0; i < 70; i++) {
        assert_true(gather(out, &(noisy_board){.random = 1, .run = i}));
    }
    assert_false(gather(out, &(noisy_board){.random = 1, .run = 90}));
    assert_false(gather(out, &(noisy_board){.random = 1, .run = 2000}));
}

/* HMAC_DRBG as SP 800-90A writes it down. */
typedef struct reference {
    uint8_t key[MEDSEC_SHA256_LEN];
    uint8_t value[MEDSEC_SHA256_LEN];
} reference;

static void hmac(uint8_t out[MEDSEC_SHA256_LEN], const reference *of, const medsec_bytes *parts,
                 size_t count)
{
    assert_int_equal(crypto()->hmac_sha256(out, of->key, sizeof of->key, parts, count), MEDSEC_OK);
}

static void update(reference *of, const uint8_t *data, size_t len)
{
    for (uint8_t round = 0; round < (len > 0 ? 2 : 1); round++) {
        const medsec_bytes parts[] = {{of->value, sizeof of->value}, {&round, 1}, {data, len}};
        hmac(of->key, of, parts, 3);
        hmac(of->value, of, parts, 1);
    }
}

static void generate(reference *of, uint8_t *out, size_t len)
{
    while (len > 0) {
        const medsec_bytes part = {of->value, sizeof of->value};
        size_t count = len < sizeof of->value ? len : sizeof of->value;
        hmac(of->value, of, &part, 1);
        memcpy(out, of->value, count);
        out += count;
        len -= count;
    }
    update(of, NULL, 0);
}

static void test_random_is_hmac_drbg(void **state)
{
    (void)state;
    medsec_boot_record mine = {.boot = 7, .seed = "the seed of this start"};
    static const uint8_t noise_of_start[MEDSEC_BOOT_SEED_LEN] = "and its noise";
    static const uint8_t zeros[MEDSEC_BOOT_SEED_LEN];
    reference wanted;
    memset(wanted.key, 0, sizeof wanted.key);
    memset(wanted.value, 1, sizeof wanted.value);
    update(&wanted, mine.seed, sizeof mine.seed);
    update(&wanted, noise_of_start, sizeof noise_of_start);
    drbg generator = {.seeded = false};
    drbg_start(&generator, crypto(), &mine, noise_of_start);
    assert_true(generator.seeded);
    assert_memory_equal(mine.seed, zeros, sizeof zeros);
    for (size_t len = 1; len <= 100; len += 33) {
        uint8_t out[100];
        uint8_t from_reference[100];
        drbg_random(&generator, out, len);
        generate(&wanted, from_reference, len);
        assert_memory_equal(out, from_reference, len);
    }
}

static void test_random_without_a_seed_ends_the_program(void **state)
{
    (void)state;
    if (SANITIZED) {
        skip(); /* a trap is a report then */
    }
    pid_t child = fork();
    if (child == 0) {
        static drbg generator;
        uint8_t out[4];
        (void)signal(SIGILL, SIG_DFL); /* not CMocka's */
        (void)signal(SIGTRAP, SIG_DFL);
        drbg_random(&generator, out, sizeof out);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise_depends_on_every_source),
        cmocka_unit_test(test_noise_depends_on_every_bit),
        cmocka_unit_test(test_noise_counts_repetitions),
        cmocka_unit_test(test_random_is_hmac_drbg),
        cmocka_unit_test(test_random_without_a_seed_ends_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
