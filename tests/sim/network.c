#include "network.h"

#include <stdlib.h>
#include <string.h>

static struct tx_envelope envelope_of(const struct sim *sim, size_t from)
{
    const struct sim_node *node = &sim->nodes[from];
    struct tx_envelope envelope = {.cluster = "sim", .start = node->start};

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

static bool cut(const struct sim *sim, size_t from, size_t to)
{
    for (size_t i = 0; i < sizeof sim->partitions / sizeof sim->partitions[0]; i++) {
        if (sim->partitions[i].number > 0 && (sim->partitions[i].blocked[from] >> to & 1u) != 0)
            return true;
    }
    return false;
}

static void travel(struct sim *sim, size_t from, size_t to, struct tx_bytes bytes)
{
    uint64_t delay = sim_random_between(&sim->random, 50, sim->options.delay_us);
    struct sim_event event = {.type = SIM_EVENT_FRAME,
                              .at = sim->now + delay,
                              .node = to,
                              .from = from,
                              .frame_len = bytes.len};

    /* Now and then one that is very late, across restarts. */
    if (sim->options.reorder && !sim->healed && sim_random_percent(&sim->random, 1))
        event.at += sim_random_between(&sim->random, 0, 2000000);
    if (!sim->options.reorder && event.at < sim->fifo[from][to])
        event.at = sim->fifo[from][to];
    sim->fifo[from][to] = event.at;
    event.frame = tx_xmalloc(bytes.len);
    memcpy(event.frame, bytes.data, bytes.len);
    sim_timeline_add(&sim->timeline, event);
}

void sim_network_send(struct sim *sim, size_t from, size_t to, const struct tx_msg *msg)
{
    struct tx_envelope envelope = envelope_of(sim, from);
    struct tx_frame_writer *writer;
    struct tx_bytes bytes;
    enum tx_error error;
    unsigned copies =
        sim->healed ? 1 : 1 + sim_random_percent(&sim->random, sim->options.duplicate_percent);

    writer = tx_frame_writer_new(&envelope);
    TX_ASSERT(writer != NULL);
    error = tx_frame_writer_add(writer, msg, TX_MESSAGE_MAX);
    TX_ASSERT(error == TX_OK);
    bytes = tx_frame_writer_finish(writer);
    for (; copies > 0; copies--) {
        if (!sim->healed &&
            (cut(sim, from, to) || sim_random_percent(&sim->random, sim->options.loss_percent)))
            sim->lost++;
        else
            travel(sim, from, to, bytes);
    }
    tx_frame_writer_destroy(&writer);
}

void sim_network_receive(const struct sim *sim, const struct sim_event *event,
                         struct tx_arena *arena, struct tx_frame *frame)
{
    struct tx_why why;
    char id[TX_ID_TEXT];
    enum tx_error error = tx_frame_decode(tx_bytes(event->frame, event->frame_len), TX_MESSAGE_MAX,
                                          arena, frame, &why);

    TX_ASSERT(error == TX_OK && frame->messages_n == 1);
    sim_trace(sim, "%s -> %s  %s %s", sim->nodes[event->from].name.s,
              sim->nodes[event->node].name.s, tx_msg_name(frame->messages[0].type),
              tx_id_print(tx_msg_tx(&frame->messages[0]), id));
}

void sim_network_part(struct sim *sim)
{
    size_t at = sim->partitions_made % (sizeof sim->partitions / sizeof sim->partitions[0]);
    struct sim_partition *partition = &sim->partitions[at];
    unsigned side = (unsigned)sim_random_next(&sim->random);
    bool one_way = sim_random_percent(&sim->random, 40);

    *partition = (struct sim_partition){.number = ++sim->partitions_made};
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if ((side >> i & 1u) != 0)
            partition->blocked[i] = ~side;
        else if (!one_way)
            partition->blocked[i] = side;
    }
    sim_trace(sim, "partition %x%s", side, one_way ? ", one way" : "");
    sim_timeline_add(
        &sim->timeline,
        (struct sim_event){.type = SIM_EVENT_MEND,
                           .at = sim->now + sim_random_between(&sim->random, 10000, 5000000),
                           .number = partition->number});
}

void sim_network_mend(struct sim *sim, uint64_t number)
{
    for (size_t i = 0; i < sizeof sim->partitions / sizeof sim->partitions[0]; i++) {
        if (sim->partitions[i].number == number)
            sim->partitions[i] = (struct sim_partition){0};
    }
}

void sim_network_heal(struct sim *sim)
{
    memset(sim->partitions, 0, sizeof sim->partitions);
}
