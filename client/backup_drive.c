#include "client/backup_drive.h"

#include "client/backup_find.h"
#include "client/cut_take.h"
#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS    50u
#define ABANDON_US UINT64_C(2000000)
#define ENDING_US  UINT64_C(3000000)

/* ---- asking ---- */

static bool stopped(const struct backup_drive *drive)
{
    return drive->stopped != NULL && drive->stopped(drive->arg);
}

static void pause_a_moment(void)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    (void)nanosleep(&pause, NULL);
}

/* Is it worth asking once more, after a moment? */
static bool again(const struct backup_drive *drive, txclient_status status, uint64_t until_us)
{
    if ((status != TXCLIENT_ETIMEOUT && status != TXCLIENT_EUNREACHABLE) ||
        clock_now_us() >= until_us || stopped(drive)) {
        return false;
    }
    pause_a_moment();
    return true;
}

static uint64_t until(const struct backup_drive *drive)
{
    return clock_now_us() + drive->answer_ms * UINT64_C(1000);
}

static txclient_status ask(struct backup_drive *drive, size_t i, txclient_backup_order *order)
{
    const uint64_t until_us = until(drive);
    struct backup_drive_target *target = &drive->targets[i];
    txclient_status status;
    order->size = sizeof *order;
    order->name = drive->manifest.name;
    do {
        status = txclient_backup_ask(drive->client, target->address, order, &target->progress);
    } while (again(drive, status, until_us));
    return status;
}

static bool check(struct backup_drive *drive, size_t i, txclient_status status)
{
    return status == TXCLIENT_OK ||
           backup_drive_blame(drive, drive->targets[i].name, drive->targets[i].address, status);
}

/* ---- the steps ---- */

static bool begin(struct backup_drive *drive)
{
    bool going = true;
    for (size_t i = 0; going && i < drive->targets_n; i++) {
        txclient_backup_order order = {.step = TXCLIENT_BACKUP_BEGIN,
                                       .directory = drive->repo->path,
                                       .full = drive->full,
                                       .patience_ms = drive->patience_ms};
        going = check(drive, i, ask(drive, i, &order));
    }
    return going;
}

/* Looks at all of them once. *all: each is in that state. */
static bool look(struct backup_drive *drive, const char *state, bool *all)
{
    *all = true;
    for (size_t i = 0; i < drive->targets_n; i++) {
        txclient_backup_order order = {.step = TXCLIENT_BACKUP_LOOK};
        if (!check(drive, i, ask(drive, i, &order))) {
            return false;
        }
        const txclient_backup_progress *progress = &drive->targets[i].progress;
        if (strcmp(progress->state, "failed") == 0) {
            return backup_drive_fail(drive, TX_EIO, "%s", progress->text);
        }
        if (strcmp(progress->state, "none") == 0) {
            return backup_drive_fail(drive, TX_EBUSY, "%s was started again meanwhile",
                                     drive->targets[i].name);
        }
        *all = *all && strcmp(progress->state, state) == 0;
    }
    return true;
}

static void show(const struct backup_drive *drive, const char *doing)
{
    uint64_t done = 0, bytes = 0;
    if (drive->progress == NULL) {
        return;
    }
    for (size_t i = 0; i < drive->targets_n; i++) {
        done += drive->targets[i].progress.done;
        bytes += drive->targets[i].progress.bytes;
    }
    drive->progress(drive->arg, doing, done, bytes);
}

/* A daemon has no reason to stop at a state but the last: looking again is what keeps it going. */
static bool await(struct backup_drive *drive, const char *state, const char *doing)
{
    bool all = false;
    bool going = look(drive, state, &all);
    while (going && !all) {
        if (stopped(drive)) {
            going = backup_drive_withdraw(drive, "it was told to stop");
            break;
        }
        show(drive, doing);
        pause_a_moment();
        going = look(drive, state, &all);
    }
    show(drive, NULL);
    return going;
}

