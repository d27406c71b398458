/* The core's outside: making it, one step, time, figures. */
#include "coordinator/coord_internal.h"

#include <string.h>

/* ---- life ---- */

static void check_options(const struct coord_options *options)
{
    TX_ASSERT(options->prepare_timeout_us > 0 && options->prepare_tries > 0);
    TX_ASSERT(options->resend_us > 0 && options->hello_us > 0 && options->forget_us > 0);
    TX_ASSERT(options->active_idle_us > 0 && options->peer_down_us > 0);
}

struct coord_core *coord_core_new(const struct coord_options *options)
{
    TX_ASSERT(options->id >= 1 && options->id <= TX_COORDINATOR_ID_MAX);
    TX_ASSERT(options->epoch >= 1);
    check_options(options);
    struct coord_core *core = tx_xcalloc(1, sizeof *core);
    core->options = *options;
    core->options.nodes = NULL;
    if (core->options.mode == TX_COMMIT_DEFAULT) {
        core->options.mode = COORD_COMMIT_MODE;
    }
    core->next_seq = 1;
    core->old_mark_version = 1;
    core->forget = (struct coord_timer){.kind = COORD_TIMER_FORGET, .owner = core};
    core->retention = (struct coord_timer){.kind = COORD_TIMER_RETENTION, .owner = core};
    core->cut = (struct coord_timer){.kind = COORD_TIMER_CUT, .owner = core};
    TAILQ_INIT(&core->all);
    TAILQ_INIT(&core->spare);
    TAILQ_INIT(&core->expiring);
    TAILQ_INIT(&core->open);
    TAILQ_INIT(&core->acked);
    TAILQ_INIT(&core->unacked);
    TAILQ_INIT(&core->results);
    for (size_t i = 0; i < options->nodes_n; i++) {
        (void)coord_peer_add(core, &options->nodes[i].name, &options->nodes[i].address, true);
    }
    return core;
}

static void free_tx(struct coord_core *core, struct coord_tx *tx)
{
    if (tx->retained) {
        coord_retain_unlink(core, tx);
    }
    if (tx->open) {
        coord_open_remove(core, tx);
    }
    coord_tx_free(core, tx);
}

void coord_core_destroy(struct coord_core **core_at)
{
    struct coord_core *core = *core_at;
    if (core == NULL) {
        return;
    }
    *core_at = NULL;
    while (!TAILQ_EMPTY(&core->all)) {
        free_tx(core, TAILQ_FIRST(&core->all));
    }
    while (!TAILQ_EMPTY(&core->spare)) {
        struct coord_tx *tx = TAILQ_FIRST(&core->spare);
        TAILQ_REMOVE(&core->spare, tx, in_all);
        free(tx);
    }
    for (size_t i = 0; i < core->spare_arenas_n; i++) {
        tx_arena_deinit(&core->spare_arenas[i]);
    }
    pair_map_deinit(&core->by_id);
    pair_map_deinit(&core->by_request);
    for (size_t i = 0; i < core->peers_n; i++) {
        free(core->peers[i]);
    }
    for (size_t i = 0; i < core->alarms_n; i++) {
        free((void *)(uintptr_t)core->alarms[i].text.data);
    }
    free(core->peers);
    free(core->peers_by_name);
    free(core->alarms);
    free(core->timers.heap);
    free(core->queue.items);
    free(core);
}

void coord_core_recovered(struct coord_core *core, struct tx_lsn last, uint64_t now_us,
                          struct coord_actions *actions)
{
    TX_ASSERT(!core->running);
    TX_ASSERT(last.n >= core->last.n);
    core->last = last;
    core->durable = last;
    bool follows = tx_lineage_add(
        &core->lineage, (struct tx_position){core->options.epoch, core->options.life, last});
    TX_ASSERT(follows);
    core->running = true;
    core->now = now_us;
    core->out = actions;
    core->started_us = now_us;
    coord_recover_finish(core);
    coord_cut_start(core);
    if (core->fenced) {
        coord_fence_recovered(core);
    } else {
        coord_peers_start(core);
        coord_timer_arm(&core->timers, &core->forget, now_us + core->options.forget_us);
    }
    core->out = NULL;
}

/* ---- messages ---- */

static void refuse_fenced(struct coord_core *core, struct coord_waiter from)
{
    coord_error(core, from, TX_ESTATE, TX_REASON_NONE,
                coord_print(core, "this coordinator is fenced: the participants have seen a later "
                                  "start of it. An operator must stop it and start it on its "
                                  "newest data directory"));
}

