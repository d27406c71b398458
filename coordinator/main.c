/* txcoordinator: the coordinator daemon. */
#include "common/daemon.h"
#include "common/loop.h"
#include "coordinator/coord_shell.h"

#include <inttypes.h>
#include <stdio.h>

static enum tx_error check(const void *arg, struct tx_why *why)
{
    const struct coord_config *config = arg;

    if (config->participants_n == 0)
        return tx_why(why, TX_EFORMAT,
                      "no participant is listed; add a section [participants] with lines "
                      "NAME = ADDRESS");
    if (config->resend_max_ms < config->resend_ms)
        return tx_why(why, TX_EFORMAT,
                      "[timers] resend_max (%" PRIu64 "ms) is below resend (%" PRIu64 "ms)",
                      config->resend_max_ms, config->resend_ms);
    if (config->peer_down_ms <= config->hello_ms)
        return tx_why(why, TX_EFORMAT,
                      "[timers] peer_down (%" PRIu64 "ms) must be above hello (%" PRIu64 "ms)",
                      config->peer_down_ms, config->hello_ms);
    return TX_OK;
}

static const struct daemon_program program = {
    .name = "txcoordinator",
    .description =
        "Coordinates distributed transactions: begins them, collects votes, decides, and "
        "drives every decision home.",
    .schema = &coord_config_schema,
    .check = check,
};

int main(int argc, char **argv)
{
    static struct coord_config config;
    struct coord_shell *shell = NULL;
    struct tx_why why = {""};
    enum tx_error error;
    char node[32];
    int status;

    loop_prepare_process();
    if (!daemon_begin(&program, argc, argv, &config, &status))
        return status;
    snprintf(node, sizeof node, "coordinator-%" PRIu64, config.id);
    log_node_set(node);
    log_level_set(config.log_level);
    error = coord_shell_new(&config, &shell, &why);
    if (error == TX_OK)
        error = coord_shell_run(shell, &why);
    coord_shell_destroy(&shell);
    if (error != TX_OK)
        log_line(LOG_ERROR_LEVEL, NULL, why.text, "error=%s", tx_error_name(error));
    return daemon_exit_status(error);
}
