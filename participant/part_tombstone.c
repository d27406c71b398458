/* Tombstones: the memory that a transaction was refused, undone, or has dropped out.
 *
 * Their number is bounded, the oldest go first. Dropping one could let a late duplicate of a
 * one-shot PREPARE run again, in this incarnation that it names. Therefore its sequence becomes a
 * floor: an id of the coordinator's current epoch at or below the floor that is not known here is
 * refused as if its tombstone were still there. Ids of older epochs need neither: the epoch is
 * durable, and they are refused for ever. A refused id has never voted YES, so refusing one that
 * was never here is no more than an abort. */
#include "participant/part_internal.h"

#include <stdlib.h>
#include <string.h>

struct part_tombstone *part_tombstone_find(const struct part_core *core, struct tx_id id)
{
    struct part_key key = part_key(id);
    struct part_tombstone *tombstone;
    HASH_FIND(hh, core->tombstones, &key, sizeof key, tombstone);
    return tombstone;
}

void part_tombstone_drop(struct part_core *core, struct part_tombstone *tombstone)
{
    HASH_DEL(core->tombstones, tombstone);
    part_list_remove(&tombstone->in_coordinator);
    part_list_remove(&tombstone->in_age);
    free(tombstone->results);
    if (tombstone->text_len == 0)
        tx_spare_give(&core->spare_tombstones, tombstone, PART_ENDED_MAX);
    else
        free(tombstone);
}

static void drop_oldest(struct part_core *core)
{
    TX_ASSERT(core->tombstones_by_age.next != &core->tombstones_by_age);
    struct part_tombstone *oldest =
        PART_CONTAINER(core->tombstones_by_age.next, struct part_tombstone, in_age);
    struct part_coordinator *coordinator = oldest->coordinator;
    if (oldest->id.epoch == coordinator->epoch && oldest->id.seq > coordinator->floor &&
        !TX_SEEDED_BUG(TOMBSTONE_FORGOTTEN))
        coordinator->floor = oldest->id.seq;
    part_tombstone_drop(core, oldest);
}

void part_tombstone_put(struct part_core *core, struct part_coordinator *coordinator,
                        struct tx_id id, enum part_tombstone_kind kind, enum tx_reason reason,
                        struct tx_bytes text, struct part_results **results)
{
    TX_ASSERT(id.epoch <= coordinator->epoch && text.len <= TX_TEXT_MAX);
    if (part_mark_covers(coordinator, id) || part_tombstone_find(core, id) != NULL)
        return;
    struct part_tombstone *tombstone =
        text.len == 0 ? tx_spare_take(&core->spare_tombstones, sizeof *tombstone)
                      : tx_xmalloc(sizeof *tombstone + text.len);
    *tombstone = (struct part_tombstone){.key = part_key(id),
                                         .id = id,
                                         .coordinator = coordinator,
                                         .kind = kind,
                                         .reason = reason,
                                         .text_len = text.len};
    if (text.len > 0)
        memcpy(tombstone->text, text.data, text.len);
    if (results != NULL) {
        tombstone->results = *results;
        *results = NULL;
    }
    HASH_ADD(hh, core->tombstones, key, sizeof tombstone->key, tombstone);
    part_list_append(&coordinator->tombstones, &tombstone->in_coordinator);
    part_list_append(&core->tombstones_by_age, &tombstone->in_age);
    if (HASH_COUNT(core->tombstones) > core->options.tombstones_max)
        drop_oldest(core);
}
