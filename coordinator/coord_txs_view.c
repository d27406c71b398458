/* TXS and ALARMS: the open transactions and the alarms that are kept, in pages, for an operator.
 *
 * A page of transactions costs a look at each open one before its place, and at most
 * COORD_TXS_LOOKS behind it. */
#include "common/page.h"
#include "common/times.h"
#include "coordinator/coord_internal.h"

#define COORD_TXS_LOOKS 20000u
/* More than a row takes on the wire without its texts, and than a member in it. */
#define ROW_BYTES    (200u + TX_IDEMPOTENCY_KEY_MAX)
#define MEMBER_BYTES (TX_NAME_MAX + TX_ADDRESS_MAX + 40u)

struct listing {
    struct coord_core *core;
    const struct tx_msg_txs_request *request;
    struct tx_page page;
    struct tx_open_row *rows;
    struct tx_id passed; /* the last one that was looked at */
};

/* May a member be in doubt about it? */
static bool is_doubtful(const struct coord_tx *tx)
{
    return (tx->state == COORD_COLLECTING && tx->sent && !tx->one_phase) ||
           tx->state == COORD_DECIDING || tx->state == COORD_COMMITTED;
}

static enum tx_open_mode mode_of(const struct coord_tx *tx)
{
    bool fixed = tx->sent || tx->state == COORD_DECIDING || tx->state == COORD_COMMITTED;
    if (!fixed) {
        return TX_OPEN_UNDECIDED;
    }
    if (tx->one_phase) {
        return TX_OPEN_ONE_PHASE;
    }
    return tx->members_decide ? TX_OPEN_MEMBERS : TX_OPEN_COORDINATOR;
}

static enum tx_waits waits_of(const struct coord_tx *tx)
{
    if (tx->state == COORD_ACTIVE) {
        return TX_WAITS_CLIENT;
    }
    if (tx->state == COORD_DECIDING || (tx->state == COORD_COMMITTED && tx->logged_end)) {
        return TX_WAITS_LOG;
    }
    if (tx->state == COORD_COMMITTED) {
        return TX_WAITS_ACKNOWLEDGEMENTS;
    }
    if (!tx->sent) {
        return TX_WAITS_INTRODUCTION;
    }
    if (tx->inquiring) {
        return tx->members_decide ? TX_WAITS_REFUSAL : TX_WAITS_OUTCOME;
    }
    return TX_WAITS_VOTES;
}

static enum tx_said said_of(const struct coord_tx *tx, const struct coord_member *member)
{
    static const enum tx_said saids[TX_VOTES_N] = {
        [TX_VOTE_YES] = TX_SAID_YES,
        [TX_VOTE_NO] = TX_SAID_NO,
        [TX_VOTE_READ_ONLY] = TX_SAID_READ_ONLY,
        [TX_VOTE_COMMITTED] = TX_SAID_COMMITTED,
    };
    if (member->acked) {
        return TX_SAID_ACKNOWLEDGED;
    }
    if (member->voted) {
        return saids[member->vote];
    }
    if (tx->recovered && tx->state == COORD_COMMITTED) {
        return TX_SAID_YES; /* its COMMIT record names those */
    }
    return coord_tx_joined(tx, member->peer) ? TX_SAID_JOINED : TX_SAID_NOTHING;
}

static struct tx_open_member member_row(struct coord_core *core, const struct coord_peer *peer)
{
    return (struct tx_open_member){
        .name = peer->name,
        .address = peer->address,
        .said = TX_SAID_JOINED,
        .state = tx_bytes_str(coord_peer_state_text(peer)),
        .silent_ms = tx_ms_between(peer->heard_us, core->now),
    };
}

static const struct tx_open_member *members_of(struct coord_core *core, const struct coord_tx *tx,
                                               size_t *n)
{
    *n = tx->members_n > 0 ? tx->members_n : tx->joined_n;
    *n = *n < TX_MEMBERS_MAX ? *n : TX_MEMBERS_MAX;
    struct tx_open_member *members = coord_alloc(core, *n, sizeof *members);
    for (size_t i = 0; i < *n; i++) {
        if (tx->members_n == 0) {
            members[i] = member_row(core, tx->joined[i]);
            continue;
        }
        const struct coord_member *member = &tx->members[i];
        members[i] = member_row(core, member->peer);
        members[i].read_only = member->read_only;
        members[i].said = said_of(tx, member);
        members[i].waited_for = coord_waits_for(tx, member);
    }
    return members;
}

