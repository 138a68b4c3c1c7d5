/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_UNLOCK_H
#define MEDSEC_HOST_UNLOCK_H

#include "store.h"

/* How the master key is had: from a key file, or from a passphrase and the registry's salt. */

/* ERR_ARGUMENT: none or both of the two, or a passphrase too short. */
MEDSEC_CHECK medsec_status medsec__unlock_check(const medsec_registry_unlock *unlock);

/* Makes the keys of a new registry, and notes in it how to get them again. Creates a key file that
 * is not there. */
MEDSEC_CHECK medsec_status medsec__unlock_create(medsec_registry *registry,
                                                 const medsec_registry_unlock *unlock);

/* Gets the keys of an open registry. ERR_CRYPTO: they are not its keys. */
MEDSEC_CHECK medsec_status medsec__unlock_open(medsec_registry *registry,
                                               const medsec_registry_unlock *unlock);

/* ERR_CRYPTO: registry->keys are not those of the file that is open now. */
MEDSEC_CHECK medsec_status medsec__unlock_test(medsec_registry *registry);

#endif
