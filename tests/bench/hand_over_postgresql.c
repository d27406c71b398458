/* A session with PostgreSQL: SELECT ... FOR UPDATE of one row. The table is there already. */
#include "hand_over.h"

#include <libpq-fe.h>
#include <string.h>

static const char *run(void *session, const char *statement)
{
    PGresult *result = PQexec(session, statement);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        return NULL;
    }
    return PQerrorMessage(session);
}

static const char *open_session(void **session, const char *where)
{
    static char why[512];
    PGconn *connection = PQconnectdb(where);
    if (PQstatus(connection) != CONNECTION_OK) {
        (void)strncpy(why, PQerrorMessage(connection), sizeof why - 1);
        PQfinish(connection);
        return why;
    }
    *session = connection;
    return NULL;
}

static const char *begin(void *session)
{
    return run(session, "BEGIN");
}

static const char *lock(void *session)
{
    return run(session, "SELECT value FROM bench WHERE key = 'hot' FOR UPDATE");
}

static const char *commit(void *session)
{
    return run(session, "COMMIT");
}

static void close_session(void **session)
{
    PQfinish(*session);
    *session = NULL;
}

const struct hand_over_kind hand_over_postgresql = {"postgresql", open_session, begin,
                                                    lock,         commit,       close_session};
