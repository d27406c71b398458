/* What the durable records of all nodes and the clients say of each transaction, held against one
 * another. */
#include "check_atomicity.h"

#include "id_table.h"
#include "witness.h"

#include <inttypes.h>

#define NONE UINT32_MAX

/* All that is known of one transaction. Chains go through `books.next_*`, in the order of the
 * history. */
struct fate {
    uint32_t first_record, last_record;
    uint32_t first_tx;
    uint32_t rule;                      /* a PREPARED that says that its members decide */
    bool decided;                       /* there is a COMMIT record */
    bool committed, aborted, one_phase; /* somewhere, by a participant */
    bool told_committed, told_aborted;
    unsigned answers; /* to clients */
};

struct books {
    const struct history *history;
    struct check_report *report;
    struct tx_arena arena;
    struct id_table ids;
    struct fate *fates;
    uint32_t *next_record, *next_tx;
    bool *complete; /* by name: all records of this participant are here */
    bool decisions; /* all COMMIT records are here */
};

/* ---- what is known ---- */

static struct fate *fate_of(struct books *books, struct tx_id id)
{
    uint32_t before = books->ids.n;
    struct fate *fate = &books->fates[id_table_add(&books->ids, id)];

    if (books->ids.n > before)
        fate->first_record = fate->last_record = fate->first_tx = fate->rule = NONE;
    return fate;
}

static void enter_records(struct books *books)
{
    const struct history *history = books->history;

    for (uint32_t i = 0; i < history->records_n; i++) {
        const struct history_record *record = &history->records[i];
        struct fate *fate = fate_of(books, record->id);

        books->next_record[i] = NONE;
        if (fate->first_record == NONE)
            fate->first_record = i;
        else
            books->next_record[fate->last_record] = i;
        fate->last_record = i;
        if (record->members_decide)
            fate->rule = i;
        fate->decided |= record->type == HISTORY_COMMIT;
        fate->aborted |= record->type == HISTORY_ABORTED;
        fate->committed |= record->type == HISTORY_COMMITTED;
        fate->one_phase |= record->type == HISTORY_COMMITTED && record->one_phase;
    }
}

static void hear(struct fate *fate, enum tx_outcome outcome)
{
    fate->answers++;
    fate->told_committed |= outcome == TX_OUTCOME_COMMITTED;
    fate->told_aborted |= outcome == TX_OUTCOME_ABORTED;
}

static void enter_outcomes(struct books *books)
{
    const struct history *history = books->history;

    for (uint32_t i = 0; i < history->txs_n; i++) {
        struct fate *fate;

        if (!tx_id_valid(history->txs[i].id))
            continue;
        fate = fate_of(books, history->txs[i].id);
        books->next_tx[i] = fate->first_tx;
        fate->first_tx = i;
        hear(fate, history->txs[i].outcome);
    }
    for (size_t i = 0; i < history->told_n; i++)
        hear(fate_of(books, history->told[i].id), history->told[i].outcome);
}

static void enter_logs(struct books *books)
{
    const struct history *history = books->history;

    for (size_t i = 0; i < history->logs_n; i++) {
        if (history->logs[i].role == TX_ROLE_PARTICIPANT)
            books->complete[history->logs[i].node] = true;
        books->decisions |= history->logs[i].role == TX_ROLE_COORDINATOR;
    }
}

/* ---- witnesses ---- */

static const char *record_name(enum history_record_type type)
{
    static const char *const names[] = {
        [HISTORY_PREPARED] = "PREPARED",
        [HISTORY_COMMITTED] = "COMMITTED",
        [HISTORY_ABORTED] = "ABORTED",
        [HISTORY_COMMIT] = "COMMIT",
    };

    TX_ASSERT((unsigned)type < sizeof names / sizeof names[0]);
    return names[type];
}

static void add_record(struct witness *witness, const struct history *history,
                       const struct history_record *record)
{
    witness_add(witness, "\n  %s, lsn %" PRIu64 ": %s%s", history_text(history, record->node),
                record->lsn, record_name(record->type), record->one_phase ? " in one phase" : "");
    for (uint32_t i = 0; i < record->members_n; i++)
        witness_add(witness, "%s %s", i == 0 ? " of" : ",",
                    history_text(history, record->members[i]));
}

