/* PREPARE TRANSACTION on two PostgreSQL servers.
 *
 * As few waits as PostgreSQL allows: BEGIN, a prepared UPDATE and PREPARE TRANSACTION go to each
 * server in one pipeline, to both before either answer is awaited; then the decision is forced;
 * then COMMIT PREPARED goes to both. A real application has a round trip for the work before that
 * of the prepare. */
#include "tests/bench/peers/decision_log.h"
#include "tests/bench/peers/peer.h"

#include <libpq-fe.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    PGconn *stores[2];
};

static struct peer_place where;
static struct peer_books before;

static PGconn *connect_to(unsigned store)
{
    char info[128];
    (void)snprintf(info, sizeof info, "host=127.0.0.1 port=%s dbname=postgres user=bench",
                   where.where[store]);
    PGconn *connection = PQconnectdb(info);
    if (PQstatus(connection) != CONNECTION_OK) {
        (void)fprintf(stderr, "peer_load: %s", PQerrorMessage(connection));
        PQfinish(connection);
        return NULL;
    }
    return connection;
}

static bool good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* Runs one statement, or several with blanks between them. `value`: where its one number goes;
 * NULL: nowhere. */
static bool ask(PGconn *connection, const char *statement, int64_t *value)
{
    PGresult *result = PQexec(connection, statement);
    bool done = good(result);
    if (!done) {
        (void)fprintf(stderr, "peer_load: %s: %s", statement, PQerrorMessage(connection));
    } else if (value != NULL) {
        *value = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    }
    PQclear(result);
    return done;
}

static bool create_accounts(PGconn *connection)
{
    char fill[256];
    int64_t there = 0;
    if (!ask(connection, "SELECT count(*) FROM pg_tables WHERE tablename = 'account'", &there)) {
        return false;
    }
    (void)snprintf(fill, sizeof fill,
                   "INSERT INTO account SELECT i, %" PRId64 " FROM generate_series(0, %u) i",
                   PEER_BALANCE, where.accounts - 1);
    /* Room in each page, so that an update need not touch the index. */
    return there > 0 ||
           (ask(connection,
                "CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL) "
                "WITH (fillfactor = 70)",
                NULL) &&
            ask(connection, fill, NULL) && ask(connection, "VACUUM ANALYZE account", NULL) &&
            ask(connection, "CHECKPOINT", NULL));
}

static bool read_books(struct peer_books *books, bool create)
{
    *books = (struct peer_books){0};
    bool done = true;
    for (unsigned i = 0; done && i < 2; i++) {
        int64_t n = 0;
        int64_t in_doubt = 0;
        PGconn *connection = connect_to(i);
        done = connection != NULL && (!create || create_accounts(connection)) &&
               ask(connection, "SELECT coalesce(sum(balance), 0) FROM account", &books->sums[i]) &&
               ask(connection, "SELECT count(*) FROM account", &n) &&
               ask(connection, "SELECT count(*) FROM pg_prepared_xacts", &in_doubt);
        books->accounts[i] = (uint64_t)n;
        books->in_doubt += (uint64_t)in_doubt;
        PQfinish(connection);
    }
    return done;
}

static bool open_stores(const struct peer_place *place)
{
    where = *place;
    if (where.where[1] == NULL) {
        (void)fprintf(stderr, "peer_load: postgresql wants two ports\n");
        return false;
    }
    return read_books(&before, true) && peer_books_sound(&before, place);
}

static bool check(const struct load_result *done)
{
    struct peer_books after;
    return read_books(&after, false) && peer_books_agree(&before, &after, done);
}

static void close_stores(void)
{
}

static void session_destroy(void **session)
{
    struct session *s = *session;
    PQfinish(s->stores[0]);
    PQfinish(s->stores[1]);
    free(s);
    *session = NULL;
}

static void *session_new(void)
{
    static const char *const updates[2] = {
        "UPDATE account SET balance = balance - $2 WHERE id = $1 AND balance >= $2",
        "UPDATE account SET balance = balance + $2 WHERE id = $1"};
    struct session *s = calloc(1, sizeof *s);
    bool done = s != NULL;
    for (unsigned i = 0; done && i < 2; i++) {
        s->stores[i] = connect_to(i);
        /* Waits in a circle through both servers are seen by neither. */
        done = s->stores[i] != NULL && ask(s->stores[i], "SET lock_timeout = '1s'", NULL);
        if (done) {
            PGresult *begin = PQprepare(s->stores[i], "begin", "BEGIN", 0, NULL);
            PGresult *update = PQprepare(s->stores[i], "update", updates[i], 0, NULL);
            done = good(begin) && good(update) && PQenterPipelineMode(s->stores[i]) == 1;
            PQclear(begin);
            PQclear(update);
        }
    }
    void *session = s;
    if (!done && s != NULL) {
        session_destroy(&session);
    }
    return session;
}

