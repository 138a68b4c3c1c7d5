/* SPDX-License-Identifier: Apache-2.0 */
#include <medsec/profile_file.h>
#include <medsec/value.h>

#include <cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOUND_MAX 999999999.0 /* MEDSEC_VALUE_DIGITS_MAX nines */
#define NEARLY 1e-6 /* what is left of a decimal that binary cannot hold: eps of 1e9 is 1e-7 */

/* A profile and the texts it points to, which stay in the parsed JSON. */
typedef struct owned_profile {
    medsec_profile profile;
    medsec_vital vitals[MEDSEC_VITALS_MAX];
    cJSON *json;
} owned_profile;

struct medsec_profile_set {
    owned_profile *items[MEDSEC_PROFILES_MAX];
    size_t count;
};

medsec_profile_set *medsec_profile_set_create(void)
{
    return calloc(1, sizeof(medsec_profile_set));
}

static void owned_destroy(owned_profile *item)
{
    cJSON_Delete(item->json);
    free(item);
}

void medsec_profile_set_destroy(medsec_profile_set *set)
{
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        owned_destroy(set->items[i]);
    }
    free(set);
}

static medsec_status refuse(const char **why, medsec_status status, const char *sentence)
{
    if (why != NULL) {
        *why = sentence;
    }
    return status;
}

/* All of `object`'s members are in `names` and none comes twice: a slip of the pen is no default.
 */
static medsec_status check_names(const cJSON *object, const char *const *names, const char **why)
{
    unsigned seen = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, object)
    {
        unsigned bit = 1;
        const char *const *name = names;
        for (; *name != NULL && strcmp(*name, member->string) != 0; name++) {
            bit <<= 1;
        }
        if (*name == NULL) {
            return refuse(why, MEDSEC_ERR_SYNTAX, "a member that profiles do not have");
        }
        if ((seen & bit) != 0) {
            return refuse(why, MEDSEC_ERR_DUPLICATE, "a member is given twice");
        }
        seen |= bit;
    }
    return MEDSEC_OK;
}

static const char *get_text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static bool get_integer(const cJSON *object, const char *name, int max, int *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= max)) {
        return false;
    }
    *out = (int)item->valuedouble;
    return (double)*out == item->valuedouble;
}

static bool bound_from_text(int32_t *out, const char *text, unsigned decimals)
{
    medsec_value value;
    if (medsec_value_parse(&value, text, strlen(text)) != MEDSEC_OK || value.decimals > decimals) {
        return false;
    }
    int64_t scaled = value.mantissa;
    for (unsigned i = value.decimals; i < decimals; i++) {
        scaled *= 10;
    }
    *out = (int32_t)scaled;
    return scaled >= -(int64_t)BOUND_MAX && scaled <= (int64_t)BOUND_MAX;
}

static bool bound_from_number(int32_t *out, double number, unsigned decimals)
{
    for (unsigned i = 0; i < decimals; i++) {
        number *= 10;
    }
    if (!(number >= -BOUND_MAX && number <= BOUND_MAX)) {
        return false;
    }
    *out = (int32_t)(number < 0 ? number - 0.5 : number + 0.5);
    double rest = number - *out;
    return rest < NEARLY && rest > -NEARLY;
}

static bool get_bound(const cJSON *object, const char *name, unsigned decimals, int32_t *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (cJSON_IsString(item)) {
        return bound_from_text(out, item->valuestring, decimals);
    }
    return cJSON_IsNumber(item) && bound_from_number(out, item->valuedouble, decimals);
}

/* False: there is one, and it is no word of ours. */
static bool get_signal(const cJSON *object, uint8_t *out)
{
    const char *word = get_text(object, "signal");
    for (unsigned i = MEDSEC_HEART_ECG; word != NULL && i <= MEDSEC_HEART_PULSE; i++) {
        if (strcmp(word, medsec_heart_signal_word((medsec_heart_signal)i)) == 0) {
            *out = (uint8_t)i;
            return true;
        }
    }
    return !cJSON_HasObjectItem(object, "signal");
}

static medsec_status read_texts(medsec_vital *vital, const cJSON *json, const char **why)
{
    const char *code = get_text(json, "code");
    vital->key = get_text(json, "key");
    vital->topic = get_text(json, "topic");
    vital->unit = get_text(json, "unit");
    vital->code = code == NULL ? "" : code;
    if (vital->key == NULL || vital->topic == NULL || vital->unit == NULL ||
        (code == NULL && cJSON_HasObjectItem(json, "code"))) {
        return refuse(why, MEDSEC_ERR_SYNTAX, "a vital needs key, topic and unit, as texts");
    }
    return get_signal(json, &vital->signal)
               ? MEDSEC_OK
               : refuse(why, MEDSEC_ERR_SYNTAX, "signal is not \"pulse\" or \"ecg\"");
}

