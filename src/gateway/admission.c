/* SPDX-License-Identifier: Apache-2.0 */
#include "admission.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

typedef struct bucket {
    uint64_t source; /* keyed hash */
    uint64_t full_ns; /* when it will be full */
} bucket;

struct medsec__admission {
    uv_mutex_t lock;
    uint64_t token_ns; /* time for one */
    uint64_t burst_ns; /* time for all */
    uint8_t key[crypto_shorthash_KEYBYTES];
    _Atomic uint64_t known[MEDSEC__ADMISSION_KNOWN]; /* sources, each in its place */
    bucket buckets[MEDSEC__ADMISSION_SETS][MEDSEC__ADMISSION_WAYS];
};

bool medsec__bucket_take(uint64_t *full_ns, uint64_t now_ns, uint64_t token_ns, uint64_t burst_ns)
{
    uint64_t next_ns = (*full_ns > now_ns ? *full_ns : now_ns) + token_ns;
    if (next_ns - now_ns > burst_ns) {
        return false;
    }
    *full_ns = next_ns;
    return true;
}

medsec_status medsec__admission_create(medsec__admission **admission, uint32_t rate_per_s,
                                       uint32_t burst)
{
    medsec__admission *a = calloc(1, sizeof *a);
    if (!a || sodium_init() < 0 || uv_mutex_init(&a->lock) != 0) {
        free(a);
        return MEDSEC_ERR_MEMORY;
    }
    a->token_ns = 1000000000u / (rate_per_s ? rate_per_s : 1);
    a->burst_ns = a->token_ns * burst;
    crypto_shorthash_keygen(a->key);
    *admission = a;
    return MEDSEC_OK;
}

void medsec__admission_destroy(medsec__admission *a)
{
    if (!a) {
        return;
    }
    uv_mutex_destroy(&a->lock);
    free(a);
}

static uint64_t hash(const medsec__admission *a, const medsec__address *source)
{
    uint8_t bytes[16], out[crypto_shorthash_BYTES];
    uint64_t number;
    medsec__address_bytes(bytes, source);
    size_t len = medsec__address_is_v4(bytes) ? sizeof bytes : sizeof bytes / 2;
    (void)crypto_shorthash(out, bytes, len, a->key);
    memcpy(&number, out, sizeof number);
    return number;
}

/* Its bucket, or the one that is full or will be first. */
static bucket *find(bucket *set, uint64_t source)
{
    bucket *found = &set[0];
    for (unsigned i = 0; i < MEDSEC__ADMISSION_WAYS; i++) {
        if (set[i].source == source) {
            return &set[i];
        }
        if (set[i].full_ns < found->full_ns) {
            found = &set[i];
        }
    }
    *found = (bucket){.source = source};
    return found;
}

bool medsec__admission_allows(medsec__admission *a, const medsec__address *source, uint64_t now_ns)
{
    const uint64_t number = hash(a, source);
    uv_mutex_lock(&a->lock);
    bucket *b = find(a->buckets[number % MEDSEC__ADMISSION_SETS], number);
    bool allowed = medsec__bucket_take(&b->full_ns, now_ns, a->token_ns, a->burst_ns);
    uv_mutex_unlock(&a->lock);
    return allowed;
}

void medsec__admission_remember(medsec__admission *a, const medsec__address *source)
{
    const uint64_t number = hash(a, source);
    atomic_store_explicit(&a->known[number % MEDSEC__ADMISSION_KNOWN], number,
                          memory_order_relaxed);
}

bool medsec__admission_knows(const medsec__admission *a, const medsec__address *source)
{
    const uint64_t number = hash(a, source);
    return atomic_load_explicit(&a->known[number % MEDSEC__ADMISSION_KNOWN],
                                memory_order_relaxed) == number;
}