/* Sends what stands in the pipeline. */
static bool send_off(PGconn *connection)
{
    return PQpipelineSync(connection) == 1 && PQflush(connection) == 0;
}

/* Takes the answers of a pipeline of `n` statements. How many of them succeeded, up to the first
 * that did not; *touched: rows that they changed. -1: the connection is lost. */
static int receive(PGconn *connection, int n, int *touched)
{
    int done = 0;
    *touched = 0;
    for (;;) {
        PGresult *result = PQgetResult(connection);
        if (result == NULL) { /* the end of one statement's answers */
            if (PQstatus(connection) != CONNECTION_OK) {
                return -1;
            }
            continue;
        }
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_COMMAND_OK && done < n) {
            *touched += (int)strtol(PQcmdTuples(result), NULL, 10);
            done++;
        }
        PQclear(result);
        if (status == PGRES_PIPELINE_SYNC) {
            return done;
        }
    }
}

/* One statement with the transfer's id behind it. */
static bool send_verb(PGconn *connection, const char *verb, const char *id)
{
    char statement[128];
    (void)snprintf(statement, sizeof statement, "%s '%s'", verb, id);
    return PQsendQueryParams(connection, statement, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static bool send_prepare(PGconn *connection, unsigned account, const struct peer_transfer *transfer)
{
    char id[16];
    char amount[24];
    (void)snprintf(id, sizeof id, "%u", account);
    (void)snprintf(amount, sizeof amount, "%" PRId64, transfer->amount);
    const char *values[2] = {id, amount};
    return PQsendQueryPrepared(connection, "begin", 0, NULL, NULL, NULL, 0) == 1 &&
           PQsendQueryPrepared(connection, "update", 2, values, NULL, NULL, 0) == 1 &&
           send_verb(connection, "PREPARE TRANSACTION", transfer->id) && send_off(connection);
}

/* `prepared`: how far each store came with its three statements. */
static enum peer_outcome roll_back(struct session *s, const struct peer_transfer *transfer,
                                   const int prepared[2])
{
    bool done = true;
    for (unsigned i = 0; done && i < 2; i++) {
        int touched;
        const char *verb = "ROLLBACK PREPARED";
        done = (prepared[i] == 3 ? send_verb(s->stores[i], verb, transfer->id)
                                 : PQsendQueryParams(s->stores[i], "ROLLBACK", 0, NULL, NULL, NULL,
                                                     NULL, 0) == 1) &&
               send_off(s->stores[i]) && receive(s->stores[i], 1, &touched) == 1;
    }
    return done ? PEER_ABORTED : PEER_BROKEN;
}

static enum peer_outcome complain(struct session *s, const char *step)
{
    (void)fprintf(stderr, "peer_load: postgresql: %s: %s%s\n", step, PQerrorMessage(s->stores[0]),
                  PQerrorMessage(s->stores[1]));
    return PEER_BROKEN;
}

static enum peer_outcome transfer_money(void *session, const struct peer_transfer *transfer)
{
    struct session *s = session;
    int prepared[2];
    int touched[2];
    if (!send_prepare(s->stores[0], transfer->from, transfer) ||
        !send_prepare(s->stores[1], transfer->to, transfer)) {
        return complain(s, "prepare");
    }
    for (unsigned i = 0; i < 2; i++) {
        prepared[i] = receive(s->stores[i], 3, &touched[i]);
        if (prepared[i] < 0) {
            return complain(s, "prepare");
        }
    }
    if (prepared[0] != 3 || prepared[1] != 3 || touched[0] != 1 || touched[1] != 1) {
        return roll_back(s, transfer, prepared);
    }
    if (!decision_log_write(transfer->id)) {
        return complain(s, "decision");
    }
    for (unsigned i = 0; i < 2; i++) {
        if (!send_verb(s->stores[i], "COMMIT PREPARED", transfer->id) || !send_off(s->stores[i])) {
            return complain(s, "commit");
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        if (receive(s->stores[i], 1, &touched[i]) != 1) {
            return complain(s, "commit");
        }
    }
    return PEER_COMMITTED;
}

const struct peer_kind peer_postgresql = {"postgresql",   true,           open_stores,
                                          check,          close_stores,   session_new,
                                          transfer_money, session_destroy};