/* BEGIN and SUBMIT: new work. */
static void begin(struct coord_core *core, struct coord_waiter from,
                  const struct coord_event *event)
{
    if (core->fenced) {
        refuse_fenced(core, from);
    } else if (event->msg->type == TX_MSG_BEGIN) {
        coord_on_begin(core, from, event);
    } else {
        coord_on_submit(core, from, &event->msg->submit);
    }
}

static void listing(struct coord_core *core, uint64_t client, const struct tx_msg *msg)
{
    if (msg->type == TX_MSG_TXS_REQUEST) {
        coord_on_txs(core, client, &msg->txs_request);
    } else {
        coord_on_alarms(core, client, &msg->alarms_request);
    }
}

static void cut(struct coord_core *core, struct coord_waiter from,
                const struct tx_msg_cut_request *request)
{
    if (core->fenced) {
        refuse_fenced(core, from);
    } else {
        coord_on_cut_request(core, from, request);
    }
}

static void client_message(struct coord_core *core, const struct coord_event *event)
{
    const struct tx_msg *msg = event->msg;
    struct coord_waiter from = {.client = event->client};
    switch (msg->type) {
    case TX_MSG_BEGIN:
        from.req = msg->begin.req;
        begin(core, from, event);
        break;
    case TX_MSG_SUBMIT:
        from.req = msg->submit.req;
        begin(core, from, event);
        break;
    case TX_MSG_COMMIT_REQUEST:
    case TX_MSG_ABORT_REQUEST:
    case TX_MSG_OUTCOME_REQUEST:
        from.req = msg->finish.req;
        coord_on_finish(core, from, msg->type, &msg->finish);
        break;
    case TX_MSG_OUTCOME_ACK:
        coord_on_outcome_ack(core, &msg->id);
        break;
    case TX_MSG_STATUS_REQUEST:
        from.req = msg->status_request.req;
        coord_on_status(core, from);
        break;
    case TX_MSG_CUT_REQUEST:
        from.req = msg->cut_request.req;
        cut(core, from, &msg->cut_request);
        break;
    case TX_MSG_BACKUP_REQUEST: /* the shell's to answer; they come here only by mistake */
    case TX_MSG_ADMIN_REQUEST:
        core->stats.violations++;
        break;
    case TX_MSG_TXS_REQUEST:
    case TX_MSG_ALARMS_REQUEST:
        listing(core, event->client, msg);
        break;
    case TX_MSG_BEGUN:
    case TX_MSG_OUTCOME:
    case TX_MSG_OPERATE:
    case TX_MSG_OPERATED:
    case TX_MSG_JOIN:
    case TX_MSG_PREPARE:
    case TX_MSG_VOTE:
    case TX_MSG_COMMIT:
    case TX_MSG_ABORT:
    case TX_MSG_ACK:
    case TX_MSG_INQUIRE:
    case TX_MSG_WAIT:
    case TX_MSG_STATE:
    case TX_MSG_FORGET:
    case TX_MSG_FENCED:
    case TX_MSG_HELLO:
    case TX_MSG_WELCOME:
    case TX_MSG_RESOLVE:
    case TX_MSG_STATUS:
    case TX_MSG_ERROR:
    case TX_MSG_LOCKS_REQUEST:
    case TX_MSG_LOCKS:
    case TX_MSG_CUT:
    case TX_MSG_TXS:
    case TX_MSG_ALARMS:
    case TX_MSG_PUT_ASIDE:
    case TX_MSG_BACKUP:
    case TX_MSG_TYPES_N:
        TX_ASSERT(!tx_msg_allowed(msg->type, TX_ROLE_CLIENT, TX_ROLE_COORDINATOR));
    }
}

/* Does the message speak of a transaction of this coordinator, and of its sender's own start? That
 * every enum is in its range, and what a list may hold, the decoder has seen to. */
static bool consistent(const struct coord_core *core, uint64_t start, const struct tx_msg *msg)
{
    struct tx_id id = tx_msg_tx(msg);
    bool ours = tx_id_valid(id) && id.coordinator == core->options.id;
    if (msg->type == TX_MSG_VOTE) {
        return ours && msg->vote.incarnation == start;
    }
    if (msg->type == TX_MSG_ACK) {
        return ours && msg->ack.incarnation == start;
    }
    if (msg->type == TX_MSG_STATE) {
        return ours && msg->state.incarnation == start;
    }
    return ours;
}

