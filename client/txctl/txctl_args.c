#include "client/txctl/txctl_args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct argp_child txctl_place_child[] = {{&cli_place_argp, 0, NULL, 0}, {0}};

uint32_t txctl_parse_seconds(struct argp_state *state, const char *arg)
{
    char *end = NULL;
    errno = 0;
    double seconds = strtod(arg, &end);
    if (errno != 0 || end == arg || *end != '\0' || !(seconds >= 0.0 && seconds <= 86400.0)) {
        argp_error(state, "\"%s\" is no number of seconds from 0 to 86400", arg);
        return 0;
    }
    return (uint32_t)(seconds * 1000.0);
}

size_t txctl_parse_count(struct argp_state *state, const char *arg, size_t most)
{
    char *end = NULL;
    errno = 0;
    unsigned long count = strtoul(arg, &end, 10);
    if (errno != 0 || *arg < '0' || *arg > '9' || *end != '\0' || count < 1 || count > most) {
        argp_error(state, "\"%s\" is no number from 1 to %zu", arg, most);
        return 1;
    }
    return count;
}

error_t txctl_parse_common(int key, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->place;
        return 0;
    case ARGP_KEY_ARGS:
        arguments->words = state->argv + state->next;
        arguments->words_n = state->argc - state->next;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

error_t txctl_parse_no_options(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    return txctl_parse_common(key, state);
}

int txctl_with_client(struct arguments *arguments,
                      int (*run)(txclient *client, struct arguments *arguments))
{
    txclient *client = NULL;
    int result = cli_open(&arguments->place, &client);
    if (result == 0) {
        result = run(client, arguments);
    }
    txclient_close(&client);
    return result;
}
