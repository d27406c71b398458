#include "echo.h"

#include <stdlib.h>
#include <string.h>

#define ECHO_US  UINT64_C(300000) /* of one at any time: the longest way */
#define SOON_US  UINT64_C(100000) /* after a start */
#define WHILE_US UINT64_C(500000)

struct copy {
    size_t from, len, capacity;
    uint8_t *bytes;
};

/* The latest frames to one node: the next one takes the place of the oldest. */
struct sim_echo {
    uint64_t sent;
    struct copy copies[SIM_ECHO_FRAMES_MAX];
};

static struct sim_echo *echo_of(struct sim *sim, size_t node)
{
    if (sim->echoes[node] == NULL)
        sim->echoes[node] = tx_xcalloc(1, sizeof *sim->echoes[node]);
    return sim->echoes[node];
}

static void repeat(struct sim *sim, size_t node, const struct copy *copy, uint64_t span_us)
{
    struct sim_event event = {
        .type = SIM_EVENT_FRAME, .node = (uint8_t)node, .from = (uint8_t)copy->from};

    event.at = sim->now + sim_random_between(&sim->echo_random, 0, span_us);
    event.frame = sim_frame_new(&sim->timeline, tx_bytes(copy->bytes, copy->len));
    sim_timeline_add(&sim->timeline, event);
}

static const struct copy *any(struct sim *sim, const struct sim_echo *echo)
{
    uint64_t kept = echo->sent < sim->options.echo_frames ? echo->sent : sim->options.echo_frames;

    return &echo->copies[sim_random_between(&sim->echo_random, 0, kept - 1)];
}

void sim_echo_keep(struct sim *sim, size_t from, size_t to, struct tx_bytes bytes)
{
    struct sim_echo *echo;
    struct copy *copy;

    if (sim->options.echo_frames == 0 || sim->healed)
        return;
    echo = echo_of(sim, to);
    copy = &echo->copies[echo->sent++ % sim->options.echo_frames];
    copy->from = from;
    copy->len = bytes.len;
    if (bytes.len > copy->capacity) {
        copy->capacity = bytes.len * 2;
        copy->bytes = tx_xrealloc(copy->bytes, copy->capacity);
    }
    memcpy(copy->bytes, bytes.data, bytes.len);
    if (sim_random_percent(&sim->echo_random, (unsigned)sim->options.echo_percent))
        repeat(sim, to, any(sim, echo), ECHO_US);
}

void sim_echo(struct sim *sim, size_t node, uint64_t span_us)
{
    struct sim_echo *echo = sim->echoes[node];

    if (echo == NULL || echo->sent == 0 || sim->healed)
        return;
    for (uint64_t i = 0; i < sim->options.echo_frames / 2; i++)
        repeat(sim, node, any(sim, echo), span_us);
}

void sim_echo_start(struct sim *sim, size_t node)
{
    if (sim->options.echo_frames > 0)
        sim_echo(sim, node, sim_random_percent(&sim->echo_random, 50) ? SOON_US : WHILE_US);
}

void sim_echo_deinit(struct sim *sim)
{
    for (size_t i = 0; i < sizeof sim->echoes / sizeof sim->echoes[0]; i++) {
        for (size_t j = 0; sim->echoes[i] != NULL && j < SIM_ECHO_FRAMES_MAX; j++)
            free(sim->echoes[i]->copies[j].bytes);
        free(sim->echoes[i]);
    }
}
