/* The participants that a command of txctl is about. */
#ifndef ASSENT_CLIENT_TXCTL_TARGETS_H
#define ASSENT_CLIENT_TXCTL_TARGETS_H

#include "client/txclient.h"
#include "common/json.h"

struct txctl_target {
    char *name; /* as the coordinator knows it, or the address itself */
    char *address;
};

struct txctl_targets {
    struct txctl_target *items;
    size_t n;
};

/* The participants that the words name: by name, for which the coordinator is asked, or by
 * address, for which nobody is; no word stands for all that the coordinator knows. Complains on
 * standard error and gives the exit status, 0 when OK. */
int txctl_targets_find(txclient *client, char **words, int words_n, struct txctl_targets *targets);
/* One more. */
int txctl_targets_add(struct txctl_targets *targets, const char *name, const char *address);
/* What stands for the coordinator where a command takes any daemon. */
#define TXCTL_COORDINATOR "coordinator"
/* The one daemon that the word names, likewise; no target at all: the coordinator. */
int txctl_node_find(txclient *client, const char *word, struct txctl_targets *targets);
/* The operator's name as given, or of the user that runs this. */
const char *txctl_operator(const char *given);
void txctl_targets_deinit(struct txctl_targets *targets);

/* What commands show of each, for people when `json` is NULL. The list "participants" of an object,
 * which its caller ends; an element of it, with its name and address; whether it has answered, and
 * if it has not, why not; and the end of the element. */
void txctl_targets_begin(struct json *json);
void txctl_target_begin(const struct txctl_target *target, struct json *json);
void txctl_target_reached(bool reached, const char *problem, struct json *json);
void txctl_target_end(struct json *json);

#endif
