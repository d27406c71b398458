/* txcoordinator: the coordinator daemon. */
#include "common/daemon.h"
#include "common/loop.h"
#include "coordinator/coord_backup.h"
#include "coordinator/coord_metrics.h"
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
    if (node_config_archives(&config->node) && config->cut_every_ms == 0)
        return tx_why(
            why, TX_EFORMAT,
            "[archive] directory is set, and [storage] cut_every is 0: without cuts there "
            "is no point to restore to; set cut_every, for example to 10s");
    enum tx_error error = coord_backup_check(config, why);

    return error == TX_OK ? node_config_check(&config->node, why) : error;
}

static const struct daemon_program program = {
    .name = "txcoordinator",
    .description =
        "Coordinates distributed transactions: begins them, collects votes, decides, and "
        "drives every decision home.",
    .schema = &coord_config_schema,
    .check = check,
    .config_size = sizeof(struct coord_config),
    .print_metrics = coord_metrics_print,
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
    log_level_set(config.node.log_level);
    config.node.file = daemon_config_file();
    config.node.program = &program;
    error = coord_shell_new(&config, &shell, &why);
    if (error == TX_OK)
        error = coord_shell_run(shell, &why);
    coord_shell_destroy(&shell);
    return daemon_end(error, &why);
}
