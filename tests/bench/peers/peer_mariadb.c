/* XA on two MariaDB servers.
 *
 * XA START, UPDATE, XA END and XA PREPARE go to each server in one message, to both before either
 * answer is awaited; then the decision is forced; then XA COMMIT goes to both. */
#include "tests/bench/peers/decision_log.h"
#include "tests/bench/peers/peer.h"

#include <inttypes.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    MYSQL *stores[2];
};

static struct peer_place where;
static struct peer_books before;

static MYSQL *connect_to(unsigned store)
{
    MYSQL *connection = mysql_init(NULL);
    if (connection != NULL && mysql_real_connect(connection, "127.0.0.1", "root", "", NULL,
                                                 (unsigned)strtoul(where.where[store], NULL, 10),
                                                 NULL, CLIENT_MULTI_STATEMENTS) == NULL) {
        (void)fprintf(stderr, "peer_load: mariadb: %s\n", mysql_error(connection));
        mysql_close(connection);
        return NULL;
    }
    return connection;
}

/* Runs one statement. `rows`: how many came; `value`: where the number in the first goes; NULL:
 * nowhere. */
static bool ask(MYSQL *connection, const char *statement, uint64_t *rows, int64_t *value)
{
    if (mysql_query(connection, statement) != 0) {
        (void)fprintf(stderr, "peer_load: %s: %s\n", statement, mysql_error(connection));
        return false;
    }
    MYSQL_RES *result = mysql_store_result(connection);
    if (result == NULL) {
        return rows == NULL && value == NULL;
    }
    MYSQL_ROW row = mysql_fetch_row(result);
    if (rows != NULL) {
        *rows = mysql_num_rows(result);
    }
    if (value != NULL && row != NULL && row[0] != NULL) {
        *value = strtoll(row[0], NULL, 10);
    }
    mysql_free_result(result);
    return true;
}

static bool create_accounts(MYSQL *connection)
{
    char fill[256];
    uint64_t there = 0;
    if (!ask(connection, "SHOW DATABASES LIKE 'bench'", &there, NULL)) {
        return false;
    }
    (void)snprintf(fill, sizeof fill,
                   "INSERT INTO bench.account SELECT seq, %" PRId64 " FROM bench.seq_0_to_%u",
                   PEER_BALANCE, where.accounts - 1);
    return there > 0 ||
           (ask(connection, "CREATE DATABASE bench", NULL, NULL) &&
            ask(connection,
                "CREATE TABLE bench.account (id INT PRIMARY KEY, balance BIGINT NOT NULL) "
                "ENGINE=InnoDB",
                NULL, NULL) &&
            ask(connection, fill, NULL, NULL));
}

static bool read_books(struct peer_books *books, bool create)
{
    *books = (struct peer_books){0};
    bool done = true;
    for (unsigned i = 0; done && i < 2; i++) {
        int64_t n = 0;
        uint64_t in_doubt = 0;
        MYSQL *connection = connect_to(i);
        done = connection != NULL && (!create || create_accounts(connection)) &&
               ask(connection, "SELECT sum(balance) FROM bench.account", NULL, &books->sums[i]) &&
               ask(connection, "SELECT count(*) FROM bench.account", NULL, &n) &&
               ask(connection, "XA RECOVER", &in_doubt, NULL);
        books->accounts[i] = (uint64_t)n;
        books->in_doubt += in_doubt;
        if (connection != NULL) {
            mysql_close(connection);
        }
    }
    return done;
}

