/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles.h"

#include "tool.h"

int profiles_open(medsec_profile_set **set, const option_list *files)
{
    *set = medsec_profile_set_create();
    for (size_t i = 0; *set != NULL && i < files->count; i++) {
        const char *why = NULL;
        const medsec_status status = medsec_profile_set_load(*set, files->item[i], &why);
        if (status != MEDSEC_OK) {
            tool_error("%s: %s", files->item[i], why != NULL ? why : medsec_strerror(status));
            return EXIT_CONFIG;
        }
    }
    return *set != NULL ? EXIT_DONE : EXIT_FAILED;
}
