#include "network.h"

#include "echo.h"
#include "faults.h"
#include "liar.h"

#include <stdlib.h>
#include <string.h>

#define PARTITIONS_MAX (sizeof((struct sim *)0)->partitions / sizeof(struct sim_partition))

struct sim_outbox {
    struct tx_frame_writer *writers[SIM_NODES_MAX + 1]; /* by receiver; NULL: never needed so far */
    uint32_t filled;                                    /* a bit for each receiver */
};

struct tx_envelope sim_network_envelope(const struct sim *sim, size_t from)
{
    const struct sim_node *node = &sim->nodes[from];
    struct tx_envelope envelope = {
        .cluster = "sim", .start = node->start, .life = node->life, .cut = node->cut};

    switch (node->role) {
    case SIM_COORDINATOR:
        envelope.role = TX_ROLE_COORDINATOR;
        envelope.coordinator = (uint32_t)from + 1;
        envelope.address = node->address;
        break;
    case SIM_PARTICIPANT:
        envelope.role = TX_ROLE_PARTICIPANT;
        envelope.name = node->name;
        envelope.address = node->address;
        break;
    case SIM_CLIENT:
        envelope.role = TX_ROLE_CLIENT;
        envelope.name = node->name;
        break;
    }
    return envelope;
}

void sim_network_open(struct sim *sim, size_t node)
{
    TX_ASSERT(sim->nodes[node].outbox == NULL);
    sim->nodes[node].outbox = tx_xcalloc(1, sizeof(struct sim_outbox));
}

void sim_network_close(struct sim *sim, size_t node)
{
    struct sim_outbox *outbox = sim->nodes[node].outbox;

    if (outbox == NULL)
        return;
    for (size_t i = 0; i <= SIM_LIAR; i++) {
        if (outbox->writers[i] != NULL)
            tx_frame_writer_destroy(&outbox->writers[i]);
    }
    free(outbox);
    sim->nodes[node].outbox = NULL;
}

/* ---- on the way ---- */

static bool cut(const struct sim *sim, size_t from, size_t to)
{
    for (size_t i = 0; i < PARTITIONS_MAX; i++) {
        if (sim->partitions[i].number > 0 && (sim->partitions[i].blocked[from] >> to & 1u) != 0)
            return true;
    }
    return false;
}

static uint64_t arrival(struct sim *sim, size_t from, size_t to, bool copy)
{
    const struct sim_options *options = &sim->options;
    struct sim_random *random = &sim->random;
    bool late = !sim->healed && sim_random_percent(random, (unsigned)options->late_percent);
    uint64_t at = sim->now + sim_random_between(random, 50, late ? options->delay_us : 1000);

    if (!sim->healed && from == sim->slow_from && to == sim->slow_to)
        at += options->slow_link_us;
    /* Of a frame that comes twice, the second is the one to be afraid of when it comes late. */
    if (!sim->healed &&
        sim_random_percent(random, (unsigned)options->very_late_percent * (copy ? 5 : 1)))
        at += sim_random_between(random, 0, options->very_late_us);
    if (!options->reorder && at < sim->fifo[from][to])
        at = sim->fifo[from][to];
    sim->fifo[from][to] = at;
    return at;
}

static bool lost(struct sim *sim, size_t from, size_t to)
{
    return !sim->healed && (cut(sim, from, to) ||
                            sim_random_percent(&sim->random, (unsigned)sim->options.loss_percent));
}

static void travel(struct sim *sim, size_t from, size_t to, struct tx_bytes bytes)
{
    unsigned copies = 1;

    sim->totals.frames++;
    sim_echo_keep(sim, from, to, bytes);
    if (!sim->healed)
        copies += sim_random_percent(&sim->random, (unsigned)sim->options.duplicate_percent);
    for (; copies > 0; copies--) {
        struct sim_event event = {
            .type = SIM_EVENT_FRAME, .node = (uint8_t)to, .from = (uint8_t)from};

        if (lost(sim, from, to)) {
            sim->totals.lost++;
            continue;
        }
        event.at = arrival(sim, from, to, copies > 1);
        event.frame = sim_frame_new(&sim->timeline, bytes);
        sim_timeline_add(&sim->timeline, event);
    }
}

