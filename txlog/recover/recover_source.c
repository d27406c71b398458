/* The directory that txrecover reads. */
#include "txlog/recover/recover_source.h"

#include "common/assert.h"
#include "txlog/read_guard.h"
#include "txlog/rocksdb_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <sysexits.h>

int recover_exit_status(enum tx_error error)
{
    switch (error) {
    case TX_OK:
        return 0;
    case TX_EINVAL:
    case TX_ENOTFOUND:
    case TX_EACCESS:
        return EX_NOINPUT;
    case TX_EBUSY:
        return EX_UNAVAILABLE;
    case TX_EVERSION:
    case TX_ECORRUPT:
    case TX_EGAP:
    case TX_ELOST:
    case TX_EFORMAT:
        return EX_DATAERR;
    case TX_EEXIST:
        return EX_CANTCREAT;
    case TX_ENOMEM:
        return EX_OSERR;
    case TX_ELIMIT:
    case TX_EIO:
    case TX_ECLUSTER:
    case TX_ENODE:
    case TX_EFULL:
    case TX_EADDRESS:
    case TX_EUNREACHABLE:
    case TX_ETIMEOUT:
    case TX_ESTATE:
    case TX_ETOKEN:
    case TX_EUNKNOWN:
    case TX_ERRORS_N:
        break;
    }
    return EX_IOERR;
}

int recover_complain(int status, const char *format, ...)
{
    va_list args;
    (void)fflush(stdout);
    (void)fputs("txrecover: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return status;
}

void recover_source_report(struct recover_source *source, struct tx_lsn lsn, const char *text)
{
    source->damages++;
    if (lsn.n != 0 && (source->damaged_at.n == 0 || lsn.n < source->damaged_at.n))
        source->damaged_at = lsn;
    (void)fflush(stdout);
    (void)fprintf(source->reports, "damaged: %s\n", text);
}

static void on_damage(void *arg, struct tx_lsn lsn, const char *text)
{
    recover_source_report(arg, lsn, text);
}

int recover_source_status(const struct recover_source *source)
{
    return source->damages > 0 ? EX_DATAERR : 0;
}

static bool is_damage(enum tx_error error)
{
    return error == TX_ECORRUPT || error == TX_EGAP || error == TX_ELOST;
}

static void name_owner(struct recover_source *source)
{
    const struct txlog_identity *identity = &source->identity;
    if (identity->role == TX_ROLE_COORDINATOR)
        (void)snprintf(source->name, sizeof(source->name), "coordinator %" PRIu32,
                       identity->coordinator);
    else
        (void)snprintf(source->name, sizeof(source->name), "%s", identity->name.s);
}

int recover_source_open(struct recover_source *source, const char *directory, FILE *reports)
{
    *source = (struct recover_source){.directory = directory, .reports = reports};
    struct rocksdb_log_options options = {.directory = directory, .mode = ROCKSDB_LOG_READ_ONLY};
    struct tx_why why, further;
    read_guard_begin(directory, READ_GUARD_TEXT);
    enum tx_error error = rocksdb_log_open(&options, &source->log, &why);
    if (is_damage(error)) {
        recover_source_report(source, (struct tx_lsn){0}, why.text);
        error = rocksdb_log_open_damaged(&options, &source->log, on_damage, source, &further);
        if (error != TX_OK)
            return recover_complain(EX_DATAERR, "nothing of it can be read: %s", further.text);
    }
    if (error != TX_OK)
        return recover_complain(recover_exit_status(error), "%s", why.text);
    source->identity = rocksdb_log_identity(source->log);
    name_owner(source);
    return 0;
}

void recover_source_close(struct recover_source *source)
{
    if (source->log != NULL)
        txlog_close(&source->log);
    read_guard_end();
}

/* ---- records ---- */

struct each {
    struct recover_source *source;
    enum tx_error (*visit)(void *arg, const struct txlog_record *record, struct tx_bytes stored);
    void *arg;
    struct tx_arena arena;
};

/* What the opening has found damaged is reported already; here come payloads that a good checksum
 * covers. */
static enum tx_error undecodable(struct each *each, struct tx_lsn lsn, struct tx_bytes stored,
                                 const char *what)
{
    struct txlog_front front;
    if (txlog_record_front(stored, &front, NULL) != TX_OK || front.lsn.n != lsn.n)
        return TX_OK;
    char text[600];
    (void)snprintf(text, sizeof(text), "LSN %" PRIu64 ": %s", lsn.n, what);
    recover_source_report(each->source, lsn, text);
    return TX_OK;
}

static enum tx_error each_visit(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct each *each = arg;
    struct txlog_record record;
    struct tx_why what;
    tx_arena_reset(&each->arena);
    enum tx_error error = txlog_record_decode(stored, &each->arena, &record, &what);
    if (error == TX_ENOMEM)
        return error;
    if (error != TX_OK || record.lsn.n != lsn.n)
        return undecodable(each, lsn, stored, what.text);
    return each->visit(each->arg, &record, stored);
}

enum tx_error recover_source_each(
    struct recover_source *source, struct tx_lsn first, struct tx_lsn last,
    enum tx_error (*visit)(void *arg, const struct txlog_record *record, struct tx_bytes stored),
    void *arg, struct tx_why *why)
{
    struct each each = {.source = source, .visit = visit, .arg = arg};
    (void)tx_why(why, TX_EIO, "%s: cannot read its records", source->directory);
    enum tx_error error = txlog_each(source->log, first, last, each_visit, &each, why);
    tx_arena_deinit(&each.arena);
    return error;
}

enum tx_error recover_source_get(struct recover_source *source, struct tx_lsn lsn,
                                 struct tx_buf *stored, struct tx_arena *arena,
                                 struct txlog_record *record, struct tx_why *why)
{
    enum tx_error error = txlog_get(source->log, lsn, stored, why);
    if (error == TX_OK)
        error = txlog_record_decode(tx_buf_view(stored), arena, record, why);
    return error;
}

/* ---- a log that begins inside a snapshot ---- */

struct beginning {
    bool inside_snapshot;
};

/* Stops at the first record that tells. */
static enum tx_error look(void *arg, const struct txlog_record *record, struct tx_bytes stored)
{
    struct beginning *beginning = arg;
    (void)stored;
    beginning->inside_snapshot = record->type == TXLOG_SNAPSHOT_END;
    bool tells = record->type == TXLOG_SNAPSHOT_END || record->type == TXLOG_SNAPSHOT_BEGIN ||
                 record->type == TXLOG_START;
    return tells ? TX_EEXIST : TX_OK;
}

enum tx_error recover_source_story(struct recover_source *source, struct story **story,
                                   struct tx_why *why)
{
    struct beginning beginning = {0};
    enum tx_error error = TX_OK;
    if (txlog_first(source->log).n > 1)
        error = recover_source_each(source, (struct tx_lsn){0}, (struct tx_lsn){0}, look,
                                    &beginning, why);
    if (error != TX_OK && error != TX_EEXIST)
        return error;
    *story = story_new(&source->identity, beginning.inside_snapshot);
    return TX_OK;
}
