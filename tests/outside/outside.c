/* SPDX-License-Identifier: Apache-2.0 */
/* Reaches into every part of the library that brings a dependency: a static link needs them all. */
#include <medsec/medsec.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    medsec_registry *registry = NULL;
    medsec_gateway *gateway = NULL;
    medsec_publisher *publisher = NULL;
    medsec_status refused[] = {
        medsec_registry_open(&registry, NULL, NULL, MEDSEC_REGISTRY_READ, NULL),
        medsec_gateway_create(&gateway, NULL),
        medsec_publisher_paho_create(&publisher, NULL),
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (refused[i] != MEDSEC_ERR_ARGUMENT)
            return 1;
    }
    printf("libmedsec %s\n", medsec_version());
    return strcmp(medsec_version(), MEDSEC_VERSION_STRING) == 0 ? 0 : 1;
}
