/* Records, times and names as people read them. */
#include "txlog/recover/recover_text.h"

#include "txlog/redo.h"

#include <inttypes.h>
#include <time.h>

#define LIST_MAX  16 /* things of a list in one line */
#define BYTES_MAX 64 /* characters of a key or value */

const char *recover_time(uint64_t unix_ms, char out[RECOVER_TIME_TEXT])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm utc;
    size_t at = 0;
    if (gmtime_r(&seconds, &utc) != NULL)
        at = strftime(out, RECOVER_TIME_TEXT - 6, "%Y-%m-%dT%H:%M:%S", &utc);
    if (at == 0)
        (void)snprintf(out, RECOVER_TIME_TEXT, "%" PRIu64 "ms", unix_ms);
    else
        (void)snprintf(out + at, RECOVER_TIME_TEXT - at, ".%03uZ", (unsigned)(unix_ms % 1000));
    return out;
}

static void put_bytes(FILE *out, struct tx_bytes bytes)
{
    char text[BYTES_MAX + 1];
    (void)fputs(tx_bytes_print(bytes, text, sizeof(text)), out);
}

static void put_place(FILE *out, struct tx_bytes space, struct tx_bytes key)
{
    put_bytes(out, space);
    if (key.len > 0) {
        (void)fputc('/', out);
        put_bytes(out, key);
    }
}

/* What goes in front of the i-th thing of a list of n. False when the list ends here. */
static bool list_goes_on(FILE *out, size_t i, size_t n)
{
    if (i >= n)
        return false;
    if (i >= LIST_MAX) {
        (void)fprintf(out, " and %zu more", n - i);
        return false;
    }
    if (i > 0)
        (void)fputs(", ", out);
    return true;
}

void recover_text_members(FILE *out, const struct tx_member *members, size_t n, bool addresses)
{
    for (size_t i = 0; i < n; i++) {
        (void)fprintf(out, "%s%s", i > 0 ? ", " : "", members[i].name.s);
        if (addresses)
            (void)fprintf(out, " at %s", members[i].address.s);
        (void)fprintf(out, " (incarnation %" PRIu64 "%s)", members[i].incarnation,
                      members[i].read_only ? ", read-only" : "");
    }
}

/* "space/from..to"; an end that is missing is that of the keyspace. */
static void put_range(FILE *out, const struct txlog_lock *lock)
{
    put_bytes(out, lock->space);
    (void)fputc('/', out);
    put_bytes(out, lock->key);
    (void)fputs("..", out);
    put_bytes(out, lock->to);
}

void recover_text_locks(FILE *out, const struct txlog_lock *locks, size_t n)
{
    for (size_t i = 0; list_goes_on(out, i, n); i++) {
        (void)fprintf(out, "%s ", tx_lock_mode_name(locks[i].mode));
        if (locks[i].range)
            put_range(out, &locks[i]);
        else if (locks[i].space.len == 0)
            (void)fputs("the whole store", out);
        else
            put_place(out, locks[i].space, locks[i].key);
    }
    if (n == 0)
        (void)fputs("none", out);
}

struct writes {
    FILE *out;
    size_t i, n;
};

static enum tx_error count_write(void *arg, const struct redo_write *write)
{
    struct writes *writes = arg;
    (void)write;
    writes->n++;
    return TX_OK;
}

/* Stops with TX_ELIMIT where the list is cut. */
static enum tx_error put_write(void *arg, const struct redo_write *write)
{
    struct writes *writes = arg;
    if (!list_goes_on(writes->out, writes->i, writes->n))
        return TX_ELIMIT;
    writes->i++;
    (void)fputs(write->deleted ? "delete " : "put ", writes->out);
    put_place(writes->out, write->space, write->key);
    if (!write->deleted) {
        (void)fputs(" = ", writes->out);
        put_bytes(writes->out, write->value);
    }
    return TX_OK;
}

