/* Alarms: what must never happen, counted, logged and kept. */
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

bool part_alarm_keep(struct part_core *core, struct tx_id tx, struct tx_bytes text)
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
    *slot = (struct part_alarm){.tx = tx, .text = tx_bytes(copy, text.len), .memory = copy};
    return true;
}

/* A sender that repeats itself (a coordinator resends COMMIT for ever) is counted each time, but
 * kept and logged once: an alarm may not fill the log. */
void part_alarm(struct part_core *core, struct tx_id tx, struct tx_bytes text)
{
    TX_ASSERT(text.len > 0 && text.len <= TX_TEXT_MAX);
    core->alarms_total++;
    if (!part_alarm_keep(core, tx, text))
        return;
    part_append(core, TXLOG_ALARM, tx, false)->record.alarm =
        (struct txlog_alarm){.id = tx, .text = text};
    part_act(core, PART_ACTION_ALARM, tx)->text = text;
}

void part_alarms_free(struct part_core *core)
{
    for (size_t i = 0; i < PART_ALARMS_MAX; i++)
        free(core->alarms[i].memory);
    core->alarms_kept = 0;
}
