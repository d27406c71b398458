#include "client/txctl/top_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void top_model_init(struct top_model *model)
{
    *model = (struct top_model){.nodes_n = 1};
    model->nodes[0].coordinator = true;
    (void)snprintf(model->nodes[0].name, sizeof model->nodes[0].name, "coordinator");
}

void top_model_deinit(struct top_model *model)
{
    for (size_t i = 0; i < model->nodes_n; i++) {
        txclient_node_free(&model->nodes[i].last);
        txclient_node_free(&model->nodes[i].before);
    }
}

static void add_peers(struct top_model *model, const txclient_node *coordinator)
{
    const txclient_node_peer *peer;
    for (size_t i = 0; (peer = txclient_node_peer_at(coordinator, i)) != NULL; i++) {
        bool known = peer->address[0] == '\0';
        for (size_t j = 1; j < model->nodes_n && !known; j++) {
            known = strcmp(model->nodes[j].name, peer->name) == 0;
        }
        if (!known && model->nodes_n < TOP_NODES_MAX) {
            struct top_node *node = &model->nodes[model->nodes_n++];
            (void)snprintf(node->name, sizeof node->name, "%s", peer->name);
            (void)snprintf(node->address, sizeof node->address, "%s", peer->address);
        }
    }
}

void top_model_answer(struct top_model *model, size_t i, txclient_node *answer, const char *problem,
                      uint64_t now_ms)
{
    struct top_node *node = &model->nodes[i];
    node->failed = answer == NULL;
    node->asked_ms = 0;
    if (answer == NULL) {
        (void)snprintf(node->problem, sizeof node->problem, "%s", problem);
        return;
    }
    txclient_node_free(&node->before);
    node->before = node->last;
    node->before_ms = node->last_ms;
    node->last = answer;
    node->last_ms = now_ms;
    if (node->coordinator) {
        add_peers(model, answer);
    }
}

void top_model_asked(struct top_model *model, size_t i, uint64_t now_ms)
{
    model->nodes[i].asked_ms = now_ms;
}

void top_model_overdue(struct top_model *model, uint64_t now_ms, uint64_t limit_ms)
{
    for (size_t i = 0; i < model->nodes_n; i++) {
        struct top_node *node = &model->nodes[i];
        if (node->asked_ms != 0 && now_ms - node->asked_ms > limit_ms && !node->failed) {
            node->failed = true;
            (void)snprintf(node->problem, sizeof node->problem, "no answer within %g s",
                           (double)limit_ms / 1000.0);
        }
    }
}

static uint64_t number_of(const txclient_node *answer, const char *name)
{
    const char *text = answer != NULL ? txclient_node_get(answer, name) : NULL;
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

uint64_t top_number(const struct top_node *node, const char *name)
{
    return number_of(node->last, name);
}

static uint64_t grown(const struct top_node *node, const char *name)
{
    uint64_t now = number_of(node->last, name);
    uint64_t before = number_of(node->before, name);
    return node->before != NULL && now > before ? now - before : 0;
}

double top_rate(const struct top_node *node, const char *name)
{
    uint64_t ms = node->last_ms - node->before_ms;
    return node->before == NULL || ms == 0 || node->failed
               ? 0.0
               : (double)grown(node, name) * 1000.0 / (double)ms;
}

double top_growth(const struct top_node *node, const char *name, const char *unit)
{
    uint64_t units = grown(node, unit);
    return units == 0 || node->failed ? 0.0 : (double)grown(node, name) / (double)units;
}

uint64_t top_open(const struct top_node *node)
{
    return node->coordinator ? top_number(node, "active") + top_number(node, "collecting") +
                                   top_number(node, "deciding")
                             : top_number(node, "working") + top_number(node, "preparing") +
                                   top_number(node, "prepared");
}

uint64_t top_in_doubt(const struct top_node *node)
{
    return node->coordinator ? top_number(node, "preventing") : top_number(node, "prepared");
}

uint64_t top_waits(const struct top_node *node)
{
    return top_number(node, "locks_waiting");
}

double top_begun(const struct top_node *node)
{
    return top_rate(node, node->coordinator ? "begun_total" : "begun");
}

double top_committed(const struct top_node *node)
{
    return top_rate(node, node->coordinator ? "committed_total" : "committed");
}

double top_aborted(const struct top_node *node)
{
    return top_rate(node, node->coordinator ? "aborted_total" : "aborted");
}

bool top_silent(const struct top_node *node)
{
    return node->failed;
}

const char *top_state(const struct top_node *node, uint64_t now_ms, char *out, size_t size)
{
    const char *state = node->last == NULL  ? NULL
                        : node->coordinator ? txclient_node_get(node->last, "state")
                                            : txclient_node_get(node->last, "refusing");
    if (node->failed && node->last != NULL) {
        (void)snprintf(out, size, "silent %" PRIu64 " s", (now_ms - node->last_ms) / 1000);
    } else if (node->failed) {
        (void)snprintf(out, size, "silent");
    } else if (node->last == NULL) {
        (void)snprintf(out, size, "asked");
    } else if (state == NULL || strcmp(state, "no") == 0) {
        (void)snprintf(out, size, "serving");
    } else {
        (void)snprintf(out, size, "%s", state);
    }
    return out;
}
