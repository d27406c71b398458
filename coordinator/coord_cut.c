/* Cuts (common/cut.h): taking, answering, keeping them. docs/protocol.md, "The consistent cut". */
#include "coordinator/coord_internal.h"

#include <inttypes.h>

void coord_cut_interval(struct coord_core *core)
{
    if (core->options.cut_every_us > 0 && !core->fenced) {
        coord_timer_arm(&core->timers, &core->cut, core->now + core->options.cut_every_us);
    } else {
        coord_timer_disarm(&core->timers, &core->cut);
    }
}

/* From now on everything is behind it: what comes next in this step, too. */
static void take(struct coord_core *core, uint64_t number, bool begun)
{
    struct tx_cut cut = {.number = number, .lsn = {core->last.n + 1}, .time_ms = core->wall_ms};
    bool follows = tx_cuts_add(&core->cuts, cut);
    TX_ASSERT(follows);
    struct txlog_record record = {.type = TXLOG_CUT, .cut = cut};
    struct tx_lsn lsn = coord_append(core, &record, true);
    TX_ASSERT(lsn.n == cut.lsn.n);
    if (begun || !TX_SEEDED_BUG(CUT_NOT_PASSED_ON)) {
        coord_stamp(core, number);
    }
    coord_queue_push(&core->queue, (struct coord_resting){.lsn = lsn, .what = COORD_REST_CUT});
    core->stats.cuts++;
    coord_cut_interval(core);
}

/* Everybody hears of it at once, and says so to the other coordinators with the next WELCOME. */
static void begin(struct coord_core *core)
{
    take(core, tx_cuts_last(&core->cuts) + 1, true);
    core->stats.cuts_begun++;
    for (size_t i = 0; i < core->peers_n; i++) {
        coord_peer_hello(core, core->peers[i]);
    }
}

bool coord_cut_stamped(struct coord_core *core, uint64_t stamp)
{
    TX_ASSERT(core->running && !core->fenced);
    switch (tx_cut_judge(tx_cuts_last(&core->cuts), stamp)) {
    case TX_CUT_KNOWN:
        return true;
    case TX_CUT_NEWER:
        take(core, stamp, false);
        return true;
    case TX_CUT_IMPOSSIBLE:
        break;
    }
    return false;
}

/* ---- who asks ---- */

static void answer(struct coord_core *core, struct tx_cut_asker asker, struct tx_cut cut)
{
    struct tx_msg msg;
    tx_cut_answer(asker, cut, &msg);
    coord_reply(core, asker.client, &msg);
}

void coord_cut_durable(struct coord_core *core)
{
    struct tx_cut_asker asker;
    struct tx_cut cut;
    struct tx_lsn durable = TX_SEEDED_BUG(CUT_TOLD_BEFORE_DURABLE) ? core->last : core->durable;
    while (tx_cut_askers_take(&core->cut_askers, &core->cuts, durable, &asker, &cut)) {
        answer(core, asker, cut);
    }
}

static void wait(struct coord_core *core, struct coord_waiter from, uint64_t number)
{
    struct tx_cut_asker asker = {.client = from.client, .req = from.req, .number = number};
    struct tx_cut_asker given_up;
    if (tx_cut_askers_add(&core->cut_askers, asker, &given_up)) {
        coord_error(core, (struct coord_waiter){given_up.client, given_up.req}, TX_EBUSY,
                    TX_REASON_BUSY,
                    coord_print(core, "cut %" PRIu64 " has not come, and more than %u others wait",
                                given_up.number, TX_CUT_ASKERS_MAX));
    }
    coord_cut_durable(core);
}

void coord_on_cut_request(struct coord_core *core, struct coord_waiter from,
                          const struct tx_msg_cut_request *request)
{
    uint64_t number = request->number;
    struct tx_why why = {""};
    enum tx_error error = TX_OK;
    if (request->begin && number != 0) {
        error = tx_why(&why, TX_EINVAL, "a new cut gets its number here; ask for none");
    } else if (request->begin && tx_cuts_last(&core->cuts) == TX_CUT_LAST) {
        error =
            tx_why(&why, TX_ELIMIT, "cut %" PRIu64 " was the last one there can be", TX_CUT_LAST);
    } else if (request->begin) {
        begin(core);
    }
    if (number == 0) {
        number = tx_cuts_last(&core->cuts);
    } else if (error == TX_OK) {
        error = tx_cut_may_ask(&core->cuts, number, &why);
    }
    if (error != TX_OK) {
        coord_error(core, from, error, TX_REASON_NONE, coord_print(core, "%s", why.text));
    } else if (number == 0) {
        answer(core, (struct tx_cut_asker){.client = from.client, .req = from.req},
               (struct tx_cut){0});
    } else {
        wait(core, from, number);
    }
}

void coord_cut_timer(struct coord_core *core)
{
    TX_ASSERT(!core->fenced);
    if (tx_cuts_last(&core->cuts) == TX_CUT_LAST) {
        return; /* never again */
    }
    begin(core);
}

/* ---- the log ---- */

void coord_cut_start(struct coord_core *core)
{
    if (core->fenced) {
        return;
    }
    if (core->cuts.n > 0 && !TX_SEEDED_BUG(CUT_UNSTAMPED_AFTER_START)) {
        coord_stamp(core, tx_cuts_last(&core->cuts));
    }
    coord_cut_interval(core);
}

enum tx_error coord_cut_recover(struct coord_core *core, const struct txlog_record *record,
                                struct tx_why *why)
{
    return tx_cuts_recover(&core->cuts, record->cut, record->lsn, core->snapshot_open, why);
}

void coord_cut_restate(struct coord_core *core)
{
    for (size_t i = 0; i < core->cuts.n && !TX_SEEDED_BUG(CUT_NOT_RESTATED); i++) {
        struct txlog_record record = {.type = TXLOG_CUT, .cut = core->cuts.items[i]};
        (void)coord_append(core, &record, false);
    }
}

void coord_cut_fenced(struct coord_core *core)
{
    coord_timer_disarm(&core->timers, &core->cut);
    for (size_t i = 0; i < core->cut_askers.n; i++) {
        const struct tx_cut_asker *asker = &core->cut_askers.items[i];
        coord_error(core, (struct coord_waiter){asker->client, asker->req}, TX_ESTATE,
                    TX_REASON_NONE,
                    coord_print(core,
                                "the coordinator was fenced before cut %" PRIu64
                                " was durable; ask another one",
                                asker->number));
    }
    core->cut_askers.n = 0;
}
