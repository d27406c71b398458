#include "common/daemon/node_ready.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static void add(struct node_ready_item *items, size_t *n, const char *code, const char *format,
                va_list args) TX_PRINTF(4, 0);

static void add(struct node_ready_item *items, size_t *n, const char *code, const char *format,
                va_list args)
{
    if (*n == NODE_READY_ITEMS_MAX)
        return;
    items[*n].code = code;
    (void)vsnprintf(items[*n].text, sizeof items[*n].text, format, args);
    (*n)++;
}

void node_ready_reason(struct node_ready *ready, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(ready->reasons, &ready->reasons_n, code, format, args);
    va_end(args);
}

void node_ready_warning(struct node_ready *ready, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(ready->warnings, &ready->warnings_n, code, format, args);
    va_end(args);
}

void node_ready_refusing(struct node_ready *ready, bool draining, bool disk_low)
{
    if (draining)
        node_ready_reason(ready, "draining", "it takes no new transactions");
    if (disk_low)
        node_ready_reason(ready, "disk", "free space is below storage.disk_reserve");
}

void node_ready_alarms(struct node_ready *ready, uint64_t alarms)
{
    if (alarms > 0)
        node_ready_warning(ready, "alarms", "%" PRIu64 " alarms since the start; see txctl status",
                           alarms);
}
