/* The fields of a STATUS that a daemon's shell adds to those of its core. */
#ifndef ASSENT_COMMON_STATUS_FIELDS_H
#define ASSENT_COMMON_STATUS_FIELDS_H

#include "common/transport.h"

#define STATUS_FIELDS_MAX 128

struct status_fields {
    struct tx_status_field items[STATUS_FIELDS_MAX];
    char numbers[STATUS_FIELDS_MAX][24];
    size_t n;
};

/* Starts with the core's fields; both lists together must fit. */
void status_fields_begin(struct status_fields *fields, const struct tx_status_field *core,
                         size_t n);
void status_fields_u64(struct status_fields *fields, const char *name, uint64_t value);
/* `text` is borrowed. */
void status_fields_text(struct status_fields *fields, const char *name, const char *text);
/* Version, network counters, free disk space. */
void status_fields_runtime(struct status_fields *fields, const struct transport_stats *net,
                           uint64_t disk_free);

#endif
