#include "common/daemon/node_config.h"

#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct node_config, field)
#define HOUR_MS   (3600u * 1000u)

const struct config_key node_config_keys[NODE_CONFIG_KEYS_N] = {
    {"timers", "drain", CONFIG_MS, AT(drain_ms), 0, "10s", 0, HOUR_MS,
     "After SIGTERM, open transactions have so long to finish.", CONFIG_AT_RELOAD},
    {"limits", "message", CONFIG_BYTES, AT(message_max), 0, "1M", 65536, 64u << 20,
     "Bytes of a frame; larger ones are dropped.", CONFIG_AT_START},
    {"storage", "snapshot_records", CONFIG_U64, AT(snapshot_records), 0, "100000", 100, 100000000,
     "After so many log records the live state is restated, so that older ones can go.",
     CONFIG_AT_RELOAD},
    {"storage", "retain_records", CONFIG_U64, AT(retain_records), 0, "100000", 0, 1000000000,
     "Log records kept behind the last snapshot, as evidence for txrecover.", CONFIG_AT_RELOAD},
    {"storage", "disk_reserve", CONFIG_BYTES, AT(disk_reserve), 0, "64M", 0, 1ull << 50,
     "With less free space than this, new transactions are refused and open ones finished.",
     CONFIG_AT_RELOAD},
    {"storage", "lazy", CONFIG_MS, AT(lazy_ms), 0, "10ms", 1, 1000,
     "A record that nobody waits for is written with the next one, or after this.",
     CONFIG_AT_START},
    {"storage", "group_wait_us", CONFIG_U64, AT(group_wait_us), 0, "0", 0, 100000,
     "Microseconds that a record which is waited for may wait for others to share its sync.",
     CONFIG_AT_START},
    {"backup", "rate", CONFIG_BYTES, AT(backup_rate), 0, "16M", 0, 1ull << 40,
     "A backup reads so many bytes a second at most; 0: as fast as it goes.", CONFIG_AT_RELOAD},
    {"archive", "directory", CONFIG_TEXT, AT(archive_directory), 1024, "none", 0, 0,
     "Where the log is archived, for points in time later than a backup: an absolute path outside "
     "the data, which nodes may share; none: nowhere.",
     CONFIG_AT_START},
    {"archive", "limit", CONFIG_BYTES, AT(archive_limit), 0, "10G", 0, 1ull << 50,
     "Bytes of this node's archive, compressed; beyond them the oldest goes; 0: all is kept.",
     CONFIG_AT_RELOAD},
    {"archive", "segment", CONFIG_BYTES, AT(archive_segment), 0, "16M", 4096, 1ull << 30,
     "After so many bytes of records a segment is written.", CONFIG_AT_RELOAD},
    {"archive", "every", CONFIG_MS, AT(archive_every_ms), 0, "1m", 100, 24 * HOUR_MS,
     "A record is archived after this at the latest: what may be lost with the node.",
     CONFIG_AT_RELOAD},
    {"archive", "lag", CONFIG_BYTES, AT(archive_lag), 0, "1G", 0, 1ull << 40,
     "So many bytes of records are kept in the log for an archive that cannot be written; beyond "
     "them, or at storage.disk_reserve, the archive gets a gap.",
     CONFIG_AT_RELOAD},
    {"audit", "file", CONFIG_TEXT, AT(audit_file), 1024, "audit.jsonl", 0, 0,
     "Who did what to this daemon, as JSON lines; a relative path starts in the directory of the "
     "data; none: nothing is kept.",
     CONFIG_AT_START},
    {"log", "level", CONFIG_LEVEL, AT(log_level), 0, "info", 0, 0,
     "The least level that is logged: debug, info, warn or error.", CONFIG_AT_RELOAD},
    {"http", "listen", CONFIG_TEXT, AT(http_listen), HTTP_LISTEN_MAX + 1, "auto", 0, 0,
     "Where metrics, health and a page are served: HOST:PORT on a loopback address, off, or auto: "
     "the port of node.listen plus 100, off when that is ipc.",
     CONFIG_AT_START},
};

/* As much of a path as exists, without links and dots; the rest of it as it stands. False: nothing
 * of it can be told. */
static bool resolve(const char *path, char out[PATH_MAX])
{
    char head[PATH_MAX], real[PATH_MAX];
    size_t len = strlen(path);

    if (len >= sizeof head)
        return false;
    memcpy(head, path, len + 1);
    for (;;) {
        if (realpath(head[0] != '\0' ? head : "/", real) != NULL) {
            const char *rest = path + strlen(head);
            int n = snprintf(out, PATH_MAX, "%s%s", strcmp(real, "/") == 0 ? "" : real, rest);

            return n >= 0 && n < PATH_MAX;
        }
        char *slash = strrchr(head, '/');
        if (slash == NULL)
            return false;
        *slash = '\0';
    }
}

/* Is `path` the directory, or below it? */
static bool lies_in(const char *path, const char *directory)
{
    char inner[PATH_MAX], outer[PATH_MAX];
    size_t len;

    if (!resolve(path, inner) || !resolve(directory, outer))
        return strcmp(path, directory) == 0;
    len = strlen(outer);
    while (len > 0 && outer[len - 1] == '/')
        len--;
    return strncmp(inner, outer, len) == 0 && (inner[len] == '/' || inner[len] == '\0');
}

bool node_config_archives(const struct node_config *config)
{
    return strcmp(config->archive_directory, "none") != 0;
}

static enum tx_error check_archive(const struct node_config *config, struct tx_why *why)
{
    const char *directory = config->archive_directory;

    if (!node_config_archives(config))
        return TX_OK;
    if (directory[0] != '/')
        return tx_why(
            why, TX_EFORMAT,
            "[archive] directory (%s) is no absolute path; begin it with '/', or say none",
            directory);
    if (lies_in(directory, config->data))
        return tx_why(why, TX_EFORMAT,
                      "[archive] directory (%s) lies in the data directory (%s), and would be lost "
                      "with it; name one elsewhere, best on another disk",
                      directory, config->data);
    if (config->archive_lag < config->archive_segment)
        return tx_why(why, TX_EFORMAT,
                      "[archive] lag (%" PRIu64 " bytes) is below segment (%" PRIu64
                      " bytes): the log must be kept until a segment is written",
                      config->archive_lag, config->archive_segment);
    return TX_OK;
}

enum tx_error node_config_check(const struct node_config *config, struct tx_why *why)
{
    struct http_address at;
    enum tx_error error = http_address_parse(config->http_listen, config->listen.s, &at, why);

    return error == TX_OK ? check_archive(config, why) : error;
}
