/* The records of one transaction over several nodes, in the order of their causes. */
#include "txlog/recover/recover_order.h"

/* What comes of PREPARED, of whichever member. */
static bool rests_on_prepared(const struct recover_event *event)
{
    return event->type == TXLOG_COMMIT || event->type == TXLOG_END ||
           event->type == TXLOG_HEURISTIC_END || event->type == TXLOG_FORGET ||
           (event->type == TXLOG_COMMITTED && !event->one_phase);
}

static bool rests_on_commit(const struct recover_event *event)
{
    if (event->type == TXLOG_END || event->type == TXLOG_FORGET)
        return true;
    return !event->members_decide &&
           (event->type == TXLOG_COMMITTED || event->type == TXLOG_HEURISTIC_END);
}

static bool rests_on_committed(const struct recover_event *event)
{
    return event->type == TXLOG_END || event->type == TXLOG_OUTCOME || event->type == TXLOG_FORGET;
}

/* Must `a` have come before `b`? */
static bool is_before(const struct recover_event *a, const struct recover_event *b)
{
    if (a->node == b->node)
        return a->lsn.n < b->lsn.n;
    switch (a->type) {
    case TXLOG_PREPARED:
        return rests_on_prepared(b);
    case TXLOG_COMMIT:
        return rests_on_commit(b);
    case TXLOG_COMMITTED:
    case TXLOG_HEURISTIC_END:
        return rests_on_committed(b);
    case TXLOG_END:
    case TXLOG_OUTCOME:
        return b->type == TXLOG_FORGET;
    case TXLOG_START:
    case TXLOG_EPOCH:
    case TXLOG_ABORTED:
    case TXLOG_FORGET:
    case TXLOG_HEURISTIC:
    case TXLOG_ALARM:
    case TXLOG_PUT_ASIDE:
    case TXLOG_LOSS:
    case TXLOG_READMIT:
    case TXLOG_PEER:
    case TXLOG_SNAPSHOT_BEGIN:
    case TXLOG_SNAPSHOT_END:
    case TXLOG_CUT:
    case TXLOG_NONE:
    case TXLOG_TYPES_N:
        break;
    }
    return false;
}

/* Has everything that must come before it come? */
static bool is_due(const struct recover_event *events, size_t n, size_t i)
{
    for (size_t j = 0; j < n; j++) {
        if (j != i && is_before(&events[j], &events[i]))
            return false;
    }
    return true;
}

static bool earlier(const struct recover_event *a, const struct recover_event *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms;
    return a->node < b->node;
}

/* The one to come next of n. A circle of causes, which only contradicting logs hold, is cut at its
 * earliest. */
static size_t next(const struct recover_event *events, size_t n)
{
    size_t best = n, earliest = 0;
    for (size_t i = 0; i < n; i++) {
        if (earlier(&events[i], &events[earliest]))
            earliest = i;
        if ((best == n || earlier(&events[i], &events[best])) && is_due(events, n, i))
            best = i;
    }
    return best < n ? best : earliest;
}

static void find_skew(const struct recover_event *events, size_t n, struct recover_skew *skew)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            const struct recover_event *a = &events[i], *b = &events[j];
            if (a->node == b->node || !is_before(a, b) || b->time_ms >= a->time_ms ||
                a->time_ms - b->time_ms <= skew->ms)
                continue;
            *skew = (struct recover_skew){a->time_ms - b->time_ms, *a, *b};
        }
    }
}

void recover_order(struct recover_event *events, size_t n, struct recover_skew *skew)
{
    *skew = (struct recover_skew){0};
    for (size_t placed = 0; placed + 1 < n; placed++) {
        size_t i = placed + next(events + placed, n - placed);
        struct recover_event event = events[i];
        for (; i > placed; i--)
            events[i] = events[i - 1];
        events[placed] = event;
    }
    find_skew(events, n, skew);
}
