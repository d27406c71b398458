/* txctl backup: the whole cluster into a repository, while it runs. */
#include "client/txctl/txctl_backup.h"

#include "client/backup_drive.h"
#include "client/cli.h"
#include "client/txctl/txctl.h"
#include "common/clock.h"
#include "common/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define SHOW_US UINT64_C(200000)

/* ---- how far it is ---- */

struct watching {
    bool terminal;
    uint64_t began_us, shown_us;
};

const char *txctl_bytes_print(uint64_t bytes, char out[32])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(out, 32, unit > 0 && value < 99.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

static void watch(void *arg, const char *doing, uint64_t done, uint64_t bytes)
{
    struct watching *watching = arg;
    char done_text[32], bytes_text[32], rate_text[32];
    uint64_t now_us = clock_now_us();
    if (!watching->terminal) {
        return;
    }
    if (doing == NULL) {
        (void)fputs("\r\033[K", stderr);
        return;
    }
    if (now_us < watching->shown_us + SHOW_US) {
        return;
    }
    watching->shown_us = now_us;
    uint64_t us = now_us - watching->began_us;
    uint64_t rate = us > 0 ? (uint64_t)((double)done * 1e6 / (double)us) : 0;
    (void)fprintf(stderr, "\r%s: %s of %s, %s/s\033[K", doing, txctl_bytes_print(done, done_text),
                  txctl_bytes_print(bytes, bytes_text), txctl_bytes_print(rate, rate_text));
}

/* ---- the result ---- */

static void show(const struct backup_repo *repo, const struct backup_manifest *manifest,
                 bool as_json)
{
    char bytes[32], stored[32];
    uint64_t ms = manifest->ended_ms - manifest->began_ms;
    struct json json;
    if (!as_json) {
        (void)printf("backup %s: %zu nodes, cut %" PRIu64 ", %s in %" PRIu64 ".%03" PRIu64
                     " s, %s added to %s\n",
                     manifest->name, manifest->members_n, manifest->cut,
                     txctl_bytes_print(manifest->bytes, bytes), ms / 1000, ms % 1000,
                     txctl_bytes_print(manifest->stored, stored), repo->path);
        return;
    }
    json_init(&json, stdout);
    json_object_begin(&json);
    json_member(&json, "backup", manifest->name);
    json_member(&json, "directory", repo->path);
    json_member_u64(&json, "cut", manifest->cut);
    json_member_u64(&json, "bytes", manifest->bytes);
    json_member_u64(&json, "stored", manifest->stored);
    json_member_u64(&json, "ms", ms);
    json_member_array_begin(&json, "nodes");
    for (size_t i = 0; i < manifest->members_n; i++) {
        json_object_begin(&json);
        json_member(&json, "node", manifest->members[i].node);
        json_member_u64(&json, "bytes", manifest->members[i].bytes);
        json_member_u64(&json, "stored", manifest->members[i].stored);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    (void)putchar('\n');
}

/* ---- the command ---- */

static int complain(const struct backup_drive_trouble *trouble)
{
    struct tx_why why;
    (void)tx_why(&why, trouble->error, "%s", trouble->text);
    int result = txctl_backup_complain(trouble->error, &why);
    return trouble->status != TXCLIENT_OK ? cli_exit_status(trouble->status) : result;
}

int txctl_backup(txclient *client, const struct txctl_backup_options *options, bool json)
{
    struct watching watching = {.terminal = isatty(STDERR_FILENO) == 1, .began_us = clock_now_us()};
    struct backup_repo repo;
    struct backup_drive drive = {.client = client,
                                 .repo = &repo,
                                 .full = options->full,
                                 .patience_ms = options->patience_ms,
                                 .progress = watch,
                                 .arg = &watching};
    struct tx_why why;
    int result = 0;
    enum tx_error error = backup_repo_open(&repo, options->into, BACKUP_REPO_CREATE, &why);
    if (error != TX_OK) {
        result = txctl_backup_complain(error, &why);
    } else if (backup_drive_run(&drive)) {
        show(&repo, &drive.manifest, json);
    } else {
        result = complain(&drive.trouble);
    }
    backup_drive_deinit(&drive);
    backup_repo_close(&repo);
    return result;
}
