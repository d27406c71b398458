#include "common/status_fields.h"

#include "common/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void status_fields_begin(struct status_fields *fields, const struct tx_status_field *core, size_t n)
{
    TX_ASSERT(n <= STATUS_FIELDS_MAX);
    fields->n = n;
    if (n > 0)
        memcpy(fields->items, core, n * sizeof *core);
}

void status_fields_text(struct status_fields *fields, const char *name, const char *text)
{
    TX_ASSERT(fields->n < STATUS_FIELDS_MAX);
    fields->items[fields->n++] = (struct tx_status_field){tx_bytes_str(name), tx_bytes_str(text)};
}

void status_fields_u64(struct status_fields *fields, const char *name, uint64_t value)
{
    char *number = fields->numbers[fields->n];

    TX_ASSERT(fields->n < STATUS_FIELDS_MAX);
    snprintf(number, sizeof fields->numbers[0], "%" PRIu64, value);
    status_fields_text(fields, name, number);
}

void status_fields_runtime(struct status_fields *fields, const struct transport_stats *net,
                           uint64_t disk_free)
{
    status_fields_text(fields, "version", ASSENT_VERSION);
    status_fields_u64(fields, "frames_in", net->frames_in);
    status_fields_u64(fields, "messages_in", net->messages_in);
    status_fields_u64(fields, "frames_out", net->frames_out);
    status_fields_u64(fields, "messages_out", net->messages_out);
    status_fields_u64(fields, "frames_malformed", net->malformed);
    status_fields_u64(fields, "frames_foreign", net->foreign);
    status_fields_u64(fields, "messages_dropped", net->dropped);
    status_fields_u64(fields, "disk_free_bytes", disk_free);
}
