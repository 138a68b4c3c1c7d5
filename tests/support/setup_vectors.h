/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_SETUP_VECTORS_H
#define MEDSEC_TESTS_SETUP_VECTORS_H

#include <medsec/setup.h>

/* A row of tests/vectors/setup_forms.jsonl. */
typedef struct setup_vector {
    char device[MEDSEC_DEVICE_ID_MAX + 1];
    uint8_t secret[MEDSEC_PSK_LEN];
    char text[MEDSEC_SETUP_KEY_TEXT_LEN + 1]; /* the setup key as it is shown */
    char key[MEDSEC_SETUP_KEY_LEN];
    uint8_t salt[MEDSEC_SETUP_SALT_LEN]; /* nonce || page */
    medsec_setup_form form;
    uint8_t plain[MEDSEC_SETUP_PLAIN_LEN];
    uint8_t sealed[MEDSEC_SETUP_FORM_LEN];
    medsec_setup_status status;
    uint8_t answer[MEDSEC_SETUP_ANSWER_LEN];
} setup_vector;

/* Calls `each` with all of them; how many they were. */
size_t setup_vectors_each(void (*each)(const setup_vector *vector));

#endif