/* The transaction, what is wrong with it, and everything that is known of it. */
static void found(struct books *books, const struct fate *fate, const char *name, const char *wrong)
{
    struct witness witness = {0};
    char id[TX_ID_TEXT];

    witness_add(&witness, "%s %s", tx_id_print(books->ids.ids[(size_t)(fate - books->fates)], id),
                wrong);
    for (uint32_t i = fate->first_record; i != NONE; i = books->next_record[i])
        add_record(&witness, books->history, &books->history->records[i]);
    if (fate->told_committed)
        witness_add(&witness, "\n  a client was told: committed");
    if (fate->told_aborted)
        witness_add(&witness, "\n  a client was told: aborted");
    check_found(books->report, name, "%s", witness.text);
}

static void found_at(struct books *books, const struct fate *fate, const char *name,
                     const char *wrong, uint32_t node)
{
    struct witness text = {0};

    witness_add(&text, "%s %s", wrong, history_text(books->history, node));
    found(books, fate, name, text.text);
}

/* ---- the records ---- */

static bool has(const struct books *books, const struct fate *fate, uint32_t node,
                enum history_record_type type)
{
    for (uint32_t i = fate->first_record; i != NONE; i = books->next_record[i]) {
        const struct history_record *record = &books->history->records[i];

        if (record->node == node && record->type == type)
            return true;
    }
    return false;
}

/* ---- where the members decide ---- */

/* A member of its list without a PREPARED record, although all of its records are here. While there
 * is one, nothing may say that it is committed. */
static uint32_t not_prepared(const struct books *books, const struct fate *fate)
{
    const struct history_record *rule = &books->history->records[fate->rule];

    for (uint32_t m = 0; m < rule->members_n; m++)
        if (books->complete[rule->members[m]] &&
            !has(books, fate, rule->members[m], HISTORY_PREPARED))
            return rule->members[m];
    return NONE;
}

/* Is it committed by the rule: prepared at every member, as far as can be seen? */
static bool all_prepared(const struct books *books, const struct fate *fate)
{
    const struct history_record *rule;

    if (fate->rule == NONE)
        return false;
    rule = &books->history->records[fate->rule];
    for (uint32_t m = 0; m < rule->members_n; m++)
        if (!has(books, fate, rule->members[m], HISTORY_PREPARED))
            return false;
    return true;
}

static void check_rule(struct books *books, const struct fate *fate)
{
    bool said = fate->committed || fate->decided || fate->told_committed;
    uint32_t missing;

    if (fate->rule == NONE)
        return;
    missing = not_prepared(books, fate);
    if (said && missing != NONE)
        found_at(books, fate, "undecided-commit",
                 "was committed by its members, and was never prepared at", missing);
    if (all_prepared(books, fate) && fate->aborted && !fate->committed && !fate->decided)
        found(books, fate, "undone-commit",
              "was prepared at every member, which commits it, and was aborted");
}

/* A member of the decision that never committed, although all of its records are here. */
static uint32_t idle_member(const struct books *books, const struct fate *fate)
{
    for (uint32_t i = fate->first_record; i != NONE; i = books->next_record[i]) {
        const struct history_record *record = &books->history->records[i];

        for (uint32_t m = 0; record->type == HISTORY_COMMIT && m < record->members_n; m++)
            if (books->complete[record->members[m]] &&
                !has(books, fate, record->members[m], HISTORY_COMMITTED))
                return record->members[m];
    }
    return NONE;
}

/* The same of one that its members have committed. */
static uint32_t idle_listed(const struct books *books, const struct fate *fate)
{
    const struct history_record *rule;

    if (!all_prepared(books, fate))
        return NONE;
    rule = &books->history->records[fate->rule];
    for (uint32_t m = 0; m < rule->members_n; m++)
        if (books->complete[rule->members[m]] &&
            !has(books, fate, rule->members[m], HISTORY_COMMITTED))
            return rule->members[m];
    return NONE;
}

/* Does a COMMITTED or ABORTED of this node follow? */
static bool ends(const struct books *books, const struct fate *fate,
                 const struct history_record *prepared)
{
    for (uint32_t i = fate->first_record; i != NONE; i = books->next_record[i]) {
        const struct history_record *record = &books->history->records[i];

        if (record->node == prepared->node && record->lsn >= prepared->lsn &&
            (record->type == HISTORY_COMMITTED || record->type == HISTORY_ABORTED))
            return true;
    }
    return false;
}

static void check_ends(struct books *books, const struct fate *fate)
{
    for (uint32_t i = fate->first_record; i != NONE; i = books->next_record[i]) {
        const struct history_record *record = &books->history->records[i];

        if (record->type == HISTORY_PREPARED && books->complete[record->node] &&
            !ends(books, fate, record)) {
            found_at(books, fate, "prepared-for-ever", "is still prepared at", record->node);
            return;
        }
    }
}

