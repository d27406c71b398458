#include "participant/part_config.h"

#include "common/transport.h"

#include <stddef.h>

#define AT(field) offsetof(struct part_config, field)
#define HOUR_MS   (3600u * 1000u)

static const struct config_key keys[] = {
    {"node", "cluster", CONFIG_TEXT, AT(cluster), TX_CLUSTER_MAX + 1, NULL, 0, 0,
     "The cluster's name; nodes of another cluster are refused."},
    {"node", "name", CONFIG_NAME, AT(name), 0, NULL, 0, 0,
     "This participant's name, as the coordinators list it and addresses begin with."},
    {"node", "listen", CONFIG_ADDRESS, AT(listen), 0, "tcp://127.0.0.1:7410", 0, 0,
     "Where to listen: tcp://HOST:PORT on a loopback address, or ipc:///PATH."},
    {"node", "data", CONFIG_TEXT, AT(data), 1024, NULL, 0, 0,
     "The directory of the log and the data; created when it is missing."},
    {"timers", "idle", CONFIG_MS, AT(idle_ms), 0, "30s", 100, 24 * HOUR_MS,
     "A transaction without a word from its client for so long is undone; it has promised "
     "nothing."},
    {"timers", "lock_timeout", CONFIG_MS, AT(lock_timeout_ms), 0, "10s", 10, HOUR_MS,
     "The longest wait for a lock when the transaction names none: a backstop, deadlocks cannot "
     "form."},
    {"timers", "inquiry", CONFIG_MS, AT(inquiry_ms), 0, "2s", 10, HOUR_MS,
     "A transaction in doubt for so long asks for its outcome."},
    {"timers", "inquiry_max", CONFIG_MS, AT(inquiry_max_ms), 0, "10s", 10, HOUR_MS,
     "The interval between inquiries grows up to this."},
    {"timers", "drain", CONFIG_MS, AT(drain_ms), 0, "10s", 0, HOUR_MS,
     "After SIGTERM, open transactions have so long to finish."},
    {"locks", "policy", CONFIG_POLICY, AT(lock_policy), 0, "wound-wait", 0, 0,
     "When a lock is not free: wound-wait (the older wounds the younger), wait-die (the younger "
     "aborts), or no-wait (whoever comes second aborts)."},
    {"locks", "escalation", CONFIG_U64, AT(escalate_at), 0, "1000", 0, 100000000,
     "At so many keys of one transaction in one keyspace the whole keyspace is locked instead, if "
     "it is free; 0: never."},
    {"limits", "transactions", CONFIG_U64, AT(transactions_max), 0, "10000", 1, 1000000,
     "Transactions open at once; more are refused as busy."},
    {"limits", "locks", CONFIG_U64, AT(locks_max), 0, "1000000", 100, 100000000,
     "Locks held and waited for at once; more are refused."},
    {"limits", "tombstones", CONFIG_U64, AT(tombstones_max), 0, "100000", 100, 10000000,
     "Refused transactions remembered until their coordinator has forgotten them."},
    {"limits", "message", CONFIG_BYTES, AT(message_max), 0, "1M", 65536, 64u << 20,
     "Bytes of a frame; larger ones are dropped."},
    {"storage", "snapshot_records", CONFIG_U64, AT(snapshot_records), 0, "100000", 100, 100000000,
     "After so many log records the live state is restated, so that older ones can go."},
    {"storage", "retain_records", CONFIG_U64, AT(retain_records), 0, "100000", 0, 1000000000,
     "Log records kept behind the last snapshot, for txrecover to explain and replay."},
    {"storage", "disk_reserve", CONFIG_BYTES, AT(disk_reserve), 0, "64M", 0, 1ull << 40,
     "With less free space than this, new transactions are refused and open ones finished."},
    {"storage", "cache", CONFIG_BYTES, AT(cache_bytes), 0, "32M", 0, 1ull << 40,
     "Memory for values that were read or written lately; RocksDB has 64 MiB for blocks of its "
     "own."},
    {"storage", "lazy", CONFIG_MS, AT(lazy_ms), 0, "10ms", 1, 1000,
     "A record that nobody waits for is written with the next one, or after this."},
    {"storage", "group_wait_us", CONFIG_U64, AT(group_wait_us), 0, "0", 0, 100000,
     "Microseconds that a record which is waited for may wait for others to share its sync."},
    {"log", "level", CONFIG_LEVEL, AT(log_level), 0, "info", 0, 0,
     "The least level that is logged: debug, info, warn or error."},
};

const struct config_schema part_config_schema = {
    .keys = keys,
    .keys_n = sizeof keys / sizeof keys[0],
    .check_address = transport_address_check,
};
