/* What txctl top knows of each daemon: its last two answers, and the rates between them. */
#ifndef ASSENT_CLIENT_TOP_MODEL_H
#define ASSENT_CLIENT_TOP_MODEL_H

#include "client/txclient.h"

#define TOP_NODES_MAX 66u /* a coordinator, and as many participants as a cluster has */

struct top_node {
    char name[40]; /* "coordinator", "a" */
    char address[128];
    bool coordinator;
    txclient_node *last, *before; /* NULL: none yet */
    uint64_t last_ms, before_ms;  /* when they came, on the caller's clock */
    uint64_t asked_ms;            /* when it was asked what it has not answered; 0: nothing */
    bool failed;                  /* the newest question was not answered */
    char problem[256];            /* why not */
};

struct top_model {
    struct top_node nodes[TOP_NODES_MAX]; /* the coordinator first, then as it lists them */
    size_t nodes_n;
};

void top_model_init(struct top_model *model);
void top_model_deinit(struct top_model *model);
/* Takes an answer over, at `now_ms`; or what kept one away, with `answer` NULL. What the
 * coordinator sees and is not there yet becomes a node. */
void top_model_answer(struct top_model *model, size_t i, txclient_node *answer, const char *problem,
                      uint64_t now_ms);

/* It is asked now. */
void top_model_asked(struct top_model *model, size_t i, uint64_t now_ms);
/* Who has been asked for longer than `limit_ms` counts as silent, until he answers. */
void top_model_overdue(struct top_model *model, uint64_t now_ms, uint64_t limit_ms);

/* The number in a field of the last answer; 0 when there is none. */
uint64_t top_number(const struct top_node *node, const char *name);
/* How much it has grown a second between the last two answers; 0 after a restart. */
double top_rate(const struct top_node *node, const char *name);
/* How much one field has grown for each unit by which another has. */
double top_growth(const struct top_node *node, const char *name, const char *unit);
/* Undecided transactions, those in doubt, and those that wait for a lock. */
uint64_t top_open(const struct top_node *node);
uint64_t top_in_doubt(const struct top_node *node);
uint64_t top_waits(const struct top_node *node);
/* Begun, committed and aborted transactions a second. */
double top_begun(const struct top_node *node);
double top_committed(const struct top_node *node);
double top_aborted(const struct top_node *node);
/* It has not answered its newest question. */
bool top_silent(const struct top_node *node);
/* "serving", "draining", "silent 3 s", ... into `out`; returns `out`. */
const char *top_state(const struct top_node *node, uint64_t now_ms, char *out, size_t size);

#endif
