/* The locks of a participant, fetched page by page and copied. */
#include "client/client_shell.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_DEFAULT 1000u
/* A table that grows faster than it is read has no end. */
#define PAGES_MAX 100000u

struct txclient_locks {
    struct tx_arena arena; /* all that the rows point to */
    txclient_lock_row *rows;
    size_t n, capacity;
    size_t rows_max;
    bool more;
    struct tx_locks_place next; /* its names are in the arena */
};

static txclient_bytes bytes_of(struct txclient_locks *locks, struct tx_bytes bytes, bool *failed)
{
    struct tx_bytes copy = tx_arena_copy(&locks->arena, bytes);
    *failed = *failed || copy.len != bytes.len;
    return txclient_data(copy.len > 0 ? (const void *)copy.data : "", copy.len);
}

static const char *text_of(struct txclient_locks *locks, struct tx_bytes text, bool *failed)
{
    char *copy = tx_arena_alloc(&locks->arena, text.len + 1, 1);
    if (copy == NULL) {
        *failed = true;
        return "";
    }
    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    return copy;
}

static const char *id_of(struct txclient_locks *locks, struct tx_id id, bool *failed)
{
    char text[TX_ID_TEXT];
    return text_of(locks, tx_bytes_str(tx_id_print(id, text)), failed);
}

static void copy_blockers(struct txclient_locks *locks, txclient_lock_row *to,
                          const struct tx_lock_row *row, bool *failed)
{
    txclient_lock_blocker *blockers =
        tx_arena_alloc(&locks->arena, row->blockers_n, sizeof *blockers);
    if (blockers == NULL) {
        *failed = true;
        return;
    }
    for (size_t i = 0; i < row->blockers_n; i++) {
        const struct tx_lock_blocker *by = &row->blockers[i];
        blockers[i] = (txclient_lock_blocker){.tx = id_of(locks, by->id, failed),
                                              .state = text_of(locks, by->state, failed),
                                              .age_ms = by->age_ms,
                                              .mode = (txclient_lock_mode)by->mode,
                                              .waits = by->waits,
                                              .range = by->range};
    }
    to->blockers = blockers;
    to->blockers_n = row->blockers_n;
    to->blockers_more = row->blockers_more;
}

static void copy_row(struct txclient_locks *locks, txclient_lock_row *to,
                     const struct tx_lock_row *row, bool *failed)
{
    *to = (txclient_lock_row){.tx = id_of(locks, row->id, failed),
                              .state = text_of(locks, row->state, failed),
                              .age_ms = row->age_ms,
                              .age = row->age.counter,
                              .age_coordinator = row->age.coordinator,
                              .space = bytes_of(locks, row->space, failed),
                              .key = bytes_of(locks, row->key, failed),
                              .to = bytes_of(locks, row->to, failed),
                              .range = row->range,
                              .mode = (txclient_lock_mode)row->mode,
                              .waiting = row->waiting,
                              .waited_ms = row->waited_ms};
    copy_blockers(locks, to, row, failed);
}

static bool reserve(struct txclient_locks *locks, size_t n)
{
    if (n <= locks->capacity) {
        return true;
    }
    size_t capacity = n > 2 * locks->capacity ? n : 2 * locks->capacity;
    txclient_lock_row *rows = reallocarray(locks->rows, capacity, sizeof *rows);
    if (rows == NULL) {
        return false;
    }
    locks->rows = rows;
    locks->capacity = capacity;
    return true;
}

static enum tx_error take_locks(void *arg, const struct tx_msg *answer)
{
    struct txclient_locks *locks = arg;
    const struct tx_msg_locks *msg = &answer->locks;
    const size_t room = locks->rows_max - locks->n;
    const size_t n = msg->rows_n < room ? msg->rows_n : room; /* not more than were asked for */
    bool failed = !reserve(locks, locks->n + n);
    for (size_t i = 0; i < n && !failed; i++) {
        copy_row(locks, &locks->rows[locks->n++], &msg->rows[i], &failed);
    }
    locks->more = msg->more || n < msg->rows_n;
    locks->next = msg->next;
    locks->next.space = tx_arena_copy(&locks->arena, msg->next.space);
    locks->next.key = tx_arena_copy(&locks->arena, msg->next.key);
    locks->next.to = tx_arena_copy(&locks->arena, msg->next.to);
    failed = failed || locks->next.space.len != msg->next.space.len ||
             locks->next.key.len != msg->next.key.len || locks->next.to.len != msg->next.to.len;
    return failed ? TX_ENOMEM : TX_OK;
}