static void participant_message(struct coord_core *core, struct coord_peer *peer,
                                const struct tx_envelope *from, const struct tx_msg *msg)
{
    switch (msg->type) {
    case TX_MSG_JOIN:
        coord_on_join(core, peer, &msg->id);
        break;
    case TX_MSG_VOTE:
        coord_on_vote(core, peer, &msg->vote);
        break;
    case TX_MSG_ACK:
        coord_on_ack(core, peer, &msg->ack);
        break;
    case TX_MSG_INQUIRE:
        coord_on_inquire(core, peer, &msg->inquire);
        break;
    case TX_MSG_STATE:
        coord_on_state(core, peer, &msg->state);
        break;
    case TX_MSG_WELCOME:
        coord_on_welcome(core, peer, from, &msg->welcome);
        break;
    case TX_MSG_FENCED:
        coord_on_fenced(core, &msg->fenced);
        break;
    case TX_MSG_BEGIN:
    case TX_MSG_BEGUN:
    case TX_MSG_SUBMIT:
    case TX_MSG_COMMIT_REQUEST:
    case TX_MSG_ABORT_REQUEST:
    case TX_MSG_OUTCOME_REQUEST:
    case TX_MSG_OUTCOME:
    case TX_MSG_OUTCOME_ACK:
    case TX_MSG_OPERATE:
    case TX_MSG_OPERATED:
    case TX_MSG_PREPARE:
    case TX_MSG_COMMIT:
    case TX_MSG_ABORT:
    case TX_MSG_WAIT:
    case TX_MSG_FORGET:
    case TX_MSG_HELLO:
    case TX_MSG_RESOLVE:
    case TX_MSG_STATUS_REQUEST:
    case TX_MSG_STATUS:
    case TX_MSG_ERROR:
    case TX_MSG_LOCKS_REQUEST:
    case TX_MSG_LOCKS:
    case TX_MSG_CUT_REQUEST:
    case TX_MSG_CUT:
    case TX_MSG_BACKUP_REQUEST:
    case TX_MSG_BACKUP:
    case TX_MSG_ADMIN_REQUEST:
    case TX_MSG_TXS_REQUEST:
    case TX_MSG_TXS:
    case TX_MSG_ALARMS_REQUEST:
    case TX_MSG_ALARMS:
    case TX_MSG_PUT_ASIDE:
    case TX_MSG_TYPES_N:
        TX_ASSERT(!tx_msg_allowed(msg->type, TX_ROLE_PARTICIPANT, TX_ROLE_COORDINATOR));
    }
}

/* The checks in their order: role, cut, incarnation; the state comes last and is the handlers' own.
 * Key, cluster and frame were checked before the event was made. */
static void message(struct coord_core *core, const struct coord_event *event)
{
    const struct tx_envelope *from = event->envelope;
    const struct tx_msg *msg = event->msg;
    if (!tx_msg_allowed(msg->type, from->role, TX_ROLE_COORDINATOR)) {
        core->stats.violations++;
        return;
    }
    if (from->role == TX_ROLE_CLIENT) {
        client_message(core, event);
        return;
    }
    struct coord_peer *peer = coord_peer_find(core, &from->name);
    if (core->fenced) {
        core->stats.stale++;
        return;
    }
    if (!TX_SEEDED_BUG(CUT_TAKEN_LATE) && !coord_cut_stamped(core, from->cut)) {
        core->stats.violations++;
        return;
    }
    bool introduces = msg->type == TX_MSG_WELCOME || msg->type == TX_MSG_FENCED;
    if (peer == NULL || (!introduces && !consistent(core, from->start, msg))) {
        core->stats.violations++;
        return;
    }
    if (msg->type == TX_MSG_FENCED &&
        (peer->state == COORD_PEER_QUARANTINED || from->start < peer->incarnation)) {
        core->stats.stale++;
        return;
    }
    if (introduces || coord_peer_heard(core, peer, from)) {
        participant_message(core, peer, from, msg);
    }
}

/* ---- durability and time ---- */

static void durable(struct coord_core *core, struct tx_lsn lsn)
{
    TX_ASSERT(lsn.n <= core->last.n);
    if (lsn.n <= core->durable.n) {
        return;
    }
    core->durable = lsn;
    struct coord_resting resting;
    while (coord_queue_pop(&core->queue, lsn, &resting)) {
        struct coord_tx *tx = coord_tx_find(core, resting.tx);
        if (resting.what == COORD_REST_SNAPSHOT) {
            coord_snapshot_durable(core);
        } else if (resting.what == COORD_REST_CUT) {
            coord_cut_durable(core);
        } else if (tx == NULL) {
            TX_ASSERT(core->fenced); /* dropped with its clients told UNKNOWN */
        } else if (resting.what == COORD_REST_COMMIT) {
            coord_commit_durable(core, tx);
        } else if (resting.what == COORD_REST_END) {
            coord_end_durable(core, tx);
        } else {
            coord_one_phase_durable(core, tx);
        }
    }
}

