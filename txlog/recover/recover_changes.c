/* The writes of a redo as changes of the data beside a log. */
#include "txlog/recover/recover_changes.h"

#include "common/assert.h"
#include "txlog/record.h"
#include "txlog/redo.h"

#include <inttypes.h>
#include <stdlib.h>

void recover_changes_clear(struct recover_changes *changes)
{
    changes->puts_n = 0;
    tx_arena_reset(&changes->arena);
}

void recover_changes_deinit(struct recover_changes *changes)
{
    free(changes->puts);
    tx_arena_deinit(&changes->arena);
    tx_buf_deinit(&changes->stored);
    *changes = (struct recover_changes){0};
}

static enum tx_error add(void *arg, const struct redo_write *write)
{
    struct recover_changes *changes = arg;
    if (changes->puts_n == changes->capacity) {
        changes->capacity = changes->capacity == 0 ? 64 : 2 * changes->capacity;
        changes->puts = tx_xrealloc(changes->puts, changes->capacity * sizeof(*changes->puts));
    }
    struct tx_buf key = {0};
    redo_data_key(write->space, write->key, &key);
    struct tx_bytes kept = tx_arena_copy(&changes->arena, tx_buf_view(&key));
    tx_buf_deinit(&key);
    if (kept.data == NULL)
        return TX_ENOMEM;
    changes->puts[changes->puts_n++] =
        (struct txlog_put){.key = kept, .value = write->value, .deleted = write->deleted};
    return TX_OK;
}

enum tx_error recover_changes_add(struct recover_changes *changes, struct tx_bytes redo)
{
    return redo_each(redo, add, changes);
}

enum tx_error recover_changes_of(struct recover_changes *changes, struct txlog *log,
                                 struct tx_lsn prepared, struct tx_why *why)
{
    struct txlog_record record;
    enum tx_error error = txlog_get(log, prepared, &changes->stored, why);
    if (error == TX_OK)
        error = txlog_record_decode(tx_buf_view(&changes->stored), &changes->arena, &record, why);
    if (error != TX_OK)
        return error;
    if (record.type != TXLOG_PREPARED ||
        recover_changes_add(changes, record.prepared.redo) != TX_OK)
        return tx_why(why, TX_ECORRUPT, "LSN %" PRIu64 ": its writes cannot be read", prepared.n);
    return TX_OK;
}
