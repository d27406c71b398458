/* STATUS: what an operator sees. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>
#include <stdio.h>

/* The newest alarms, with their texts. */
#define ALARMS_SHOWN_MAX 5u
#define FIELDS_MAX       (32u + TX_REASONS_N + ALARMS_SHOWN_MAX)

static void field(struct coord_core *core, struct tx_status_field *fields, size_t *n,
                  const char *name, struct tx_bytes text)
{
    TX_ASSERT(*n < FIELDS_MAX);
    fields[(*n)++] = (struct tx_status_field){.name = coord_print(core, "%s", name), .text = text};
}

static const char *serving(const struct coord_core *core)
{
    if (core->fenced) {
        return "fenced";
    }
    if (core->draining) {
        return "draining";
    }
    return core->disk_low ? "disk reserve reached" : "serving";
}

/* "alarm_1" is the oldest of those shown. */
static void alarm_fields(struct coord_core *core, struct tx_status_field *fields, size_t *n)
{
    size_t kept = core->alarms_n;
    size_t shown = kept < ALARMS_SHOWN_MAX ? kept : ALARMS_SHOWN_MAX;
    for (size_t i = 0; i < shown; i++) {
        size_t at = (core->alarms_first + kept - shown + i) % kept;
        char name[32];
        (void)snprintf(name, sizeof name, "alarm_%zu", i + 1);
        field(core, fields, n, name, coord_copy(core, core->alarms[at].text));
    }
}

static void fill_fields(struct coord_core *core, struct tx_msg_status *status)
{
    struct coord_stats stats;
    coord_core_stats(core, &stats);
    struct tx_status_field *fields = coord_alloc(core, FIELDS_MAX, sizeof *fields);
    size_t n = 0;
    field(core, fields, &n, "role", coord_print(core, "coordinator"));
    field(core, fields, &n, "state", coord_print(core, "%s", serving(core)));
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"id", core->options.id},
        {"epoch", core->options.epoch},
        {"active", stats.active},
        {"collecting", stats.collecting},
        {"deciding", stats.deciding},
        {"committed", stats.committed},
        {"retained", stats.retained},
        {"begun_total", stats.begun},
        {"preventing", stats.preventing},
        {"committed_total", stats.committed_total},
        {"committed_by_members_total", stats.members_committed},
        {"prevented_total", stats.prevented},
        {"aborted_total", stats.aborted_total},
        {"unknown_total", stats.unknown_total},
        {"violations", stats.violations},
        {"stale", stats.stale},
        {"alarms", stats.alarms},
        {"resends", stats.resends},
        {"alarms_kept", core->alarms_n},
        {"log_last", core->last.n},
        {"log_durable", core->durable.n},
        {"log_since_snapshot", core->snapshot_next},
        {"cut", stats.cut},
        {"cuts_taken", stats.cuts},
        {"cuts_begun", stats.cuts_begun},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        field(core, fields, &n, numbers[i].name, coord_print(core, "%" PRIu64, numbers[i].value));
    }
    for (unsigned i = 0; i < TX_REASONS_N; i++) {
        if (stats.aborted_by[i] > 0) {
            char name[64];
            (void)snprintf(name, sizeof name, "aborted_%s", tx_reason_name((enum tx_reason)i));
            field(core, fields, &n, name, coord_print(core, "%" PRIu64, stats.aborted_by[i]));
        }
    }
    alarm_fields(core, fields, &n);
    status->fields = fields;
    status->fields_n = n;
}

bool coord_waits_for(const struct coord_tx *tx, const struct coord_member *member)
{
    if (tx->state == COORD_COMMITTED) {
        return coord_member_commits(member) && !member->acked;
    }
    return tx->sent ? !member->voted : member->peer->state == COORD_PEER_NEW;
}

static struct tx_bytes waited_names(struct coord_core *core, const struct coord_tx *tx)
{
    struct tx_buf buf = {0};
    for (size_t i = 0; i < tx->members_n; i++) {
        if (coord_waits_for(tx, &tx->members[i])) {
            tx_buf_append(&buf, tx_bytes_str(buf.len > 0 ? ", " : ""));
            tx_buf_append(&buf, tx_bytes_str(tx->members[i].peer->name.s));
        }
    }
    TX_NEED_MEMORY(!buf.failed);
    struct tx_bytes names = coord_copy(core, tx_buf_view(&buf));
    tx_buf_deinit(&buf);
    return names;
}

struct tx_bytes coord_describe(struct coord_core *core, const struct coord_tx *tx)
{
    const char *what = "";
    if (tx->state == COORD_ACTIVE) {
        return coord_print(core, "waits for its client");
    }
    if (tx->state == COORD_DECIDING) {
        return coord_print(core, "waits for its COMMIT record to become durable");
    }
    if (tx->state == COORD_COMMITTED && tx->logged_end) {
        return coord_print(core, "waits for its END record to become durable");
    }
    if (tx->state == COORD_COMMITTED) {
        what = "waits for the acknowledgement of";
    } else if (!tx->sent) {
        what = "waits for the introduction of";
    } else if (tx->inquiring && tx->members_decide) {
        what = "is to be aborted, unless it is prepared at";
    } else {
        what = tx->inquiring ? "asks for the outcome at" : "waits for the vote of";
    }
    struct tx_bytes names = waited_names(core, tx);
    const char *mode = tx->members_decide ? "; its members decide" : "";
    return coord_print(core, "%s %.*s%s", what, (int)names.len, (const char *)names.data, mode);
}

static void fill_txs(struct coord_core *core, struct tx_msg_status *status)
{
    size_t open = core->counts[COORD_ACTIVE] + core->counts[COORD_COLLECTING] +
                  core->counts[COORD_DECIDING] + core->counts[COORD_COMMITTED];
    size_t most = open < COORD_STATUS_TXS_MAX ? open : COORD_STATUS_TXS_MAX;
    struct tx_status_tx *txs = coord_alloc(core, most, sizeof *txs);
    size_t n = 0;
    for (struct coord_tx *tx = TAILQ_FIRST(&core->open); tx != NULL && n < most;
         tx = TAILQ_NEXT(tx, in_open)) {
        if (tx->state != COORD_FINISHED_COMMITTED) {
            txs[n++] = (struct tx_status_tx){
                .id = tx->id,
                .state = coord_print(core, "%s", coord_state_text(tx->state)),
                .age_ms = (core->now - tx->since_us) / 1000,
                .detail = coord_describe(core, tx),
            };
        }
    }
    status->txs = txs;
    status->txs_n = n;
}

static void fill_peers(struct coord_core *core, struct tx_msg_status *status)
{
    struct tx_status_peer *peers = coord_alloc(core, core->peers_n, sizeof *peers);
    for (size_t i = 0; i < core->peers_n; i++) {
        const struct coord_peer *peer = core->peers[i];
        peers[i] = (struct tx_status_peer){
            .name = coord_print(core, "%s", peer->name.s),
            .address = coord_print(core, "%s", peer->address.s),
            .state = coord_print(core, "%s", coord_peer_state_text(peer)),
            .start = peer->incarnation,
            .silent_ms = (core->now - peer->heard_us) / 1000,
        };
    }
    status->peers = peers;
    status->peers_n = core->peers_n;
}

void coord_on_status(struct coord_core *core, struct coord_waiter from)
{
    struct tx_msg msg = {.type = TX_MSG_STATUS, .status = {.req = from.req}};
    fill_fields(core, &msg.status);
    fill_txs(core, &msg.status);
    fill_peers(core, &msg.status);
    coord_reply(core, from.client, &msg);
}
