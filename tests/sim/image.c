#include "image.h"

#include "inside.h"
#include "sim_coordinator.h"
#include "sim_participant.h"

#define BELIEVED_HELLO   1u
#define BELIEVED_WELCOME 2u
#define BELIEVED_NO      4u

void sim_image_started(struct sim *sim, size_t at)
{
    if (sim->nodes[at].kept == NULL)
        return;
    sim->image_lives = tx_xrealloc(sim->image_lives, (sim->image_lives_n + 1) * sizeof(uint64_t));
    sim->image_lives[sim->image_lives_n++] = sim->nodes[at].life;
}

/* It may arrive when the copy is gone. */
static bool of_image(const struct sim *sim, uint64_t life)
{
    for (size_t i = 0; i < sim->image_lives_n; i++) {
        if (sim->image_lives[i] == life)
            return true;
    }
    return false;
}

struct promise {
    struct tx_id id;
    bool found;
};

static void look(void *arg, const struct txlog_record *record)
{
    struct promise *promise = arg;

    promise->found = promise->found || tx_id_equal(txlog_record_tx(record), promise->id);
}

/* Has the original promised what the copy denies? */
static bool promised(const struct sim_node *node, struct tx_id id)
{
    struct promise promise = {.id = id};

    sim_disk_each(node->kept != NULL ? node->kept : node->disk,
                  1u << TXLOG_PREPARED | 1u << TXLOG_COMMITTED, look, &promise);
    return promise.found;
}

/* The copy has to be silent when the inquiry proves to it that it is one; then its NO is a mistake,
 * and arrives. */
static bool no_is_believed(const struct sim_node *from, const struct sim_node *to,
                           const struct tx_envelope *envelope, const struct tx_msg_state *state)
{
    struct tx_position known;

    if (!inside_part_takes_no(sim_participant_core(to), envelope, state, &known) ||
        !promised(from, state->id))
        return false;
    return from->participant == NULL || from->life != envelope->life ||
           !inside_part_disproved(sim_participant_core(from), known);
}

bool sim_image_believed(const struct sim *sim, size_t from, size_t to,
                        const struct tx_envelope *envelope, const struct tx_msg *msg)
{
    const struct sim_node *receiver = &sim->nodes[to];

    if (sim->image_lives_n == 0 || !of_image(sim, envelope->life))
        return false;
    if (msg->type == TX_MSG_HELLO)
        return (sim->options.old_believed & BELIEVED_HELLO) == 0 &&
               inside_part_welcomes(sim_participant_core(receiver), envelope->coordinator,
                                    &msg->hello);
    if (msg->type == TX_MSG_WELCOME)
        return (sim->options.old_believed & BELIEVED_WELCOME) == 0 &&
               inside_coord_takes(sim_coordinator_core(receiver), envelope, &msg->welcome);
    if (msg->type == TX_MSG_STATE && msg->state.state == TX_STATE_NO &&
        receiver->role == SIM_PARTICIPANT && (sim->options.old_believed & BELIEVED_NO) == 0)
        return no_is_believed(&sim->nodes[from], receiver, envelope, &msg->state);
    return false;
}
