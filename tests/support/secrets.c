/* SPDX-License-Identifier: Apache-2.0 */
#include "secrets.h"

#include "unit.h"

#include <medsec/crypto.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { STACK_LEN = 1 << 20, COUNT_MAX = 64, LOG_LEN = 1 << 20, LOG_MAX = 4096 };

static uint8_t parts[COUNT_MAX][SECRETS_PART_LEN];
static size_t count;

/* What was wiped, piece after piece. */
static uint8_t log_bytes[LOG_LEN];
static size_t log_ends[LOG_MAX];
static size_t log_len;
static size_t log_count;

void secrets_clear(void)
{
    count = 0;
    secrets_wiped_clear();
}

void secrets_add(const uint8_t part[SECRETS_PART_LEN])
{
    assert_true(count < COUNT_MAX);
    memcpy(parts[count++], part, SECRETS_PART_LEN);
}

void secrets_add_key(const uint8_t key[2 * SECRETS_PART_LEN])
{
    secrets_add(key);
    secrets_add(key + SECRETS_PART_LEN);
}

size_t secrets_count(void)
{
    return count;
}

/* The kernel copies it: memcheck would have nobody look at what was never written. */
static void copy_memory(uint8_t *out, const void *in, size_t len)
{
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(memory >= 0);
    assert_int_equal(pread(memory, out, len, (off_t)(uintptr_t)in), len);
    close(memory);
}

size_t secrets_left_by(void (*run)(void))
{
    ucontext_t here;
    ucontext_t there;
    uint8_t *stack = calloc(1, STACK_LEN);
    uint8_t *after = calloc(1, STACK_LEN);
    assert_true(stack != NULL && after != NULL);
    assert_int_equal(getcontext(&there), 0);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = STACK_LEN;
    there.uc_link = &here;
    makecontext(&there, run, 0);
    assert_int_equal(swapcontext(&here, &there), 0);
    copy_memory(after, stack, STACK_LEN);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += memmem(after, STACK_LEN, parts[i], SECRETS_PART_LEN) != NULL;
    }
    free(stack);
    free(after);
    return found;
}

/* Only copied here: what it called would overwrite what is searched for. */
void secrets_wipe(void *bytes, size_t len)
{
    assert_true(len <= sizeof log_bytes - log_len && log_count < LOG_MAX);
    memcpy(log_bytes + log_len, bytes, len);
    log_len += len;
    log_ends[log_count++] = log_len;
    medsec_crypto_openssl()->wipe(bytes, len);
}

unsigned secrets_wiped(size_t which)
{
    static uint8_t bytes[sizeof log_bytes];
    unsigned found = 0;
    size_t at = 0;
    copy_memory(bytes, log_bytes, log_len);
    for (size_t i = 0; i < log_count; i++) {
        found += memmem(bytes + at, log_ends[i] - at, parts[which], SECRETS_PART_LEN) != NULL;
        at = log_ends[i];
    }
    return found;
}

void secrets_wiped_clear(void)
{
    log_len = 0;
    log_count = 0;
}
