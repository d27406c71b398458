/* The locks of a participant, fetched page by page and copied. */
#include "client/client_list.h"

struct txclient_locks {
    struct client_list list;
    /* For the next page. The names of its place are in the arena; those of the caller's query are
     * borrowed while it is fetched. */
    struct tx_msg_locks_request request;
};

static void copy_blockers(struct tx_arena *arena, txclient_lock_row *to,
                          const struct tx_lock_row *row, bool *failed)
{
    txclient_lock_blocker *blockers = tx_arena_alloc(arena, row->blockers_n, sizeof *blockers);
    if (blockers == NULL) {
        *failed = true;
        return;
    }
    for (size_t i = 0; i < row->blockers_n; i++) {
        const struct tx_lock_blocker *by = &row->blockers[i];
        blockers[i] = (txclient_lock_blocker){.tx = client_copy_id(arena, by->id, failed),
                                              .state = client_copy_text(arena, by->state, failed),
                                              .age_ms = by->age_ms,
                                              .mode = (txclient_lock_mode)by->mode,
                                              .waits = by->waits,
                                              .range = by->range};
    }
    to->blockers = blockers;
    to->blockers_n = row->blockers_n;
    to->blockers_more = row->blockers_more;
}

static void copy_row(struct client_list *list, void *to, const void *from, bool *failed)
{
    struct tx_arena *arena = &list->arena;
    const struct tx_lock_row *row = from;
    txclient_lock_row *copy = to;
    *copy = (txclient_lock_row){.tx = client_copy_id(arena, row->id, failed),
                                .state = client_copy_text(arena, row->state, failed),
                                .age_ms = row->age_ms,
                                .age = row->age.counter,
                                .age_coordinator = row->age.coordinator,
                                .space = client_copy_bytes(arena, row->space, failed),
                                .key = client_copy_bytes(arena, row->key, failed),
                                .to = client_copy_bytes(arena, row->to, failed),
                                .range = row->range,
                                .mode = (txclient_lock_mode)row->mode,
                                .waiting = row->waiting,
                                .waited_ms = row->waited_ms};
    copy_blockers(arena, copy, row, failed);
}

static enum tx_error take_page(void *arg, const struct tx_msg *answer)
{
    struct txclient_locks *locks = arg;
    struct tx_arena *arena = &locks->list.arena;
    const struct tx_msg_locks *msg = &answer->locks;
    struct tx_locks_place *from = &locks->request.from;
    *from = msg->next;
    from->space = tx_arena_copy(arena, msg->next.space);
    from->key = tx_arena_copy(arena, msg->next.key);
    from->to = tx_arena_copy(arena, msg->next.to);
    if (from->space.len != msg->next.space.len || from->key.len != msg->next.key.len ||
        from->to.len != msg->next.to.len) {
        return TX_ENOMEM;
    }
    return client_list_take(&locks->list, msg->rows, sizeof *msg->rows, msg->rows_n, msg->more);
}

static void rewind_place(struct client_list *list)
{
    ((struct txclient_locks *)list)->request.from = (struct tx_locks_place){0};
}

static void ask_page(const struct client_list *list, uint64_t req, uint32_t limit,
                     struct tx_msg *msg)
{
    *msg = (struct tx_msg){.type = TX_MSG_LOCKS_REQUEST,
                           .locks_request = ((const struct txclient_locks *)list)->request};
    msg->locks_request.req = req;
    msg->locks_request.limit = limit;
}

static txclient_status fill_request(struct client_detail *detail, struct client_list *list,
                                    const void *asked)
{
    const txclient_locks_query *query = asked;
    struct tx_msg_locks_request *request = &((struct txclient_locks *)list)->request;
    if (query == NULL) {
        return TXCLIENT_OK;
    }
    if (query->size < sizeof *query) {
        return client_fail(detail, TXCLIENT_EINVAL, "the size of the query is not set");
    }
    request->waiting = query->waiting;
    if (query->space != NULL) {
        request->space = tx_bytes_str(query->space);
        if (request->space.len == 0 || request->space.len > TX_SPACE_MAX) {
            return client_fail(detail, TXCLIENT_EINVAL, "a keyspace's name has 1 to %u bytes",
                               TX_SPACE_MAX);
        }
    }
    if (query->rows_max > TXCLIENT_LOCK_ROWS_MAX) {
        return client_fail(detail, TXCLIENT_EINVAL, "at most %u locks are listed",
                           TXCLIENT_LOCK_ROWS_MAX);
    }
    if (query->rows_max > 0) {
        list->rows_max = query->rows_max;
    }
    return query->tx != NULL ? client_read_tx(detail, query->tx, &request->tx) : TXCLIENT_OK;
}

static const struct client_list_kind kind = {
    .size = sizeof(struct txclient_locks),
    .row_size = sizeof(txclient_lock_row),
    .answer = TX_MSG_LOCKS,
    .needs_address = "no address is given; locks are those of a participant, asked there",
    .fill = fill_request,
    .rewind = rewind_place,
    .ask = ask_page,
    .take = take_page,
    .copy = copy_row};

txclient_status txclient_locks_ask(txclient *client, const char *address,
                                   const txclient_locks_query *query, txclient_locks **out)
{
    void *list;
    txclient_status status = client_list_ask(client, address, &kind, query, &list);
    *out = list;
    return status;
}

void txclient_locks_free(txclient_locks **locks)
{
    client_list_free(*locks);
    *locks = NULL;
}

const txclient_lock_row *txclient_locks_at(const txclient_locks *locks, size_t i)
{
    return client_list_at(&locks->list, i);
}

bool txclient_locks_more(const txclient_locks *locks)
{
    return locks->list.more;
}
