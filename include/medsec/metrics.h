/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_METRICS_H
#define MEDSEC_METRICS_H

#include <medsec/gateway.h>

/*
 * What a gateway counts, as OpenMetrics text (OpenMetrics 1.0, which Prometheus reads): the body of
 * an answer to GET /metrics, with MEDSEC_METRICS_TYPE as its Content-Type. Names begin with
 * `medsec_`; docs/operations.md lists them. `publisher` may be NULL. `*len` is what was written;
 * ERR_BUFFER: not within `cap`.
 */
#define MEDSEC_METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define MEDSEC_METRICS_MAX 32768u /* bytes that are always enough */

MEDSEC_BEGIN_DECLS

MEDSEC_API MEDSEC_CHECK medsec_status medsec_metrics_write(char *out, size_t cap, size_t *len,
                                                           const medsec_gateway_stats *gateway,
                                                           const medsec_publisher_stats *publisher);

MEDSEC_END_DECLS

#endif
