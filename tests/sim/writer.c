#include "writer.h"

static void begin(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];
    uint64_t sync = sim_random_between(&sim->random, 100, sim->options.sync_us);

    node->syncing = true;
    node->sync_again = false;
    sim_timeline_add(&sim->timeline, (struct sim_event){.type = SIM_EVENT_SYNCED,
                                                        .at = sim->now + sync,
                                                        .node = (uint8_t)at,
                                                        .run = node->run,
                                                        .number = sim_disk_queued(node->disk).n});
}

static void later(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];

    if (node->write_later)
        return;
    node->write_later = true;
    sim_timeline_add(&sim->timeline, (struct sim_event){.type = SIM_EVENT_WRITE,
                                                        .at = sim->now + sim->options.lazy_us,
                                                        .node = (uint8_t)at,
                                                        .run = node->run});
}

void sim_writer_append(struct sim *sim, size_t at, const struct txlog_record *record,
                       const struct txlog_put *puts, size_t puts_n, bool force)
{
    struct sim_node *node = &sim->nodes[at];
    char id[TX_ID_TEXT];

    sim_disk_append(node->disk, record, puts, puts_n);
    SIM_TRACE(sim, "%s logs %llu %s %s", node->name.s, (unsigned long long)record->lsn.n,
              txlog_type_name(record->type), tx_id_print(txlog_record_tx(record), id));
    if (node->syncing)
        node->sync_again = node->sync_again || force;
    else if (force)
        begin(sim, at);
    else
        later(sim, at);
}

void sim_writer_due(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];

    node->write_later = false;
    if (!node->syncing && sim_disk_queued(node->disk).n > sim_disk_durable(node->disk).n)
        begin(sim, at);
}

void sim_writer_synced(struct sim *sim, size_t at, struct tx_lsn upto)
{
    struct sim_node *node = &sim->nodes[at];

    TX_ASSERT(node->syncing);
    sim_disk_synced(node->disk, upto);
    node->syncing = false;
    if (node->sync_again)
        begin(sim, at);
    else if (sim_disk_queued(node->disk).n > upto.n)
        later(sim, at);
}
