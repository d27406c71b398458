/* Logs as lines of a history. */
#include "tests/integration/records.h"

#include "common/json.h"
#include "txlog/recover/recover_source.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct writing {
    FILE *out;
    const char *node;
    struct records done;
};

static void begin(struct json *json, const struct writing *writing,
                  const struct txlog_record *record)
{
    char id[TX_ID_TEXT];

    json_init(json, writing->out);
    json_object_begin(json);
    json_member(json, "type", "record");
    json_member(json, "node", writing->node);
    json_member_u64(json, "lsn", record->lsn.n);
    json_member(json, "record", txlog_type_name(record->type));
    json_member(json, "id", tx_id_print(txlog_record_tx(record), id));
}

static void write_members(struct json *json, const struct tx_member *members, size_t n)
{
    json_key(json, "members");
    json_array_begin(json);
    for (size_t i = 0; i < n; i++)
        json_string(json, members[i].name.s);
    json_array_end(json);
}

static enum tx_error write_one(void *arg, const struct txlog_record *record, struct tx_bytes stored)
{
    struct writing *writing = arg;
    struct json json;

    (void)stored;
    if (record->type == TXLOG_ALARM)
        writing->done.alarms++;
    if (record->type != TXLOG_PREPARED && record->type != TXLOG_COMMITTED &&
        record->type != TXLOG_ABORTED && record->type != TXLOG_COMMIT)
        return TX_OK;
    begin(&json, writing, record);
    if (record->type == TXLOG_COMMITTED) {
        json_key(&json, "one_phase");
        json_bool(&json, record->committed.one_phase);
    }
    if (record->type == TXLOG_COMMIT)
        write_members(&json, record->commit.members, record->commit.members_n);
    if (record->type == TXLOG_PREPARED && record->prepared.members_decide) {
        json_key(&json, "members_decide");
        json_bool(&json, true);
        write_members(&json, record->prepared.members, record->prepared.members_n);
    }
    json_object_end(&json);
    fputc('\n', writing->out);
    writing->done.lines++;
    return TX_OK;
}

static void write_whole(const struct writing *writing, const struct recover_source *source)
{
    struct json json;

    json_init(&json, writing->out);
    json_object_begin(&json);
    json_member(&json, "type", "log");
    json_member(&json, "node", writing->node);
    json_member(&json, "role",
                source->identity.role == TX_ROLE_COORDINATOR ? "coordinator" : "participant");
    json_object_end(&json);
    fputc('\n', writing->out);
}

struct records records_write(FILE *out, const char *directory, const char *node)
{
    struct writing writing = {.out = out, .node = node};
    struct recover_source source;
    struct tx_why why = {{0}};

    assert_int_equal(recover_source_open(&source, directory, stderr), 0);
    if (recover_source_each(&source, (struct tx_lsn){0}, (struct tx_lsn){0}, write_one, &writing,
                            &why) != TX_OK)
        fail_msg("the log of %s: %s", node, why.text);
    assert_int_equal(recover_source_status(&source), 0);
    writing.done.retained = txlog_last(source.log).n + 1 - txlog_first(source.log).n;
    if (txlog_first(source.log).n == 1)
        write_whole(&writing, &source);
    recover_source_close(&source);
    return writing.done;
}
