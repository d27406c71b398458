/* TXS: the open transactions in pages, for an operator.
 *
 * A page costs the transactions that are open here (the way to the place, and those who wait for
 * locks), and at most PART_TXS_LOOKS transactions, locks and waiters looked at, but for the locks
 * of one transaction more. */
#include "participant/part_internal.h"

#include "common/page.h"
#include "common/times.h"
#include "lockmgr/lock_list.h"

#include <inttypes.h>

#define PART_TXS_LOOKS 20000u
/* More than a row takes on the wire without its texts, and than a member in it. */
#define ROW_BYTES    200u
#define MEMBER_BYTES (TX_NAME_MAX + TX_ADDRESS_MAX + 24u)

struct listing {
    struct part_core *core;
    const struct tx_msg_txs_request *request;
    struct tx_page page;
    struct tx_open_row *rows;
    uint64_t passed; /* serial of the last one that was looked at */
};

/* What was found in the log counts from the start of the daemon. */
static uint64_t ms_since(const struct part_core *core, uint64_t then_us)
{
    const uint64_t from_us = then_us < core->started_us ? core->started_us : then_us;
    return tx_ms_between(from_us, core->now_us);
}

static bool is_doubtful(const struct part_tx *tx)
{
    return tx->state == PART_PREPARED ||
           (tx->state == PART_HEURISTIC && tx->heuristic.end != TX_HEURISTIC_OK);
}

/* It has said YES, and keeps that. */
static bool has_promised(const struct part_tx *tx)
{
    return tx->state == PART_PREPARED || tx->state == PART_HEURISTIC;
}

static enum tx_open_mode mode_of(const struct part_tx *tx)
{
    if (tx->state == PART_WORKING || tx->state == PART_UNDOING)
        return TX_OPEN_UNDECIDED;
    if (tx->one_phase)
        return TX_OPEN_ONE_PHASE;
    return tx->members_decide ? TX_OPEN_MEMBERS : TX_OPEN_COORDINATOR;
}

static enum tx_waits waits_of(const struct part_tx *tx)
{
    if (part_is_in_doubt(tx))
        return tx->members_decide ? TX_WAITS_MEMBERS : TX_WAITS_DECISION;
    if (tx->state == PART_HEURISTIC)
        return tx->heuristic.end == TX_HEURISTIC_DAMAGE && !tx->heuristic.put_aside
                   ? TX_WAITS_OPERATOR
                   : TX_WAITS_NOTHING;
    switch (tx->wait) {
    case PART_WAIT_CLIENT:
        return TX_WAITS_CLIENT;
    case PART_WAIT_LOCK:
        return TX_WAITS_LOCK;
    case PART_WAIT_RM:
        return TX_WAITS_STORE;
    case PART_WAIT_LOG:
        return TX_WAITS_LOG;
    case PART_WAIT_NOBODY:
        break;
    }
    return TX_WAITS_NOTHING;
}

static struct tx_bytes detail_of(struct part_core *core, const struct part_tx *tx)
{
    struct tx_bytes what = part_describe(core, tx);
    if (!part_is_in_doubt(tx))
        return what;
    struct tx_bytes others = part_doubt_text(core, tx);
    return part_text(core, "%.*s at %s, last heard %" PRIu64 " ms ago%.*s", (int)what.len,
                     (const char *)what.data, tx->coordinator->address.s,
                     ms_since(core, tx->coordinator->heard_us), (int)others.len,
                     (const char *)others.data);
}

static const struct tx_open_member *members_of(struct part_core *core, const struct part_tx *tx)
{
    struct tx_open_member *members = part_alloc(&core->out->arena, tx->members_n, sizeof *members);
    for (size_t i = 0; i < tx->members_n; i++) {
        bool self = i == tx->self;
        bool yes = (self && has_promised(tx)) || part_said_prepared(tx, i);
        const struct tx_address *places[PART_PLACES_OF_ONE];
        (void)part_places_of(core, &tx->members[i], places);
        members[i] = (struct tx_open_member){
            .name = tx->members[i].name,
            .address = *places[0],
            .read_only = tx->members[i].read_only,
            .said = yes ? TX_SAID_YES : TX_SAID_NOTHING,
            .waited_for = tx->members_decide && part_is_in_doubt(tx) && !self && !yes &&
                          !tx->members[i].read_only,
        };
    }
    return members;
}

static struct tx_open_heuristic heuristic_of(const struct part_tx *tx)
{
    const struct part_heuristic *heuristic = &tx->heuristic;
    if (tx->state != PART_HEURISTIC)
        return (struct tx_open_heuristic){.decided = false};
    return (struct tx_open_heuristic){.decided = true,
                                      .commit = heuristic->commit,
                                      .operator_name = heuristic->operator_name,
                                      .time_ms = heuristic->wall_ms,
                                      .end = heuristic->end,
                                      .put_aside = heuristic->put_aside};
}

static void fill_row(struct listing *listing, struct tx_open_row *row, const struct part_tx *tx)
{
    struct part_core *core = listing->core;
    *row = (struct tx_open_row){
        .id = tx->id,
        .state = tx_bytes_str(part_state_text(tx->state)),
        .in_doubt = is_doubtful(tx),
        .age_ms = ms_since(core, tx->begun_us),
        .state_ms = ms_since(core, tx->moved_us),
        .recovered = tx->recovered,
        .mode = mode_of(tx),
        .waits = waits_of(tx),
        .detail = detail_of(core, tx),
        .tries = part_is_in_doubt(tx) && tx->timer_at != 0,
        .tried = tx->inquiries,
        .heuristic = heuristic_of(tx),
        .members = members_of(core, tx),
        .members_n = tx->members_n,
    };
    row->next_ms = row->tries ? tx_ms_between(core->now_us, tx->timer_us) : 0;
    if (has_promised(tx)) {
        row->lsn = tx->lsn;
        row->log_bytes = core->log_bytes - tx->log_at;
    }
    if (tx->owner != NULL) {
        row->locks = lockmgr_held_n(tx->owner);
        (void)tx_page_look(&listing->page, (size_t)row->locks);
    }
}