static medsec_status read_vital(medsec_vital *vital, const cJSON *json, const char **why)
{
    static const char *const names[] = {"key", "topic", "unit",   "code", "decimals",
                                        "min", "max",   "signal", NULL};
    if (!cJSON_IsObject(json)) {
        return refuse(why, MEDSEC_ERR_SYNTAX, "a vital is not an object");
    }
    medsec_status status = check_names(json, names, why);
    if (status != MEDSEC_OK) {
        return status;
    }
    status = read_texts(vital, json, why);
    if (status != MEDSEC_OK) {
        return status;
    }
    int decimals;
    if (!get_integer(json, "decimals", (int)MEDSEC_VALUE_DECIMALS_MAX, &decimals)) {
        return refuse(why, MEDSEC_ERR_NUMBER, "decimals is not one of 0 to 6");
    }
    vital->decimals = (uint8_t)decimals;
    if (!get_bound(json, "min", vital->decimals, &vital->min) ||
        !get_bound(json, "max", vital->decimals, &vital->max)) {
        return refuse(why, MEDSEC_ERR_NUMBER,
                      "min or max is missing, too large, or has more than `decimals` decimals");
    }
    return MEDSEC_OK;
}

static medsec_status read_vitals(owned_profile *item, const char **why)
{
    const cJSON *vitals = cJSON_GetObjectItemCaseSensitive(item->json, "vitals");
    int count = cJSON_IsArray(vitals) ? cJSON_GetArraySize(vitals) : 0;
    if (count < 1 || count > (int)MEDSEC_VITALS_MAX) {
        return refuse(why, MEDSEC_ERR_LIMIT, "vitals is not an array of 1 to 16");
    }
    const cJSON *json;
    cJSON_ArrayForEach(json, vitals)
    {
        medsec_status status = read_vital(&item->vitals[item->profile.count], json, why);
        if (status != MEDSEC_OK) {
            return status;
        }
        item->profile.count++;
    }
    return MEDSEC_OK;
}

static medsec_status read_interval(owned_profile *item, const char **why)
{
    int interval_ms = 0;
    if (cJSON_HasObjectItem(item->json, "interval_ms") &&
        !get_integer(item->json, "interval_ms", UINT16_MAX, &interval_ms)) {
        return refuse(why, MEDSEC_ERR_NUMBER, "interval_ms is not a number from 0 to 65535");
    }
    item->profile.interval_ms = (uint16_t)interval_ms;
    return MEDSEC_OK;
}

static medsec_status read_profile(owned_profile *item, const char **why)
{
    static const char *const names[] = {"format", "id", "name", "interval_ms", "vitals", NULL};
    if (!cJSON_IsObject(item->json)) {
        return refuse(why, MEDSEC_ERR_SYNTAX, "not a JSON object");
    }
    medsec_status status = check_names(item->json, names, why);
    if (status != MEDSEC_OK) {
        return status;
    }
    const char *format = get_text(item->json, "format");
    if (format == NULL || strcmp(format, MEDSEC_PROFILE_FORMAT) != 0) {
        return refuse(why, MEDSEC_ERR_SYNTAX, "format is not \"" MEDSEC_PROFILE_FORMAT "\"");
    }
    int id;
    if (!get_integer(item->json, "id", UINT16_MAX, &id)) {
        return refuse(why, MEDSEC_ERR_NUMBER, "id is not a number from 0 to 65535");
    }
    item->profile.id = (uint16_t)id;
    item->profile.name = get_text(item->json, "name");
    if (item->profile.name == NULL) {
        return refuse(why, MEDSEC_ERR_SYNTAX, "name is missing");
    }
    status = read_interval(item, why);
    if (status == MEDSEC_OK) {
        status = read_vitals(item, why);
    }
    if (status != MEDSEC_OK) {
        return status;
    }
    item->profile.vitals = item->vitals;
    status = medsec_profile_check(&item->profile);
    return refuse(why, status, status == MEDSEC_OK ? NULL : medsec_strerror(status));
}

