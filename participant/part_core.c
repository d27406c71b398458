/* The core itself: its life, the dispatch of events, its deadline and its figures. */
#include "participant/part_internal.h"

#include <stdlib.h>

size_t part_core_results_max(size_t message_max)
{
    TX_ASSERT(message_max > PART_MESSAGE_REST);
    return message_max - PART_MESSAGE_REST;
}

struct part_core *part_core_new(const struct part_options *options)
{
    TX_ASSERT(options->incarnation >= 1 && options->name.s[0] != '\0');
    TX_ASSERT(options->inquiry_us > 0 && options->idle_us > 0 && options->txs_max > 0);
    struct part_core *core = tx_xcalloc(1, sizeof *core);
    struct lockmgr_options locks = {.locks_max = options->locks_max,
                                    .wait_timeout_us = options->lock_timeout_us,
                                    .policy = options->lock_policy,
                                    .escalate_at = options->escalate_at};
    core->options = *options;
    core->txs_max_was = options->txs_max;
    if (core->options.results_max == 0)
        core->options.results_max = part_core_results_max(TX_MESSAGE_MAX);
    core->locks = lockmgr_new(&locks);
    part_list_init(&core->live);
    part_list_init(&core->timers);
    part_list_init(&core->tombstones_by_age);
    part_list_init(&core->places_by_age);
    core->recovering = true;
    return core;
}

void part_core_destroy(struct part_core **core_ptr)
{
    struct part_core *core = *core_ptr;
    if (core == NULL)
        return;
    while (core->txs != NULL) {
        struct part_tx *tx = core->txs;
        if (tx->owner != NULL)
            lockmgr_release_all(core->locks, &tx->owner, &core->events);
        part_tx_free(core, tx);
    }
    while (core->tombstones != NULL)
        part_tombstone_drop(core, core->tombstones);
    while (core->coordinators != NULL)
        part_coordinator_free(core, core->coordinators);
    part_places_free(core);
    part_alarms_free(core);
    lock_events_deinit(&core->events);
    lockmgr_destroy(&core->locks);
    tx_spare_deinit(&core->spare_txs);
    tx_spare_deinit(&core->spare_tombstones);
    while (core->arenas_n > 0)
        tx_arena_deinit(&core->arenas[--core->arenas_n]);
    free(core->heap);
    free(core->held);
    free(core);
    *core_ptr = NULL;
}

/* ---- events ---- */

static void on_coordinator(struct part_core *core, const struct tx_envelope *envelope,
                           const struct tx_msg *msg)
{
    if (msg->type == TX_MSG_HELLO) {
        part_on_hello(core, envelope, &msg->hello);
        return;
    }
    struct part_coordinator *coordinator = part_coordinator_admit(core, envelope, msg);
    if (coordinator == NULL)
        return;
    if (msg->type == TX_MSG_PREPARE)
        part_on_prepare(core, coordinator, &msg->prepare);
    else if (msg->type == TX_MSG_COMMIT)
        part_on_commit(core, coordinator, &msg->commit);
    else if (msg->type == TX_MSG_ABORT)
        part_on_abort(core, coordinator, &msg->abort);
    else if (msg->type == TX_MSG_INQUIRE)
        part_on_inquire(core, envelope, &msg->inquire);
    else if (msg->type == TX_MSG_WAIT)
        part_on_wait(core, msg->id.id);
    else if (msg->type == TX_MSG_FORGET)
        part_on_forget(core, coordinator, &msg->forget);
}

static void on_participant(struct part_core *core, const struct tx_envelope *envelope,
                           const struct tx_msg *msg)
{
    TX_ASSERT(msg->type == TX_MSG_INQUIRE || msg->type == TX_MSG_STATE);
    if (msg->type == TX_MSG_INQUIRE)
        part_on_inquire(core, envelope, &msg->inquire);
    else
        part_on_state(core, envelope, &msg->state);
}

static void on_client(struct part_core *core, const struct part_event *event)
{
    const struct tx_msg *msg = event->msg;
    if (msg->type == TX_MSG_OPERATE)
        part_on_operate(core, event);
    else if (msg->type == TX_MSG_RESOLVE)
        part_on_resolve(core, event);
    else if (msg->type == TX_MSG_STATUS_REQUEST)
        part_on_status(core, event->client, msg->status_request.req);
    else if (msg->type == TX_MSG_LOCKS_REQUEST)
        part_on_locks(core, event->client, &msg->locks_request);
    else if (msg->type == TX_MSG_CUT_REQUEST)
        part_on_cut_request(core, event->client, &msg->cut_request);
    else if (msg->type == TX_MSG_TXS_REQUEST)
        part_on_txs(core, event->client, &msg->txs_request);
    else if (msg->type == TX_MSG_ALARMS_REQUEST)
        part_on_alarms(core, event->client, &msg->alarms_request);
    else if (msg->type == TX_MSG_PUT_ASIDE)
        part_on_put_aside(core, event);
}

