/* A parcel: what the owner of a log hands over to its writer at once, in memory that is used again
 * and again, so that a record costs no allocation. */
#ifndef ASSENT_TXLOG_LOG_PARCEL_H
#define ASSENT_TXLOG_LOG_PARCEL_H

#include "txlog/txlog.h"

/* One block of bytes, in which each append's record is followed by the keys and values of its puts.
 * While it is filled, and the block may still move, appends and puts hold lengths alone;
 * log_parcel_point() points them into the block. All zero is an empty one. */
struct log_parcel {
    struct log_parcel *next;
    struct tx_buf bytes;
    struct txlog_append *appends;
    size_t n, capacity;
    struct txlog_put *puts;
    size_t puts_n, puts_capacity;
    uint64_t due_us; /* the writer's own: when it is written at the latest */
    bool force;
};

/* Copies one append behind the others. TX_ENOMEM: the parcel is as it was. */
enum tx_error log_parcel_add(struct log_parcel *parcel,
                             const struct txlog_append *append) TX_MUST_CHECK;

/* From lengths to views; nothing may be added any more until it is emptied. */
void log_parcel_point(struct log_parcel *parcel);

/* Empties it; what it has allocated stays for the next use. */
void log_parcel_clear(struct log_parcel *parcel);

/* Frees a list of parcels, linked by `next`. NULL is fine. */
void log_parcel_free(struct log_parcel *list);

/* Room for `more` further elements of `size` bytes in an array that holds `n`; false: no memory. */
bool log_parcel_reserve(void **array, size_t *capacity, size_t n, size_t more,
                        size_t size) TX_MUST_CHECK;

#endif