static bool open_stores(const struct peer_place *place)
{
    where = *place;
    if (where.where[1] == NULL || mysql_library_init(0, NULL, NULL) != 0) {
        (void)fprintf(stderr, "peer_load: mariadb wants two ports\n");
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
    mysql_library_end();
}

static void session_destroy(void **session)
{
    struct session *s = *session;
    for (unsigned i = 0; i < 2; i++) {
        if (s->stores[i] != NULL) {
            mysql_close(s->stores[i]);
        }
    }
    free(s);
    *session = NULL;
    mysql_thread_end();
}

static void *session_new(void)
{
    (void)mysql_thread_init();
    struct session *s = calloc(1, sizeof *s);
    bool done = s != NULL;
    for (unsigned i = 0; done && i < 2; i++) {
        s->stores[i] = connect_to(i);
        /* Waits in a circle through both servers are seen by neither. */
        done = s->stores[i] != NULL &&
               ask(s->stores[i], "SET SESSION innodb_lock_wait_timeout = 1", NULL, NULL) &&
               ask(s->stores[i], "USE bench", NULL, NULL);
    }
    void *session = s;
    if (!done && s != NULL) {
        session_destroy(&session);
    }
    return session;
}

/* Takes the answers of a message of `n` statements. How many of them succeeded, up to the first
 * that did not; *touched: rows that they changed. */
static int receive(MYSQL *connection, int n, int *touched)
{
    int done = 0;
    *touched = 0;
    if (mysql_read_query_result(connection) != 0) {
        return 0;
    }
    for (;;) {
        MYSQL_RES *result = mysql_store_result(connection);
        if (result != NULL) {
            mysql_free_result(result);
        } else {
            *touched += (int)mysql_affected_rows(connection);
        }
        if (++done == n || mysql_next_result(connection) != 0) {
            return done;
        }
    }
}

static bool send_text(MYSQL *connection, const char *text)
{
    return mysql_send_query(connection, text, strlen(text)) == 0;
}

static bool send_prepare(MYSQL *connection, unsigned account, int64_t by, const char *id)
{
    char text[512];
    (void)snprintf(text, sizeof text,
                   "XA START '%s';UPDATE account SET balance = balance + %" PRId64
                   " WHERE id = %u AND balance + %" PRId64 " >= 0;XA END '%s';XA PREPARE '%s'",
                   id, by, account, by, id, id);
    return send_text(connection, text);
}

/* `prepared`: how far each store came with its four statements. */
static enum peer_outcome roll_back(struct session *s, const char *id, const int prepared[2])
{
    char end[128];
    char text[128];
    (void)snprintf(end, sizeof end, "XA END '%s'", id);
    (void)snprintf(text, sizeof text, "XA ROLLBACK '%s'", id);
    for (unsigned i = 0; i < 2; i++) {
        /* Its answer does not count: a branch that lost its locks has ended already. */
        if (prepared[i] < 3) {
            (void)mysql_query(s->stores[i], end);
        }
        if (prepared[i] > 0 && !ask(s->stores[i], text, NULL, NULL)) {
            return PEER_BROKEN;
        }
    }
    return PEER_ABORTED;
}

static enum peer_outcome complain(struct session *s, const char *step)
{
    (void)fprintf(stderr, "peer_load: mariadb: %s: %s %s\n", step, mysql_error(s->stores[0]),
                  mysql_error(s->stores[1]));
    return PEER_BROKEN;
}

static enum peer_outcome transfer_money(void *session, const struct peer_transfer *transfer)
{
    struct session *s = session;
    const char *id = transfer->id;
    char commit[128];
    int prepared[2];
    int touched[2];
    if (!send_prepare(s->stores[0], transfer->from, -transfer->amount, id) ||
        !send_prepare(s->stores[1], transfer->to, transfer->amount, id)) {
        return complain(s, "prepare");
    }
    for (unsigned i = 0; i < 2; i++) {
        prepared[i] = receive(s->stores[i], 4, &touched[i]);
    }
    if (prepared[0] != 4 || prepared[1] != 4 || touched[0] != 1 || touched[1] != 1) {
        return roll_back(s, id, prepared);
    }
    if (!decision_log_write(id)) {
        return complain(s, "decision");
    }
    (void)snprintf(commit, sizeof commit, "XA COMMIT '%s'", id);
    for (unsigned i = 0; i < 2; i++) {
        if (!send_text(s->stores[i], commit)) {
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

const struct peer_kind peer_mariadb = {"mariadb",    true,        open_stores,    check,
                                       close_stores, session_new, transfer_money, session_destroy};