static bool is_wanted(const struct listing *listing, const struct part_tx *tx)
{
    const struct tx_msg_txs_request *request = listing->request;
    if (tx_id_valid(request->tx))
        return true; /* whoever asks for it alone hears how it ended */
    bool over = tx->state == PART_HEURISTIC && !is_doubtful(tx); /* it waits for the mark alone */
    return !over && (!request->in_doubt || is_doubtful(tx)) &&
           ms_since(listing->core, tx->begun_us) >= request->older_ms;
}

/* False when it does not fit into this page any more. */
static bool add_tx(struct listing *listing, struct part_tx *tx)
{
    if (tx_page_full(&listing->page) || !tx_page_look(&listing->page, 1))
        return false;
    if (is_wanted(listing, tx)) {
        size_t bytes = ROW_BYTES + TX_TEXT_MAX + tx->members_n * MEMBER_BYTES;
        if (!tx_page_add(&listing->page, bytes))
            return false;
        tx->behind = 0;
        fill_row(listing, &listing->rows[listing->page.n - 1], tx);
    }
    listing->passed = tx->serial;
    return true;
}

/* One that was asked for before it was here may be none of this participant's. */
static const char *over_text(const struct part_tombstone *tombstone)
{
    if (tombstone->kind != PART_TOMB_NO)
        return "read-only";
    return tombstone->reason == TX_REASON_INQUIRED ? "refused" : "aborted";
}

/* What is known of one that is over here, for whoever asks for it alone. */
static void add_over(struct listing *listing)
{
    struct part_core *core = listing->core;
    const struct tx_id id = listing->request->tx;
    const struct part_coordinator *coordinator = part_coordinator_find(core, id.coordinator);
    const struct part_tombstone *tombstone = part_tombstone_find(core, id);
    if (tombstone != NULL)
        listing->rows[listing->page.n++] = (struct tx_open_row){
            .id = id,
            .state = tx_bytes_str(over_text(tombstone)),
            .detail = part_copy(&core->out->arena, tx_bytes(tombstone->text, tombstone->text_len))};
    else if (coordinator != NULL && part_mark_covers(coordinator, id))
        listing->rows[listing->page.n++] =
            (struct tx_open_row){.id = id,
                                 .state = tx_bytes_str("forgotten"),
                                 .detail = tx_bytes_str("it is finished everywhere")};
}

/* Fills the page; true when there are more behind it. */
static bool fill(struct listing *listing)
{
    struct part_core *core = listing->core;
    if (tx_id_valid(listing->request->tx)) {
        struct part_tx *only = part_tx_find(core, listing->request->tx);
        if (only != NULL)
            (void)add_tx(listing, only);
        else
            add_over(listing);
        return false;
    }
    for (struct part_link *l = core->live.next; l != &core->live; l = l->next) {
        struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_live);
        if (tx->serial > listing->request->from.seq && !add_tx(listing, tx))
            return true;
    }
    return false;
}

/* Everybody who waits counts for those that are in his way, as far as they are named. */
static void count_waiters(struct listing *listing)
{
    struct part_core *core = listing->core;
    struct lock_in_way in_way[TX_LOCK_BLOCKERS_MAX];
    bool more;
    size_t looks = PART_TXS_LOOKS;
    if (lockmgr_stats(core->locks).waiting == 0)
        return;
    for (struct part_link *l = core->live.next; l != &core->live && looks > 0; l = l->next) {
        const struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_live);
        if (tx->owner == NULL || !lockmgr_is_waiting(tx->owner))
            continue;
        size_t n = lockmgr_list_in_way(tx->owner, in_way, TX_LOCK_BLOCKERS_MAX, &more, &looks);
        for (size_t i = 0; i < n; i++) {
            struct part_tx *blocker = part_tx_find(core, in_way[i].tx);
            TX_ASSERT(blocker != NULL); /* whoever holds a lock is in the table */
            blocker->behind++;
        }
    }
    for (size_t i = 0; i < listing->page.n; i++) {
        const struct part_tx *tx = part_tx_find(core, listing->rows[i].id);
        if (tx != NULL) /* or else it is over */
            listing->rows[i].waiters = tx->behind;
    }
}

void part_on_txs(struct part_core *core, uint64_t client, const struct tx_msg_txs_request *request)
{
    if (request->from.start > 0 && request->from.start != core->options.incarnation) {
        part_reply_error(core, client, request->req, TX_ESTATE, TX_REASON_RESTARTED,
                         tx_bytes_str("the participant has restarted since the list of "
                                      "transactions began: begin anew"));
        return;
    }
    struct listing listing = {
        .core = core,
        .request = request,
        .page = tx_page_begin(request->limit, PART_TXS_LOOKS),
        .passed = request->from.seq,
    };
    listing.rows = part_alloc(&core->out->arena, listing.page.n_max, sizeof *listing.rows);
    bool more = fill(&listing);
    count_waiters(&listing);
    struct tx_msg msg = {.type = TX_MSG_TXS};
    msg.txs.req = request->req;
    msg.txs.rows = listing.rows;
    msg.txs.rows_n = listing.page.n;
    msg.txs.more = more;
    if (more)
        msg.txs.next =
            (struct tx_txs_place){.start = core->options.incarnation, .seq = listing.passed};
    part_reply(core, client, &msg);
}
