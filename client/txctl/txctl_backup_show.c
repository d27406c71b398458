/* txctl backup list, verify, keep: what is in a repository. They speak to no daemon. */
#include "client/txctl/txctl.h"

#include "client/backup_drive.h"
#include "client/txctl/txctl_backup.h"
#include "common/clock.h"
#include "common/json.h"
#include "txlog/backup/backup_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

int txctl_backup_complain(enum tx_error error, const struct tx_why *why)
{
    (void)fprintf(stderr, "txctl: backup: %s\n", why->text);
    if (error == TX_EINVAL) {
        return EX_USAGE;
    }
    if (error == TX_ENOMEM) {
        return EX_OSERR;
    }
    if (error == TX_ENOTFOUND) {
        return EX_NOINPUT;
    }
    if (error == TX_ECORRUPT || error == TX_EVERSION) {
        return EX_DATAERR;
    }
    if (error == TX_EACCESS) {
        return EX_NOPERM;
    }
    return error == TX_EBUSY ? EX_UNAVAILABLE : EX_IOERR;
}

/* ---- list ---- */

static void list_json(struct json *json, const char *name, const struct backup_manifest *manifest,
                      const char *problem)
{
    json_object_begin(json);
    json_member(json, "backup", name);
    json_member_bool(json, "sound", problem == NULL);
    if (problem != NULL) {
        json_member(json, "text", problem);
    } else {
        json_member(json, "cluster", manifest->cluster);
        json_member_u64(json, "cut", manifest->cut);
        json_member_bool(json, "full", manifest->full);
        json_member_u64(json, "began_ms", manifest->began_ms);
        json_member_u64(json, "ended_ms", manifest->ended_ms);
        json_member_u64(json, "bytes", manifest->bytes);
        json_member_u64(json, "stored", manifest->stored);
        json_member_u64(json, "nodes", manifest->members_n);
    }
    json_object_end(json);
}

static void list_text(const char *name, const struct backup_manifest *manifest, const char *problem)
{
    char bytes[32], stored[32];
    if (problem != NULL) {
        (void)printf("%-24s %s\n", name, problem);
        return;
    }
    (void)printf("%-24s %5zu %8" PRIu64 " %10s %10s  %-4s  %s\n", name, manifest->members_n,
                 manifest->cut, txctl_bytes_print(manifest->bytes, bytes),
                 txctl_bytes_print(manifest->stored, stored), manifest->full ? "full" : "",
                 manifest->cluster);
}

static int list_all(const struct backup_repo *repo, const struct backup_names *names,
                    struct json *json)
{
    int result = 0;
    for (size_t i = 0; i < names->n; i++) {
        struct backup_manifest manifest;
        struct tx_why why;
        enum tx_error error = backup_repo_manifest(repo, names->items[i], &manifest, &why);
        const char *problem = error == TX_OK ? NULL : why.text;
        if (json != NULL) {
            list_json(json, names->items[i], &manifest, problem);
        } else {
            list_text(names->items[i], &manifest, problem);
        }
        if (error != TX_OK) {
            result = EX_DATAERR;
        } else {
            backup_manifest_deinit(&manifest);
        }
    }
    return result;
}

static int list(const struct backup_repo *repo, struct json *json)
{
    struct backup_names names;
    struct tx_why why;
    enum tx_error error = backup_repo_list(repo, &names, &why);
    if (error != TX_OK) {
        return txctl_backup_complain(error, &why);
    }
    if (json != NULL) {
        json_object_begin(json);
        json_member_array_begin(json, "backups");
    } else {
        (void)printf("%-24s %5s %8s %10s %10s  %-4s  %s\n", "backup", "nodes", "cut", "holds",
                     "added", "", "cluster");
    }
    int result = list_all(repo, &names, json);
    if (json != NULL) {
        json_array_end(json);
        json_object_end(json);
        (void)putchar('\n');
    }
    backup_names_deinit(&names);
    return result;
}

int txctl_backup_list(const char *directory, bool as_json)
{
    struct backup_repo repo;
    struct json json;
    struct tx_why why;
    json_init(&json, stdout);
    enum tx_error error = backup_repo_open(&repo, directory, BACKUP_REPO_READ, &why);
    int result =
        error == TX_OK ? list(&repo, as_json ? &json : NULL) : txctl_backup_complain(error, &why);
    backup_repo_close(&repo);
    return result;
}

/* ---- verify ---- */

struct verifying {
    bool terminal;
    uint64_t began_us, shown_us;
};

static void tell_damage(void *arg, const char *text)
{
    const struct verifying *verifying = arg;
    (void)fprintf(stderr, "%stxctl: backup: %s\n", verifying->terminal ? "\r\033[K" : "", text);
}

