/* txrecover verify: reads everything, and says whether it is sound. */
#include "txlog/recover/txrecover.h"

#include "txlog/recover/recover_check.h"
#include "txlog/recover/recover_progress.h"
#include "txlog/recover/recover_source.h"
#include "txlog/redo.h"

#include <inttypes.h>

struct verification {
    struct recover_source *source;
    struct story *story;
    uint64_t records, keys;
    struct recover_progress progress;
};

static enum tx_error check_one(void *arg, const struct txlog_record *record, struct tx_bytes stored)
{
    struct verification *v = arg;
    struct story_step step;
    struct tx_why why;
    (void)stored;
    recover_progress_step(&v->progress, v->records++);
    if (recover_check(&v->source->identity, record, &why) != TX_OK)
        recover_source_report(v->source, record->lsn, why.text);
    if (story_add(v->story, record, &step, &why) != TX_OK)
        recover_source_report(v->source, record->lsn, why.text);
    return TX_OK;
}

/* Reading is the check: every block of the data has a checksum. */
static enum tx_error check_key(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    struct verification *v = arg;
    struct tx_bytes space, rest;
    char text[96], shown[160];
    (void)value;
    recover_progress_step(&v->progress, v->keys++);
    if (v->source->identity.role == TX_ROLE_PARTICIPANT &&
        redo_data_key_parse(key, &space, &rest) == TX_OK)
        return TX_OK;
    (void)snprintf(shown, sizeof(shown), "the data hold a key that is none: %s",
                   tx_bytes_print(key, text, sizeof(text)));
    recover_source_report(v->source, (struct tx_lsn){0}, shown);
    return TX_OK;
}

static enum tx_error check_log(struct verification *v, struct tx_why *why)
{
    struct txlog *log = v->source->log;
    struct tx_lsn all = {0};
    uint64_t first = txlog_first(log).n;
    enum tx_error error = recover_source_story(v->source, &v->story, why);
    if (error != TX_OK)
        return error;
    recover_progress_begin(&v->progress, "checking records",
                           first == 0 ? 0 : txlog_last(log).n - first + 1);
    error = recover_source_each(v->source, all, all, check_one, v, why);
    recover_progress_end(&v->progress);
    return error;
}

static void check_data(struct verification *v)
{
    struct tx_why why = {"the data cannot be read"};
    recover_progress_begin(&v->progress, "checking keys", 0);
    enum tx_error error = txlog_data_each(v->source->log, check_key, v, &why);
    recover_progress_end(&v->progress);
    if (error != TX_OK)
        recover_source_report(v->source, (struct tx_lsn){0}, why.text);
}

static void print_sound(const struct verification *v)
{
    struct txlog *log = v->source->log;
    (void)printf("%s: sound. %s of cluster %s: LSN %" PRIu64 " to %" PRIu64 ", %" PRIu64
                 " records, %" PRIu64 " keys\n",
                 v->source->directory, v->source->name, v->source->identity.cluster,
                 txlog_first(log).n, txlog_last(log).n, v->records, v->keys);
}

static void print_damaged(const struct verification *v)
{
    const struct recover_source *source = v->source;
    bool participant = source->identity.role == TX_ROLE_PARTICIPANT;
    uint64_t at = source->damaged_at.n, first = txlog_first(source->log).n;
    (void)printf("%s: DAMAGED in %" PRIu64 " places. %s of cluster %s\n", source->directory,
                 source->damages, source->name, source->identity.cluster);
    if (v->records == 0)
        (void)printf("readable: no record");
    else
        (void)printf("readable: %" PRIu64 " records of LSN %" PRIu64 " to %" PRIu64, v->records,
                     first, txlog_last(source->log).n);
    (void)printf(", %" PRIu64 " keys of the data\n", v->keys);
    (void)puts("what to do:\n"
               "  1. Do not start its daemon on it, and keep a copy of the directory as it is.\n"
               "  2. If files are missing, put them back and verify again.\n"
               "  3. Else restore the newest checkpoint; what it lacks shows in the other nodes'\n"
               "     logs, and a participant with an older log is quarantined until an operator\n"
               "     lets it in.");
    if (participant && first == 1 && at > 1)
        (void)printf("  4. The data up to the damage: txrecover replay %s --into NEWDIR "
                     "--until %" PRIu64 "\n",
                     source->directory, at - 1);
    (void)printf("  txrecover summary, log and indoubt read what is left of it.\n");
}

int txrecover_verify(const struct txrecover_options *options)
{
    struct recover_source source;
    struct verification v = {.source = &source};
    struct tx_why why;
    int status = recover_source_open(&source, options->directory, stdout);
    if (status == 0) {
        enum tx_error error = check_log(&v, &why);
        if (error == TX_ENOMEM)
            status = recover_complain(recover_exit_status(error), "out of memory");
        else if (error != TX_OK)
            recover_source_report(&source, (struct tx_lsn){0}, why.text);
    }
    if (status == 0) {
        check_data(&v);
        status = recover_source_status(&source);
        if (status == 0)
            print_sound(&v);
        else
            print_damaged(&v);
    }
    story_destroy(&v.story);
    recover_source_close(&source);
    return status;
}
