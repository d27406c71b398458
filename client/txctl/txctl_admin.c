/* txctl drain, undrain, log-level and reload. */
#include "client/cli.h"
#include "client/txctl/txctl.h"
#include "client/txctl/txctl_targets.h"
#include "common/json.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define OPERATOR_MAX 31u
/* Between two looks at a daemon that drains. */
#define LOOK_MS 200u

const char *txctl_operator(const char *given)
{
    static char name[OPERATOR_MAX + 1];
    if (given != NULL) {
        return given; /* as he says, or refused */
    }
    const char *caller = getenv("SUDO_USER");
    const struct passwd *user = getpwuid(getuid());
    const char *from = caller != NULL && caller[0] != '\0' ? caller
                       : user != NULL                      ? user->pw_name
                                                           : "unknown";
    size_t n = 0;
    for (; n < OPERATOR_MAX && from[n] != '\0'; n++) {
        bool plain = (from[n] >= '0' && from[n] <= '9') || (from[n] >= 'a' && from[n] <= 'z') ||
                     (from[n] >= 'A' && from[n] <= 'Z') || strchr("-_.", from[n]) != NULL;
        name[n] = plain ? from[n] : '_';
    }
    name[n] = '\0';
    return name;
}

int txctl_node_find(txclient *client, const char *word, struct txctl_targets *targets)
{
    char *words[] = {(char *)(uintptr_t)word};
    *targets = (struct txctl_targets){0};
    if (strcmp(word, TXCTL_COORDINATOR) == 0) {
        return 0;
    }
    return txctl_targets_find(client, words, 1, targets);
}

static uint64_t number(const txclient_node *node, const char *name)
{
    const char *text = txclient_node_get(node, name);
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

/* Transactions of which nothing is decided there. */
static uint64_t open_at(const txclient_node *node)
{
    const char *role = txclient_node_get(node, "role");
    if (role != NULL && strcmp(role, "coordinator") == 0) {
        return number(node, "active") + number(node, "collecting") + number(node, "deciding");
    }
    return number(node, "working") + number(node, "preparing") + number(node, "prepared");
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* Until nothing is open there. Progress goes to standard error. */
static int wait_until_empty(txclient *client, const struct txctl_admin_options *options,
                            const char *address, uint64_t *open)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    const uint64_t begun = now_ms();
    uint64_t told = UINT64_MAX;
    for (;;) {
        txclient_node *node = NULL;
        txclient_status status = txclient_inspect(client, address, &node);
        if (status != TXCLIENT_OK) {
            cli_complain(client);
            return cli_exit_status(status);
        }
        *open = open_at(node);
        txclient_node_free(&node);
        if (*open == 0) {
            return 0;
        }
        if (*open != told) {
            (void)fprintf(stderr, "%s: %" PRIu64 " open\n", options->node, *open);
            told = *open;
        }
        if (options->wait_ms > 0 && now_ms() - begun >= options->wait_ms) {
            (void)fprintf(stderr,
                          "txctl: %" PRIu64 " transactions are still open at %s after %g s\n",
                          *open, options->node, options->wait_ms / 1000.0);
            return EX_TEMPFAIL;
        }
        (void)nanosleep(&pause, NULL);
    }
}

static const char *verb_name(txclient_admin_verb verb)
{
    static const char *const names[] = {
        [TXCLIENT_ADMIN_DRAIN] = "drain",         [TXCLIENT_ADMIN_UNDRAIN] = "undrain",
        [TXCLIENT_ADMIN_LOG_LEVEL] = "log-level", [TXCLIENT_ADMIN_RELOAD] = "reload",
        [TXCLIENT_ADMIN_LOSS] = "loss",           [TXCLIENT_ADMIN_READMIT] = "readmit"};
    return names[verb];
}

static void report(const txclient *client, const struct txctl_admin_options *options,
                   txclient_status status, bool as_json)
{
    const char *text = txclient_detail(client)->text;
    struct json json;
    if (!as_json) {
        if (status == TXCLIENT_OK) {
            (void)printf("%s\n", text);
        } else {
            cli_complain(client);
        }
        return;
    }
    json_init(&json, stdout);
    json_object_begin(&json);
    json_member(&json, "node", options->node);
    json_member(&json, "call", verb_name(options->verb));
    json_member_bool(&json, "done", status == TXCLIENT_OK);
    json_member(&json, "text", text);
    json_object_end(&json);
    (void)putchar('\n');
}

int txctl_admin(txclient *client, const struct txctl_admin_options *options, bool json)
{
    struct txctl_targets targets;
    uint64_t open = 0;
    int result = txctl_node_find(client, options->node, &targets);
    if (result == 0) {
        const char *address = targets.n > 0 ? targets.items[0].address : NULL;
        txclient_status status =
            txclient_admin(client, address, options->verb, txctl_operator(options->operator_name),
                           options->argument);
        report(client, options, status, json);
        result = cli_exit_status(status);
        if (status == TXCLIENT_OK && options->wait) {
            (void)fflush(stdout);
            result = wait_until_empty(client, options, address, &open);
        }
    }
    txctl_targets_deinit(&targets);
    return result;
}
