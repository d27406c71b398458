/* Actions, their memory, and the small constructors of messages. */
#include "participant/part_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACTIONS_FIRST_CAPACITY 16u

void part_actions_clear(struct part_actions *actions)
{
    actions->n = 0;
    tx_arena_reset(&actions->arena);
}

void part_actions_deinit(struct part_actions *actions)
{
    free(actions->items);
    tx_arena_deinit(&actions->arena);
    *actions = (struct part_actions){0};
}

void *part_alloc(struct tx_arena *arena, size_t count, size_t bytes)
{
    void *memory = tx_arena_alloc(arena, count, bytes);
    TX_NEED_MEMORY(memory != NULL);
    return memory;
}

struct tx_arena part_arena_take(struct part_core *core)
{
    if (core->arenas_n == 0)
        return (struct tx_arena){0};
    return core->arenas[--core->arenas_n];
}

void part_arena_give(struct part_core *core, struct tx_arena *arena)
{
    if (arena->blocks == NULL)
        return;
    if (TX_SPARE_NONE || core->arenas_n == PART_SPARES_MAX || !tx_arena_recycle(arena))
        tx_arena_deinit(arena);
    else
        core->arenas[core->arenas_n++] = *arena;
    arena->blocks = NULL;
}

struct tx_bytes part_copy(struct tx_arena *arena, struct tx_bytes bytes)
{
    struct tx_bytes copy = tx_arena_copy(arena, bytes);
    TX_NEED_MEMORY(copy.len == bytes.len);
    return copy;
}

struct tx_bytes part_text(struct part_core *core, const char *format, ...)
{
    char text[TX_TEXT_MAX + 1];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return part_copy(&core->out->arena, tx_bytes_str(text));
}

/* Of things that hold no pointers; what is copied whole need not be cleared before. */
static const void *copy_array(struct tx_arena *arena, const void *items, size_t bytes)
{
    return part_copy(arena, tx_bytes(items, bytes)).data;
}

const struct tx_member *part_copy_members(struct tx_arena *arena, const struct tx_member *members,
                                          size_t n)
{
    return copy_array(arena, members, n * sizeof *members);
}

const struct tx_position *part_copy_positions(struct tx_arena *arena,
                                              const struct tx_position *positions, size_t n)
{
    return copy_array(arena, positions, n * sizeof *positions);
}

/* Most views of an operation are empty. */
static inline void copy_into(struct tx_arena *arena, struct tx_bytes *view)
{
    *view = view->len > 0 ? part_copy(arena, *view) : tx_bytes(NULL, 0);
}

const struct tx_op *part_copy_ops(struct tx_arena *arena, const struct tx_op *ops, size_t n)
{
    struct tx_op *copy = part_alloc(arena, n, sizeof *copy);
    for (size_t i = 0; i < n; i++) {
        copy[i] = ops[i];
        copy_into(arena, &copy[i].space);
        copy_into(arena, &copy[i].key);
        copy_into(arena, &copy[i].value);
        copy_into(arena, &copy[i].to);
    }
    return copy;
}

struct tx_result *part_copy_results(struct tx_arena *arena, const struct tx_result *results,
                                    size_t n)
{
    struct tx_result *copy = part_alloc(arena, n, sizeof *copy);
    for (size_t i = 0; i < n; i++) {
        copy[i].found = results[i].found;
        copy[i].value = part_copy(arena, results[i].value);
    }
    return copy;
}

struct part_results *part_results_new(const struct tx_result *results, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += results[i].value.len;
    size_t items = n * sizeof results[0];
    struct part_results *kept = tx_xmalloc(sizeof *kept + items + bytes);
    uint8_t *at = (uint8_t *)kept + sizeof *kept + items;
    kept->n = n;
    for (size_t i = 0; i < n; i++) {
        struct tx_bytes value = results[i].value;
        if (value.len > 0)
            memcpy(at, value.data, value.len);
        kept->items[i] =
            (struct tx_result){.found = results[i].found, .value = tx_bytes(at, value.len)};
        at += value.len;
    }
    return kept;
}

struct part_action *part_act(struct part_core *core, enum part_action_type type, struct tx_id tx)
{
    struct part_actions *out = core->out;
    TX_ASSERT(out != NULL);
    if (out->n == out->capacity) {
        out->capacity = out->capacity > 0 ? out->capacity * 2 : ACTIONS_FIRST_CAPACITY;
        out->items = tx_xrealloc(out->items, out->capacity * sizeof *out->items);
    }
    struct part_action *action = &out->items[out->n++];
    /* Field by field: what belongs to the type is the caller's to fill. */
    action->type = type;
    action->force = action->commit_writes = action->redo_wanted = false;
    action->tx = tx;
    action->lsn = (struct tx_lsn){0};
    action->text = tx_bytes(NULL, 0);
    return action;
}

const struct tx_position *part_starts(struct part_core *core)
{
    return part_copy_positions(&core->out->arena, core->lineage.starts, core->lineage.n);
}

struct part_action *part_append(struct part_core *core, enum txlog_type type, struct tx_id tx,
                                bool force)
{
    TX_ASSERT(!core->recovering && core->durable.n <= core->last.n);
    struct part_action *action = part_act(core, PART_ACTION_APPEND, tx);
    core->last.n++;
    action->force = force;
    action->lsn = core->last;
    action->record =
        (struct txlog_record){.type = type, .lsn = core->last, .start = core->options.incarnation};
    return action;
}

void part_with_writes(struct part_core *core, struct part_action *append)
{
    TX_ASSERT(append->type == PART_ACTION_APPEND && !append->commit_writes);
    append->commit_writes = true;
    core->commits++;
}

void part_send(struct part_core *core, const struct tx_address *to, const struct tx_msg *msg)
{
    struct part_action *action = part_act(core, PART_ACTION_SEND, tx_msg_tx(msg));
    TX_ASSERT(tx_msg_allowed(msg->type, TX_ROLE_PARTICIPANT, TX_ROLE_COORDINATOR) ||
              tx_msg_allowed(msg->type, TX_ROLE_PARTICIPANT, TX_ROLE_PARTICIPANT));
    action->to.is_client = false;
    action->to.client = 0;
    action->to.address = *to;
    action->msg = *msg;
}

void part_reply(struct part_core *core, uint64_t client, const struct tx_msg *msg)
{
    struct part_action *action = part_act(core, PART_ACTION_SEND, tx_msg_tx(msg));
    TX_ASSERT(tx_msg_allowed(msg->type, TX_ROLE_PARTICIPANT, TX_ROLE_CLIENT));
    action->to.is_client = true;
    action->to.client = client;
    action->to.address.s[0] = '\0';
    action->msg = *msg;
}

void part_reply_error(struct part_core *core, uint64_t client, uint64_t req, enum tx_error error,
                      enum tx_reason reason, struct tx_bytes text)
{
    struct tx_msg msg = {
        .type = TX_MSG_ERROR,
        .error = {.req = req, .error = error, .reason = reason, .text = text},
    };
    part_reply(core, client, &msg);
}

void part_note(struct part_core *core, struct tx_id tx, struct tx_bytes text)
{
    part_act(core, PART_ACTION_NOTE, tx)->text = text;
}