static void tell_progress(void *arg, uint64_t bytes)
{
    struct verifying *verifying = arg;
    uint64_t now_us = clock_now_us();
    char text[32], rate[32];
    if (!verifying->terminal || now_us < verifying->shown_us + 200000u) {
        return;
    }
    verifying->shown_us = now_us;
    double seconds = (double)(now_us - verifying->began_us) / 1e6;
    (void)fprintf(stderr, "\rchecking: %s, %s/s\033[K", txctl_bytes_print(bytes, text),
                  txctl_bytes_print((uint64_t)((double)bytes / seconds), rate));
}

static void show_check(const struct backup_check *check, size_t backups, uint64_t took_us,
                       bool as_json)
{
    char bytes[32];
    struct json json;
    if (!as_json) {
        (void)printf("%zu backup%s: %" PRIu64 " blobs, %" PRIu64 " read (%s) in %.1f s, %" PRIu64
                     " damaged or missing\n",
                     backups, backups == 1 ? "" : "s", check->blobs, check->read,
                     txctl_bytes_print(check->bytes, bytes), (double)took_us / 1e6, check->damages);
        return;
    }
    json_init(&json, stdout);
    json_object_begin(&json);
    json_member_u64(&json, "backups", backups);
    json_member_u64(&json, "blobs", check->blobs);
    json_member_u64(&json, "read", check->read);
    json_member_u64(&json, "bytes", check->bytes);
    json_member_u64(&json, "damages", check->damages);
    json_object_end(&json);
    (void)putchar('\n');
}

static int verify(const struct backup_repo *repo, const char *name, unsigned sample, bool as_json)
{
    struct backup_names names = {0};
    struct tx_why why;
    struct verifying verifying = {.terminal = isatty(STDERR_FILENO) == 1,
                                  .began_us = clock_now_us()};
    struct backup_check check = {
        .sample = sample, .damage = tell_damage, .progress = tell_progress, .arg = &verifying};
    enum tx_error error = name == NULL ? backup_repo_list(repo, &names, &why)
                                       : backup_check_run(repo, name, &check, &why);
    for (size_t i = 0; error == TX_OK && i < names.n; i++) {
        error = backup_check_run(repo, names.items[i], &check, &why);
    }
    if (verifying.shown_us > 0) {
        (void)fputs("\r\033[K", stderr);
    }
    if (error == TX_OK) {
        show_check(&check, name == NULL ? names.n : 1, clock_now_us() - verifying.began_us,
                   as_json);
    }
    backup_names_deinit(&names);
    if (error != TX_OK) {
        return txctl_backup_complain(error, &why);
    }
    return check.damages > 0 ? EX_DATAERR : 0;
}

int txctl_backup_verify(const char *directory, const char *name, unsigned sample, bool as_json)
{
    struct backup_repo repo;
    struct tx_why why;
    enum tx_error error = backup_repo_open(&repo, directory, BACKUP_REPO_READ, &why);
    int result =
        error == TX_OK ? verify(&repo, name, sample, as_json) : txctl_backup_complain(error, &why);
    backup_repo_close(&repo);
    return result;
}

/* ---- keep ---- */

static void show_kept(size_t kept, size_t removed, const struct backup_sweep *swept, bool as_json)
{
    char bytes[32];
    struct json json;
    if (!as_json) {
        (void)printf("kept %zu, removed %zu backup%s and %" PRIu64 " blobs (%s)\n", kept, removed,
                     removed == 1 ? "" : "s", swept->blobs, txctl_bytes_print(swept->bytes, bytes));
        return;
    }
    json_init(&json, stdout);
    json_object_begin(&json);
    json_member_u64(&json, "kept", kept);
    json_member_u64(&json, "removed", removed);
    json_member_u64(&json, "blobs", swept->blobs);
    json_member_u64(&json, "bytes", swept->bytes);
    json_object_end(&json);
    (void)putchar('\n');
}

static int keep(const struct backup_repo *repo, size_t n, bool as_json)
{
    struct backup_kept kept;
    struct tx_why why;
    enum tx_error error = backup_drive_keep(repo, n, NULL, &kept, &why);
    if (error == TX_OK) {
        show_kept(kept.kept, kept.removed, &kept.swept, as_json);
    }
    return error == TX_OK ? 0 : txctl_backup_complain(error, &why);
}

int txctl_backup_keep(const char *directory, const char *count, bool as_json)
{
    struct backup_repo repo;
    struct tx_why why;
    char *end = NULL;
    errno = 0;
    unsigned long n = strtoul(count, &end, 10);
    if (errno != 0 || *count < '1' || *count > '9' || *end != '\0') {
        (void)fprintf(stderr,
                      "txctl: backup keep: \"%s\" is no number of backups; at least 1 is kept\n",
                      count);
        return EX_USAGE;
    }
    enum tx_error error = backup_repo_open(&repo, directory, BACKUP_REPO_CHANGE, &why);
    int result = error == TX_OK ? keep(&repo, n, as_json) : txctl_backup_complain(error, &why);
    backup_repo_close(&repo);
    return result;
}