void recover_text_redo(FILE *out, struct tx_bytes redo)
{
    struct writes writes = {.out = out};
    enum tx_error error = redo_each(redo, count_write, &writes);
    if (error == TX_OK && writes.n == 0)
        (void)fputs("none", out);
    if (error == TX_OK)
        error = redo_each(redo, put_write, &writes);
    if (error == TX_ECORRUPT)
        (void)fprintf(out, "%zu bytes that cannot be read", redo.len);
}

/* ---- the fields of each type ---- */

static void put_peers(FILE *out, const struct txlog_peer *peers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, "%s%s (incarnation %" PRIu64 ", its log up to LSN %" PRIu64 ")",
                      i > 0 ? ", " : "", peers[i].name.s, peers[i].known.start,
                      peers[i].known.lsn.n);
}

static void put_epoch(FILE *out, const struct txlog_epoch *epoch)
{
    (void)fprintf(out,
                  "coordinator %" PRIu32 ", epoch %" PRIu64 ", life %016" PRIx64
                  ", its log up to LSN %" PRIu64 ", at %s",
                  epoch->coordinator, epoch->known.start, epoch->known.life, epoch->known.lsn.n,
                  epoch->address.s);
}

static void put_prepared(FILE *out, const struct txlog_prepared *prepared)
{
    (void)fprintf(out, "age %" PRIu64 ".%" PRIu32 "; coordinator at %s; members ",
                  prepared->age.counter, prepared->age.coordinator, prepared->coordinator.s);
    recover_text_members(out, prepared->members, prepared->members_n, false);
    (void)fputs("; locks ", out);
    recover_text_locks(out, prepared->locks, prepared->locks_n);
    (void)fputs("; writes ", out);
    recover_text_redo(out, prepared->redo);
    if (prepared->members_decide)
        (void)fputs("; the members decide", out);
}

static void put_committed(FILE *out, const struct txlog_committed *committed)
{
    if (!committed->one_phase) {
        (void)fputs("the writes of its PREPARED", out);
        return;
    }
    (void)fputs("one phase; writes ", out);
    recover_text_redo(out, committed->redo);
}

static void put_forget(FILE *out, const struct txlog_forget *forget)
{
    (void)fprintf(out, "coordinator %" PRIu32 ": finished are ", forget->coordinator);
    if (forget->below == UINT64_MAX)
        (void)fprintf(out, "epoch %" PRIu64 " and all before it", forget->epoch);
    else
        (void)fprintf(out, "those of epoch %" PRIu64 " below %" PRIu64, forget->epoch,
                      forget->below);
    if (forget->open_n > 0)
        (void)fputs(", but for ", out);
    for (size_t i = 0; list_goes_on(out, i, forget->open_n); i++)
        (void)fprintf(out, "%" PRIu64, forget->open[i]);
}

static void put_heuristic(FILE *out, const struct txlog_heuristic *heuristic)
{
    char at[RECOVER_TIME_TEXT];
    (void)fprintf(out, "operator %s decided at %s: %s", heuristic->operator_name.s,
                  recover_time(heuristic->time_ms, at), heuristic->commit ? "commit" : "abort");
}

static void put_commit(FILE *out, const struct txlog_commit *commit)
{
    (void)fputs("decided: commit; members ", out);
    recover_text_members(out, commit->members, commit->members_n, false);
    (void)fprintf(out, "; age %" PRIu64 ".%" PRIu32, commit->age.counter, commit->age.coordinator);
    if (commit->key.len > 0) {
        (void)fputs("; idempotency key ", out);
        put_bytes(out, commit->key);
    }
}

static void put_cut(FILE *out, const struct txlog_record *record)
{
    char at[RECOVER_TIME_TEXT];
    (void)fprintf(out, "cut %" PRIu64, record->cut.number);
    if (record->cut.lsn.n != record->lsn.n)
        (void)fprintf(out, ", taken at LSN %" PRIu64 " at %s", record->cut.lsn.n,
                      recover_time(record->cut.time_ms, at));
}

