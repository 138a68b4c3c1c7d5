/* SPDX-License-Identifier: Apache-2.0 */
#include "sample_key.h"

#include <string.h>

static bool steps_through(const char *circle, size_t step, const uint8_t *key)
{
    size_t count = strlen(circle);
    const char *first = key[0] == '\0' ? NULL : strchr(circle, key[0]);
    for (size_t i = 0; first != NULL && i < MEDSEC_AES128_KEY_LEN; i++) {
        if (key[i] != (uint8_t)circle[((size_t)(first - circle) + i * step) % count]) {
            return false;
        }
    }
    return first != NULL;
}

bool medsec__key_is_sample(const uint8_t key[MEDSEC_AES128_KEY_LEN])
{
    static const char *const circles[] = {"0123456789", "0123456789abcdef", "0123456789ABCDEF",
                                          "abcdefghijklmnopqrstuvwxyz",
                                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ"};
    const char one[2] = {(char)key[0], '\0'};
    if (steps_through(one, 0, key)) {
        return true;
    }
    for (size_t i = 0; i < sizeof circles / sizeof circles[0]; i++) {
        if (steps_through(circles[i], 1, key) ||
            steps_through(circles[i], strlen(circles[i]) - 1, key)) {
            return true;
        }
    }
    return false;
}