static void on_message(struct part_core *core, const struct part_event *event)
{
    const struct tx_envelope *envelope = event->envelope;
    if (!tx_msg_allowed(event->msg->type, envelope->role, TX_ROLE_PARTICIPANT)) {
        core->violations++;
        return;
    }
    if (envelope->role != TX_ROLE_CLIENT && !TX_SEEDED_BUG(CUT_TAKEN_LATE) &&
        !part_cut_stamped(core, envelope->cut)) {
        core->violations++;
        return;
    }
    switch (envelope->role) {
    case TX_ROLE_COORDINATOR:
        on_coordinator(core, envelope, event->msg);
        return;
    case TX_ROLE_PARTICIPANT:
        on_participant(core, envelope, event->msg);
        return;
    case TX_ROLE_CLIENT:
        on_client(core, event);
        return;
    case TX_ROLES_N:
        return;
    }
}

static void on_tick(struct part_core *core)
{
    struct part_tx *tx;
    part_locks_expire(core);
    while ((tx = part_timer_first(core)) != NULL && tx->timer_us <= core->now_us)
        part_on_timer(core, tx);
}

static void take_options(struct part_core *core, const struct part_options *options)
{
    TX_ASSERT(options->inquiry_us > 0 && options->idle_us > 0 && options->txs_max > 0);
    core->options.idle_us = options->idle_us;
    core->options.lock_timeout_us = options->lock_timeout_us;
    core->options.inquiry_us = options->inquiry_us;
    core->options.inquiry_max_us = options->inquiry_max_us;
    core->options.txs_max = options->txs_max;
    if (options->txs_max > core->txs_max_was)
        core->txs_max_was = options->txs_max;
    core->options.snapshot_records = options->snapshot_records;
    core->options.retain_records = options->retain_records;
    lockmgr_set_wait_timeout(core->locks, options->lock_timeout_us);
}

static void dispatch(struct part_core *core, const struct part_event *event)
{
    switch (event->type) {
    case PART_EVENT_MESSAGE:
        on_message(core, event);
        if (TX_SEEDED_BUG(CUT_TAKEN_LATE) && event->envelope->role != TX_ROLE_CLIENT)
            (void)part_cut_stamped(core, event->envelope->cut);
        return;
    case PART_EVENT_DURABLE:
        core->log_bytes = core->log_bytes_from + event->log_bytes;
        part_on_durable(core, event->lsn);
        return;
    case PART_EVENT_RM:
        part_on_rm(core, event);
        return;
    case PART_EVENT_TICK:
        on_tick(core);
        return;
    case PART_EVENT_DISK:
        core->disk_low = event->on;
        return;
    case PART_EVENT_DRAIN:
        core->draining = event->on;
        return;
    case PART_EVENT_OPTIONS:
        take_options(core, event->options);
        return;
    }
}

void part_core_step(struct part_core *core, const struct part_event *event, uint64_t now_us,
                    struct part_actions *actions)
{
    TX_ASSERT(!core->recovering && core->out == NULL);
    TX_ASSERT(core->events.events_n == 0);
    core->now_us = now_us;
    core->wall_ms = event->wall_ms;
    core->out = actions;
    lockmgr_clock(core->locks, now_us);
    dispatch(core, event);
    if (core->events.events_n > 0)
        part_locks_settle(core);
    if (part_snapshot_is_due(core))
        part_snapshot(core);
    core->out = NULL;
}

uint64_t part_core_deadline(const struct part_core *core)
{
    uint64_t locks_us = lockmgr_next_deadline(core->locks);
    const struct part_tx *tx = part_timer_first(core);
    return tx != NULL && tx->timer_us < locks_us ? tx->timer_us : locks_us;
}

/* ---- what is there ---- */

bool part_core_idle(const struct part_core *core)
{
    return part_open_n(core) == 0 && core->held_from == core->held_to &&
           core->durable.n == core->last.n;
}

const char *part_core_state_name(const struct part_core *core, struct tx_id id)
{
    const struct part_tx *tx = part_tx_find(core, id);
    if (tx != NULL)
        return part_state_text(tx->state);
    const struct part_coordinator *coordinator = part_coordinator_find(core, id.coordinator);
    if (coordinator != NULL && part_mark_covers(coordinator, id))
        return "forgotten";
    return part_tombstone_find(core, id) != NULL ? "tombstone" : "none";
}
