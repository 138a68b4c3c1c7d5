/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a session begins, and how a psk is rotated, when the network is the attacker's: it keeps every
 * record, and gives any of them to any connection, at any time, as often as it likes, or to nobody.
 *
 * Cryptography is symbolic. A connection's keys are the pair of ephemerals, the device's (`attempt`)
 * and the gateway's (`connection`), and the psk; a record opens with the keys and the number that
 * sealed it, and with no other. The attacker has no keys, so it can only repeat.
 *
 * Checked: a reading is published at most once for each time the device sealed it, and only on the
 * connection for which it did; a session (which ends the device's older one) begins only where the
 * device sealed a DATA record; the psk that the device holds is always one that the registry admits;
 * and nothing is published under a psk that the gateway's directory no longer has.
 *
 * Each #ifdef is a deliberate fault in the protocol: test_model.py sets one at a time and wants it
 * found.
 */
#ifdef REUSED_EPHEMERAL /* the gateway's ephemeral is the same on every connection */
#define SAME_KEYS(a, g) (hello[g] == a && bound[a] != NOBODY)
#else
#define SAME_KEYS(a, g) (hello[g] == a && bound[a] == g)
#endif
#ifdef NO_SEQUENCE
#define NEXT(g, n) true
#else
#define NEXT(g, n) (n == opened[g])
#endif
#ifdef KEEP_OLD_PSK
#define AFTER_PROMOTION OLD
#else
#define AFTER_PROMOTION NONE
#endif
#ifdef KEEP_SESSIONS /* the directory's change closes nothing */
#define CLOSES(g) false
#elif defined(KEEP_HALF_OPEN)
#define CLOSES(g) (state[g] == SESSION)
#else
#define CLOSES(g) true
#endif

#ifndef ATTEMPTS
#define ATTEMPTS 3 /* of the device to connect */
#endif
#ifndef CONNECTIONS
#define CONNECTIONS 3 /* that the gateway answers: HELLOs of the device, and their repetitions */
#endif
#define RECORDS 2 /* DATA records of an attempt */
#define NOBODY 255
#define BIT(i) (1 << (i))

mtype = { OLD, NEW, NONE };
mtype = { UNUSED, WELCOMED, SESSION, CLOSED };

/* The device; its latest attempt is the one that lives. */
byte attempts;
mtype used[ATTEMPTS]; /* the psk of an attempt */
byte bound[ATTEMPTS] = NOBODY; /* the connection whose WELCOME opened */
byte sent[ATTEMPTS]; /* DATA records sealed */
mtype holds = OLD;
bool settled; /* it said something under the new psk: it will not go back to the old one */

/* The gateway. */
byte connections;
byte hello[CONNECTIONS]; /* the attempt whose HELLO began it */
mtype state[CONNECTIONS] = UNUSED;
byte opened[CONNECTIONS]; /* DATA records */
byte published[ATTEMPTS]; /* set of records */

/* The registry, and the directory that the gateway made of it. */
mtype current = OLD, pending = NONE;
mtype directory_current = OLD, directory_pending = NONE;
bool promotion; /* is due */
bool rotated;
bool promoted;

#define ADMITTED(psk) (psk == directory_current || psk == directory_pending)

inline begin_session(g)
{
    assert(bound[hello[g]] == g && sent[hello[g]] > 0);
    other = 0;
    do
    :: other < connections ->
        if
        :: state[other] == SESSION -> state[other] = CLOSED
        :: else
        fi;
        other++
    :: else -> break
    od;
    other = 0;
    state[g] = SESSION;
    prove(g)
}

inline prove(g)
{
    if
    :: used[hello[g]] == NEW && directory_pending == NEW -> promotion = true
    :: else
    fi
}

proctype device()
{
end:
    do
    :: atomic { attempts < ATTEMPTS -> used[attempts] = holds; attempts++ }
    :: atomic { attempts > 0 && bound[attempts - 1] != NOBODY && sent[attempts - 1] < RECORDS ->
        sent[attempts - 1]++;
        if
        :: used[attempts - 1] == NEW -> settled = true; holds = NEW
        :: else
        fi }
    :: atomic { rotated && holds == OLD -> holds = NEW }
    :: atomic { holds == NEW && !settled -> holds = OLD } /* the change did not last */
    od
}

inline data(a, n, g)
{
    if
    :: SAME_KEYS(a, g) && NEXT(g, n) ->
        if
        :: state[g] == WELCOMED -> begin_session(g)
        :: else
        fi;
        assert(!(published[a] & BIT(n)));
        assert(bound[a] == g);
        assert(ADMITTED(used[a]));
        assert(!(promoted && current == directory_current && used[a] == OLD));
        published[a] = published[a] | BIT(n);
        opened[g]++
    :: else -> state[g] = CLOSED
    fi
}

proctype network()
{
    byte a, n, g, other;
end:
    do
    :: atomic { attempts > 0 && connections < CONNECTIONS ->
        select(a : 0 .. attempts - 1);
        if
        :: ADMITTED(used[a]) ->
            g = connections;
            hello[g] = a;
            state[g] = WELCOMED;
            connections++;
#ifdef SESSION_ON_HELLO
            begin_session(g);
#elif defined(PROMOTE_ON_HELLO)
            prove(g);
#endif
        :: else
        fi;
        a = 0; g = 0 }
    :: atomic { connections > 0 ->
        select(g : 0 .. connections - 1);
        if
        :: hello[g] == attempts - 1 && bound[attempts - 1] == NOBODY ->
            bound[attempts - 1] = g
        :: else
        fi;
        g = 0 }
    :: atomic { connections > 0 ->
        select(g : 0 .. connections - 1);
        select(a : 0 .. attempts - 1);
        select(n : 0 .. RECORDS - 1);
        if
        :: n < sent[a] && state[g] != CLOSED -> data(a, n, g)
        :: else
        fi;
        a = 0; n = 0; g = 0 }
    od
}

inline reload()
{
    directory_current = current;
    directory_pending = pending;
    each = 0;
    do
    :: each < connections ->
        if
        :: !ADMITTED(used[hello[each]]) && CLOSES(each) -> state[each] = CLOSED
        :: else
        fi;
        each++
    :: else -> break
    od;
    each = 0
}

proctype registry()
{
    byte each;
end:
    do
#ifdef ONE_PHASE /* the old psk is refused from the moment there is a new one */
    :: atomic { !rotated -> rotated = true; current = NEW }
#else
    :: atomic { !rotated -> rotated = true; pending = NEW }
#endif
    :: atomic { promotion -> promotion = false; promoted = true; current = NEW;
        pending = AFTER_PROMOTION }
    :: atomic { directory_current != current || directory_pending != pending -> reload() }
    :: atomic { connections > 0 -> /* the gateway starts anew */
        promotion = false;
        each = 0;
        do
        :: each < connections -> state[each] = CLOSED; each++
        :: else -> break
        od;
        each = 0;
        reload() }
    od
}

proctype watcher()
{
end:
    atomic { !(holds == current || holds == pending) -> assert(false) } /* locked out */
}

init
{
    atomic { run device(); run network(); run registry(); run watcher() }
}
