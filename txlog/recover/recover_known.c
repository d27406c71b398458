/* What the log of one node knows of the logs of others. */
#include "txlog/recover/recover_known.h"

#include "common/assert.h"

#include <stdlib.h>

void recover_known_deinit(struct recover_known *known)
{
    free(known->marks);
    *known = (struct recover_known){0};
}

struct recover_whom recover_whom_of(const struct txlog_identity *identity)
{
    struct recover_whom whom = {0};
    if (identity->role == TX_ROLE_COORDINATOR)
        whom.coordinator = identity->coordinator;
    else
        whom.name = identity->name;
    return whom;
}

bool recover_whom_equal(const struct recover_whom *a, const struct recover_whom *b)
{
    if (a->coordinator != 0 || b->coordinator != 0)
        return a->coordinator == b->coordinator;
    return tx_name_equal(&a->name, &b->name);
}

/* Keeps the further one of the same start. Two lives of one start are two copies: both stay. */
static void add(struct recover_known *known, const struct recover_mark_of *mark)
{
    if (mark->position.start == 0 || mark->position.lsn.n == 0)
        return;
    for (size_t i = 0; i < known->n; i++) {
        struct recover_mark_of *had = &known->marks[i];
        if (!recover_whom_equal(&had->whom, &mark->whom) ||
            had->position.start != mark->position.start ||
            had->position.life != mark->position.life)
            continue;
        if (mark->position.lsn.n > had->position.lsn.n)
            *had = *mark;
        return;
    }
    known->marks = tx_xrealloc(known->marks, (known->n + 1) * sizeof(*known->marks));
    known->marks[known->n++] = *mark;
}

static void add_peer(struct recover_known *known, const struct txlog_record *record,
                     const struct tx_name *name, struct tx_position position)
{
    add(known, &(struct recover_mark_of){.whom = {.name = *name},
                                         .position = position,
                                         .said_at = record->lsn,
                                         .said_by = record->type});
}

static void add_coordinator(struct recover_known *known, const struct txlog_record *record,
                            uint32_t coordinator, struct tx_position position)
{
    add(known, &(struct recover_mark_of){.whom = {.coordinator = coordinator},
                                         .position = position,
                                         .said_at = record->lsn,
                                         .said_by = record->type});
}

/* COMMIT comes from the newest start of its coordinator that the participant has met. */
static void add_committed(struct recover_known *known, const struct story *story,
                          const struct txlog_record *record)
{
    const struct txlog_committed *committed = &record->committed;
    const struct story_coordinator *from = story_coordinator(story, committed->id.coordinator);
    if (from == NULL)
        return;
    add_coordinator(known, record, from->id,
                    (struct tx_position){from->epoch, from->life, committed->known});
}

static void add_members(struct recover_known *known, const struct txlog_record *record)
{
    const struct txlog_prepared *prepared = &record->prepared;
    for (size_t i = 0; prepared->known != NULL && i < prepared->members_n; i++)
        add_peer(known, record, &prepared->members[i].name, prepared->known[i]);
}

void recover_known_add(struct recover_known *known, const struct story *story,
                       const struct txlog_record *record)
{
    switch (record->type) {
    case TXLOG_PEER:
        add_peer(known, record, &record->peer.name, record->peer.known);
        return;
    case TXLOG_READMIT:
        add_peer(known, record, &record->readmit.peer.name, record->readmit.peer.known);
        return;
    case TXLOG_END:
        for (size_t i = 0; i < record->end.peers_n; i++)
            add_peer(known, record, &record->end.peers[i].name, record->end.peers[i].known);
        return;
    case TXLOG_OUTCOME:
        add_peer(known, record, &record->outcome.peer.name, record->outcome.peer.known);
        return;
    case TXLOG_EPOCH:
        add_coordinator(known, record, record->epoch.coordinator, record->epoch.known);
        return;
    case TXLOG_COMMITTED:
        add_committed(known, story, record);
        return;
    case TXLOG_PREPARED:
        add_members(known, record);
        return;
    case TXLOG_START:
    case TXLOG_ABORTED:
    case TXLOG_FORGET:
    case TXLOG_HEURISTIC:
    case TXLOG_HEURISTIC_END:
    case TXLOG_ALARM:
    case TXLOG_PUT_ASIDE:
    case TXLOG_LOSS:
    case TXLOG_COMMIT:
    case TXLOG_SNAPSHOT_BEGIN:
    case TXLOG_SNAPSHOT_END:
    case TXLOG_CUT:
    case TXLOG_NONE:
    case TXLOG_TYPES_N:
        return;
    }
}

enum recover_denial recover_known_judge(const struct tx_lineage *lineage, struct tx_lsn last,
                                        struct tx_position known)
{
    if (known.lsn.n > last.n)
        return RECOVER_SHORT;
    if (lineage->n > 0 && tx_lineage_denies(lineage, known))
        return RECOVER_ELSE;
    return RECOVER_REACHED;
}
