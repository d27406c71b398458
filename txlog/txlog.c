/* The log interface: what holds for every backend, then its own function. */
#include "txlog/txlog.h"

#include "common/assert.h"

enum tx_error txlog_append(struct txlog *log, const struct txlog_append *appends, size_t n,
                           bool sync, struct tx_why *why)
{
    TX_ASSERT(n > 0);
    for (size_t i = 1; i < n; i++)
        TX_ASSERT(appends[i].lsn.n == appends[0].lsn.n + i);
    return log->vtable->append(log, appends, n, sync, why);
}

enum tx_error txlog_get(struct txlog *log, struct tx_lsn lsn, struct tx_buf *out,
                        struct tx_why *why)
{
    return log->vtable->get(log, lsn, out, why);
}

enum tx_error txlog_each(struct txlog *log, struct tx_lsn first, struct tx_lsn last,
                         enum tx_error (*visit)(void *arg, struct tx_lsn lsn,
                                                struct tx_bytes stored),
                         void *arg, struct tx_why *why)
{
    return log->vtable->each(log, first, last, visit, arg, why);
}

enum tx_error txlog_truncate(struct txlog *log, struct tx_lsn from, struct tx_why *why)
{
    TX_ASSERT(from.n > 0);
    return log->vtable->truncate(log, from, why);
}

enum tx_error txlog_compact(struct txlog *log, struct tx_lsn up_to, struct tx_why *why)
{
    return log->vtable->compact(log, up_to, why);
}

enum tx_error txlog_checkpoint(struct txlog *log, const char *directory, struct tx_why *why)
{
    return log->vtable->checkpoint(log, directory, why);
}

enum tx_error txlog_data_get(struct txlog *log, struct tx_bytes key, struct tx_buf *out,
                             struct tx_why *why)
{
    return log->vtable->data_get(log, key, out, why);
}

enum tx_error txlog_data_each(struct txlog *log,
                              enum tx_error (*visit)(void *arg, struct tx_bytes key,
                                                     struct tx_bytes value),
                              void *arg, struct tx_why *why)
{
    return log->vtable->data_each(log, visit, arg, why);
}

enum tx_error txlog_data_scan(struct txlog *log, const struct txlog_range *range,
                              bool (*visit)(void *arg, struct tx_bytes key, struct tx_bytes value),
                              void *arg, struct tx_why *why)
{
    TX_ASSERT(range->to.len == 0 || tx_bytes_compare(range->from, range->to) < 0);
    return log->vtable->data_scan(log, range, visit, arg, why);
}

struct tx_lsn txlog_first(const struct txlog *log)
{
    return log->vtable->first(log);
}

struct tx_lsn txlog_last(const struct txlog *log)
{
    return log->vtable->last(log);
}

uint64_t txlog_last_start(const struct txlog *log)
{
    return log->vtable->last_start(log);
}

void txlog_close(struct txlog **log)
{
    if (*log != NULL)
        (*log)->vtable->close(log);
    TX_ASSERT(*log == NULL);
}
