/* The alarms of a daemon, fetched page by page and copied; and an operator's decisions. */
#include "client/client_list.h"
#include "client/txclient_admin.h"

/* ---- alarms ---- */

struct txclient_alarms {
    struct client_list list;
    uint64_t before; /* the number of the oldest one so far: the next page is about older ones */
};

static void copy_row(struct client_list *list, void *to, const void *from, bool *failed)
{
    struct tx_arena *arena = &list->arena;
    const struct tx_alarm_row *row = from;
    *(txclient_alarm *)to =
        (txclient_alarm){.number = row->number,
                         .tx = tx_id_valid(row->id) ? client_copy_id(arena, row->id, failed) : "",
                         .text = client_copy_text(arena, row->text, failed),
                         .time_ms = row->time_ms};
}

static enum tx_error take_page(void *arg, const struct tx_msg *answer)
{
    struct txclient_alarms *alarms = arg;
    const struct tx_msg_alarms *msg = &answer->alarms;
    if (msg->rows_n > 0) {
        alarms->before = msg->rows[msg->rows_n - 1].number;
    }
    return client_list_take(&alarms->list, msg->rows, sizeof *msg->rows, msg->rows_n,
                            msg->more && msg->rows_n > 0);
}

static void rewind_place(struct client_list *list)
{
    ((struct txclient_alarms *)list)->before = 0;
}

static void ask_page(const struct client_list *list, uint64_t req, uint32_t limit,
                     struct tx_msg *msg)
{
    const uint64_t before = ((const struct txclient_alarms *)list)->before;
    *msg = (struct tx_msg){.type = TX_MSG_ALARMS_REQUEST,
                           .alarms_request = {.req = req, .before = before, .limit = limit}};
}

static txclient_status fill_rows_max(struct client_detail *detail, struct client_list *list,
                                     const void *query)
{
    const size_t *rows_max = query;
    (void)detail;
    list->rows_max = *rows_max > 0 ? *rows_max : SIZE_MAX;
    return TXCLIENT_OK;
}

static const struct client_list_kind kind = {.size = sizeof(struct txclient_alarms),
                                             .row_size = sizeof(txclient_alarm),
                                             .answer = TX_MSG_ALARMS,
                                             .fill = fill_rows_max,
                                             .rewind = rewind_place,
                                             .ask = ask_page,
                                             .take = take_page,
                                             .copy = copy_row};

txclient_status txclient_alarms_ask(txclient *client, const char *address, size_t rows_max,
                                    txclient_alarms **out)
{
    void *list;
    txclient_status status = client_list_ask(client, address, &kind, &rows_max, &list);
    *out = list;
    return status;
}

void txclient_alarms_free(txclient_alarms **alarms)
{
    client_list_free(*alarms);
    *alarms = NULL;
}

const txclient_alarm *txclient_alarms_at(const txclient_alarms *alarms, size_t i)
{
    return client_list_at(&alarms->list, i);
}

/* ---- decisions ---- */

/* Sends what is answered with an ERROR, the error TX_OK when it is done. */
static txclient_status order(txclient *client, struct client_thread *self, const char *address,
                             struct tx_msg *msg, uint64_t req)
{
    struct client_channel *channel = NULL;
    struct client_reply reply;
    txclient_status status = client_channel_at(client, self, address, &channel);
    if (status != TXCLIENT_OK) {
        return status;
    }
    struct client_call call = {.to = channel,
                               .msg = msg,
                               .req = req,
                               .answer = TX_MSG_ERROR,
                               .timeout_us = client->settings.request_timeout_ms * CLIENT_MS};
    status = client_call(client, self, &call, &reply);
    if (status == TXCLIENT_EREFUSED && reply.refused && reply.refusal == TX_OK) {
        client_detail_clear(&self->detail);
        return TXCLIENT_OK;
    }
    return status;
}

static txclient_status fill(struct client_detail *detail, const char *tx, const char *operator_name,
                            struct tx_id *id, struct tx_name *name)
{
    txclient_status status = client_read_tx(detail, tx, id);
    if (status != TXCLIENT_OK) {
        return status;
    }
    if (operator_name == NULL || tx_name_set(name, tx_bytes_str(operator_name)) != TX_OK) {
        return client_fail(
            detail, TXCLIENT_EINVAL,
            "\"%.80s\" is no name of an operator; one has 1 to %u letters, digits, '-', '_', '.'",
            operator_name != NULL ? operator_name : "", TX_NAME_MAX);
    }
    return TXCLIENT_OK;
}

txclient_status txclient_resolve(txclient *client, const char *address, const char *tx, bool commit,
                                 const char *operator_name)
{
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    uint64_t req = client_pending_next_req(&client->pending);
    struct tx_msg msg = {.type = TX_MSG_RESOLVE, .resolve = {.req = req, .commit = commit}};
    txclient_status status =
        fill(&self->detail, tx, operator_name, &msg.resolve.id, &msg.resolve.operator_name);
    if (status == TXCLIENT_OK) {
        status = order(client, self, address, &msg, req);
    }
    client_unlock(client);
    return status;
}

txclient_status txclient_put_aside(txclient *client, const char *address, const char *tx,
                                   bool force, const char *operator_name)
{
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    uint64_t req = client_pending_next_req(&client->pending);
    struct tx_msg msg = {.type = TX_MSG_PUT_ASIDE, .put_aside = {.req = req, .force = force}};
    txclient_status status =
        fill(&self->detail, tx, operator_name, &msg.put_aside.id, &msg.put_aside.operator_name);
    if (status == TXCLIENT_OK) {
        status = order(client, self, address, &msg, req);
    }
    client_unlock(client);
    return status;
}
