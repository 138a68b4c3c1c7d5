/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PROFILE_FILE_H
#define MEDSEC_PROFILE_FILE_H

#include <medsec/profile.h>

/*
 * Profiles as JSON:
 *
 *     {"format":"medsec-profile/1","id":2,"name":"pulse-oximeter","interval_ms":20,"vitals":[
 *       {"key":"SpO2","topic":"Physiological_Data/SpO2","unit":"%","code":"LOINC 59408-5",
 *        "decimals":1,"min":0,"max":100},
 *       {"key":"Pleth","topic":"Physiological_Data/Pleth","unit":"1","decimals":0,
 *        "min":-32768,"max":32767,"signal":"pulse"}, ...]}
 *
 * `min` and `max` are in the unit, as numbers or as decimal texts ("-0.5"), exact: at most
 * `decimals` decimals. `signal`, "pulse" or "ecg", is for the one vital that the heart rate is to
 * be taken from. `code`, `signal` and `interval_ms` may be absent, other members may not be added.
 * A set of profiles is what a gateway looks devices' profiles up in; it always holds `pico-vitals`.
 */
#define MEDSEC_PROFILE_FORMAT "medsec-profile/1"

typedef struct medsec_profile_set medsec_profile_set;

#define MEDSEC_PROFILE_FILE_MAX 65536u /* bytes of a profile file */
#define MEDSEC_PROFILES_MAX 64u /* profiles in a set */

MEDSEC_BEGIN_DECLS

/* A set with the built-in profile in it. NULL when out of memory. */
MEDSEC_API medsec_profile_set *medsec_profile_set_create(void);
MEDSEC_API void medsec_profile_set_destroy(medsec_profile_set *set);

/*
 * Adds the profile in a JSON text; `*why` (may be NULL) is a static sentence on failure.
 * ERR_SYNTAX; the errors of medsec_profile_check; ERR_EXISTS: that name or id is taken; ERR_LIMIT:
 * a text or a set too large; ERR_MEMORY.
 */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_profile_set_add(medsec_profile_set *set,
                                                             const char *json, size_t len,
                                                             const char **why);

/* The same from a file. Also ERR_NOT_FOUND, ERR_IO (errno). */
MEDSEC_API MEDSEC_CHECK medsec_status medsec_profile_set_load(medsec_profile_set *set,
                                                              const char *path, const char **why);

/* By name, or by its place in the set; NULL when there is none. Valid as long as the set. */
MEDSEC_API const medsec_profile *medsec_profile_set_find(const medsec_profile_set *set,
                                                         const char *name);
MEDSEC_API const medsec_profile *medsec_profile_set_at(const medsec_profile_set *set, size_t at);

/*
 * The retained JSON of the topic `Profile`: units, codes and topics. `cap` of
 * MEDSEC_PROFILE_JSON_MAX is always enough.
 */
#define MEDSEC_PROFILE_JSON_MAX 8192u
MEDSEC_API MEDSEC_CHECK medsec_status medsec_profile_write_json(char *out, size_t cap, size_t *len,
                                                                const medsec_profile *profile);

MEDSEC_END_DECLS

#endif
