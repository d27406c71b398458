/* What txctl and txbench share. */
#include "client/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static const struct argp_option place_options[] = {
    {"config", 'c', "FILE", 0,
     "the client's configuration file (default: $ASSENT_CONFIG, else " CLI_CONFIG_DEFAULT ")", 1},
    {"cluster", 'C', "NAME", 0,
     "the cluster's name; together with --coordinator, instead of a file", 1},
    {"coordinator", 'a', "ADDRESS", 0, "the coordinator's address, as tcp://127.0.0.1:7400", 1},
    {"json", 'j', NULL, 0, "write one JSON object", 2},
    {0}};

static error_t parse_place(int key, char *arg, struct argp_state *state)
{
    struct cli_place *place = state->input;
    switch (key) {
    case 'c':
        place->config = arg;
        return 0;
    case 'C':
        place->cluster = arg;
        return 0;
    case 'a':
        place->coordinator = arg;
        return 0;
    case 'j':
        place->json = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_place_argp = {.options = place_options, .parser = parse_place};

static void print_version(FILE *stream, struct argp_state *state)
{
    (void)fprintf(stream, "%s %s\n", state->root_argp != NULL ? state->name : "txctl",
                  txclient_version());
}

void cli_init(void)
{
    argp_err_exit_status = EX_USAGE;
    argp_program_version_hook = print_version;
}

int cli_exit_status(txclient_status status)
{
    switch (status) {
    case TXCLIENT_OK:
        return CLI_COMMITTED;
    case TXCLIENT_ABORTED:
        return CLI_ABORTED;
    case TXCLIENT_UNKNOWN:
        return CLI_UNKNOWN;
    case TXCLIENT_EINVAL:
    case TXCLIENT_ELIMIT:
    case TXCLIENT_ESTATE:
        return EX_USAGE;
    case TXCLIENT_ECONFIG:
        return EX_CONFIG;
    case TXCLIENT_EUNREACHABLE:
    case TXCLIENT_ETIMEOUT:
    case TXCLIENT_EREFUSED:
        return EX_UNAVAILABLE;
    case TXCLIENT_EPROTOCOL:
        return EX_PROTOCOL;
    case TXCLIENT_ENOMEM:
    case TXCLIENT_ESYSTEM:
    case TXCLIENT_EBUSY:
        return EX_OSERR;
    }
    return EX_SOFTWARE;
}

void cli_complain(const txclient *client)
{
    (void)fprintf(stderr, "%s: %s\n", program_invocation_short_name, txclient_detail(client)->text);
}

/* --cluster and --coordinator stand for a file; one of them alone does not say where the cluster
 * is. */
static txclient_status open_place(const struct cli_place *place, txclient **client,
                                  txclient_why *why)
{
    if (place->cluster != NULL && place->coordinator != NULL) {
        txclient_options options = {.size = sizeof options, .name = program_invocation_short_name};
        return txclient_open(place->cluster, place->coordinator, &options, client, why);
    }
    if (place->cluster != NULL || place->coordinator != NULL) {
        (void)snprintf(why->text, sizeof why->text, "--cluster and --coordinator go together");
        return TXCLIENT_EINVAL;
    }
    const char *file = place->config != NULL ? place->config : getenv("ASSENT_CONFIG");
    if (file == NULL && access(CLI_CONFIG_DEFAULT, F_OK) != 0) {
        (void)snprintf(why->text, sizeof why->text,
                       "where is the cluster? Give --config FILE, or --cluster NAME and "
                       "--coordinator ADDRESS, or set ASSENT_CONFIG");
        return TXCLIENT_EINVAL;
    }
    return txclient_open_file(file != NULL ? file : CLI_CONFIG_DEFAULT, client, why);
}

int cli_open(const struct cli_place *place, txclient **client)
{
    txclient_why why;
    txclient_status status = open_place(place, client, &why);
    if (status != TXCLIENT_OK) {
        (void)fprintf(stderr, "%s: %s\n", program_invocation_short_name, why.text);
        return cli_exit_status(status);
    }
    return 0;
}
