/* Locks that were held together at one moment. The table of conflicts is written down here once
 * more, from the literature, so that a slip in the lock manager's shows. */
#include "check_locks.h"

#include "id_table.h"

#include <inttypes.h>

#define BIT(mode) (1u << (mode))

/* Gray's granular modes (Gray, Lorie, Putzolu, Traiger: Granularity of Locks and Degrees of
 * Consistency in a Shared Data Base, 1976), with the update mode beside them: U stands with readers
 * and with no other writer. */
static unsigned conflicts(enum tx_lock_mode mode)
{
    const unsigned writers = BIT(TX_LOCK_IX) | BIT(TX_LOCK_SIX) | BIT(TX_LOCK_X);

    switch (mode) {
    case TX_LOCK_IS:
        return BIT(TX_LOCK_X);
    case TX_LOCK_IX:
        return BIT(TX_LOCK_S) | BIT(TX_LOCK_U) | BIT(TX_LOCK_SIX) | BIT(TX_LOCK_X);
    case TX_LOCK_S:
        return writers;
    case TX_LOCK_U:
        return writers | BIT(TX_LOCK_U);
    case TX_LOCK_SIX:
        return writers | BIT(TX_LOCK_S) | BIT(TX_LOCK_U);
    case TX_LOCK_X:
        return writers | BIT(TX_LOCK_IS) | BIT(TX_LOCK_S) | BIT(TX_LOCK_U);
    case TX_LOCK_NONE:
    case TX_LOCK_MODES_N:
        break;
    }
    return 0;
}

/* Two transactions that hold a resource in one mode: whoever asks next is another than one of them,
 * so that more need not be remembered. */
struct holders {
    const struct history_locks *at;
    const struct history_lock *of[TX_LOCK_MODES_N][2];
};

static const struct history_lock *other_holder(const struct holders *holders,
                                               const struct history_lock *lock)
{
    unsigned set = conflicts(lock->mode);

    for (unsigned mode = 0; mode < TX_LOCK_MODES_N; mode++)
        for (unsigned i = 0; (set & BIT(mode)) != 0 && i < 2; i++)
            if (holders->of[mode][i] != NULL && !tx_id_equal(holders->of[mode][i]->id, lock->id))
                return holders->of[mode][i];
    return NULL;
}

static void remember(struct holders *holders, const struct history_lock *lock)
{
    const struct history_lock **of = holders->of[lock->mode];

    if (of[0] == NULL)
        of[0] = lock;
    else if (of[1] == NULL && !tx_id_equal(of[0]->id, lock->id))
        of[1] = lock;
}

static void check_moment(const struct history *history, struct check_report *report,
                         const struct history_locks *locks, struct holders *all)
{
    for (uint32_t i = 0; i < locks->held_n; i++) {
        const struct history_lock *lock = &locks->held[i], *other;
        struct holders *holders = &all[lock->resource];
        char id[TX_ID_TEXT], other_id[TX_ID_TEXT];

        if (holders->at != locks)
            *holders = (struct holders){.at = locks};
        other = other_holder(holders, lock);
        remember(holders, lock);
        if (other != NULL)
            check_found(report, "incompatible-locks",
                        "%s at %" PRIu64 ": %s is held by %s in mode %s and by %s in mode %s",
                        history_text(history, locks->node), locks->time_ns,
                        history_text(history, lock->resource), tx_id_print(other->id, other_id),
                        tx_lock_mode_name(other->mode), tx_id_print(lock->id, id),
                        tx_lock_mode_name(lock->mode));
    }
    report->looked++;
}

static void check_leaks(const struct history *history, struct check_report *report,
                        const struct history_locks *last)
{
    for (uint32_t i = 0; i < last->held_n; i++) {
        char id[TX_ID_TEXT];

        check_found(report, "leaked-lock", "%s at the end: %s still holds %s in mode %s",
                    history_text(history, last->node), tx_id_print(last->held[i].id, id),
                    history_text(history, last->held[i].resource),
                    tx_lock_mode_name(last->held[i].mode));
    }
}

void check_locks(const struct history *history, struct check_report *report)
{
    struct tx_arena arena = {0};
    uint32_t texts = history_texts(history);
    struct holders *holders = check_alloc(&arena, texts, sizeof *holders);
    const struct history_locks **last =
        check_alloc(&arena, texts, sizeof(const struct history_locks *));

    for (size_t i = 0; i < history->locks_n; i++) {
        const struct history_locks *locks = &history->locks[i];

        check_moment(history, report, locks, holders);
        if (last[locks->node] == NULL || last[locks->node]->time_ns <= locks->time_ns)
            last[locks->node] = locks;
    }
    for (uint32_t i = 0; history->final && i < texts; i++)
        if (last[i] != NULL)
            check_leaks(history, report, last[i]);
    tx_arena_deinit(&arena);
}
