/* Coordinators: the introduction, and the fences of epoch and life. */
#include "participant/part_internal.h"

#include <stdlib.h>
#include <string.h>

struct part_coordinator *part_coordinator_find(const struct part_core *core, uint32_t id)
{
    struct part_coordinator *coordinator;
    HASH_FIND(hh, core->coordinators, &id, sizeof id, coordinator);
    return coordinator;
}

struct part_coordinator *part_coordinator_new(struct part_core *core, uint32_t id)
{
    TX_ASSERT(id >= 1 && id <= TX_COORDINATOR_ID_MAX && part_coordinator_find(core, id) == NULL);
    struct part_coordinator *coordinator = tx_xcalloc(1, sizeof *coordinator);
    coordinator->id = id;
    coordinator->heard_us = core->now_us;
    part_list_init(&coordinator->txs);
    part_list_init(&coordinator->tombstones);
    HASH_ADD(hh, core->coordinators, id, sizeof coordinator->id, coordinator);
    return coordinator;
}

void part_coordinator_free(struct part_core *core, struct part_coordinator *coordinator)
{
    TX_ASSERT(coordinator->txs.next == &coordinator->txs);
    TX_ASSERT(coordinator->tombstones.next == &coordinator->tombstones);
    HASH_DEL(core->coordinators, coordinator);
    part_marks_free(coordinator);
    TX_ASSERT(coordinator->unsettled_n == 0);
    free(coordinator->unsettled);
    free(coordinator);
}

bool part_introduced(const struct part_core *core, const struct part_coordinator *coordinator)
{
    return coordinator != NULL && coordinator->epoch_lsn.n <= core->durable.n;
}

void part_coordinator_reached(struct part_coordinator *coordinator, struct tx_lsn lsn)
{
    if (lsn.n > coordinator->known_lsn.n)
        coordinator->known_lsn = lsn;
}

struct tx_position part_coordinator_known(const struct part_coordinator *coordinator)
{
    return (struct tx_position){coordinator->epoch, coordinator->life, coordinator->known_lsn};
}

static void send_fenced(struct part_core *core, const struct part_coordinator *coordinator,
                        const struct tx_address *to, struct tx_id id)
{
    struct tx_msg msg = {
        .type = TX_MSG_FENCED,
        .fenced = {.id = id, .known = part_coordinator_known(coordinator)},
    };
    part_send(core, to, &msg);
}

static void heard(struct part_core *core, struct part_coordinator *coordinator,
                  const struct tx_envelope *envelope)
{
    coordinator->heard_us = core->now_us;
    /* It may have moved within an epoch; its next EPOCH record or snapshot keeps that. */
    if (envelope->address.s[0] != '\0')
        coordinator->address = envelope->address;
}

static bool envelope_valid(const struct tx_envelope *envelope)
{
    return envelope->coordinator >= 1 && envelope->coordinator <= TX_COORDINATOR_ID_MAX &&
           envelope->start >= 1;
}

/* Is it a transaction of the sender, begun in this epoch of it or an older one? */
static bool speaks_of_its_own(const struct tx_envelope *envelope, const struct tx_msg *msg)
{
    if (msg->type == TX_MSG_FORGET || msg->type == TX_MSG_HELLO)
        return true;
    struct tx_id id = tx_msg_tx(msg);
    return tx_id_valid(id) && id.coordinator == envelope->coordinator &&
           id.epoch <= envelope->start;
}

/* Of a start before the one that was welcomed, or of another copy that has the same number. */
static bool of_another_log(const struct part_coordinator *coordinator,
                           const struct tx_envelope *envelope)
{
    return envelope->start < coordinator->epoch ||
           (envelope->start == coordinator->epoch && envelope->life != coordinator->life &&
            !TX_SEEDED_BUG(LIFE_NOT_CHECKED));
}

struct part_coordinator *part_coordinator_admit(struct part_core *core,
                                                const struct tx_envelope *envelope,
                                                const struct tx_msg *msg)
{
    if (!envelope_valid(envelope) || !speaks_of_its_own(envelope, msg)) {
        core->violations++;
        return NULL;
    }
    struct part_coordinator *coordinator = part_coordinator_find(core, envelope->coordinator);
    if (coordinator != NULL && of_another_log(coordinator, envelope) &&
        !TX_SEEDED_BUG(NO_EPOCH_FENCE)) {
        core->stale++;
        send_fenced(core, coordinator, &envelope->address, tx_msg_tx(msg));
        return NULL;
    }
    if (!part_introduced(core, coordinator) || envelope->start > coordinator->epoch) {
        core->stale++; /* not introduced: it will send this again */
        return NULL;
    }
    heard(core, coordinator, envelope);
    return coordinator;
}

bool part_refusing(const struct part_core *core)
{
    return core->disk_low || core->draining;
}

