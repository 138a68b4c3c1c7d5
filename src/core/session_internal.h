/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_SESSION_INTERNAL_H
#define MEDSEC_CORE_SESSION_INTERNAL_H

#include <medsec/session.h>

/* What a session is waiting for, or is about to tell. */
typedef enum medsec__session_state {
    MEDSEC__SESSION_NO_BYTE, /* the wire is not known */
    MEDSEC__SESSION_ENDED, /* rejected, closed or said goodbye: nothing is left but the reason */

    MEDSEC__SEED_FIRST_BLOCK, /* whose device is not known */
    MEDSEC__SEED_FIRST_FRAME, /* a key opens the first block; the rest has to prove it */
    MEDSEC__SEED_IDENTIFIED, /* and did; the reading is due */
    MEDSEC__SEED_FRAMES,

    MEDSEC__V1_HELLO,
    MEDSEC__V1_FIRST_RECORD, /* a HELLO was answered, which proves nothing */
    MEDSEC__V1_IDENTIFIED, /* it opened; what it says is due */
    MEDSEC__V1_READINGS, /* rows are left of the message */
    MEDSEC__V1_RECORDS
} medsec__session_state;

/* Bytes that a step may take; it counts those that it took. */
typedef struct medsec__input {
    uint8_t *data;
    size_t len;
    size_t used;
} medsec__input;

/* The step of each wire: takes bytes up to the next event. */
medsec_status medsec__seed_take(medsec_session *session, medsec__input *in, medsec_event *event);
medsec_status medsec__v1_take(medsec_session *session, medsec__input *in, medsec_event *event);

/* Reads a whole HELLO, whose header was checked, and writes the WELCOME. */
medsec_status medsec__v1_hello(medsec_session *session, const uint8_t hello[MEDSEC_HELLO_LEN]);

/* By which a session grows old. */
uint64_t medsec__session_steady_ms(const medsec_session *session);

/* Wipes whatever the wire kept; `fault` is what is told from now on. */
void medsec__session_end(medsec_session *session, medsec_status fault);

#endif
