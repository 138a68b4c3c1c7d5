/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a reading gets from a device's ring to the broker: sent, taken, published, acknowledged, and
 * sent again when a connection, the gateway or the broker's connection is lost at any point.
 *
 * Checked: what is acknowledged is at the broker (assertions); every run ends, and when it ends all
 * readings are at the broker or were counted as dropped, and the device knows (end states, no
 * cycles). A run ends because faults are finite; apart from that nothing is fair to anybody.
 *
 * Two connections of the device may be alive at the gateway, the one it has and one it has left. A
 * lost connection (`up` false) is noticed by each end in its own time; until then what was on the way
 * may still come, and what is sent is gone.
 *
 * Each #ifdef is a deliberate fault in the protocol: test_model.py sets one at a time and wants it
 * found.
 */
#ifdef ACK_BEFORE_PUBACK
#define STOPS_ACKS(k, i) (false)
#define ACKS(k, i) (ends[k] & BIT(i))
#elif defined(ACK_OUT_OF_ORDER)
#define STOPS_ACKS(k, i) (false)
#define ACKS(k, i) ((ends[k] & BIT(i)) && !(PENDING(k) & BIT(i)))
#else
#define STOPS_ACKS(k, i) (PENDING(k) & BIT(i))
#define ACKS(k, i) (ends[k] & BIT(i))
#endif
#ifdef RESUME_AFTER_SENT
#define RESUME next
#else
#define RESUME oldest
#endif
#ifdef FREE_ON_SEND
#define KEPT next
#else
#define KEPT oldest
#endif
#ifdef DEDUPE_BY_RECEIPT
#define NEW(k, i) (i < taken -> 0 : BIT(i))
#define TAKEN (taken < at -> at : taken)
#else
#define NEW(k, i) (i < acked[k] -> 0 : BIT(i))
#define TAKEN 0
#endif
#ifdef IGNORE_FAILURE
#define CLOSES_ON_FAILURE false
#else
#define CLOSES_ON_FAILURE true
#endif

#ifndef READINGS
#define READINGS 3
#endif
#ifndef RING
#define RING 3
#endif
#ifndef BATCH
#define BATCH 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#define WINDOW 2 /* READINGS on the way in a connection */
#define NONE 2
#define BIT(i) (1 << (i))
#define ALL (BIT(READINGS) - 1)
#define DONE (produced == READINGS && oldest == produced)

/* The device. Readings oldest .. produced-1 are in its ring. */
byte produced, oldest, next;
byte dropped; /* set of readings */
byte mine = NONE; /* its connection */

/* The network. */
bool up[2];
chan to_gateway[2] = [WINDOW] of { byte, byte }; /* READINGS: first, last */
chan to_device[2] = [READINGS] of { byte }; /* ACK; never full */

/* The gateway, for each connection. */
bool opened[2];
bool proven[2];
byte ends[2]; /* the last reading of each message that is not acknowledged yet */
byte acked[2]; /* readings below this one are acknowledged on this connection */
byte taken; /* DEDUPE_BY_RECEIPT only: readings below this one came on any connection */

/* The publisher's queue, for each connection, and what the broker has. */
byte queued[2]; /* not at the broker yet, as far as the publisher knows */
byte answered[2]; /* at the broker, PUBACK on the way */
byte at_broker;

byte faults = FAULTS;

#define PENDING(k) (queued[k] | answered[k])

inline forget(k) /* the gateway's end of a connection goes; what is queued stays queued */
{
    opened[k] = false;
    up[k] = false;
    proven[k] = false;
    ends[k] = 0;
    acked[k] = 0;
    do
    :: len(to_gateway[k]) > 0 -> to_gateway[k]?_, _
    :: else -> break
    od
}

inline begin(k)
{
    do
    :: len(to_device[k]) > 0 -> to_device[k]?_
    :: else -> break
    od;
    up[k] = true;
    opened[k] = true;
    mine = k;
    next = RESUME
}

inline sample()
{
    if
    :: produced - oldest == RING ->
        dropped = dropped | BIT(oldest);
        oldest++;
        if
        :: next < oldest -> next = oldest
        :: else
        fi
    :: else
    fi;
    produced++
}

inline send(k)
{
    last = next;
    do
    :: last + 1 < produced && last + 1 < next + BATCH -> last++
    :: break
    od;
    if
    :: up[k] -> to_gateway[k]!next, last
    :: else
    fi;
    next = last + 1;
    oldest = KEPT
}

inline acknowledged(k)
{
    to_device[k]?last;
    do
    :: oldest <= last ->
        assert(at_broker & BIT(oldest));
        oldest++
    :: else -> break
    od;
    if
    :: next < oldest -> next = oldest
    :: else
    fi;
    last = 0
}

