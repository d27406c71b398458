/* A list that a daemon gives in pages: asked for from where the last page ended, copied and put
 * together. A daemon that restarts between two pages does not know the place any more: then the
 * list is begun anew, once. */
#ifndef ASSENT_CLIENT_CLIENT_LIST_H
#define ASSENT_CLIENT_CLIENT_LIST_H

#include "client/client_shell.h"

#define CLIENT_LIST_ROWS_DEFAULT 1000u

/* The structure of a kind begins with it. */
struct client_list {
    const struct client_list_kind *kind;
    struct tx_arena arena; /* all that the rows point to */
    void *rows;
    size_t n, capacity;
    size_t rows_max;
    bool more; /* there are rows behind these */
};

struct client_list_kind {
    size_t size;     /* of its structure */
    size_t row_size; /* of a public row */
    enum tx_msg_type answer;
    const char *needs_address; /* why a coordinator has none of these; NULL: it has */
    /* What the caller asks for; it is borrowed until the list is there. The status of the failure,
     * noted. */
    txclient_status (*fill)(struct client_detail *detail, struct client_list *list,
                            const void *query);
    /* Goes back to the first page. */
    void (*rewind)(struct client_list *list);
    /* The request for the next page, with at most `limit` rows. */
    void (*ask)(const struct client_list *list, uint64_t req, uint32_t limit, struct tx_msg *msg);
    /* A page: keeps the place behind it, and gives its rows to client_list_take(). */
    enum tx_error (*take)(void *list, const struct tx_msg *answer);
    /* Copies a row of the wire; `failed` is set when there is no memory for it. */
    void (*copy)(struct client_list *list, void *to, const void *from, bool *failed);
};

/* The whole of a public call: a structure of this kind, filled with all that the query asks for, up
 * to its rows_max, by the daemon at an address; NULL: the coordinator. Otherwise *list is NULL, and
 * the status of what failed is noted. */
txclient_status client_list_ask(txclient *client, const char *address,
                                const struct client_list_kind *kind, const void *query,
                                void **list);
/* Frees such a structure; NULL: nothing. */
void client_list_free(void *list);

/* Adds `n` rows of a page, `row_size` bytes each, as far as they were asked for; `more`: the daemon
 * has others behind them. TX_ENOMEM. */
enum tx_error client_list_take(struct client_list *list, const void *rows, size_t row_size,
                               size_t n, bool more) TX_MUST_CHECK;

/* A public row; NULL behind the last one. */
const void *client_list_at(const struct client_list *list, size_t i);

#endif
