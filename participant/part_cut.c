/* Cuts (common/cut.h): taking, answering, keeping them. docs/protocol.md, "The consistent cut". */
#include "participant/part_internal.h"

#include <inttypes.h>

/* From now on everything is behind it: what comes next in this step, too. */
static void take(struct part_core *core, uint64_t number)
{
    struct part_action *append = part_append(core, TXLOG_CUT, (struct tx_id){0}, true);
    struct tx_cut cut = {.number = number, .lsn = core->last, .time_ms = core->wall_ms};
    append->record.cut = cut;
    bool follows = tx_cuts_add(&core->cuts, cut);
    TX_ASSERT(follows);
    if (!TX_SEEDED_BUG(CUT_NOT_PASSED_ON))
        part_act(core, PART_ACTION_STAMP, (struct tx_id){0})->cut = number;
    part_hold(core, &(struct part_held){.lsn = core->last, .type = PART_HELD_CUT});
    core->cuts_total++;
}

bool part_cut_stamped(struct part_core *core, uint64_t stamp)
{
    TX_ASSERT(!core->recovering);
    switch (tx_cut_judge(tx_cuts_last(&core->cuts), stamp)) {
    case TX_CUT_KNOWN:
        return true;
    case TX_CUT_NEWER:
        take(core, stamp);
        return true;
    case TX_CUT_IMPOSSIBLE:
        break;
    }
    return false;
}

/* ---- who asks ---- */

static void answer(struct part_core *core, struct tx_cut_asker asker, struct tx_cut cut)
{
    struct tx_msg msg;
    tx_cut_answer(asker, cut, &msg);
    part_reply(core, asker.client, &msg);
}

void part_cut_durable(struct part_core *core)
{
    struct tx_cut_asker asker;
    struct tx_cut cut;
    struct tx_lsn durable = TX_SEEDED_BUG(CUT_TOLD_BEFORE_DURABLE) ? core->last : core->durable;
    while (tx_cut_askers_take(&core->cut_askers, &core->cuts, durable, &asker, &cut))
        answer(core, asker, cut);
}

static void wait(struct part_core *core, struct tx_cut_asker asker)
{
    struct tx_cut_asker given_up;
    if (tx_cut_askers_add(&core->cut_askers, asker, &given_up))
        part_reply_error(core, given_up.client, given_up.req, TX_EBUSY, TX_REASON_BUSY,
                         part_text(core,
                                   "cut %" PRIu64 " has not come, and more than %u others wait",
                                   given_up.number, TX_CUT_ASKERS_MAX));
    part_cut_durable(core);
}

void part_on_cut_request(struct part_core *core, uint64_t client,
                         const struct tx_msg_cut_request *request)
{
    struct tx_cut_asker asker = {.client = client, .req = request->req, .number = request->number};
    struct tx_why why = {""};
    enum tx_error error = TX_OK;
    if (request->begin)
        error = tx_why(&why, TX_EINVAL,
                       "a participant begins no cut: ask a coordinator of the cluster");
    else if (asker.number > 0)
        error = tx_cut_may_ask(&core->cuts, asker.number, &why);
    else
        asker.number = tx_cuts_last(&core->cuts);
    if (error != TX_OK)
        part_reply_error(core, client, request->req, error, TX_REASON_NONE,
                         part_text(core, "%s", why.text));
    else if (asker.number == 0)
        answer(core, asker, (struct tx_cut){0});
    else
        wait(core, asker);
}

/* ---- the log ---- */

void part_cut_start(struct part_core *core)
{
    if (core->cuts.n > 0 && !TX_SEEDED_BUG(CUT_UNSTAMPED_AFTER_START))
        part_act(core, PART_ACTION_STAMP, (struct tx_id){0})->cut = tx_cuts_last(&core->cuts);
}

enum tx_error part_cut_recover(struct part_core *core, const struct txlog_record *record,
                               struct tx_why *why)
{
    return tx_cuts_recover(&core->cuts, record->cut, record->lsn, core->restating, why);
}

void part_cut_restate(struct part_core *core)
{
    for (size_t i = 0; i < core->cuts.n && !TX_SEEDED_BUG(CUT_NOT_RESTATED); i++)
        part_append(core, TXLOG_CUT, (struct tx_id){0}, false)->record.cut = core->cuts.items[i];
}