/* What has been fetched is worth nothing any more. */
static void begin_anew(struct txclient_locks *locks)
{
    tx_arena_reset(&locks->arena);
    locks->n = 0;
    locks->next = (struct tx_locks_place){0};
    locks->more = true;
}

static txclient_status fetch(txclient *client, struct client_thread *self,
                             struct client_channel *channel, struct tx_msg_locks_request request,
                             struct txclient_locks *locks)
{
    bool restarted = false;
    begin_anew(locks);
    for (size_t pages = 0; locks->more && locks->n < locks->rows_max && pages < PAGES_MAX;
         pages++) {
        const size_t room = locks->rows_max - locks->n;
        uint64_t req = client_pending_next_req(&client->pending);
        struct tx_msg msg = {.type = TX_MSG_LOCKS_REQUEST, .locks_request = request};
        msg.locks_request.req = req;
        msg.locks_request.from = locks->next;
        msg.locks_request.limit = room < TX_STATUS_ROWS_MAX ? (uint32_t)room : TX_STATUS_ROWS_MAX;
        struct client_call call = {.to = channel,
                                   .msg = &msg,
                                   .req = req,
                                   .answer = TX_MSG_LOCKS,
                                   .timeout_us = client->settings.request_timeout_ms * CLIENT_MS,
                                   .take = take_locks,
                                   .arg = locks};
        struct client_reply reply;
        txclient_status status = client_call(client, self, &call, &reply);
        if (status == TXCLIENT_EREFUSED && reply.reason == TX_REASON_RESTARTED && !restarted) {
            restarted = true; /* between two pages */
            begin_anew(locks);
        } else if (status != TXCLIENT_OK) {
            return status;
        }
    }
    return TXCLIENT_OK;
}

static txclient_status fill_request(struct client_detail *detail, const txclient_locks_query *query,
                                    struct tx_msg_locks_request *request, size_t *rows_max)
{
    *request = (struct tx_msg_locks_request){0};
    *rows_max = ROWS_DEFAULT;
    if (query == NULL) {
        return TXCLIENT_OK;
    }
    if (query->size < sizeof *query) {
        return client_fail(detail, TXCLIENT_EINVAL, "the size of the query is not set");
    }
    request->waiting = query->waiting;
    if (query->tx != NULL && tx_id_parse(query->tx, &request->tx) != TX_OK) {
        return client_fail(detail, TXCLIENT_EINVAL, "\"%.80s\" is no transaction id, as 1-7-42",
                           query->tx);
    }
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
    *rows_max = query->rows_max > 0 ? query->rows_max : ROWS_DEFAULT;
    return TXCLIENT_OK;
}

static txclient_status ask(txclient *client, struct client_thread *self, const char *address,
                           const txclient_locks_query *query, txclient_locks **out)
{
    struct tx_msg_locks_request request;
    struct client_channel *channel = NULL;
    struct tx_address parsed = {0};
    struct tx_why why;
    size_t rows_max;
    struct client_detail *detail = &self->detail;
    txclient_status status = fill_request(detail, query, &request, &rows_max);
    if (status != TXCLIENT_OK) {
        return status;
    }
    if (address == NULL || tx_address_set(&parsed, tx_bytes_str(address)) != TX_OK) {
        return client_fail(detail, TXCLIENT_EINVAL, "an address has at most %u characters",
                           TX_ADDRESS_MAX);
    }
    enum tx_error error = client_channel_get(client, &parsed, &channel, &why);
    if (error != TX_OK) {
        return client_fail(detail, client_status_of(error), "%s", why.text);
    }
    txclient_locks *locks = calloc(1, sizeof *locks);
    if (locks == NULL) {
        return client_fail(detail, TXCLIENT_ENOMEM, "out of memory");
    }
    locks->rows_max = rows_max;
    status = fetch(client, self, channel, request, locks);
    if (status != TXCLIENT_OK) {
        txclient_locks_free(&locks);
    }
    *out = locks;
    return status;
}

txclient_status txclient_locks_ask(txclient *client, const char *address,
                                   const txclient_locks_query *query, txclient_locks **out)
{
    *out = NULL;
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    txclient_status status = ask(client, self, address, query, out);
    client_unlock(client);
    return status;
}

void txclient_locks_free(txclient_locks **locks)
{
    if (*locks != NULL) {
        tx_arena_deinit(&(*locks)->arena);
        free((*locks)->rows);
        free(*locks);
        *locks = NULL;
    }
}

const txclient_lock_row *txclient_locks_at(const txclient_locks *locks, size_t i)
{
    return i < locks->n ? &locks->rows[i] : NULL;
}

bool txclient_locks_more(const txclient_locks *locks)
{
    return locks->more;
}
