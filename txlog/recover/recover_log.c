/* txrecover log and export: the records, one a line, and what they prove of one transaction. */
#include "txlog/recover/txrecover.h"

#include "txlog/recover/recover_json.h"
#include "txlog/recover/recover_source.h"
#include "txlog/recover/recover_text.h"
#include "txlog/recover/recover_verdict.h"

#include <inttypes.h>
#include <sysexits.h>

struct listing {
    const struct txrecover_options *options;
    struct recover_source *source;
    struct story *story;
    struct json json;
};

static enum tx_error show(void *arg, const struct txlog_record *record, struct tx_bytes stored)
{
    struct listing *listing = arg;
    const struct txrecover_options *options = listing->options;
    struct story_step step;
    struct tx_why why;
    (void)stored;
    if (listing->story != NULL && story_add(listing->story, record, &step, &why) != TX_OK)
        recover_source_report(listing->source, record->lsn, why.text);
    if (record->lsn.n < options->from.n)
        return TX_OK;
    if (options->one_tx && !tx_id_equal(txlog_record_tx(record), options->tx))
        return TX_OK;
    if (!options->json) {
        recover_text_record(stdout, record);
        return TX_OK;
    }
    json_init(&listing->json, stdout);
    recover_json_record(&listing->json, record);
    (void)fputc('\n', stdout);
    return TX_OK;
}

static void show_verdict(struct listing *listing)
{
    const struct txrecover_options *options = listing->options;
    struct recover_verdict verdict;
    recover_verdict(listing->story, options->tx, txlog_first(listing->source->log), &verdict);
    if (!options->json) {
        (void)printf("%s\n", verdict.text);
        return;
    }
    const struct story_tx *tx = story_find(listing->story, options->tx);
    json_init(&listing->json, stdout);
    json_object_begin(&listing->json);
    recover_json_id(&listing->json, "tx", options->tx);
    json_member(&listing->json, "state", story_state_name(tx == NULL ? STORY_NONE : tx->state));
    json_member(&listing->json, "verdict", verdict.text);
    json_object_end(&listing->json);
    (void)fputc('\n', stdout);
}

/* Is the range in the log? 0, or the exit status after a complaint. */
static int check_range(const struct txrecover_options *options, const struct recover_source *source)
{
    uint64_t first = txlog_first(source->log).n, last = txlog_last(source->log).n;
    if (options->from.n > last)
        return recover_complain(EX_USAGE, "--from %" PRIu64 ": %s ends at LSN %" PRIu64,
                                options->from.n, source->directory, last);
    if (options->to.n > last)
        return recover_complain(EX_USAGE, "--to %" PRIu64 ": %s ends at LSN %" PRIu64,
                                options->to.n, source->directory, last);
    if (options->to.n != 0 && options->to.n < options->from.n)
        return recover_complain(EX_USAGE, "--to %" PRIu64 " is before --from %" PRIu64,
                                options->to.n, options->from.n);
    if (options->to.n != 0 && options->to.n < first)
        return recover_complain(
            EX_USAGE, "--to %" PRIu64 ": %s begins at LSN %" PRIu64 "; older records were removed",
            options->to.n, source->directory, first);
    if (options->from.n != 0 && options->from.n < first)
        (void)recover_complain(0, "%s begins at LSN %" PRIu64 "; older records were removed",
                               source->directory, first);
    return 0;
}

/* One transaction is judged by all that the log knows up to --to, not by the range alone. */
static int list(struct listing *listing)
{
    const struct txrecover_options *options = listing->options;
    struct tx_lsn first = options->one_tx ? (struct tx_lsn){0} : options->from;
    struct tx_why why;
    enum tx_error error = TX_OK;
    if (options->one_tx)
        error = recover_source_story(listing->source, &listing->story, &why);
    if (error == TX_OK)
        error = recover_source_each(listing->source, first, options->to, show, listing, &why);
    if (error != TX_OK)
        return recover_complain(recover_exit_status(error), "%s", why.text);
    if (options->one_tx)
        show_verdict(listing);
    return recover_source_status(listing->source);
}

int txrecover_log(const struct txrecover_options *options)
{
    struct recover_source source;
    struct listing listing = {.options = options, .source = &source};
    int status = recover_source_open(&source, options->directory, stderr);
    if (status == 0)
        status = check_range(options, &source);
    if (status == 0)
        status = list(&listing);
    story_destroy(&listing.story);
    recover_source_close(&source);
    return status;
}

/* ---- export ---- */

static enum tx_error export_one(void *arg, const struct txlog_record *record,
                                struct tx_bytes stored)
{
    const struct txrecover_options *options = arg;
    struct json json;
    (void)stored;
    if (options->one_tx && !tx_id_equal(txlog_record_tx(record), options->tx))
        return TX_OK;
    json_init(&json, stdout);
    recover_json_record(&json, record);
    (void)fputc('\n', stdout);
    return ferror(stdout) != 0 ? TX_EIO : TX_OK;
}

int txrecover_export(const struct txrecover_options *options)
{
    struct txrecover_options copy = *options;
    struct recover_source source;
    struct tx_why why;
    int status = recover_source_open(&source, options->directory, stderr);
    if (status == 0)
        status = check_range(options, &source);
    if (status == 0) {
        enum tx_error error =
            recover_source_each(&source, options->from, options->to, export_one, &copy, &why);
        status = error == TX_OK ? recover_source_status(&source)
                                : recover_complain(recover_exit_status(error), "%s", why.text);
    }
    recover_source_close(&source);
    return status;
}
