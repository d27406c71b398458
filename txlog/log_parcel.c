/* Parcels: one growing block each, and views into it once it is full. */
#include "txlog/log_parcel.h"

#include "common/assert.h"

#include <stdlib.h>

static void destroy(struct log_parcel *parcel)
{
    tx_buf_deinit(&parcel->bytes);
    free(parcel->appends);
    free(parcel->puts);
    free(parcel);
}

void log_parcel_free(struct log_parcel *parcel)
{
    while (parcel != NULL) {
        struct log_parcel *next = parcel->next;
        destroy(parcel);
        parcel = next;
    }
}

void log_parcel_clear(struct log_parcel *parcel)
{
    tx_buf_clear(&parcel->bytes);
    parcel->n = parcel->puts_n = 0;
    parcel->force = false;
}

bool log_parcel_reserve(void **array, size_t *capacity, size_t n, size_t more, size_t size)
{
    if (n + more <= *capacity)
        return true;
    size_t wanted = 2 * (n + more);
    void *bigger = reallocarray(*array, wanted, size);
    if (bigger == NULL)
        return false;
    *array = bigger;
    *capacity = wanted;
    return true;
}

enum tx_error log_parcel_add(struct log_parcel *parcel, const struct txlog_append *append)
{
    size_t len_before = parcel->bytes.len;
    void *appends = parcel->appends, *puts = parcel->puts;
    bool room =
        log_parcel_reserve(&appends, &parcel->capacity, parcel->n, 1, sizeof(*parcel->appends)) &&
        log_parcel_reserve(&puts, &parcel->puts_capacity, parcel->puts_n, append->puts_n,
                           sizeof(*parcel->puts));
    parcel->appends = appends;
    parcel->puts = puts;
    tx_buf_append(&parcel->bytes, append->record);
    for (size_t i = 0; room && i < append->puts_n; i++) {
        const struct txlog_put *put = &append->puts[i];
        tx_buf_append(&parcel->bytes, put->key);
        tx_buf_append(&parcel->bytes, put->value);
        parcel->puts[parcel->puts_n + i] = (struct txlog_put){.key = {.len = put->key.len},
                                                              .value = {.len = put->value.len},
                                                              .deleted = put->deleted};
    }
    if (!room || parcel->bytes.failed) {
        parcel->bytes.failed = false;
        parcel->bytes.len = len_before;
        return TX_ENOMEM;
    }
    parcel->puts_n += append->puts_n;
    parcel->appends[parcel->n++] = (struct txlog_append){
        .lsn = append->lsn, .record = {.len = append->record.len}, .puts_n = append->puts_n};
    return TX_OK;
}

static const uint8_t *view_at(const uint8_t *at, struct tx_bytes *view)
{
    view->data = at;
    return at + view->len;
}

void log_parcel_point(struct log_parcel *parcel)
{
    const uint8_t *at = parcel->bytes.data;
    struct txlog_put *put = parcel->puts;
    for (size_t i = 0; i < parcel->n; i++) {
        struct txlog_append *append = &parcel->appends[i];
        at = view_at(at, &append->record);
        append->puts = append->puts_n > 0 ? put : NULL;
        for (size_t k = 0; k < append->puts_n; k++, put++) {
            at = view_at(at, &put->key);
            at = view_at(at, &put->value);
        }
    }
    TX_ASSERT(at == parcel->bytes.data + parcel->bytes.len);
}
