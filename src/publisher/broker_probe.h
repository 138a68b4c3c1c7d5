/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_PUBLISHER_BROKER_PROBE_H
#define MEDSEC_PUBLISHER_BROKER_PROBE_H

#include "link_failure.h"
#include "mqtt_options.h"

/*
 * Paho does not say why a connection failed before CONNACK: this looks with a connection of its
 * own, on which nothing is said but TLS. False: nobody is there. Waits for the network, some
 * seconds at most.
 */
bool medsec__broker_probe(medsec__link_failure *failure, const medsec__mqtt_options *options);

#endif
