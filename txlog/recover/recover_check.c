/* The check of one record on its own. */
#include "txlog/recover/recover_check.h"

#include "common/commit_mode.h"
#include "txlog/redo.h"

#include <inttypes.h>

static enum tx_error bad(const struct txlog_record *record, struct tx_why *why, const char *what)
{
    return tx_why(why, TX_ECORRUPT, "LSN %" PRIu64 ": %s %s", record->lsn.n,
                  txlog_type_name(record->type), what);
}

static enum tx_error check_members(const struct txlog_record *record,
                                   const struct tx_member *members, size_t n, struct tx_why *why)
{
    if (n == 0 || n > TX_MEMBERS_MAX)
        return bad(record, why, "has an impossible number of members");
    for (size_t i = 0; i < n; i++) {
        if (members[i].name.s[0] == '\0')
            return bad(record, why, "has a member without a name");
        for (size_t j = 0; j < i; j++) {
            if (tx_name_equal(&members[i].name, &members[j].name))
                return bad(record, why, "names a member twice");
        }
    }
    return TX_OK;
}

static enum tx_error ignore_write(void *arg, const struct redo_write *write)
{
    (void)arg;
    (void)write;
    return TX_OK;
}

static enum tx_error check_redo(const struct txlog_record *record, struct tx_bytes redo,
                                struct tx_why *why)
{
    if (redo_each(redo, ignore_write, NULL) == TX_OK)
        return TX_OK;
    return bad(record, why, "holds writes that cannot be read");
}

/* Is it a lock that must be held until the decision? */
static bool outlives_vote(enum tx_lock_mode mode)
{
    return mode == TX_LOCK_S || mode == TX_LOCK_U || mode == TX_LOCK_SIX || mode == TX_LOCK_X;
}

/* Ranges are read, and their ends are in order; nothing else has a second end. */
static bool has_good_ends(const struct txlog_lock *lock)
{
    if (!lock->range)
        return lock->to.len == 0;
    return lock->mode == TX_LOCK_S && lock->space.len > 0 &&
           (lock->to.len == 0 || tx_bytes_compare(lock->key, lock->to) < 0);
}

static enum tx_error check_prepared(const struct txlog_identity *owner,
                                    const struct txlog_record *record, struct tx_why *why)
{
    const struct txlog_prepared *prepared = &record->prepared;
    enum tx_error error = check_members(record, prepared->members, prepared->members_n, why);
    if (error != TX_OK)
        return error;
    size_t self = 0;
    while (self < prepared->members_n &&
           !tx_name_equal(&prepared->members[self].name, &owner->name))
        self++;
    if (self == prepared->members_n)
        return bad(record, why, "does not name this participant among its members");
    if (prepared->members_decide && !tx_members_can_decide(prepared->members, prepared->members_n))
        return bad(record, why, "is decided by members that cannot: one alone, or a reader");
    for (size_t i = 0; i < prepared->locks_n; i++) {
        if (!outlives_vote(prepared->locks[i].mode))
            return bad(record, why, "holds a lock of a mode that does not outlive the vote");
        if (!has_good_ends(&prepared->locks[i]))
            return bad(record, why, "holds a range of keys that cannot be locked");
    }
    return check_redo(record, prepared->redo, why);
}

static enum tx_error check_forget(const struct txlog_record *record, struct tx_why *why)
{
    const struct txlog_forget *forget = &record->forget;
    for (size_t i = 0; i < forget->open_n; i++) {
        bool ordered = i == 0 || forget->open[i - 1] < forget->open[i];
        if (!ordered || forget->open[i] >= forget->below)
            return bad(record, why, "has a list of open transactions that is out of order");
    }
    return TX_OK;
}

enum tx_error recover_check(const struct txlog_identity *owner, const struct txlog_record *record,
                            struct tx_why *why)
{
    switch (record->type) {
    case TXLOG_PREPARED:
        return check_prepared(owner, record, why);
    case TXLOG_COMMITTED:
        if (record->committed.one_phase && record->committed.members_decide)
            return bad(record, why, "is of one phase, and decided by its members");
        return check_redo(record, record->committed.redo, why);
    case TXLOG_COMMIT:
        return check_members(record, record->commit.members, record->commit.members_n, why);
    case TXLOG_FORGET:
        return check_forget(record, why);
    case TXLOG_START:
    case TXLOG_EPOCH:
    case TXLOG_ABORTED:
    case TXLOG_HEURISTIC:
    case TXLOG_HEURISTIC_END:
    case TXLOG_ALARM:
    case TXLOG_END:
    case TXLOG_OUTCOME:
    case TXLOG_PEER:
    case TXLOG_SNAPSHOT_BEGIN:
    case TXLOG_SNAPSHOT_END:
    case TXLOG_CUT:
    case TXLOG_PUT_ASIDE:
    case TXLOG_LOSS:
    case TXLOG_READMIT:
    case TXLOG_NONE:
    case TXLOG_TYPES_N:
        break;
    }
    return TX_OK;
}