static void flush_one(struct sim *sim, size_t from, size_t to)
{
    struct sim_outbox *outbox = sim->nodes[from].outbox;

    tx_frame_writer_set_cut(outbox->writers[to], sim->nodes[from].cut);
    travel(sim, from, to, tx_frame_writer_finish(outbox->writers[to]));
    tx_frame_writer_clear(outbox->writers[to]);
    outbox->filled &= ~(UINT32_C(1) << to);
}

void sim_network_flush(struct sim *sim, size_t from)
{
    for (size_t to = 0; sim->nodes[from].outbox->filled != 0; to++) {
        if ((sim->nodes[from].outbox->filled >> to & 1u) != 0)
            flush_one(sim, from, to);
    }
}

void sim_network_send(struct sim *sim, size_t from, size_t to, const struct tx_msg *msg)
{
    struct sim_outbox *outbox = sim->nodes[from].outbox;
    enum tx_error error;

    if (to == SIM_NOBODY && sim->liar == NULL)
        return; /* whoever was there has moved */
    if (outbox->writers[to] == NULL) {
        struct tx_envelope envelope = sim_network_envelope(sim, from);

        outbox->writers[to] = tx_frame_writer_new(&envelope);
        TX_ASSERT(outbox->writers[to] != NULL);
    }
    error = tx_frame_writer_add(outbox->writers[to], msg, TX_MESSAGE_MAX);
    if (error == TX_ELIMIT && (outbox->filled >> to & 1u) != 0) {
        flush_one(sim, from, to);
        error = tx_frame_writer_add(outbox->writers[to], msg, TX_MESSAGE_MAX);
    }
    TX_ASSERT(error == TX_OK);
    outbox->filled |= UINT32_C(1) << to;
    sim->totals.messages++;
    sim_fault_aim(sim, from, msg);
    if (sim->options.alone > 0)
        flush_one(sim, from, to);
    if (sim->liar != NULL)
        sim_liar_overhears(sim, from, to, msg);
}

void sim_network_receive(struct sim *sim, const struct sim_event *event, struct tx_frame *frame)
{
    struct tx_why why;
    char id[TX_ID_TEXT];
    enum tx_error error;

    tx_arena_reset(&sim->arena);
    error = tx_frame_decode(tx_bytes(event->frame->bytes, event->frame->len), TX_MESSAGE_MAX,
                            &sim->arena, frame, &why);
    TX_ASSERT(error == TX_OK && frame->messages_n > 0);
    for (size_t i = 0; i < frame->messages_n; i++)
        SIM_TRACE(sim, "%s -> %s  %s %s", sim->nodes[event->from].name.s,
                  sim->nodes[event->node].name.s, tx_msg_name(frame->messages[i].type),
                  tx_id_print(tx_msg_tx(&frame->messages[i]), id));
}

/* ---- partitions ---- */

void sim_network_part(struct sim *sim)
{
    struct sim_partition *partition = &sim->partitions[sim->partitions_made % PARTITIONS_MAX];
    uint32_t side = (uint32_t)sim_random_next(&sim->random);
    bool one_way = sim_random_percent(&sim->random, 40);

    *partition = (struct sim_partition){.number = ++sim->partitions_made};
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if ((side >> i & 1u) != 0)
            partition->blocked[i] = ~side;
        else if (!one_way)
            partition->blocked[i] = side;
    }
    SIM_TRACE(sim, "partition %x%s", side, one_way ? ", one way" : "");
    sim_timeline_add(
        &sim->timeline,
        (struct sim_event){.type = SIM_EVENT_MEND,
                           .fault = SIM_FAULT_PARTITION,
                           .at = sim->now + sim_random_between(&sim->random, 10000, 5000000),
                           .number = partition->number});
}

void sim_network_mend(struct sim *sim, uint64_t number)
{
    for (size_t i = 0; i < PARTITIONS_MAX; i++) {
        if (sim->partitions[i].number == number)
            sim->partitions[i] = (struct sim_partition){0};
    }
}

void sim_network_heal(struct sim *sim)
{
    memset(sim->partitions, 0, sizeof sim->partitions);
}
