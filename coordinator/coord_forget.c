/* The mark: what the participants need not remember any more. */
#include "coordinator/coord_internal.h"

/* Nobody acknowledges a mark: it is sent again after so long, in case it was lost. */
#define MARK_AGAIN_US UINT64_C(10000000)

/* The open ones of `epoch`, at most as many as a FORGET can list; beyond these the mark goes no
 * further than `below`. */
static struct tx_msg mark_message(struct coord_core *core, struct coord_tx *first, uint64_t epoch,
                                  uint64_t below)
{
    size_t n = 0;
    struct coord_tx *tx = first;
    for (; tx != NULL && tx->id.epoch == epoch && n < TX_OPEN_IDS_MAX; n++) {
        tx = TAILQ_NEXT(tx, in_open);
    }
    uint64_t *open = coord_alloc(core, n, sizeof *open);
    tx = first;
    for (size_t i = 0; i < n; i++) {
        open[i] = tx->id.seq;
        tx = TAILQ_NEXT(tx, in_open);
    }
    if (tx != NULL && tx->id.epoch == epoch) {
        below = tx->id.seq;
    }
    return (struct tx_msg){
        .type = TX_MSG_FORGET,
        .forget = {.epoch = epoch, .below = below, .open = open, .open_n = n},
    };
}

static struct tx_msg current_mark(struct coord_core *core)
{
    struct coord_tx *first = TAILQ_FIRST(&core->open);
    while (first != NULL && first->id.epoch < core->options.epoch) {
        first = TAILQ_NEXT(first, in_open);
    }
    return mark_message(core, first, core->options.epoch, core->next_seq);
}

/* All ones speak for the epoch and for all before it. So the oldest epoch with something open is
 * the only one that may be told: a later one would call the open ones of this one finished. */
static struct tx_msg old_mark(struct coord_core *core)
{
    struct coord_tx *first = TAILQ_FIRST(&core->open);
    bool old = first != NULL && first->id.epoch < core->options.epoch;
    return mark_message(core, old ? first : NULL, old ? first->id.epoch : core->options.epoch - 1,
                        UINT64_MAX);
}

static bool wants(const struct coord_core *core, bool old)
{
    for (size_t i = 0; i < core->peers_n; i++) {
        const struct coord_peer *peer = core->peers[i];
        uint64_t sent = old ? peer->old_mark_sent : peer->mark_sent;
        if (peer->state == COORD_PEER_UP &&
            sent != (old ? core->old_mark_version : core->mark_version)) {
            return true;
        }
    }
    return false;
}

static void send_mark(struct coord_core *core, bool old)
{
    struct tx_msg msg = old ? old_mark(core) : current_mark(core);
    uint64_t version = old ? core->old_mark_version : core->mark_version;
    for (size_t i = 0; i < core->peers_n; i++) {
        struct coord_peer *peer = core->peers[i];
        uint64_t *sent = old ? &peer->old_mark_sent : &peer->mark_sent;
        if (peer->state == COORD_PEER_UP && *sent != version) {
            *sent = version;
            *(old ? &peer->old_mark_sent_us : &peer->mark_sent_us) = core->now;
            coord_send(core, peer, &msg);
        }
    }
}

struct txlog_record coord_forget_record(const struct coord_core *core)
{
    return (struct txlog_record){.type = TXLOG_FORGET,
                                 .forget = {.coordinator = core->options.id,
                                            .epoch = core->forgotten_epoch,
                                            .below = UINT64_MAX}};
}

/* What their members decide, they may have committed without a word here. "Forgotten" is to mean
 * aborted to a member in doubt, so nobody may be in doubt any more, nor come to be so by a crash:
 * every participant there is says that of itself. */
static bool older_settled(const struct coord_core *core)
{
    for (size_t i = 0; i < core->peers_n && !TX_SEEDED_BUG(OLD_MARK_UNASKED); i++) {
        const struct coord_peer *peer = core->peers[i];
        bool settled = peer->unsettled == 0 || peer->unsettled >= core->options.epoch;
        if (peer->configured && (peer->state != COORD_PEER_UP || !settled)) {
            return false;
        }
    }
    return true;
}

/* May the older epochs be called finished? From then on "forgotten" from the only member of a
 * transaction does not prove any more that it aborted, and every later start has to know that. */
static bool may_forget_older(struct coord_core *core)
{
    if (core->forgotten_lsn.n == 0) {
        core->forgotten_epoch = core->options.epoch - 1;
        if (TX_SEEDED_BUG(OLD_MARK_NOT_LOGGED)) {
            return true;
        }
        struct txlog_record record = coord_forget_record(core);
        core->forgotten_lsn = coord_append(core, &record, true);
    }
    return core->forgotten_lsn.n <= core->durable.n;
}

static void repeat_marks(struct coord_core *core)
{
    for (size_t i = 0; i < core->peers_n; i++) {
        struct coord_peer *peer = core->peers[i];
        if (core->now - peer->mark_sent_us >= MARK_AGAIN_US) {
            peer->mark_sent = 0;
        }
        if (core->now - peer->old_mark_sent_us >= MARK_AGAIN_US) {
            peer->old_mark_sent = 0;
        }
    }
}

void coord_forget_timer(struct coord_core *core)
{
    repeat_marks(core);
    coord_timer_arm(&core->timers, &core->forget, core->now + core->options.forget_us);
    if (wants(core, false)) {
        send_mark(core, false);
    }
    /* Until the retention has passed, an outcome of an older epoch may live at its participant
     * alone. */
    bool passed = core->now - core->started_us >= core->options.retention_us;
    if (passed && core->options.epoch > 1 && wants(core, true) && older_settled(core) &&
        may_forget_older(core)) {
        send_mark(core, true);
    }
}
