/* The open transactions of a daemon, fetched page by page and copied. */
#include "client/client_list.h"
#include "client/txclient_admin.h"

struct txclient_txs {
    struct client_list list;
    struct tx_msg_txs_request request; /* for the next page */
};

static void copy_members(struct tx_arena *arena, txclient_tx_row *to, const struct tx_open_row *row,
                         bool *failed)
{
    txclient_tx_member *members = tx_arena_alloc(arena, row->members_n, sizeof *members);
    if (members == NULL) {
        *failed = true;
        return;
    }
    for (size_t i = 0; i < row->members_n; i++) {
        const struct tx_open_member *member = &row->members[i];
        members[i] = (txclient_tx_member){
            .name = client_copy_text(arena, tx_bytes_str(member->name.s), failed),
            .address = client_copy_text(arena, tx_bytes_str(member->address.s), failed),
            .said = tx_said_name(member->said),
            .state = client_copy_text(arena, member->state, failed),
            .silent_ms = member->silent_ms,
            .read_only = member->read_only,
            .waited_for = member->waited_for};
    }
    to->members = members;
    to->members_n = row->members_n;
}

static void copy_row(struct client_list *list, void *to, const void *from, bool *failed)
{
    struct tx_arena *arena = &list->arena;
    const struct tx_open_row *row = from;
    txclient_tx_row *copy = to;
    const struct tx_open_heuristic *heuristic = &row->heuristic;
    *copy = (txclient_tx_row){
        .tx = client_copy_id(arena, row->id, failed),
        .state = client_copy_text(arena, row->state, failed),
        .mode = tx_open_mode_name(row->mode),
        .waits = tx_waits_name(row->waits),
        .detail = client_copy_text(arena, row->detail, failed),
        .in_doubt = row->in_doubt,
        .recovered = row->recovered,
        .age_ms = row->age_ms,
        .state_ms = row->state_ms,
        .tries = row->tries,
        .next_ms = row->next_ms,
        .tried = row->tried,
        .lsn = row->lsn.n,
        .log_bytes = row->log_bytes,
        .locks = row->locks,
        .waiters = row->waiters,
        .key = client_copy_bytes(arena, row->key, failed),
        .decided = heuristic->decided,
        .commit = heuristic->commit,
        .put_aside = heuristic->put_aside,
        .end = (txclient_heuristic)heuristic->end,
        .operator_name = client_copy_text(arena, tx_bytes_str(heuristic->operator_name.s), failed),
        .decided_ms = heuristic->time_ms};
    copy_members(arena, copy, row, failed);
}

static enum tx_error take_page(void *arg, const struct tx_msg *answer)
{
    struct txclient_txs *txs = arg;
    const struct tx_msg_txs *msg = &answer->txs;
    txs->request.from = msg->next;
    return client_list_take(&txs->list, msg->rows, sizeof *msg->rows, msg->rows_n, msg->more);
}

static void rewind_place(struct client_list *list)
{
    ((struct txclient_txs *)list)->request.from = (struct tx_txs_place){0};
}

static void ask_page(const struct client_list *list, uint64_t req, uint32_t limit,
                     struct tx_msg *msg)
{
    *msg = (struct tx_msg){.type = TX_MSG_TXS_REQUEST,
                           .txs_request = ((const struct txclient_txs *)list)->request};
    msg->txs_request.req = req;
    msg->txs_request.limit = limit;
}

static txclient_status fill_request(struct client_detail *detail, struct client_list *list,
                                    const void *asked)
{
    const txclient_txs_query *query = asked;
    struct tx_msg_txs_request *request = &((struct txclient_txs *)list)->request;
    if (query == NULL) {
        return TXCLIENT_OK;
    }
    if (query->size < sizeof *query) {
        return client_fail(detail, TXCLIENT_EINVAL, "the size of the query is not set");
    }
    request->in_doubt = query->in_doubt;
    request->older_ms = query->older_ms;
    if (query->rows_max > TXCLIENT_TX_ROWS_MAX) {
        return client_fail(detail, TXCLIENT_EINVAL, "at most %u transactions are listed",
                           TXCLIENT_TX_ROWS_MAX);
    }
    if (query->rows_max > 0) {
        list->rows_max = query->rows_max;
    }
    return query->tx != NULL ? client_read_tx(detail, query->tx, &request->tx) : TXCLIENT_OK;
}

static const struct client_list_kind kind = {.size = sizeof(struct txclient_txs),
                                             .row_size = sizeof(txclient_tx_row),
                                             .answer = TX_MSG_TXS,
                                             .fill = fill_request,
                                             .rewind = rewind_place,
                                             .ask = ask_page,
                                             .take = take_page,
                                             .copy = copy_row};

txclient_status txclient_txs_ask(txclient *client, const char *address,
                                 const txclient_txs_query *query, txclient_txs **out)
{
    void *list;
    txclient_status status = client_list_ask(client, address, &kind, query, &list);
    *out = list;
    return status;
}

void txclient_txs_free(txclient_txs **txs)
{
    client_list_free(*txs);
    *txs = NULL;
}

const txclient_tx_row *txclient_txs_at(const txclient_txs *txs, size_t i)
{
    return client_list_at(&txs->list, i);
}

bool txclient_txs_more(const txclient_txs *txs)
{
    return txs->list.more;
}
