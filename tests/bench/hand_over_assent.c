/* A client's interactive transactions: an update lock on one key, through get-for-update. */
#include "hand_over.h"

#include "client/txclient.h"

#include <stdlib.h>

struct session {
    txclient *client;
    txclient_tx *tx;
};

static const char *told(const struct session *session, txclient_status status)
{
    if (status == TXCLIENT_OK) {
        return NULL;
    }
    const char *text = txclient_detail(session->client)->text;
    return text[0] != '\0' ? text : txclient_status_text(status);
}

static const char *open_session(void **out, const char *where)
{
    static txclient_why why;
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return "no memory";
    }
    if (txclient_open_file(where, &session->client, &why) != TXCLIENT_OK) {
        free(session);
        return why.text;
    }
    *out = session;
    return NULL;
}

static const char *begin(void *arg)
{
    struct session *session = arg;
    return told(session, txclient_begin(session->client, NULL, &session->tx));
}

static const char *lock(void *arg)
{
    struct session *session = arg;
    txclient_address hot = txclient_at("a", "bench", "hot");
    return told(session, txclient_get_for_update(session->tx, hot, NULL));
}

static const char *commit(void *arg)
{
    struct session *session = arg;
    const char *error = told(session, txclient_commit(session->tx));
    txclient_tx_close(&session->tx);
    return error;
}

static void close_session(void **out)
{
    struct session *session = *out;
    txclient_close(&session->client);
    free(session);
    *out = NULL;
}

const struct hand_over_kind hand_over_assent = {"assent", open_session, begin,
                                                lock,     commit,       close_session};