proctype device()
{
    byte last;
    do
    :: atomic { produced < READINGS -> sample() }
    :: atomic { mine == NONE && oldest < produced && !opened[0] && !PENDING(0) -> begin(0) }
    :: atomic { mine == NONE && oldest < produced && !opened[1] && !PENDING(1) -> begin(1) }
    :: atomic { mine == 0 && next < produced && len(to_gateway[0]) < WINDOW -> send(0); last = 0 }
    :: atomic { mine == 1 && next < produced && len(to_gateway[1]) < WINDOW -> send(1); last = 0 }
    :: atomic { mine == 0 && len(to_device[0]) > 0 -> acknowledged(0) }
    :: atomic { mine == 1 && len(to_device[1]) > 0 -> acknowledged(1) }
    :: atomic { mine != NONE && !up[mine] -> mine = NONE }
    :: DONE -> break
    od
}

inline settle(k) /* acknowledges what may be acknowledged */
{
    at = 0;
    do
    :: at == READINGS || STOPS_ACKS(k, at) -> break
    :: at < READINGS && !STOPS_ACKS(k, at) && ACKS(k, at) ->
        ends[k] = ends[k] & ~BIT(at);
        at++;
        acked[k] = at;
        assert(((at_broker | dropped) & (BIT(at) - 1)) == BIT(at) - 1);
        if
        :: up[k] -> to_device[k]!at - 1
        :: else
        fi
    :: else -> at++
    od;
    at = 0
}

inline take(k)
{
    to_gateway[k]?at, last;
    if
    :: !proven[k] && opened[1 - k] -> /* the device has a newer session */
        forget(1 - k)
    :: else
    fi;
    proven[k] = true;
    ends[k] = ends[k] | BIT(last);
    do
    :: at > last -> break
    :: at <= last ->
        queued[k] = queued[k] | NEW(k, at);
        at++;
        taken = TAKEN
    od;
    last = 0
}

inline puback(k, i)
{
    answered[k] = answered[k] & ~BIT(i)
}

proctype connection(byte c)
{
    byte at, last;
    do
#ifdef ACK_BEFORE_PUBACK
    :: atomic { opened[c] && len(to_gateway[c]) > 0 -> take(c); settle(c) }
#else
    :: atomic { opened[c] && len(to_gateway[c]) > 0 -> take(c) }
#endif
    :: atomic { (answered[c] & BIT(0)) -> puback(c, 0); settle(c) }
    :: atomic { (answered[c] & BIT(1)) -> puback(c, 1); settle(c) }
    :: atomic { (answered[c] & BIT(2)) -> puback(c, 2); settle(c) }
#if READINGS > 3
    :: atomic { (answered[c] & BIT(3)) -> puback(c, 3); settle(c) }
#endif
    :: atomic { opened[c] && !up[c] -> forget(c) }
    :: DONE -> break
    od
}

inline receive(k, i)
{
    queued[k] = queued[k] & ~BIT(i);
    answered[k] = answered[k] | BIT(i);
    at_broker = at_broker | BIT(i)
}

proctype broker(byte c)
{
    do
    :: atomic { (queued[c] & BIT(0)) -> receive(c, 0) }
    :: atomic { (queued[c] & BIT(1)) -> receive(c, 1) }
    :: atomic { (queued[c] & BIT(2)) -> receive(c, 2) }
#if READINGS > 3
    :: atomic { (queued[c] & BIT(3)) -> receive(c, 3) }
#endif
    :: DONE -> break
    od
}

inline fail(k) /* the broker refuses one message, or the publisher gives it up */
{
    if
    :: (queued[k] & BIT(0)) -> queued[k] = queued[k] & ~BIT(0)
    :: (queued[k] & BIT(1)) -> queued[k] = queued[k] & ~BIT(1)
    :: (queued[k] & BIT(2)) -> queued[k] = queued[k] & ~BIT(2)
#if READINGS > 3
    :: (queued[k] & BIT(3)) -> queued[k] = queued[k] & ~BIT(3)
#endif
    fi;
    if
    :: opened[k] && CLOSES_ON_FAILURE -> forget(k)
    :: else
    fi
}

proctype fault()
{
    do
    :: atomic { faults > 0 && up[0] -> up[0] = false; faults-- }
    :: atomic { faults > 0 && up[1] -> up[1] = false; faults-- }
    :: atomic { faults > 0 -> /* the gateway starts anew; its memory is gone */
        forget(0); forget(1);
        queued[0] = 0; queued[1] = 0; answered[0] = 0; answered[1] = 0; taken = 0; faults-- }
    :: atomic { faults > 0 && (answered[0] | answered[1]) -> /* PUBACKs lost: published again */
        queued[0] = queued[0] | answered[0]; queued[1] = queued[1] | answered[1];
        answered[0] = 0; answered[1] = 0; faults-- }
    :: atomic { faults > 0 && queued[0] -> fail(0); faults-- }
    :: atomic { faults > 0 && queued[1] -> fail(1); faults-- }
    :: DONE -> break
    od
}

init
{
    atomic {
        run device();
        run connection(0);
        run connection(1);
        run broker(0);
        run broker(1);
        run fault()
    };
    _nr_pr == 1;
    assert((at_broker | dropped) == ALL);
#if RING >= READINGS
    assert(dropped == 0)
#endif
}
