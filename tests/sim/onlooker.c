#include "onlooker.h"

#include "network.h"

static uint64_t draw(struct sim *sim, uint64_t from, uint64_t to)
{
    return sim_random_between(&sim->scanning, from, to);
}

static bool percent(struct sim *sim, unsigned share)
{
    return sim_random_percent(&sim->scanning, share);
}

static void ask(struct sim *sim, size_t node, size_t participant, const struct tx_locks_place *from)
{
    static const char *const spaces[] = {"bank", "rows", "seats", "lists", "locks"};
    struct tx_msg msg = {.type = TX_MSG_LOCKS_REQUEST, .locks_request = {.req = ONLOOKER_REQ}};
    struct tx_msg_locks_request *request = &msg.locks_request;

    if (from != NULL)
        request->from = *from;
    request->waiting = percent(sim, 25);
    if (percent(sim, 25))
        request->space = tx_bytes_str(spaces[draw(sim, 0, 4)]);
    if (percent(sim, 15) && sim->told_n > 0)
        request->tx = sim->told[sim->told_n - 1].id;
    if (percent(sim, 70))
        request->limit = (uint32_t)draw(sim, 1, 6);
    sim_network_send(sim, node, participant, &msg);
}

void onlooker_ask(struct sim *sim, size_t node)
{
    if (sim->options.looks_percent == 0 || !percent(sim, (unsigned)sim->options.looks_percent))
        return;
    ask(sim, node, sim_participant_node(sim, draw(sim, 0, sim->options.participants - 1)), NULL);
}

void onlooker_answered(struct sim *sim, size_t node, size_t from, const struct tx_msg_locks *locks)
{
    char id[TX_ID_TEXT];

    for (size_t i = 0; i < locks->rows_n; i++) {
        const struct tx_lock_row *row = &locks->rows[i];

        if (!tx_id_valid(row->id) || row->mode == TX_LOCK_NONE ||
            row->waiting != (row->blockers_n > 0))
            sim_fail(sim, "odd-row: %s shows a lock of %s in mode %s, with %zu in the way",
                     sim->nodes[from].name.s, tx_id_print(row->id, id),
                     tx_lock_mode_name(row->mode), row->blockers_n);
    }
    if (locks->more && percent(sim, 70))
        ask(sim, node, from, &locks->next);
}
