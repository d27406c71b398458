#include "participant/part_config.h"

#include "common/transport.h"

#include <assert.h>
#include <stddef.h>

#define AT(field) offsetof(struct part_config, field)
#define HOUR_MS   (3600u * 1000u)

static_assert(AT(node) == 0, "the shared keys are of a struct that comes first");

static const struct config_key keys[] = {
    {"node", "cluster", CONFIG_TEXT, AT(node.cluster), TX_CLUSTER_MAX + 1, NULL, 0, 0,
     "The cluster's name; nodes of another cluster are refused.", CONFIG_AT_START},
    {"node", "name", CONFIG_NAME, AT(name), 0, NULL, 0, 0,
     "This participant's name, as the coordinators list it and addresses begin with.",
     CONFIG_AT_START},
    {"node", "listen", CONFIG_ADDRESS, AT(node.listen), 0, "tcp://127.0.0.1:7410", 0, 0,
     "Where to listen: tcp://HOST:PORT on a loopback address, or ipc:///PATH.", CONFIG_AT_START},
    {"node", "data", CONFIG_TEXT, AT(node.data), 1024, NULL, 0, 0,
     "The directory of the log and the data; created when it is missing.", CONFIG_AT_START},
    {"timers", "idle", CONFIG_MS, AT(idle_ms), 0, "30s", 100, 24 * HOUR_MS,
     "A transaction without a word from its client for so long is undone; it has promised "
     "nothing.",
     CONFIG_AT_RELOAD},
    {"timers", "lock_timeout", CONFIG_MS, AT(lock_timeout_ms), 0, "10s", 10, HOUR_MS,
     "The longest wait for a lock when the transaction names none: a backstop, deadlocks cannot "
     "form.",
     CONFIG_AT_RELOAD},
    {"timers", "inquiry", CONFIG_MS, AT(inquiry_ms), 0, "2s", 10, HOUR_MS,
     "A transaction in doubt for so long asks for its outcome.", CONFIG_AT_RELOAD},
    {"timers", "inquiry_max", CONFIG_MS, AT(inquiry_max_ms), 0, "10s", 10, HOUR_MS,
     "The interval between inquiries grows up to this.", CONFIG_AT_RELOAD},
    {"locks", "policy", CONFIG_POLICY, AT(lock_policy), 0, "wound-wait", 0, 0,
     "When a lock is not free: wound-wait (the older wounds the younger), wait-die (the younger "
     "aborts), or no-wait (whoever comes second aborts).",
     CONFIG_AT_START},
    {"locks", "escalation", CONFIG_U64, AT(escalate_at), 0, "1000", 0, 100000000,
     "At so many keys of one transaction in one keyspace the whole keyspace is locked instead, if "
     "it is free; 0: never.",
     CONFIG_AT_START},
    {"limits", "transactions", CONFIG_U64, AT(transactions_max), 0, "10000", 1, 1000000,
     "Transactions open at once; more are refused as busy.", CONFIG_AT_RELOAD},
    {"limits", "locks", CONFIG_U64, AT(locks_max), 0, "1000000", 100, 100000000,
     "Locks held and waited for at once; more are refused.", CONFIG_AT_START},
    {"limits", "tombstones", CONFIG_U64, AT(tombstones_max), 0, "100000", 100, 10000000,
     "Refused transactions remembered until their coordinator has forgotten them.",
     CONFIG_AT_START},
    {"storage", "cache", CONFIG_BYTES, AT(cache_bytes), 0, "32M", 0, 1ull << 40,
     "Memory for values that were read or written lately; RocksDB has 64 MiB for blocks of its "
     "own.",
     CONFIG_AT_START},
};

const struct config_schema part_config_schema = {
    .keys = keys,
    .keys_n = sizeof keys / sizeof keys[0],
    .shared = node_config_keys,
    .shared_n = NODE_CONFIG_KEYS_N,
    .check_address = transport_listen_check, /* listen is the only one */
};