static void put_loss(FILE *out, const struct tx_loss *loss)
{
    (void)fprintf(out, "what came behind LSN %" PRIu64 ", in starts up to %" PRIu64 ", is lost",
                  loss->lsn.n, loss->start);
}

static void put_declared(FILE *out, const struct txlog_record *record)
{
    if (record->type == TXLOG_LOSS) {
        put_loss(out, &record->loss);
        return;
    }
    put_peers(out, &record->readmit.peer, 1);
    (void)fprintf(out, ", let in again; it was known up to start %" PRIu64 ", LSN %" PRIu64 "; ",
                  record->readmit.known.start, record->readmit.known.lsn.n);
    put_loss(out, &record->readmit.loss);
}

void recover_text_fields(FILE *out, const struct txlog_record *record)
{
    switch (record->type) {
    case TXLOG_START:
        (void)fprintf(out, "life %016" PRIx64, record->started.life);
        return;
    case TXLOG_EPOCH:
        put_epoch(out, &record->epoch);
        return;
    case TXLOG_PREPARED:
        put_prepared(out, &record->prepared);
        return;
    case TXLOG_COMMITTED:
        put_committed(out, &record->committed);
        return;
    case TXLOG_FORGET:
        put_forget(out, &record->forget);
        return;
    case TXLOG_HEURISTIC:
        put_heuristic(out, &record->heuristic);
        return;
    case TXLOG_HEURISTIC_END:
        (void)fputs(record->heuristic_end.damage ? "DAMAGE: the decision is the other one"
                                                 : "the decision is the same",
                    out);
        return;
    case TXLOG_PUT_ASIDE:
        (void)fprintf(out, "put aside by operator %s", record->put_aside.operator_name.s);
        return;
    case TXLOG_LOSS:
    case TXLOG_READMIT:
        put_declared(out, record);
        return;
    case TXLOG_ALARM: {
        char text[TX_TEXT_MAX + 1];
        (void)fputs(tx_bytes_print(record->alarm.text, text, sizeof(text)), out);
        return;
    }
    case TXLOG_COMMIT:
        put_commit(out, &record->commit);
        return;
    case TXLOG_END:
        (void)fputs(record->end.peers_n > 0 ? "acknowledged by " : "acknowledged by all", out);
        put_peers(out, record->end.peers, record->end.peers_n);
        return;
    case TXLOG_OUTCOME:
        (void)fprintf(out, "%s in one phase at ", tx_outcome_name(record->outcome.outcome));
        put_peers(out, &record->outcome.peer, 1);
        return;
    case TXLOG_PEER:
        put_peers(out, &record->peer, 1);
        return;
    case TXLOG_SNAPSHOT_BEGIN:
        (void)fprintf(out, "all live state follows; age counter %" PRIu64,
                      record->snapshot_begin.age_counter);
        return;
    case TXLOG_SNAPSHOT_END:
        (void)fprintf(out, "of the snapshot that began at LSN %" PRIu64,
                      record->snapshot_end.begin.n);
        return;
    case TXLOG_CUT:
        put_cut(out, record);
        return;
    case TXLOG_ABORTED:
    case TXLOG_NONE:
    case TXLOG_TYPES_N:
        return;
    }
}

void recover_text_record(FILE *out, const struct txlog_record *record)
{
    struct tx_id id = txlog_record_tx(record);
    char at[RECOVER_TIME_TEXT], text[TX_ID_TEXT];
    (void)fprintf(out, "%8" PRIu64 "  %s  start %" PRIu64 "  %s", record->lsn.n,
                  recover_time(record->time_ms, at), record->start, txlog_type_name(record->type));
    if (tx_id_valid(id))
        (void)fprintf(out, "  %s", tx_id_print(id, text));
    if (record->type != TXLOG_ABORTED)
        (void)fputs("  ", out);
    recover_text_fields(out, record);
    (void)fputc('\n', out);
}