/* Behind every checkpoint. */
static bool take_cut(struct backup_drive *drive)
{
    const uint64_t until_us = until(drive);
    const char **addresses = calloc(drive->targets_n, sizeof *addresses);
    txclient_status status;
    txclient_cut cut = {0};
    if (addresses == NULL) {
        return backup_drive_fail(drive, TX_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < drive->targets_n; i++) {
        addresses[i] = drive->targets[i].address;
    }
    do {
        status = cut_take(drive->client, addresses, drive->targets_n, &cut);
    } while (again(drive, status, until_us));
    free(addresses);
    drive->manifest.cut = cut.number;
    return status == TXCLIENT_OK || backup_drive_blame(drive, "the coordinator", NULL, status);
}

static bool finish(struct backup_drive *drive)
{
    for (size_t i = 0; i < drive->targets_n; i++) {
        const uint64_t until_us = until(drive);
        txclient_status status;
        txclient_cut cut;
        do {
            status = txclient_cut_ask(drive->client, drive->targets[i].address, drive->manifest.cut,
                                      0, &cut);
        } while (again(drive, status, until_us));
        txclient_backup_order order = {
            .step = TXCLIENT_BACKUP_FINISH, .cut = drive->manifest.cut, .lsn = cut.lsn};
        if (status == TXCLIENT_OK) {
            status = ask(drive, i, &order);
        }
        if (!check(drive, i, status)) {
            return false;
        }
    }
    return true;
}

/* True: it answers, and has not ended its part yet. */
static bool is_ending(struct backup_drive *drive, struct backup_drive_target *target)
{
    txclient_backup_order order = {
        .size = sizeof order, .step = TXCLIENT_BACKUP_ABANDON, .name = drive->manifest.name};
    const char *state = target->progress.state;
    if (txclient_backup_ask(drive->client, target->address, &order, &target->progress) !=
        TXCLIENT_OK) {
        return false;
    }
    return strcmp(state, "failed") != 0 && strcmp(state, "none") != 0 && strcmp(state, "done") != 0;
}

/* Whom it does not reach gives up when it hears nothing for long enough. Whoever has it under way
 * would refuse the next one, so their ends are waited for. */
static void abandon(struct backup_drive *drive)
{
    const uint64_t tell_us = clock_now_us() + ABANDON_US, until_us = tell_us + ENDING_US;
    bool ending = false;
    for (size_t i = 0; i < drive->targets_n && (!stopped(drive) || clock_now_us() < tell_us); i++) {
        ending = is_ending(drive, &drive->targets[i]) || ending;
    }
    while (ending && clock_now_us() < until_us) {
        pause_a_moment();
        ending = false;
        for (size_t i = 0; i < drive->targets_n && !ending; i++) {
            ending = is_ending(drive, &drive->targets[i]);
        }
    }
}

static bool drive_daemons(struct backup_drive *drive)
{
    const bool done = begin(drive) && await(drive, "copied", "copying") && take_cut(drive) &&
                      finish(drive) && await(drive, "done", "finishing");
    if (!done) {
        abandon(drive);
    }
    return done;
}

/* ---- the repository ---- */

/* Two clusters in one repository would remove one another's backups. */
static enum tx_error check_cluster(const struct backup_drive *drive, struct tx_why *why)
{
    struct backup_manifest newest;
    struct tx_why left;
    enum tx_error error = backup_repo_manifest(drive->repo, NULL, &newest, &left);
    if (error != TX_OK) {
        return TX_OK; /* there is none, or none that says anything */
    }
    if (strcmp(newest.cluster, drive->manifest.cluster) != 0) {
        error = tx_why(why, TX_EINVAL,
                       "%.300s: holds backups of the cluster %s, and this is %s; give each cluster "
                       "a directory of its own",
                       drive->repo->path, newest.cluster, drive->manifest.cluster);
    }
    backup_manifest_deinit(&newest);
    return error;
}

static enum tx_error take_parts(struct backup_drive *drive, struct tx_why *why)
{
    struct backup_manifest *manifest = &drive->manifest;
    enum tx_error error = TX_OK;
    for (size_t i = 0; error == TX_OK && i < drive->targets_n; i++) {
        const char *node = drive->targets[i].progress.node;
        if (backup_manifest_find(manifest, node) == NULL) {
            error = backup_repo_take(drive->repo, manifest, node, why);
        }
    }
    manifest->full = drive->full;
    manifest->ended_ms = clock_wall_ms();
    if (error == TX_OK) {
        error = check_cluster(drive, why);
    }
    return error == TX_OK ? backup_repo_end(drive->repo, manifest, why) : error;
}

static bool begin_in_repository(struct backup_drive *drive)
{
    struct tx_why why;
    enum tx_error error = backup_repo_clean(drive->repo, &why);
    drive->manifest.began_ms = clock_wall_ms();
    if (error == TX_OK) {
        error =
            backup_repo_begin(drive->repo, drive->manifest.began_ms, drive->manifest.name, &why);
    }
    return error == TX_OK || backup_drive_fail(drive, error, "%s", why.text);
}

static bool fill(struct backup_drive *drive)
{
    struct tx_why why;
    if (!drive_daemons(drive)) {
        return false;
    }
    enum tx_error error = take_parts(drive, &why);
    return error == TX_OK || backup_drive_fail(drive, error, "%s", why.text);
}

/* What is left stays until the next run; it is no backup. */
static void take_back(struct backup_drive *drive)
{
    struct tx_why why;
    if (backup_repo_remove(drive->repo, drive->manifest.name, &why) != TX_OK) {
        const size_t used = strlen(drive->trouble.text);
        (void)snprintf(drive->trouble.text + used, sizeof drive->trouble.text - used, "; and %s",
                       why.text);
    }
}

bool backup_drive_run(struct backup_drive *drive)
{
    drive->manifest = (struct backup_manifest){0};
    drive->trouble = (struct backup_drive_trouble){.early = true};
    if (!backup_drive_find(drive)) {
        return false;
    }
    drive->trouble.early = false;
    if (!begin_in_repository(drive)) {
        return false;
    }
    const bool done = fill(drive);
    if (!done) {
        take_back(drive);
    }
    return done;
}

void backup_drive_deinit(struct backup_drive *drive)
{
    for (size_t i = 0; i < drive->targets_n; i++) {
        free(drive->targets[i].name);
        free(drive->targets[i].address);
    }
    free(drive->targets);
    drive->targets = NULL;
    drive->targets_n = 0;
    backup_manifest_deinit(&drive->manifest);
}

/* ---- retention ---- */

enum tx_error backup_drive_keep(const struct backup_repo *repo, size_t n, const char *spared,
                                struct backup_kept *kept, struct tx_why *why)
{
    struct backup_names names = {0};
    *kept = (struct backup_kept){0};
    enum tx_error error = backup_repo_clean(repo, why);
    if (error == TX_OK) {
        error = backup_repo_list(repo, &names, why);
    }
    for (size_t i = 0; error == TX_OK && i < names.n && names.n - kept->removed > n; i++) {
        if (spared != NULL && strcmp(names.items[i], spared) == 0) {
            continue;
        }
        error = backup_repo_remove(repo, names.items[i], why);
        kept->removed += error == TX_OK ? 1 : 0;
    }
    kept->kept = names.n - kept->removed;
    if (error == TX_OK) {
        error = backup_repo_sweep(repo, &kept->swept, why);
    }
    backup_names_deinit(&names);
    return error;
}
