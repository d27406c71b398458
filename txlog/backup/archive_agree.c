/* What is archived and the log of the node: does the one go on where the other ends? */
#include "txlog/backup/archive_index.h"

#include "common/clock.h"
#include "txlog/backup/backup_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A record holds its start, its time and its number, and the start is that of one life: where two
 * logs have one record alike, they have all before it alike. */

struct comparing {
    struct txlog *log;
    struct tx_lsn from;   /* the first record that both have */
    struct tx_lsn common; /* the last one so far that they have alike; 0: none */
    struct tx_buf stored;
};

static enum tx_error compare_record(void *arg, struct tx_lsn lsn, struct tx_bytes stored,
                                    struct tx_why *why)
{
    struct comparing *comparing = arg;
    if (lsn.n < comparing->from.n || lsn.n > txlog_last(comparing->log).n)
        return TX_OK;
    if (lsn.n != comparing->from.n && comparing->common.n != lsn.n - 1)
        return TX_OK; /* they have parted before */
    enum tx_error error = txlog_get(comparing->log, lsn, &comparing->stored, why);
    if (error == TX_OK && tx_bytes_equal(tx_buf_view(&comparing->stored), stored))
        comparing->common = lsn;
    return error;
}

/* Up to which record of this segment the log has the same; 0: it goes its own way already at its
 * beginning. */
static enum tx_error common_of(struct archive *archive, size_t i, struct txlog *log,
                               struct tx_lsn *common, struct tx_why *why)
{
    const struct archive_item *item = &archive->items[i];
    struct comparing comparing = {.log = log, .from = item->first};
    const struct archive_segment *head;
    char path[PATH_MAX];
    *common = (struct tx_lsn){0};
    if (txlog_last(log).n < item->first.n)
        return TX_OK;
    if (txlog_first(log).n > item->last.n) { /* nothing to compare; what is older stays */
        *common = item->last;
        return TX_OK;
    }
    if (txlog_first(log).n > comparing.from.n)
        comparing.from = txlog_first(log);
    enum tx_error error = archive_item_path(archive, i, path, sizeof(path), why);
    if (error == TX_OK)
        error = archive_item_head(archive, i, &head, why);
    if (error == TX_OK)
        error = archive_segment_each(path, head, compare_record, &comparing, why);
    *common = comparing.common;
    tx_buf_deinit(&comparing.stored);
    return error;
}

/* ---- moving aside ---- */

struct aside {
    char path[PATH_MAX]; /* empty: not made yet */
};

static enum tx_error make_aside(const struct archive *archive, struct aside *aside,
                                struct tx_why *why)
{
    uint64_t now_ms = clock_wall_ms();
    if (aside->path[0] != '\0')
        return TX_OK;
    for (unsigned i = 0; i < 1000; i++) {
        char again[16] = "";
        if (i > 0)
            (void)snprintf(again, sizeof(again), "-%u", i + 1);
        int len = snprintf(aside->path, sizeof(aside->path), "%s.before-%" PRIu64 "%s",
                           archive->path, now_ms, again);
        if (len < 0 || (size_t)len >= sizeof(aside->path))
            return tx_why(why, TX_ELIMIT, "%.300s: the path is too long", archive->path);
        if (mkdir(aside->path, 0750) == 0)
            return backup_directory_sync(archive->parent, why);
        if (errno != EEXIST)
            break;
    }
    enum tx_error error = backup_fail(aside->path, "make the directory", why);
    aside->path[0] = '\0';
    return error;
}

/* The newest segment goes; those before it stay, so that the archive is whole at any moment. */
static enum tx_error move_newest(struct archive *archive, struct aside *aside, struct tx_why *why)
{
    char from[PATH_MAX], to[PATH_MAX], name[ARCHIVE_SEGMENT_NAME];
    const struct archive_item *item = &archive->items[archive->n - 1];
    enum tx_error error = make_aside(archive, aside, why);
    if (error == TX_OK)
        error = archive_item_path(archive, archive->n - 1, from, sizeof(from), why);
    if (error == TX_OK)
        error = backup_path(to, sizeof(to), aside->path,
                            archive_segment_name(item->first, item->last, name), why);
    if (error == TX_OK && rename(from, to) != 0)
        error = backup_fail(to, "move the segment there", why);
    if (error == TX_OK)
        error = backup_directory_sync(aside->path, why);
    if (error == TX_OK)
        archive_index_remove(archive, archive->n - 1, 1);
    return error == TX_OK ? backup_directory_sync(archive->path, why) : error;
}

struct shortening {
    struct archive_segment_writer *writer;
    struct tx_lsn last;
};

static enum tx_error shorten_record(void *arg, struct tx_lsn lsn, struct tx_bytes stored,
                                    struct tx_why *why)
{
    struct shortening *shortening = arg;
    return lsn.n <= shortening->last.n ? archive_segment_add(shortening->writer, lsn, stored, why)
                                       : TX_OK;
}

/* The newest segment goes, but for its records up to `last`, which come back as a segment. Should
 * the machine fail in between, the log still holds them, or there is a gap. */
static enum tx_error shorten_newest(struct archive *archive, struct aside *aside,
                                    struct tx_lsn last, struct tx_why *why)
{
    struct shortening shortening = {.last = last};
    struct archive_segment segment = {0};
    const struct archive_segment *head;
    char path[PATH_MAX];
    enum tx_error error = archive_item_path(archive, archive->n - 1, path, sizeof(path), why);
    if (error == TX_OK)
        error = archive_item_head(archive, archive->n - 1, &head, why);
    if (error == TX_OK)
        error = archive_segment_begin(head, &shortening.writer, why);
    if (error == TX_OK)
        error = archive_segment_each(path, head, shorten_record, &shortening, why);
    if (error == TX_OK)
        error = move_newest(archive, aside, why);
    if (error == TX_OK)
        error =
            archive_segment_end(&shortening.writer, archive->path, clock_wall_ms(), &segment, why);
    archive_segment_drop(&shortening.writer);
    if (error == TX_OK)
        error = archive_index_add(archive, &segment, why);
    archive_segment_deinit(&segment);
    return error;
}

enum tx_error archive_agrees(struct archive *archive, struct txlog *log, struct tx_why *why)
{
    struct tx_lsn last = archive_last(archive), common;
    if (archive->n == 0)
        return TX_OK;
    enum tx_error error = common_of(archive, archive->n - 1, log, &common, why);
    if (error != TX_OK || common.n == last.n)
        return error;
    return tx_why(why, TX_ESTATE,
                  "%.300s: the archive goes up to LSN %" PRIu64 ", and the log, up to LSN %" PRIu64
                  ", is older or has gone another way: nothing is added",
                  archive->path, last.n, txlog_last(log).n);
}

enum tx_error archive_agree(struct archive *archive, struct txlog *log, struct archive_place *moved,
                            struct tx_why *why)
{
    struct aside aside = {.path = ""};
    enum tx_error error = TX_OK;
    struct tx_lsn before = archive_last(archive), common;
    *moved = (struct archive_place){0};
    while (error == TX_OK && archive->n > 0) {
        struct tx_lsn last = archive_last(archive);
        error = common_of(archive, archive->n - 1, log, &common, why);
        if (error != TX_OK || common.n == last.n)
            break;
        error = common.n == 0 ? move_newest(archive, &aside, why)
                              : shorten_newest(archive, &aside, common, why);
        if (common.n != 0)
            break;
    }
    if (archive_last(archive).n != before.n)
        *moved = (struct archive_place){.first = {archive_last(archive).n + 1}, .last = before};
    return error;
}
