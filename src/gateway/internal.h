/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_GATEWAY_INTERNAL_H
#define MEDSEC_GATEWAY_INTERNAL_H

#include "admission.h"
#include "host/network.h"
#include "loop.h"
#include "presence.h"
#include "watch.h"

/*
 * A gateway is some loops, each a thread with its own listening socket and its own connections,
 * and what they share: who is there (presence.h), who may connect (admission.h), and the directory
 * of devices, which another thread keeps up to date (watch.h). Other threads leave word in a loop's
 * mailbox (mailbox.h) or in its ledger (ledger.h), and wake it.
 */

#define MEDSEC__THREADS_MAX 256u /* a token names its loop by a byte */

struct medsec_gateway {
    medsec_gateway_options options; /* defaults filled in */
    medsec_topic topic;
    medsec__address address;
    medsec_publisher_listener listener;
    medsec__presence *presence;
    medsec__admission *admission;
    medsec__networks balancers;
    medsec__loop *loops;
    uint32_t half_open_share; /* of each loop */
    _Atomic uint32_t config_version; /* of the last command that brought none */
    _Atomic uint32_t connections; /* of all loops, against max_connections */
    _Atomic bool was_linked; /* to the broker, once */
    _Atomic bool is_cut; /* off the broker: what is published waits for it */
    _Atomic uint32_t undrained; /* loops that have not said good-bye to all of theirs */
    bool started;

    uv_mutex_t wake_lock;
    bool awake; /* the loops may be woken */

    uv_mutex_t directory_lock;
    medsec_directory *directory;

    uv_thread_t watcher;
    uv_mutex_t watch_lock;
    uv_cond_t watch_changed;
    bool watch_stop;
    bool watch_now;
    struct medsec__promotions promotions;
    size_t promotions_waiting; /* in that list */
    bool promotions_pause; /* the first of them did not work just now */
    _Atomic uint64_t reloads;
    _Atomic uint64_t promoted;
    _Atomic uint64_t devices; /* in the directory */
    _Atomic uint64_t generation; /* of the registry, as it is there */
};

#endif