enum tx_reason part_refusal(struct part_core *core, struct tx_bytes *text)
{
    if (core->draining) {
        *text = part_text(core,
                          "participant %s takes no new transactions: it is drained, or about to "
                          "stop",
                          core->options.name.s);
        return TX_REASON_DRAINING;
    }
    if (core->disk_low) {
        *text = part_text(core, "participant %s is at its disk reserve; free space there",
                          core->options.name.s);
        return TX_REASON_DISK_FULL;
    }
    if (part_open_n(core) >= core->options.txs_max) {
        *text = part_text(core, "participant %s has its maximum of %zu transactions open",
                          core->options.name.s, core->options.txs_max);
        return TX_REASON_BUSY;
    }
    return TX_REASON_NONE;
}

void part_learn_age(struct part_core *core, struct tx_age age)
{
    if (age.counter > core->age_counter && age.counter < TX_AGE_COUNTER_MAX)
        core->age_counter = age.counter;
}

void part_send_welcome(struct part_core *core, const struct part_coordinator *coordinator)
{
    TX_ASSERT(part_introduced(core, coordinator));
    struct tx_msg msg = {
        .type = TX_MSG_WELCOME,
        .welcome = {.incarnation = core->options.incarnation,
                    .lsn = core->durable,
                    .age_counter = core->age_counter,
                    .refusing = part_refusing(core),
                    .number = coordinator->hello_number,
                    .starts = part_starts(core),
                    .starts_n = core->lineage.n,
                    .unsettled = part_unsettled_oldest(coordinator),
                    .loss = core->loss},
    };
    part_send(core, &coordinator->address, &msg);
}

/* The coordinator has forgotten what it had not decided: nothing will ever finish these. */
static void undo_older_epochs(struct part_core *core, struct part_coordinator *coordinator)
{
    struct part_link *next;
    for (struct part_link *l = coordinator->txs.next; l != &coordinator->txs; l = next) {
        next = l->next;
        struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_coordinator);
        if (tx->state == PART_WORKING && tx->id.epoch < coordinator->epoch)
            part_undo(core, tx, TX_REASON_RESTARTED,
                      part_text(core, "coordinator %u has restarted", coordinator->id), false);
    }
}

static void take_epoch(struct part_core *core, struct part_coordinator *coordinator,
                       const struct tx_envelope *envelope)
{
    TX_ASSERT(envelope->start > coordinator->epoch);
    coordinator->epoch = envelope->start;
    coordinator->life = envelope->life;
    coordinator->floor = 0;
    struct part_action *action = part_append(core, TXLOG_EPOCH, (struct tx_id){0}, true);
    action->record.epoch = (struct txlog_epoch){.coordinator = coordinator->id,
                                                .known = part_coordinator_known(coordinator),
                                                .address = coordinator->address};
    coordinator->epoch_lsn = core->last;
    part_hold(core, &(struct part_held){.lsn = core->last,
                                        .type = PART_HELD_EPOCH,
                                        .coordinator = coordinator->id,
                                        .epoch = coordinator->epoch});
    undo_older_epochs(core, coordinator);
}

static bool hello_valid(const struct tx_envelope *envelope, const struct tx_msg_hello *hello,
                        struct tx_lineage *lineage)
{
    if (!tx_lineage_set(lineage, hello->starts, hello->starts_n))
        return false;
    const struct tx_position *last = &lineage->starts[lineage->n - 1];
    return last->start == envelope->start && last->life == envelope->life &&
           last->lsn.n <= hello->lsn.n;
}

void part_on_hello(struct part_core *core, const struct tx_envelope *envelope,
                   const struct tx_msg_hello *hello)
{
    struct tx_lineage lineage;
    if (!envelope_valid(envelope) || !hello_valid(envelope, hello, &lineage)) {
        core->violations++;
        return;
    }
    struct part_coordinator *coordinator = part_coordinator_find(core, envelope->coordinator);
    if (coordinator == NULL)
        coordinator = part_coordinator_new(core, envelope->coordinator);
    if (tx_lineage_denies(&lineage, part_coordinator_known(coordinator)) &&
        !TX_SEEDED_BUG(NO_EPOCH_FENCE)) {
        core->stale++;
        send_fenced(core, coordinator, &envelope->address, (struct tx_id){0});
        return;
    }
    heard(core, coordinator, envelope);
    coordinator->hello_number = hello->number;
    part_coordinator_reached(coordinator, hello->lsn);
    part_learn_age(core, (struct tx_age){.counter = hello->age_counter});
    part_places_told(core, hello->nodes, hello->nodes_n);
    if (envelope->start > coordinator->epoch)
        take_epoch(core, coordinator, envelope);
    else if (part_introduced(core, coordinator))
        part_send_welcome(core, coordinator);
}
