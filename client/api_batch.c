/* Batches: lists of operations with their bytes. */
#include "client/client_shell.h"

#include "common/array.h"

#include <stdlib.h>

static enum tx_error fill_place(struct tx_op *op, const txclient_address *at, struct tx_why *why)
{
    if (at->participant == NULL || at->space == NULL || (at->key.data == NULL && at->key.len > 0)) {
        return tx_why(why, TX_EINVAL, "%s: a part of the address is NULL", tx_op_name(op->type));
    }
    if (tx_name_set(&op->participant, tx_bytes_str(at->participant)) != TX_OK) {
        char shown[64];
        return tx_why(why, TX_EINVAL, "%s: \"%s\" is no participant's name", tx_op_name(op->type),
                      tx_bytes_print(tx_bytes_str(at->participant), shown, sizeof shown));
    }
    op->space = tx_bytes_str(at->space);
    op->key = tx_bytes(at->key.data, at->key.len);
    return TX_OK;
}

enum tx_error client_op_fill(struct tx_op *op, enum tx_op_type type, const txclient_address *at,
                             struct tx_why *why)
{
    op->type = type;
    if (op->value.data == NULL && op->value.len > 0) {
        return tx_why(why, TX_EINVAL, "%s: the value is NULL", tx_op_name(type));
    }
    enum tx_error error = fill_place(op, at, why);
    return error == TX_OK ? tx_op_validate(op, why) : error;
}

txclient_batch *txclient_batch_new(void)
{
    return calloc(1, sizeof(txclient_batch));
}

void txclient_batch_free(txclient_batch **batch)
{
    if (*batch != NULL) {
        tx_arena_deinit(&(*batch)->arena);
        free((*batch)->ops);
        free(*batch);
        *batch = NULL;
    }
}

void txclient_batch_clear(txclient_batch *batch)
{
    tx_arena_reset(&batch->arena);
    batch->n = 0;
    batch->failed = TXCLIENT_OK;
    batch->why.text[0] = '\0';
}

size_t txclient_batch_count(const txclient_batch *batch)
{
    return batch->n;
}

const char *txclient_batch_error(const txclient_batch *batch)
{
    return batch->why.text;
}

static enum tx_error batch_reserve(txclient_batch *batch, struct tx_why *why)
{
    if (batch->n == TX_OPS_MAX) {
        return tx_why(why, TX_ELIMIT, "a transaction has at most %u operations", TX_OPS_MAX);
    }
    struct tx_op *ops = tx_array_room(batch->ops, batch->n, &batch->capacity, sizeof *ops, 8);
    if (ops == NULL) {
        return tx_why(why, TX_ENOMEM, "out of memory");
    }
    batch->ops = ops;
    return TX_OK;
}

/* Replaces borrowed bytes by a copy in the batch. */
static bool keep(txclient_batch *batch, struct tx_bytes *bytes)
{
    struct tx_bytes copy = tx_arena_copy(&batch->arena, *bytes);
    bool kept = copy.len == bytes->len;
    *bytes = copy;
    return kept;
}

/* Appends a copy of what is filled and checked. */
static enum tx_error batch_append(txclient_batch *batch, struct tx_op *op)
{
    enum tx_error error = batch_reserve(batch, &batch->why);
    if (error != TX_OK) {
        return error;
    }
    if (!keep(batch, &op->space) || !keep(batch, &op->key) || !keep(batch, &op->value) ||
        !keep(batch, &op->to)) {
        return tx_why(&batch->why, TX_ENOMEM, "out of memory");
    }
    batch->ops[batch->n++] = *op;
    return TX_OK;
}

/* `op` holds what its type alone has: value, delta, bounds, mode. */
static txclient_status batch_add(txclient_batch *batch, struct tx_op op, enum tx_op_type type,
                                 const txclient_address *at)
{
    if (batch->failed == TXCLIENT_OK) {
        enum tx_error error = client_op_fill(&op, type, at, &batch->why);
        error = error == TX_OK ? batch_append(batch, &op) : error;
        batch->failed = client_status_of(error);
    }
    return batch->failed;
}

txclient_status txclient_batch_get(txclient_batch *batch, txclient_address at)
{
    return batch_add(batch, (struct tx_op){0}, TX_OP_GET, &at);
}

txclient_status txclient_batch_get_for_update(txclient_batch *batch, txclient_address at)
{
    return batch_add(batch, (struct tx_op){0}, TX_OP_GET_FOR_UPDATE, &at);
}

static struct tx_op with_value(txclient_bytes value)
{
    return (struct tx_op){.value = tx_bytes(value.data, value.len)};
}

txclient_status txclient_batch_put(txclient_batch *batch, txclient_address at, txclient_bytes value)
{
    return batch_add(batch, with_value(value), TX_OP_PUT, &at);
}

txclient_status txclient_batch_insert(txclient_batch *batch, txclient_address at,
                                      txclient_bytes value)
{
    return batch_add(batch, with_value(value), TX_OP_INSERT, &at);
}

txclient_status txclient_batch_delete(txclient_batch *batch, txclient_address at)
{
    return batch_add(batch, (struct tx_op){0}, TX_OP_DELETE, &at);
}

txclient_status txclient_batch_add(txclient_batch *batch, txclient_address at, int64_t delta,
                                   const int64_t *min, const int64_t *max)
{
    struct tx_op op = {.delta = delta,
                       .has_min = min != NULL,
                       .min = min != NULL ? *min : 0,
                       .has_max = max != NULL,
                       .max = max != NULL ? *max : 0};
    return batch_add(batch, op, TX_OP_ADD, &at);
}

txclient_status txclient_batch_check(txclient_batch *batch, txclient_address at,
                                     txclient_bytes expected)
{
    return batch_add(batch, with_value(expected), TX_OP_CHECK, &at);
}

txclient_status txclient_batch_check_absent(txclient_batch *batch, txclient_address at)
{
    return batch_add(batch, (struct tx_op){.absent = true}, TX_OP_CHECK, &at);
}

txclient_status txclient_batch_lock(txclient_batch *batch, txclient_address at,
                                    txclient_lock_mode mode)
{
    return batch_add(batch, (struct tx_op){.mode = (enum tx_lock_mode)mode}, TX_OP_LOCK, &at);
}

txclient_status txclient_batch_scan(txclient_batch *batch, const txclient_range *range,
                                    uint32_t limit, bool reverse)
{
    if (batch->failed == TXCLIENT_OK) {
        struct tx_op op = {.limit = limit, .reverse = reverse};
        struct client_range_room room;
        enum tx_error error = client_range_fill(&op, range, &room, &batch->why);
        error = error == TX_OK ? tx_op_validate(&op, &batch->why) : error;
        error = error == TX_OK ? batch_append(batch, &op) : error;
        batch->failed = client_status_of(error);
    }
    return batch->failed;
}

enum tx_error client_copy_values(struct tx_arena *arena, const struct tx_op *ops,
                                 const struct tx_result *results, size_t n, txclient_value *values)
{
    struct tx_bytes last;
    for (size_t i = 0; i < n; i++) {
        if (ops[i].type == TX_OP_SCAN && !client_rows_fit(&ops[i], &results[i], &last)) {
            return TX_EFORMAT;
        }
        struct tx_bytes copy = tx_arena_copy(arena, results[i].value);
        if (copy.len != results[i].value.len) {
            return TX_ENOMEM;
        }
        values[i] = (txclient_value){.found = results[i].found,
                                     .data = copy.len > 0 ? (const void *)copy.data : "",
                                     .len = copy.len};
    }
    return TX_OK;
}
