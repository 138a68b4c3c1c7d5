/* SPDX-License-Identifier: Apache-2.0 */
#include "turn.h"

#include "internal.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Its first bytes would ask for work, and it has not had its turn. */
static bool is_newcomer(const medsec__connection *c)
{
    return !c->identified && !c->has_turn && c->searched_ns == 0 && c->course == MEDSEC__STAYS;
}

static bool is_any_queued(const medsec__loop *loop)
{
    return !TAILQ_EMPTY(&loop->places[MEDSEC__QUEUED]) ||
           !TAILQ_EMPTY(&loop->places[MEDSEC__RETURNED]);
}

bool medsec__turn_must_wait(medsec__connection *c)
{
    medsec__loop *loop = c->loop;
    return is_newcomer(c) &&
           (is_any_queued(loop) || !medsec__budget_allows(&loop->budget, uv_hrtime()));
}

/* Its HELLO is not worth an answer any more. A seed device may close, and mean what it sent. */
static bool gave_up(const medsec__connection *c)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    uint8_t first = 0;
    uv_os_fd_t fd;
    return uv_fileno((const uv_handle_t *)&c->tcp, &fd) != 0 ||
           (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
            info.tcpi_state != TCP_ESTABLISHED &&
            recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first == MEDSEC_RECORD_HELLO);
}

static void give_turn(medsec__connection *c)
{
    if (gave_up(c)) {
        medsec__connection_close(c, "closed");
        return;
    }
    c->has_turn = true;
    medsec__connection_resume(c);
}

static medsec__connection *next_of(medsec__loop *loop)
{
    const bool stranger = loop->turns++ % MEDSEC__TURNS_CYCLE == 0;
    medsec__connection *c =
        TAILQ_FIRST(&loop->places[stranger ? MEDSEC__QUEUED : MEDSEC__RETURNED]);
    return c ? c : TAILQ_FIRST(&loop->places[stranger ? MEDSEC__RETURNED : MEDSEC__QUEUED]);
}

static void on_turn(uv_timer_t *timer)
{
    medsec__loop *loop = timer->data;
    for (unsigned i = 0; i < MEDSEC__TURNS_AT_ONCE && is_any_queued(loop) &&
                         medsec__budget_allows(&loop->budget, uv_hrtime());
         i++) {
        give_turn(next_of(loop));
    }
    if (!is_any_queued(loop)) {
        (void)uv_timer_stop(timer);
    }
}

void medsec__turn_wait(medsec__connection *c)
{
    medsec__loop *loop = c->loop;
    (void)uv_read_stop((uv_stream_t *)&c->tcp);
    medsec__count(&loop->counters.queued, 1);
    medsec__connection_move(c, c->is_known ? MEDSEC__RETURNED : MEDSEC__QUEUED);
    if (!uv_is_active((uv_handle_t *)&loop->turn)) {
        (void)uv_timer_start(&loop->turn, on_turn, MEDSEC__TURN_MS, MEDSEC__TURN_MS);
    }
}

medsec_status medsec__turn_open(medsec__loop *loop)
{
    loop->turn.data = loop;
    return uv_timer_init(&loop->uv, &loop->turn) == 0 ? MEDSEC_OK : MEDSEC_ERR_MEMORY;
}