static void fill_row(struct coord_core *core, struct tx_open_row *row, const struct coord_tx *tx)
{
    bool again = tx->state == COORD_COMMITTED || (tx->state == COORD_COLLECTING && tx->sent);
    *row = (struct tx_open_row){
        .id = tx->id,
        .state = tx_bytes_str(coord_state_text(tx->state)),
        .in_doubt = is_doubtful(tx),
        .age_ms = tx_ms_between(tx->since_us, core->now),
        .state_ms = tx_ms_between(tx->moved_us, core->now),
        .recovered = tx->recovered,
        .mode = mode_of(tx),
        .waits = waits_of(tx),
        .detail = coord_describe(core, tx),
        .tries = again && tx->timer.slot > 0,
        .tried = tx->tried,
        .lsn = tx->lsn,
        .key = coord_copy(core, tx->key),
    };
    row->next_ms = row->tries ? tx_ms_between(core->now, tx->timer.at) : 0;
    row->members = members_of(core, tx, &row->members_n);
}

static bool is_wanted(const struct listing *listing, const struct coord_tx *tx)
{
    const struct tx_msg_txs_request *request = listing->request;
    bool open = tx->state == COORD_ACTIVE || tx->state == COORD_COLLECTING ||
                tx->state == COORD_DECIDING || tx->state == COORD_COMMITTED;
    if (tx_id_valid(request->tx)) {
        return true; /* whoever asks for it alone hears how it ended */
    }
    return open && (!request->in_doubt || is_doubtful(tx)) &&
           tx_ms_between(tx->since_us, listing->core->now) >= request->older_ms;
}

/* False when it does not fit into this page any more. */
static bool add_tx(struct listing *listing, const struct coord_tx *tx)
{
    if (tx_page_full(&listing->page) || !tx_page_look(&listing->page, 1)) {
        return false;
    }
    if (is_wanted(listing, tx)) {
        size_t members_n = tx->members_n > 0 ? tx->members_n : tx->joined_n;
        size_t bytes = ROW_BYTES + TX_TEXT_MAX + members_n * MEMBER_BYTES;
        if (!tx_page_add(&listing->page, bytes)) {
            return false;
        }
        fill_row(listing->core, &listing->rows[listing->page.n - 1], tx);
    }
    listing->passed = tx->id;
    return true;
}

/* Fills the page; true when there are more behind it. */
static bool fill(struct listing *listing)
{
    const struct tx_msg_txs_request *request = listing->request;
    struct coord_core *core = listing->core;
    if (tx_id_valid(request->tx)) {
        const struct coord_tx *only = coord_tx_find(core, request->tx);
        if (only != NULL) {
            (void)add_tx(listing, only);
        }
        return false;
    }
    const struct tx_id from = {core->options.id, request->from.epoch, request->from.seq};
    const struct coord_tx *tx;
    TAILQ_FOREACH(tx, &core->open, in_open)
    {
        if (tx_id_compare(tx->id, from) > 0 && !add_tx(listing, tx)) {
            return true;
        }
    }
    return false;
}

void coord_on_txs(struct coord_core *core, uint64_t client,
                  const struct tx_msg_txs_request *request)
{
    struct listing listing = {
        .core = core,
        .request = request,
        .page = tx_page_begin(request->limit, COORD_TXS_LOOKS),
        .passed = {core->options.id, request->from.epoch, request->from.seq},
    };
    listing.rows = coord_alloc(core, listing.page.n_max, sizeof *listing.rows);
    struct tx_msg msg = {.type = TX_MSG_TXS, .txs = {.req = request->req, .rows = listing.rows}};
    msg.txs.more = fill(&listing);
    msg.txs.rows_n = listing.page.n;
    if (msg.txs.more) { /* ids keep their order over a restart */
        msg.txs.next = (struct tx_txs_place){
            .start = core->options.epoch, .epoch = listing.passed.epoch, .seq = listing.passed.seq};
    }
    coord_reply(core, client, &msg);
}

void coord_on_alarms(struct coord_core *core, uint64_t client,
                     const struct tx_msg_alarms_request *request)
{
    const uint64_t first = core->alarms_kept - core->alarms_n;
    struct tx_page page = tx_page_begin(request->limit, 0);
    struct tx_alarm_row *rows = coord_alloc(core, page.n_max, sizeof *rows);
    uint64_t number = core->alarms_kept;
    if (request->before > 0 && request->before <= number) {
        number = request->before - 1;
    }
    for (; number > first; number--) {
        size_t place = (core->alarms_first + (size_t)(number - first) - 1) % core->alarms_n;
        const struct coord_alarm *alarm = &core->alarms[place];
        if (!tx_page_add(&page, TX_ALARM_ROW_BYTES + alarm->text.len)) {
            break;
        }
        rows[page.n - 1] = (struct tx_alarm_row){.number = number,
                                                 .id = alarm->tx,
                                                 .time_ms = alarm->raised_ms,
                                                 .text = coord_copy(core, alarm->text)};
    }
    struct tx_msg msg = {
        .type = TX_MSG_ALARMS,
        .alarms = {.req = request->req, .rows = rows, .rows_n = page.n, .more = number > first}};
    coord_reply(core, client, &msg);
}
