/* A declared loss (docs/protocol.md, "A loss that is declared"): what this participant may have
 * promised and forgotten, because its log was taken from a backup and the newest part is gone. */
#include "participant/part_internal.h"

#include <inttypes.h>

bool part_in_loss(const struct part_core *core, const struct part_tx *tx)
{
    return core->loss.start > 0 && tx->members_n > 0 &&
           tx_loss_holds(&core->loss, tx->members[tx->self].incarnation);
}

bool part_may_have_lost(const struct part_core *core, uint64_t incarnation)
{
    return tx_loss_holds(&core->loss, incarnation);
}

/* ---- the record ---- */

static enum tx_error misplaced(const struct txlog_record *record, struct tx_why *why)
{
    return tx_why(why, TX_ECORRUPT,
                  "record %" PRIu64 " (LOSS behind %" PRIu64 ", of starts up to %" PRIu64
                  ") does not fit to the log before it",
                  record->lsn.n, record->loss.lsn.n, record->loss.start);
}

static enum tx_error recover_restated(struct part_core *core, const struct txlog_record *record,
                                      struct tx_why *why)
{
    bool same = core->loss.start == record->loss.start && core->loss.lsn.n == record->loss.lsn.n;
    if (core->loss.start > 0 && !same)
        return misplaced(record, why);
    core->loss = record->loss;
    return TX_OK;
}

/* Several of them are one, from the first position on. */
enum tx_error part_loss_recover(struct part_core *core, const struct txlog_record *record,
                                struct tx_why *why)
{
    const struct tx_lineage *lineage = &core->lineage;
    uint64_t last = lineage->n > 0 ? lineage->starts[lineage->n - 1].start : 0;
    if (record->loss.start >= core->options.incarnation)
        return misplaced(record, why);
    if (core->restating)
        return recover_restated(core, record, why);
    if (record->loss.lsn.n + 1 != record->lsn.n || record->loss.start <= last ||
        record->loss.start <= core->loss.start)
        return misplaced(record, why);
    if (core->loss.start == 0)
        core->loss.lsn = record->loss.lsn;
    core->loss.start = record->loss.start;
    return TX_OK;
}

void part_loss_restate(struct part_core *core)
{
    if (core->loss.start > 0)
        part_append(core, TXLOG_LOSS, (struct tx_id){0}, false)->record.loss = core->loss;
}

/* The same words are kept once, however often it starts. */
void part_loss_start(struct part_core *core)
{
    if (core->loss.start == 0)
        return;
    part_alarm(core, (struct tx_id){0},
               part_text(core,
                         "this participant was restored from a backup: what it wrote behind log "
                         "position %" PRIu64
                         " was declared lost. Of a transaction that may be among that it says that "
                         "it cannot say",
                         core->loss.lsn.n));
}

/* ---- a decision about what is lost ---- */

static void send_lost(struct part_core *core, const struct part_coordinator *coordinator,
                      struct tx_id id)
{
    struct tx_msg msg = {.type = TX_MSG_ACK,
                         .ack = {.id = id,
                                 .incarnation = core->options.incarnation,
                                 .lsn = core->durable,
                                 .heuristic = TX_HEURISTIC_LOST}};
    part_send(core, &coordinator->address, &msg);
}

/* The coordinator is done with it when it hears that; so the alarm has to be durable before. */
void part_commit_lost(struct part_core *core, struct part_coordinator *coordinator, struct tx_id id)
{
    char text[TX_ID_TEXT];
    part_alarm(core, id,
               part_text(core,
                         "transaction %s is committed, and its writes here are in the loss that "
                         "was declared behind log position %" PRIu64 ": mend the data",
                         tx_id_print(id, text), core->loss.lsn.n));
    if (core->last.n <= core->durable.n)
        send_lost(core, coordinator, id);
    else
        part_hold(core, &(struct part_held){.lsn = core->last, .type = PART_HELD_LOST, .tx = id});
}

void part_lost_durable(struct part_core *core, const struct part_held *held)
{
    struct part_coordinator *coordinator = part_coordinator_find(core, held->tx.coordinator);
    TX_ASSERT(coordinator != NULL);
    send_lost(core, coordinator, held->tx);
}
