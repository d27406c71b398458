/* txparticipant: the participant daemon. */
#include "common/daemon.h"
#include "common/loop.h"
#include "participant/part_metrics.h"
#include "participant/part_shell.h"

#include <inttypes.h>

static enum tx_error check(const void *arg, struct tx_why *why)
{
    const struct part_config *config = arg;

    if (config->inquiry_max_ms < config->inquiry_ms)
        return tx_why(why, TX_EFORMAT,
                      "[timers] inquiry_max (%" PRIu64 "ms) is below inquiry (%" PRIu64 "ms)",
                      config->inquiry_max_ms, config->inquiry_ms);
    return node_config_check(&config->node, why);
}

static const struct daemon_program program = {
    .name = "txparticipant",
    .description =
        "Keeps data and takes part in distributed transactions: executes operations under "
        "locks, votes, and commits or undoes what the coordinator decides.",
    .schema = &part_config_schema,
    .check = check,
    .config_size = sizeof(struct part_config),
    .print_metrics = part_metrics_print,
};

int main(int argc, char **argv)
{
    static struct part_config config;
    struct part_shell *shell = NULL;
    struct tx_why why = {""};
    enum tx_error error;
    int status;

    loop_prepare_process();
    if (!daemon_begin(&program, argc, argv, &config, &status))
        return status;
    log_node_set(config.name.s);
    log_level_set(config.node.log_level);
    config.node.file = daemon_config_file();
    config.node.program = &program;
    error = part_shell_new(&config, &shell, &why);
    if (error == TX_OK)
        error = part_shell_run(shell, &why);
    part_shell_destroy(&shell);
    return daemon_end(error, &why);
}
