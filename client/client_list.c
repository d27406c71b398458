#include "client/client_list.h"

#include "common/assert.h"

#include <stdlib.h>

/* A table that grows faster than it is read has no end. */
#define PAGES_MAX 100000u

/* An empty one, with the default for rows_max; NULL, and noted, without memory for it. */
static struct client_list *new_list(const struct client_list_kind *kind,
                                    struct client_detail *detail)
{
    TX_ASSERT(kind->size >= sizeof(struct client_list) && kind->row_size > 0);
    struct client_list *list = calloc(1, kind->size);
    if (list == NULL) {
        (void)client_fail(detail, TXCLIENT_ENOMEM, "out of memory");
        return NULL;
    }
    list->kind = kind;
    list->rows_max = CLIENT_LIST_ROWS_DEFAULT;
    return list;
}

void client_list_free(void *list)
{
    struct client_list *old = list;
    if (old == NULL) {
        return;
    }
    tx_arena_deinit(&old->arena);
    free(old->rows);
    free(old);
}

/* What has been fetched is worth nothing any more. */
static void begin_anew(struct client_list *list)
{
    tx_arena_reset(&list->arena);
    list->n = 0;
    list->more = true;
    list->kind->rewind(list);
}

static txclient_status fetch(txclient *client, struct client_thread *self, const char *address,
                             struct client_list *list)
{
    bool restarted = false;
    struct client_channel *channel = NULL;
    txclient_status status = client_channel_at(client, self, address, &channel);
    begin_anew(list);
    for (size_t pages = 0;
         status == TXCLIENT_OK && list->more && list->n < list->rows_max && pages < PAGES_MAX;
         pages++) {
        const size_t room = list->rows_max - list->n;
        const uint64_t req = client_pending_next_req(&client->pending);
        struct tx_msg msg;
        list->kind->ask(list, req, room < TX_STATUS_ROWS_MAX ? (uint32_t)room : TX_STATUS_ROWS_MAX,
                        &msg);
        struct client_call call = {.to = channel,
                                   .msg = &msg,
                                   .req = req,
                                   .answer = list->kind->answer,
                                   .timeout_us = client->settings.request_timeout_ms * CLIENT_MS,
                                   .take = list->kind->take,
                                   .arg = list};
        struct client_reply reply;
        status = client_call(client, self, &call, &reply);
        if (status == TXCLIENT_EREFUSED && reply.reason == TX_REASON_RESTARTED && !restarted) {
            restarted = true; /* between two pages */
            begin_anew(list);
            status = TXCLIENT_OK;
        }
    }
    return status;
}

static txclient_status ask(txclient *client, struct client_thread *self, const char *address,
                           struct client_list *list, const void *query)
{
    const struct client_list_kind *kind = list->kind;
    txclient_status status = kind->fill(&self->detail, list, query);
    if (status == TXCLIENT_OK && address == NULL && kind->needs_address != NULL) {
        return client_fail(&self->detail, TXCLIENT_EINVAL, "%s", kind->needs_address);
    }
    return status == TXCLIENT_OK ? fetch(client, self, address, list) : status;
}

txclient_status client_list_ask(txclient *client, const char *address,
                                const struct client_list_kind *kind, const void *query, void **list)
{
    *list = NULL;
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    struct client_list *made = new_list(kind, &self->detail);
    txclient_status status =
        made != NULL ? ask(client, self, address, made, query) : TXCLIENT_ENOMEM;
    if (status != TXCLIENT_OK) {
        client_list_free(made);
        made = NULL;
    }
    client_unlock(client);
    *list = made;
    return status;
}

static bool reserve(struct client_list *list, size_t n)
{
    if (n <= list->capacity) {
        return true;
    }
    size_t capacity = n > 2 * list->capacity ? n : 2 * list->capacity;
    void *rows = reallocarray(list->rows, capacity, list->kind->row_size);
    if (rows == NULL) {
        return false;
    }
    list->rows = rows;
    list->capacity = capacity;
    return true;
}

enum tx_error client_list_take(struct client_list *list, const void *rows, size_t row_size,
                               size_t n, bool more)
{
    TX_ASSERT(list->n <= list->rows_max);
    const size_t room = list->rows_max - list->n;
    const size_t taken = n < room ? n : room; /* not more than were asked for */
    bool failed = !reserve(list, list->n + taken);
    for (size_t i = 0; i < taken && !failed; i++) {
        char *to = (char *)list->rows + list->n++ * list->kind->row_size;
        list->kind->copy(list, to, (const char *)rows + i * row_size, &failed);
    }
    list->more = more || taken < n;
    return failed ? TX_ENOMEM : TX_OK;
}

const void *client_list_at(const struct client_list *list, size_t i)
{
    return i < list->n ? (const char *)list->rows + i * list->kind->row_size : NULL;
}