static bool is_taken(const medsec_profile_set *set, const medsec_profile *profile)
{
    if (medsec_profile_set_find(set, profile->name) != NULL ||
        profile->id == medsec_profile_pico_vitals.id) {
        return true;
    }
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i]->profile.id == profile->id) {
            return true;
        }
    }
    return false;
}

static bool is_blank(const char *text, const char *end)
{
    while (text < end && (*text == ' ' || *text == '\t' || *text == '\r' || *text == '\n')) {
        text++;
    }
    return text == end;
}

/* cJSON ends a text at an escaped NUL and takes non-ASCII bytes as they are: neither has a place.
 */
static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= 0) {
            return false;
        }
    }
    return memmem(text, len, "\\u0000", 6) == NULL;
}

static cJSON *parse(const char *json, size_t len)
{
    const char *end = NULL;
    cJSON *parsed = is_plain(json, len) ? cJSON_ParseWithLengthOpts(json, len, &end, false) : NULL;
    if (parsed != NULL && !is_blank(end, json + len)) {
        cJSON_Delete(parsed);
        return NULL;
    }
    return parsed;
}

static medsec_status add(medsec_profile_set *set, owned_profile *item, const char *json, size_t len,
                         const char **why)
{
    item->json = parse(json, len);
    if (item->json == NULL) {
        return refuse(why, MEDSEC_ERR_SYNTAX, "not well-formed JSON in ASCII");
    }
    medsec_status status = read_profile(item, why);
    if (status != MEDSEC_OK) {
        return status;
    }
    if (is_taken(set, &item->profile)) {
        return refuse(why, MEDSEC_ERR_EXISTS, "another profile has that name or id");
    }
    set->items[set->count++] = item;
    return MEDSEC_OK;
}

medsec_status medsec_profile_set_add(medsec_profile_set *set, const char *json, size_t len,
                                     const char **why)
{
    if (set == NULL || (json == NULL && len > 0)) {
        return refuse(why, MEDSEC_ERR_ARGUMENT, medsec_strerror(MEDSEC_ERR_ARGUMENT));
    }
    if (len > MEDSEC_PROFILE_FILE_MAX) {
        return refuse(why, MEDSEC_ERR_LIMIT, "longer than 65536 bytes");
    }
    if (set->count == MEDSEC_PROFILES_MAX) {
        return refuse(why, MEDSEC_ERR_LIMIT, "more than 64 profiles");
    }
    owned_profile *item = calloc(1, sizeof *item);
    if (item == NULL) {
        return refuse(why, MEDSEC_ERR_MEMORY, medsec_strerror(MEDSEC_ERR_MEMORY));
    }
    medsec_status status = add(set, item, json, len, why);
    if (status != MEDSEC_OK) {
        owned_destroy(item);
    }
    return status;
}

medsec_status medsec_profile_set_load(medsec_profile_set *set, const char *path, const char **why)
{
    if (set == NULL || path == NULL) {
        return refuse(why, MEDSEC_ERR_ARGUMENT, medsec_strerror(MEDSEC_ERR_ARGUMENT));
    }
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        medsec_status status = errno == ENOENT ? MEDSEC_ERR_NOT_FOUND : MEDSEC_ERR_IO;
        return refuse(why, status, "the file cannot be opened");
    }
    char *json = malloc(MEDSEC_PROFILE_FILE_MAX + 1);
    medsec_status status = refuse(why, MEDSEC_ERR_MEMORY, medsec_strerror(MEDSEC_ERR_MEMORY));
    if (json != NULL) {
        size_t len = fread(json, 1, MEDSEC_PROFILE_FILE_MAX + 1, file);
        status = ferror(file) ? refuse(why, MEDSEC_ERR_IO, "the file cannot be read")
                              : medsec_profile_set_add(set, json, len, why);
    }
    free(json);
    fclose(file);
    return status;
}

const medsec_profile *medsec_profile_set_find(const medsec_profile_set *set, const char *name)
{
    if (set == NULL || name == NULL) {
        return NULL;
    }
    if (strcmp(name, medsec_profile_pico_vitals.name) == 0) {
        return &medsec_profile_pico_vitals;
    }
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(name, set->items[i]->profile.name) == 0) {
            return &set->items[i]->profile;
        }
    }
    return NULL;
}

const medsec_profile *medsec_profile_set_at(const medsec_profile_set *set, size_t at)
{
    if (set == NULL || at > set->count) {
        return NULL;
    }
    return at == 0 ? &medsec_profile_pico_vitals : &set->items[at - 1]->profile;
}
