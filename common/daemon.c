#include "common/daemon.h"

#include "common/assert.h"
#include "common/log.h"
#include "common/notify.h"

#include <argp.h>
#include <stdlib.h>
#include <sysexits.h>

enum { KEY_CONFIG = 'c', KEY_CHECK = 256, KEY_PRINT, KEY_METRICS, KEY_VERSION };

struct arguments {
    const char *program;
    const char *config_file;
    bool check_only;
    bool print_only;
    bool metrics_only;
};

static const struct argp_option options[] = {
    {"config", KEY_CONFIG, "FILE", 0, "The configuration file (required)", 0},
    {"check-config", KEY_CHECK, NULL, 0, "Check the configuration file and leave", 0},
    {"print-config", KEY_PRINT, NULL, 0,
     "Print the configuration with every key, its meaning and its value, and leave", 0},
    {"print-metrics", KEY_METRICS, NULL, 0,
     "Print every metric with its type, labels and meaning, and leave", 0},
    {"version", KEY_VERSION, NULL, 0, "Print the version and leave", 0},
    {NULL, 0, NULL, 0, NULL, 0}};

static const char *config_file;

const char *daemon_config_file(void)
{
    return config_file;
}

const char *daemon_version(void)
{
    return ASSENT_VERSION;
}

static error_t on_option(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case KEY_CONFIG:
        arguments->config_file = text;
        return 0;
    case KEY_CHECK:
        arguments->check_only = true;
        return 0;
    case KEY_PRINT:
        arguments->print_only = true;
        return 0;
    case KEY_METRICS:
        arguments->metrics_only = true;
        return 0;
    case KEY_VERSION:
        (void)printf("%s %s\n", arguments->program, daemon_version());
        exit(EX_OK);
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument \"%s\"", text);
        return 0;
    case ARGP_KEY_END:
        if (arguments->config_file == NULL && !arguments->metrics_only) {
            argp_error(state, "--config FILE is missing");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum tx_error read_config(const struct daemon_program *program, const char *file,
                                 void *config, struct tx_why *why)
{
    struct tx_why detail = {.text = ""};
    enum tx_error error = config_read(file, program->schema, config, why);

    if (error == TX_OK && program->check != NULL) {
        error = program->check(config, &detail);
        if (error != TX_OK) {
            return tx_why(why, error, "%s: %s", file, detail.text);
        }
    }
    return error;
}

bool daemon_begin(const struct daemon_program *program, int argc, char **argv, void *config,
                  int *status)
{
    const struct argp argp = {.options = options, .parser = on_option, .doc = program->description};
    struct arguments arguments = {.program = program->name};
    struct tx_why why = {.text = ""};

    argp_err_exit_status = EX_USAGE;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0) {
        *status = EX_OSERR; /* argp itself leaves on anything that a user did */
        return false;
    }
    if (arguments.metrics_only) {
        program->print_metrics(stdout);
        *status = EX_OK;
        return false;
    }
    TX_ASSERT(arguments.config_file != NULL);
    config_file = arguments.config_file;
    if (read_config(program, arguments.config_file, config, &why) != TX_OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        notify_status("%s", why.text);
        *status = EX_CONFIG;
        return false;
    }
    *status = EX_OK;
    if (arguments.print_only) {
        config_print(program->schema, config, stdout);
    } else if (arguments.check_only) {
        (void)printf("%s: ok\n", arguments.config_file);
    }
    return !arguments.check_only && !arguments.print_only;
}

int daemon_end(enum tx_error error, const struct tx_why *why)
{
    if (error != TX_OK) {
        notify_status("%s", why->text);
        log_line(LOG_ERROR_LEVEL, NULL, why->text, "error=%s", tx_error_name(error));
    }
    return daemon_exit_status(error);
}

int daemon_exit_status(enum tx_error error)
{
    switch (error) {
    case TX_OK:
        return EX_OK;
    case TX_EADDRESS:
    case TX_EINVAL: /* what the configuration names cannot be used, as a file for a directory */
        return EX_CONFIG;
    case TX_EACCESS:
        return EX_NOPERM;
    case TX_EBUSY:
    case TX_EUNREACHABLE:
    case TX_ETIMEOUT:
        return EX_UNAVAILABLE;
    case TX_EIO:
    case TX_EFULL:
        return EX_IOERR;
    case TX_EFORMAT:
    case TX_EVERSION:
    case TX_ECORRUPT:
    case TX_EGAP:
    case TX_ELOST:
    case TX_ECLUSTER:
    case TX_ENODE:
        return EX_DATAERR;
    case TX_ENOMEM:
        return EX_OSERR;
    case TX_ENOTFOUND:
    case TX_EEXIST:
        return EX_CANTCREAT;
    case TX_ELIMIT:
    case TX_ESTATE:
    case TX_ETOKEN:
    case TX_EUNKNOWN:
    case TX_ERRORS_N:
        break;
    }
    return EX_SOFTWARE;
}
