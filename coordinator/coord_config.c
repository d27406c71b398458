#include "coordinator/coord_config.h"

#include "common/transport.h"
#include "coordinator/coord_core.h"

#include <stddef.h>

#define AT(field) offsetof(struct coord_config, field)
#define HOUR_MS   (3600u * 1000u)

static const struct config_key keys[] = {
    {"node", "cluster", CONFIG_TEXT, AT(cluster), TX_CLUSTER_MAX + 1, NULL, 0, 0,
     "The cluster's name; nodes of another cluster are refused."},
    {"node", "id", CONFIG_U64, AT(id), 0, "1", 1, TX_COORDINATOR_ID_MAX,
     "This coordinator's number, the first part of every transaction id; no two may share it."},
    {"node", "listen", CONFIG_ADDRESS, AT(listen), 0, "tcp://127.0.0.1:7400", 0, 0,
     "Where to listen: tcp://HOST:PORT on a loopback address, or ipc:///PATH."},
    {"node", "data", CONFIG_TEXT, AT(data), 1024, NULL, 0, 0,
     "The directory of the log; created when it is missing."},
    {"node", "commit_mode", CONFIG_COMMIT_MODE, AT(commit_mode), 0, COORD_COMMIT_MODE_NAME, 0, 0,
     "Who decides the commit over several participants, where the client asks for neither: the "
     "coordinator, or the participants among themselves."},
    {"timers", "prepare", CONFIG_MS, AT(prepare_ms), 0, "30s", 10, HOUR_MS,
     "How long votes may take before the transaction is aborted; where the members decide, before "
     "those who have not voted are asked to refuse."},
    {"timers", "active_idle", CONFIG_MS, AT(active_idle_ms), 0, "10m", 100, 24 * HOUR_MS,
     "A begun transaction that is neither committed nor aborted for so long is aborted."},
    {"timers", "resend", CONFIG_MS, AT(resend_ms), 0, "500ms", 10, HOUR_MS,
     "An unacknowledged decision is sent again after this, with growing intervals."},
    {"timers", "resend_max", CONFIG_MS, AT(resend_max_ms), 0, "10s", 10, HOUR_MS,
     "The interval between two sendings of a decision grows up to this."},
    {"timers", "hello", CONFIG_MS, AT(hello_ms), 0, "1s", 10, 60000,
     "Every participant is greeted so often."},
    {"timers", "peer_down", CONFIG_MS, AT(peer_down_ms), 0, "3s", 50, HOUR_MS,
     "A participant that has been silent for so long counts as down: its undecided work is "
     "aborted."},
    {"timers", "forget", CONFIG_MS, AT(forget_ms), 0, "500ms", 10, 60000,
     "Participants are told so often what they may forget."},
    {"timers", "retention", CONFIG_MS, AT(retention_ms), 0, "10m", 100, 24 * 7 * HOUR_MS,
     "The outcome of a finished transaction can be asked for during this time."},
    {"timers", "lock_timeout", CONFIG_MS, AT(lock_timeout_ms), 0, "0ms", 0, HOUR_MS,
     "Lock timeout of one-shot transactions that name none; 0 leaves it to the participants."},
    {"timers", "drain", CONFIG_MS, AT(drain_ms), 0, "10s", 0, HOUR_MS,
     "After SIGTERM, open transactions have so long to finish."},
    {"limits", "prepare_tries", CONFIG_U64, AT(prepare_tries), 0, "3", 1, 100,
     "PREPARE is sent so many times within the prepare time."},
    {"limits", "transactions", CONFIG_U64, AT(transactions_max), 0, "10000", 1, 1000000,
     "Transactions open at once; more are refused as busy."},
    {"limits", "retained", CONFIG_U64, AT(retained_max), 0, "100000", 100, 10000000,
     "Outcomes kept at most, whatever the retention."},
    {"limits", "message", CONFIG_BYTES, AT(message_max), 0, "1M", 65536, 64u << 20,
     "Bytes of a frame; larger ones are dropped."},
    {"storage", "snapshot_records", CONFIG_U64, AT(snapshot_records), 0, "100000", 100, 100000000,
     "After so many log records the live state is restated, so that older ones can go."},
    {"storage", "retain_records", CONFIG_U64, AT(retain_records), 0, "100000", 0, 1000000000,
     "Log records kept behind the last snapshot, for txrecover to explain."},
    {"storage", "disk_reserve", CONFIG_BYTES, AT(disk_reserve), 0, "64M", 0, 1ull << 40,
     "With less free space than this, new transactions are refused and open ones finished."},
    {"storage", "lazy", CONFIG_MS, AT(lazy_ms), 0, "10ms", 1, 1000,
     "A record that nobody waits for is written with the next one, or after this."},
    {"storage", "group_wait_us", CONFIG_U64, AT(group_wait_us), 0, "0", 0, 100000,
     "Microseconds that a record which is waited for may wait for others to share its sync."},
    {"log", "level", CONFIG_LEVEL, AT(log_level), 0, "info", 0, 0,
     "The least level that is logged: debug, info, warn or error."},
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
    .free_section = "participants",
    .free_key = add_participant,
    .check_address = transport_address_check,
    .free_print = print_participants,
};
