/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a seed stream in, in whatever pieces they come; readings out. */
#include <medsec/medsec.h>

#include <stdio.h>

static const uint8_t KEY[] = "only an example!";
static const uint8_t IV[] = "and its vector..";

static void print_reading(const medsec_profile *profile, const medsec_reading *reading)
{
    for (size_t i = 0; i < reading->count; i++) {
        char text[MEDSEC_VALUE_TEXT_MAX];
        int len = (int)medsec_value_write(text, reading->value[i]);
        printf("%s %.*s %s\n", profile->vitals[i].key, len, text, profile->vitals[i].unit);
    }
    printf("\n");
}

/* Pushes one piece, and prints the readings that end in it. */
static medsec_status decode(medsec_seed_decoder *decoder, const uint8_t *data, size_t len)
{
    while (len > 0) {
        size_t used = 0;
        medsec_seed_event event = MEDSEC_SEED_NONE;
        const medsec_reading *reading = NULL;
        medsec_status reason = MEDSEC_OK;
        medsec_status status =
            medsec_seed_decoder_push(decoder, data, len, &used, &event, &reading, &reason);
        if (status != MEDSEC_OK) {
            return status;
        }
        if (event == MEDSEC_SEED_READING) {
            print_reading(&medsec_profile_pico_vitals, reading);
        } else if (event == MEDSEC_SEED_BAD_READING) {
            printf("not a reading: %s\n", medsec_strerror(reason));
        }
        data += used;
        len -= used;
    }
    return MEDSEC_OK;
}

/* What a device would send: two readings, one behind the other. */
static medsec_status make_sample(char *out, size_t cap, size_t *total)
{
    static const char json[] = "{\"Temp\":\"36.600\",\"TempMcu\":\"23.700\",\"PulseSig\":\"1.755\","
                               "\"Acel_x\":\"0.000\",\"Acel_y\":\"-0.50\",\"Acel_z\":\"0.000\","
                               "\"TempMpu\":\"23.400\"}";
    medsec_aes_cbc aes;
    medsec_status status = medsec_aes_cbc_open(&aes, medsec_crypto_openssl(), MEDSEC_ENCRYPT, KEY);
    *total = 0;
    for (int i = 0; i < 2 && status == MEDSEC_OK; i++) {
        size_t len = 0;
        status = medsec_seed_frame_encode(out + *total, cap - *total, &len, &aes,
                                          MEDSEC_SEED_CHAINED, IV, json, sizeof json - 1);
        *total += len;
    }
    medsec_aes_cbc_close(&aes);
    return status;
}

int main(void)
{
    enum { PIECE = 100 };
    char stream[1024];
    size_t len = 0;
    medsec_seed_decoder decoder = {0};
    medsec_status status = make_sample(stream, sizeof stream, &len);
    if (status == MEDSEC_OK) {
        status = medsec_seed_decoder_open(&decoder, medsec_crypto_openssl(),
                                          &medsec_profile_pico_vitals, KEY, IV);
    }
    for (size_t at = 0; at < len && status == MEDSEC_OK; at += PIECE) {
        size_t piece = len - at < PIECE ? len - at : PIECE;
        status = decode(&decoder, (const uint8_t *)stream + at, piece);
    }
    medsec_seed_decoder_close(&decoder);
    if (status != MEDSEC_OK) {
        fprintf(stderr, "%s\n", medsec_strerror(status));
        return 1;
    }
    return 0;
}
