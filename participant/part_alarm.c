/* Alarms: what must never happen, counted, logged and kept. */
#include "common/page.h"
#include "participant/part_internal.h"

#include <stdlib.h>
#include <string.h>

static uint64_t alarms_first(const struct part_core *core)
{
    return core->alarms_kept > PART_ALARMS_MAX ? core->alarms_kept - PART_ALARMS_MAX : 0;
}

const struct part_alarm *part_alarm_at(const struct part_core *core, size_t i)
{
    uint64_t number = alarms_first(core) + i;
    return number < core->alarms_kept ? &core->alarms[number % PART_ALARMS_MAX] : NULL;
}

bool part_alarm_keep(struct part_core *core, struct tx_id tx, struct tx_bytes text,
                     uint64_t raised_ms)
{
    const struct part_alarm *alarm;
    for (size_t i = 0; (alarm = part_alarm_at(core, i)) != NULL; i++) {
        if (tx_id_equal(alarm->tx, tx) && tx_bytes_equal(alarm->text, text))
            return false;
    }
    struct part_alarm *slot = &core->alarms[core->alarms_kept++ % PART_ALARMS_MAX];
    uint8_t *copy = tx_xmalloc(text.len);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    free(slot->memory);
    *slot = (struct part_alarm){
        .tx = tx, .text = tx_bytes(copy, text.len), .raised_ms = raised_ms, .memory = copy};
    return true;
}

/* A sender that repeats itself (a coordinator resends COMMIT for ever) is counted each time, but
 * kept and logged once: an alarm may not fill the log. */
void part_alarm(struct part_core *core, struct tx_id tx, struct tx_bytes text)
{
    TX_ASSERT(text.len > 0 && text.len <= TX_TEXT_MAX);
    core->alarms_total++;
    const uint64_t now_ms = core->options.wall_zero_ms + core->now_us / 1000;
    if (!part_alarm_keep(core, tx, text, now_ms))
        return;
    struct txlog_record *record = &part_append(core, TXLOG_ALARM, tx, false)->record;
    record->alarm = (struct txlog_alarm){.id = tx, .text = text};
    record->time_ms = now_ms; /* the same after a restart */
    part_act(core, PART_ACTION_ALARM, tx)->text = text;
}

void part_alarms_free(struct part_core *core)
{
    for (size_t i = 0; i < PART_ALARMS_MAX; i++)
        free(core->alarms[i].memory);
    core->alarms_kept = 0;
}

/* ---- for an operator ---- */

void part_on_alarms(struct part_core *core, uint64_t client,
                    const struct tx_msg_alarms_request *request)
{
    struct tx_page page = tx_page_begin(request->limit, 0);
    struct tx_alarm_row *rows = part_alloc(&core->out->arena, page.n_max, sizeof *rows);
    uint64_t number = core->alarms_kept;
    if (request->before > 0 && request->before <= number)
        number = request->before - 1;
    for (; number > alarms_first(core); number--) {
        const struct part_alarm *alarm = &core->alarms[(number - 1) % PART_ALARMS_MAX];
        if (!tx_page_add(&page, TX_ALARM_ROW_BYTES + alarm->text.len))
            break;
        rows[page.n - 1] = (struct tx_alarm_row){.number = number,
                                                 .id = alarm->tx,
                                                 .time_ms = alarm->raised_ms,
                                                 .text = part_copy(&core->out->arena, alarm->text)};
    }
    struct tx_msg msg = {.type = TX_MSG_ALARMS,
                         .alarms = {.req = request->req,
                                    .rows = rows,
                                    .rows_n = page.n,
                                    .more = number > alarms_first(core)}};
    part_reply(core, client, &msg);
}
