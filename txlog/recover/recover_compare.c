/* Do two logs hold the same data? */
#include "txlog/recover/recover_compare.h"

#include "txlog/redo.h"

#include <stdarg.h>
#include <stdio.h>

struct comparison {
    struct txlog *other;
    struct recover_difference *difference;
    struct tx_buf value;
    struct tx_why *why;
};

static void differ(struct comparison *c, struct tx_bytes data_key, const char *format, ...)
    TX_PRINTF(3, 4);

/* Counts, and keeps the words on the first one. */
static void differ(struct comparison *c, struct tx_bytes data_key, const char *format, ...)
{
    struct tx_bytes space, key;
    char space_text[TX_SPACE_MAX + 1], key_text[96], what[200];
    if (c->difference->different++ > 0)
        return;
    if (redo_data_key_parse(data_key, &space, &key) != TX_OK) {
        space = tx_bytes(NULL, 0);
        key = data_key;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    (void)snprintf(c->difference->text, sizeof(c->difference->text), "%s/%s: %s",
                   tx_bytes_print(space, space_text, sizeof(space_text)),
                   tx_bytes_print(key, key_text, sizeof(key_text)), what);
}

static enum tx_error in_source(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    struct comparison *c = arg;
    char ours[64], theirs[64];
    c->difference->keys++;
    enum tx_error error = txlog_data_get(c->other, key, &c->value, c->why);
    if (error == TX_ENOTFOUND) {
        differ(c, key, "missing in the rebuilt directory, \"%s\" in the source",
               tx_bytes_print(value, ours, sizeof(ours)));
        return TX_OK;
    }
    if (error == TX_OK && !tx_bytes_equal(value, tx_buf_view(&c->value)))
        differ(c, key, "\"%s\" in the rebuilt directory, \"%s\" in the source",
               tx_bytes_print(tx_buf_view(&c->value), theirs, sizeof(theirs)),
               tx_bytes_print(value, ours, sizeof(ours)));
    return error;
}

static enum tx_error in_rebuilt(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    struct comparison *c = arg;
    char theirs[64];
    enum tx_error error = txlog_data_get(c->other, key, &c->value, c->why);
    if (error != TX_ENOTFOUND)
        return error;
    differ(c, key, "\"%s\" in the rebuilt directory, missing in the source",
           tx_bytes_print(value, theirs, sizeof(theirs)));
    return TX_OK;
}

enum tx_error recover_compare(struct txlog *source, struct txlog *rebuilt,
                              struct recover_difference *difference, struct tx_why *why)
{
    *difference = (struct recover_difference){0};
    struct comparison c = {.other = rebuilt, .difference = difference, .why = why};
    enum tx_error error = txlog_data_each(source, in_source, &c, why);
    c.other = source;
    if (error == TX_OK)
        error = txlog_data_each(rebuilt, in_rebuilt, &c, why);
    tx_buf_deinit(&c.value);
    return error;
}