static void check_records(struct books *books, const struct fate *fate)
{
    uint32_t idle = books->history->final ? idle_member(books, fate) : NONE;

    if (books->history->final && idle == NONE && !fate->aborted)
        idle = idle_listed(books, fate);
    if (fate->aborted && (fate->committed || fate->decided))
        found(books, fate, "half-done", "was both committed and aborted");
    else if (idle != NONE)
        found_at(books, fate, "half-done", "was decided, and never committed at", idle);
    check_rule(books, fate);
    if (fate->committed && !fate->one_phase && !fate->decided && fate->rule == NONE &&
        books->decisions)
        found(books, fate, "undecided-commit", "was committed without a decision");
    if (books->history->final)
        check_ends(books, fate);
}

/* ---- what clients were told ---- */

/* Is the commit at this participant safe? At the end that takes a COMMITTED record; before, a
 * decision (or what makes one possible, where the decisions are not known) suffices. */
static bool durable_at(const struct books *books, const struct fate *fate, uint32_t participant)
{
    if (!books->complete[participant] || has(books, fate, participant, HISTORY_COMMITTED))
        return true;
    return !books->history->final && has(books, fate, participant, HISTORY_PREPARED) &&
           (fate->decided || all_prepared(books, fate) || !books->decisions);
}

/* A participant where one of its transactions wrote and that does not have it. */
static uint32_t lost_at(const struct books *books, const struct fate *fate)
{
    for (uint32_t i = fate->first_tx; i != NONE; i = books->next_tx[i]) {
        const struct history_tx *tx = &books->history->txs[i];

        for (uint32_t j = 0; j < tx->ops_n; j++) {
            uint32_t at = history_participant(books->history, tx->ops[j].key);
            bool writes = tx->ops[j].type == HISTORY_APPEND || tx->ops[j].type == HISTORY_ADD;

            if (writes && !durable_at(books, fate, at))
                return at;
        }
        for (uint32_t j = 0; j < tx->wrote_n; j++)
            if (!durable_at(books, fate, tx->wrote[j]))
                return tx->wrote[j];
    }
    return NONE;
}

/* Such a transaction leaves no record, and a coordinator that forgot it presumes that it aborted.
 * One of which the client says nothing may have written. */
static bool only_read(const struct books *books, const struct fate *fate)
{
    for (uint32_t i = fate->first_tx; i != NONE; i = books->next_tx[i]) {
        const struct history_tx *tx = &books->history->txs[i];

        if (tx->wrote_n > 0)
            return false;
        for (uint32_t j = 0; j < tx->ops_n; j++)
            if (tx->ops[j].type == HISTORY_APPEND || tx->ops[j].type == HISTORY_ADD)
                return false;
    }
    return fate->first_tx != NONE && !fate->committed && !fate->decided;
}

static void check_told(struct books *books, const struct fate *fate)
{
    uint32_t lost = fate->told_committed ? lost_at(books, fate) : NONE;

    if (lost != NONE)
        found_at(books, fate, "lost-commit",
                 "was reported as committed, and there is no such commit at", lost);
    else if (fate->told_committed && fate->aborted && !fate->committed)
        found(books, fate, "lost-commit", "was reported as committed, and was aborted");
    if (fate->told_aborted && (fate->committed || fate->decided || all_prepared(books, fate)))
        found(books, fate, "wrong-abort", "was reported as aborted, and was committed");
    if (fate->told_aborted && fate->told_committed && !only_read(books, fate))
        found(books, fate, "two-outcomes", "was reported as committed and as aborted");
}

/* A single answer, and no records to hold it against, is no promise that could be broken. */
static bool judged(const struct books *books, const struct fate *fate)
{
    return fate->first_record != NONE || fate->answers > 1 || books->history->logs_n > 0;
}

void check_atomicity(const struct history *history, struct check_report *report)
{
    struct books books = {.history = history, .report = report};
    size_t max = history->records_n + history->txs_n + history->told_n;

    id_table_init(&books.ids, &books.arena, max);
    books.fates = check_alloc(&books.arena, max, sizeof *books.fates);
    books.next_record = check_alloc(&books.arena, history->records_n, sizeof *books.next_record);
    books.next_tx = check_alloc(&books.arena, history->txs_n, sizeof *books.next_tx);
    books.complete = check_alloc(&books.arena, history_texts(history), sizeof *books.complete);
    enter_records(&books);
    enter_outcomes(&books);
    enter_logs(&books);
    for (uint32_t i = 0; i < books.ids.n; i++) {
        report->looked += judged(&books, &books.fates[i]);
        check_records(&books, &books.fates[i]);
        check_told(&books, &books.fates[i]);
    }
    tx_arena_deinit(&books.arena);
}
