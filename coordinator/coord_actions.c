/* What goes out: messages, records, notes and alarms, and the arena that they point into. */
#include "coordinator/coord_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ACTIONS_FIRST_CAPACITY 64u

void coord_actions_clear(struct coord_actions *actions)
{
    actions->n = 0;
    tx_arena_reset(&actions->arena);
}

void coord_actions_deinit(struct coord_actions *actions)
{
    free(actions->items);
    tx_arena_deinit(&actions->arena);
    *actions = (struct coord_actions){0};
}

static struct coord_action *add(struct coord_core *core, enum coord_action_type type)
{
    struct coord_actions *out = core->out;
    TX_ASSERT(out != NULL);
    if (out->n == out->capacity) {
        out->capacity = out->capacity > 0 ? out->capacity * 2 : ACTIONS_FIRST_CAPACITY;
        out->items = tx_xrealloc(out->items, out->capacity * sizeof *out->items);
    }
    struct coord_action *action = &out->items[out->n++];
    /* What is of this type alone, the message or the record, its maker writes. */
    action->type = type;
    action->force = false;
    action->tx = (struct tx_id){0};
    action->client = 0;
    action->lsn = (struct tx_lsn){0};
    action->text = (struct tx_bytes){0};
    return action;
}

void *coord_alloc(struct coord_core *core, size_t count, size_t bytes)
{
    void *memory = tx_arena_alloc(&core->out->arena, count, bytes);
    TX_NEED_MEMORY(memory != NULL);
    return memory;
}

struct tx_bytes coord_copy(struct coord_core *core, struct tx_bytes bytes)
{
    if (bytes.len == 0) {
        return tx_bytes(NULL, 0);
    }
    struct tx_bytes copy = tx_arena_copy(&core->out->arena, bytes);
    TX_NEED_MEMORY(copy.len == bytes.len);
    return copy;
}

static inline uint8_t *put_bytes(uint8_t *at, struct tx_bytes *bytes)
{
    if (bytes->len > 0) {
        memcpy(at, bytes->data, bytes->len);
        bytes->data = at;
    }
    return at + bytes->len;
}

struct tx_op *coord_ops_copy(struct tx_arena *arena, const struct tx_op *ops, size_t ops_n,
                             const uint8_t *op_member, size_t member)
{
    size_t n = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < ops_n; i++) {
        if (op_member == NULL || op_member[i] == member) {
            n++;
            bytes += ops[i].space.len + ops[i].key.len + ops[i].value.len + ops[i].to.len;
        }
    }
    struct tx_op *copies = tx_arena_take(arena, n, sizeof *copies);
    uint8_t *at = tx_arena_take(arena, bytes, 1);
    TX_NEED_MEMORY(copies != NULL && at != NULL);
    struct tx_op *op = copies;
    for (size_t i = 0; i < ops_n; i++) {
        if (op_member == NULL || op_member[i] == member) {
            *op = ops[i];
            at = put_bytes(at, &op->space);
            at = put_bytes(at, &op->key);
            at = put_bytes(at, &op->value);
            at = put_bytes(at, &op->to);
            op++;
        }
    }
    return copies;
}

struct tx_bytes coord_print(struct coord_core *core, const char *format, ...)
{
    char text[TX_TEXT_MAX + 1];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return coord_copy(core, tx_bytes_str(text));
}

void coord_send(struct coord_core *core, const struct coord_peer *peer, const struct tx_msg *msg)
{
    /* A participant in quarantine hears HELLO and nothing else, and a fenced coordinator
     * is silent. */
    if ((peer->state == COORD_PEER_QUARANTINED && msg->type != TX_MSG_HELLO) || core->fenced ||
        peer->address.s[0] == '\0') {
        return;
    }
    struct coord_action *action = add(core, COORD_ACTION_SEND);
    action->tx = tx_msg_tx(msg);
    action->address = peer->address;
    action->msg = *msg;
}

void coord_reply(struct coord_core *core, uint64_t client, const struct tx_msg *msg)
{
    struct coord_action *action = add(core, COORD_ACTION_REPLY);
    action->tx = tx_msg_tx(msg);
    action->client = client;
    action->msg = *msg;
}

void coord_error(struct coord_core *core, struct coord_waiter to, enum tx_error error,
                 enum tx_reason reason, struct tx_bytes text)
{
    struct tx_msg msg = {
        .type = TX_MSG_ERROR,
        .error = {.req = to.req, .error = error, .reason = reason, .text = text},
    };
    coord_reply(core, to.client, &msg);
}

const struct tx_position *coord_starts(struct coord_core *core)
{
    struct tx_position *starts = coord_alloc(core, core->lineage.n, sizeof *starts);
    memcpy(starts, core->lineage.starts, core->lineage.n * sizeof *starts);
    return starts;
}

struct tx_lsn coord_append(struct coord_core *core, struct txlog_record *record, bool force)
{
    TX_ASSERT(core->running);
    TX_ASSERT(!core->fenced);
    record->lsn.n = ++core->last.n;
    record->start = core->options.epoch;
    core->snapshot_next++;
    struct coord_action *action = add(core, COORD_ACTION_APPEND);
    action->tx = txlog_record_tx(record);
    action->record = *record;
    action->force = force;
    action->lsn = record->lsn;
    return record->lsn;
}

void coord_compact(struct coord_core *core, struct tx_lsn upto)
{
    add(core, COORD_ACTION_COMPACT)->lsn = upto;
}

void coord_stamp(struct coord_core *core, uint64_t cut)
{
    add(core, COORD_ACTION_STAMP)->cut = cut;
}

void coord_note(struct coord_core *core, struct tx_id tx, struct tx_bytes text)
{
    struct coord_action *action = add(core, COORD_ACTION_NOTE);
    action->tx = tx;
    action->text = text;
}

void coord_alarm_keep(struct coord_core *core, struct tx_id tx, struct tx_bytes text,
                      uint64_t raised_ms)
{
    uint8_t *owned = tx_xmalloc(text.len);
    if (text.len > 0) {
        memcpy(owned, text.data, text.len);
    }
    struct coord_alarm alarm = {
        .tx = tx, .text = tx_bytes(owned, text.len), .raised_ms = raised_ms};
    core->alarms_kept++;
    if (core->alarms_n < COORD_ALARMS_MAX) {
        core->alarms = tx_xrealloc(core->alarms, (core->alarms_n + 1) * sizeof *core->alarms);
        core->alarms[core->alarms_n++] = alarm;
        return;
    }
    struct coord_alarm *oldest = &core->alarms[core->alarms_first];
    free((void *)(uintptr_t)oldest->text.data);
    *oldest = alarm;
    core->alarms_first = (core->alarms_first + 1) % COORD_ALARMS_MAX;
}

void coord_alarm(struct coord_core *core, struct tx_id tx, struct tx_bytes text)
{
    core->stats.alarms++;
    struct coord_action *action = add(core, COORD_ACTION_ALARM);
    action->tx = tx;
    action->text = text;
    const uint64_t now_ms = core->options.wall_zero_ms + core->now / 1000;
    coord_alarm_keep(core, tx, text, now_ms);
    struct txlog_record record = {.type = TXLOG_ALARM,
                                  .time_ms = now_ms, /* the same after a restart */
                                  .alarm = {.id = tx, .text = text}};
    (void)coord_append(core, &record, false);
}

void coord_alarm_tx(struct coord_core *core, struct coord_tx *tx, struct tx_bytes text)
{
    /* The first one says it all, and nobody can fill the log by repeating himself. */
    if (!tx->alarmed) {
        tx->alarmed = true;
        coord_alarm(core, tx->id, text);
    }
}
