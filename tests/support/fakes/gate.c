/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include "gateway/admission.h"
#include "gateway/budget.h"

#include <stdatomic.h>
#include <uv.h>

bool __real_medsec__budget_allows(medsec__budget *budget, uint64_t now_ns);
bool __wrap_medsec__budget_allows(medsec__budget *budget, uint64_t now_ns);
bool __real_medsec__admission_allows(medsec__admission *admission, const medsec__address *source,
                                     uint64_t now_ns);
bool __wrap_medsec__admission_allows(medsec__admission *admission, const medsec__address *source,
                                     uint64_t now_ns);
uint64_t __real_medsec__emit_now_ms(void);
uint64_t __wrap_medsec__emit_now_ms(void);
uint64_t __real_uv_now(const uv_loop_t *loop);
uint64_t __wrap_uv_now(const uv_loop_t *loop);

static _Atomic gate_budget said;
static _Atomic uint64_t stopped_ms; /* 0: time passes */
static _Atomic uint64_t utc_from_ms; /* of the time that was stopped */

bool __wrap_medsec__budget_allows(medsec__budget *budget, uint64_t now_ns)
{
    const bool allows = __real_medsec__budget_allows(budget, now_ns);
    return said == GATE_AS_IT_IS ? allows : said == GATE_UNLIMITED;
}

bool __wrap_medsec__admission_allows(medsec__admission *admission, const medsec__address *source,
                                     uint64_t now_ns)
{
    const uint64_t ms = stopped_ms;
    return __real_medsec__admission_allows(admission, source, ms != 0 ? ms * 1000000u : now_ns);
}

uint64_t __wrap_medsec__emit_now_ms(void)
{
    const uint64_t ms = stopped_ms;
    return ms != 0 ? utc_from_ms + ms : __real_medsec__emit_now_ms();
}

uint64_t __wrap_uv_now(const uv_loop_t *loop)
{
    const uint64_t ms = stopped_ms;
    return ms != 0 ? ms : __real_uv_now(loop);
}

void gate_set_budget(gate_budget budget)
{
    said = budget;
}

void gate_stop_time(void)
{
    const uint64_t ms = uv_hrtime() / 1000000;
    utc_from_ms = __real_medsec__emit_now_ms() - ms;
    stopped_ms = ms;
}

void gate_pass_ms(uint32_t ms)
{
    stopped_ms += ms;
}

uint64_t gate_utc_ms(void)
{
    return __wrap_medsec__emit_now_ms();
}

void gate_reset(void)
{
    said = GATE_AS_IT_IS;
    stopped_ms = 0;
}
