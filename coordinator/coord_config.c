#include "coordinator/coord_config.h"

#include "common/transport.h"
#include "coordinator/coord_core.h"

#include <assert.h>
#include <stddef.h>

#define AT(field) offsetof(struct coord_config, field)
#define HOUR_MS   (3600u * 1000u)

static_assert(AT(node) == 0, "the shared keys are of a struct that comes first");

static const struct config_key keys[] = {
    {"node", "cluster", CONFIG_TEXT, AT(node.cluster), TX_CLUSTER_MAX + 1, NULL, 0, 0,
     "The cluster's name; nodes of another cluster are refused.", CONFIG_AT_START},
    {"node", "id", CONFIG_U64, AT(id), 0, "1", 1, TX_COORDINATOR_ID_MAX,
     "This coordinator's number, the first part of every transaction id; no two may share it.",
     CONFIG_AT_START},
    {"node", "listen", CONFIG_ADDRESS, AT(node.listen), 0, "tcp://127.0.0.1:7400", 0, 0,
     "Where to listen: tcp://HOST:PORT on a loopback address, or ipc:///PATH.", CONFIG_AT_START},
    {"node", "data", CONFIG_TEXT, AT(node.data), 1024, NULL, 0, 0,
     "The directory of the log; created when it is missing.", CONFIG_AT_START},
    {"node", "commit_mode", CONFIG_COMMIT_MODE, AT(commit_mode), 0, COORD_COMMIT_MODE_NAME, 0, 0,
     "Who decides the commit over several participants, where the client asks for neither: the "
     "coordinator, or the participants among themselves.",
     CONFIG_AT_RELOAD},
    {"timers", "prepare", CONFIG_MS, AT(prepare_ms), 0, "30s", 10, HOUR_MS,
     "How long votes may take before the transaction is aborted; where the members decide, before "
     "those who have not voted are asked to refuse.",
     CONFIG_AT_RELOAD},
    {"timers", "active_idle", CONFIG_MS, AT(active_idle_ms), 0, "10m", 100, 24 * HOUR_MS,
     "A begun transaction that is neither committed nor aborted for so long is aborted.",
     CONFIG_AT_RELOAD},
    {"timers", "resend", CONFIG_MS, AT(resend_ms), 0, "500ms", 10, HOUR_MS,
     "An unacknowledged decision is sent again after this, with growing intervals.",
     CONFIG_AT_RELOAD},
    {"timers", "resend_max", CONFIG_MS, AT(resend_max_ms), 0, "10s", 10, HOUR_MS,
     "The interval between two sendings of a decision grows up to this.", CONFIG_AT_RELOAD},
    {"timers", "hello", CONFIG_MS, AT(hello_ms), 0, "1s", 10, 60000,
     "Every participant is greeted so often.", CONFIG_AT_RELOAD},
    {"timers", "peer_down", CONFIG_MS, AT(peer_down_ms), 0, "3s", 50, HOUR_MS,
     "A participant that has been silent for so long counts as down: its undecided work is "
     "aborted.",
     CONFIG_AT_RELOAD},
    {"timers", "forget", CONFIG_MS, AT(forget_ms), 0, "500ms", 10, 60000,
     "Participants are told so often what they may forget.", CONFIG_AT_RELOAD},
    {"timers", "retention", CONFIG_MS, AT(retention_ms), 0, "10m", 100, 24 * 7 * HOUR_MS,
     "The outcome of a finished transaction can be asked for during this time.", CONFIG_AT_RELOAD},
    {"timers", "lock_timeout", CONFIG_MS, AT(lock_timeout_ms), 0, "0ms", 0, HOUR_MS,
     "Lock timeout of one-shot transactions that name none; 0 leaves it to the participants.",
     CONFIG_AT_RELOAD},
    {"limits", "prepare_tries", CONFIG_U64, AT(prepare_tries), 0, "3", 1, 100,
     "PREPARE is sent so many times within the prepare time.", CONFIG_AT_RELOAD},
    {"limits", "transactions", CONFIG_U64, AT(transactions_max), 0, "10000", 1, 1000000,
     "Transactions open at once; more are refused as busy.", CONFIG_AT_RELOAD},
    {"limits", "retained", CONFIG_U64, AT(retained_max), 0, "100000", 100, 10000000,
     "Outcomes kept at most, whatever the retention.", CONFIG_AT_RELOAD},
    {"storage", "cut_every", CONFIG_MS, AT(cut_every_ms), 0, "0ms", 0, 24 * HOUR_MS,
     "A cut of all nodes is taken so often, as a point to restore to; 0: only when asked for.",
     CONFIG_AT_RELOAD},
    {"backup", "into", CONFIG_TEXT, AT(backup_into), 1024, "", 0, 0,
     "The repository that backups of the whole cluster are taken into by a schedule; empty: there "
     "is none.",
     CONFIG_AT_RELOAD},
    {"backup", "every", CONFIG_MS, AT(backup_every_ms), 0, "24h", 0, 31u * 24 * HOUR_MS,
     "So long after the newest backup in the repository the next one is taken; 0: none is.",
     CONFIG_AT_RELOAD},
    {"backup", "at", CONFIG_TEXT, AT(backup_at), 6, "", 0, 0,
     "HH:MM in UTC: backups are taken at this time of the day, and every backup.every from there "
     "on, which is then a part of 24h or whole days; empty: that time after the newest one.",
     CONFIG_AT_RELOAD},
    {"backup", "keep", CONFIG_U64, AT(backup_keep), 0, "0", 0, 100000,
     "After a backup by the schedule, all but so many of the newest are removed; 0: none is.",
     CONFIG_AT_RELOAD},
};

/* One line of [participants]: name = address. */
static enum tx_error add_participant(void *arg, const char *name, const char *value,
                                     struct tx_why *why)
{
    struct coord_config *config = arg;
    struct tx_member *member = &config->participants[config->participants_n];

    if (config->participants_n == TX_NODES_MAX)
        return tx_why(why, TX_ELIMIT, "more than %u participants", TX_NODES_MAX);
    *member = (struct tx_member){0};
    if (tx_name_set(&member->name, tx_bytes_str(name)) != TX_OK)
        return tx_why(why, TX_EFORMAT,
                      "'%s' is no participant's name: 1 to %u letters, digits, '-', '_', '.'", name,
                      TX_NAME_MAX);
    if (tx_address_set(&member->address, tx_bytes_str(value)) != TX_OK)
        return tx_why(why, TX_EADDRESS, "the address of %s is longer than %u characters", name,
                      TX_ADDRESS_MAX);
    for (size_t i = 0; i < config->participants_n; i++)
        if (tx_name_equal(&config->participants[i].name, &member->name))
            return tx_why(why, TX_EEXIST, "participant %s is listed twice", name);
    config->participants_n++;
    return transport_address_check(value, why);
}

static void print_participants(const void *arg, FILE *file)
{
    const struct coord_config *config = arg;

    for (size_t i = 0; i < config->participants_n; i++)
        fprintf(file, "%s = %s\n", config->participants[i].name.s,
                config->participants[i].address.s);
}

const struct config_schema coord_config_schema = {
    .keys = keys,
    .keys_n = sizeof keys / sizeof keys[0],
    .shared = node_config_keys,
    .shared_n = NODE_CONFIG_KEYS_N,
    .free_section = "participants",
    .free_key = add_participant,
    .check_address = transport_listen_check, /* listen is the only one */
    .free_print = print_participants,
};