static void tx_timer(struct coord_core *core, struct coord_tx *tx)
{
    switch (tx->state) {
    case COORD_ACTIVE:
        coord_active_timer(core, tx);
        break;
    case COORD_COLLECTING:
        coord_collect_timer(core, tx);
        break;
    case COORD_COMMITTED:
        coord_committed_timer(core, tx);
        break;
    case COORD_RESOLVING:
        coord_resolve_timer(core, tx);
        break;
    case COORD_DECIDING:           /* waits for its record, however long that takes */
    case COORD_FINISHED_COMMITTED: /* for the end of its retention, with all others */
    case COORD_FINISHED_ABORTED:
    case COORD_STATES_N:
        TX_ASSERT(tx->state == COORD_ACTIVE);
    }
}

static void tick(struct coord_core *core)
{
    struct coord_timer *timer = coord_timer_first(&core->timers);
    while (timer != NULL && timer->at <= core->now) {
        coord_timer_disarm(&core->timers, timer);
        switch (timer->kind) {
        case COORD_TIMER_TX:
            tx_timer(core, timer->owner);
            break;
        case COORD_TIMER_HELLO:
            coord_peer_hello(core, timer->owner);
            break;
        case COORD_TIMER_DOWN:
            coord_peer_silent(core, timer->owner);
            break;
        case COORD_TIMER_FORGET:
            coord_forget_timer(core);
            break;
        case COORD_TIMER_RETENTION:
            coord_retention_timer(core);
            break;
        case COORD_TIMER_CUT:
            coord_cut_timer(core);
            break;
        }
        timer = coord_timer_first(&core->timers);
    }
}

static void take_options(struct coord_core *core, const struct coord_options *options)
{
    struct coord_options taken = *options;
    check_options(options);
    taken.id = core->options.id;
    taken.epoch = core->options.epoch;
    taken.life = core->options.life;
    taken.nodes = NULL;
    taken.nodes_n = core->options.nodes_n;
    taken.results_max = core->options.results_max;
    bool other_interval = core->options.cut_every_us != taken.cut_every_us;
    core->options = taken;
    coord_retention_timer(core); /* it may have come already */
    coord_peers_watch(core);
    if (other_interval) {
        coord_cut_interval(core);
    }
}

void coord_core_step(struct coord_core *core, const struct coord_event *event, uint64_t now_us,
                     struct coord_actions *actions)
{
    TX_ASSERT(core->running);
    TX_ASSERT(now_us >= core->now);
    /* HELLO makes a step at least so often; what is longer, it stood still. */
    const uint64_t passed_us = now_us - core->now;
    core->served_us += passed_us < core->options.hello_us ? passed_us : core->options.hello_us;
    core->now = now_us;
    core->wall_ms = event->wall_ms;
    core->out = actions;
    switch (event->type) {
    case COORD_EVENT_MESSAGE:
        message(core, event);
        if (TX_SEEDED_BUG(CUT_TAKEN_LATE) && event->envelope->role != TX_ROLE_CLIENT &&
            !core->fenced) {
            (void)coord_cut_stamped(core, event->envelope->cut);
        }
        break;
    case COORD_EVENT_DURABLE:
        durable(core, event->lsn);
        break;
    case COORD_EVENT_TICK:
        tick(core);
        break;
    case COORD_EVENT_DISK:
        core->disk_low = event->on;
        break;
    case COORD_EVENT_DRAIN:
        core->draining = event->on;
        break;
    case COORD_EVENT_OPTIONS:
        take_options(core, event->options);
        break;
    case COORD_EVENT_READMIT:
        coord_readmit(core, &event->name);
        break;
    }
    coord_retain_bound(core);
    coord_snapshot_maybe(core);
    core->out = NULL;
}

uint64_t coord_core_deadline(const struct coord_core *core)
{
    const struct coord_timer *first = coord_timer_first(&core->timers);
    return first != NULL ? first->at : UINT64_MAX;
}

/* ---- what is there ---- */

bool coord_core_idle(const struct coord_core *core)
{
    return core->counts[COORD_ACTIVE] == 0 && core->counts[COORD_COLLECTING] == 0 &&
           core->counts[COORD_DECIDING] == 0 && core->counts[COORD_RESOLVING] == 0 &&
           core->queue.n == 0;
}

const char *coord_core_state_name(const struct coord_core *core, struct tx_id id)
{
    const struct coord_tx *tx = coord_tx_find(core, id);
    return tx != NULL ? coord_state_text(tx->state) : "none";
}
