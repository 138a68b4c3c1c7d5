/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

const wire_ops *wire_find(wire_choice choice, const medsec_credential *credential)
{
    const bool is_seed = credential->wire == MEDSEC_WIRE_SEED;

    switch (choice) {
    case WIRE_AUTO:
        return is_seed ? &wire_seed_ops : &wire_medsec1_ops;
    case WIRE_SEED:
        return is_seed ? &wire_seed_ops : NULL;
    case WIRE_SEED_CHAINED:
        return is_seed ? &wire_seed_chained_ops : NULL;
    case WIRE_MEDSEC1:
        return is_seed ? NULL : &wire_medsec1_ops;
    default:
        return NULL;
    }
}

medsec_status wire_open(wire *w, const wire_ops *ops, const wire_setup *setup,
                        const medsec_credential *credential)
{
    *w = (wire){.ops = ops};
    const medsec_status status = ops->open(w, setup, credential);
    if (status != MEDSEC_OK) {
        *w = (wire){.ops = NULL};
    }
    return status;
}

void wire_close(wire *w)
{
    if (w->ops != NULL) {
        w->ops->close(w);
        w->ops = NULL;
    }
}
