/* Recovery: where it begins, what it refuses, and that a refusal names the record. */
#include "txlog/recovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECORDS_MAX 8u

/* A log in memory: records[i] stands at LSN before + 1 + i. */
struct memory_log {
    struct txlog log;
    struct tx_buf records[RECORDS_MAX];
    uint64_t before, n, last_start;
};

static struct memory_log *log_of(const struct txlog *log)
{
    return (struct memory_log *)(void *)log;
}

static enum tx_error each(struct txlog *log, struct tx_lsn first, struct tx_lsn last,
                          enum tx_error (*visit)(void *, struct tx_lsn, struct tx_bytes), void *arg,
                          struct tx_why *why)
{
    struct memory_log *m = log_of(log);
    enum tx_error error = TX_OK;
    (void)why;
    for (uint64_t n = first.n; error == TX_OK && n <= last.n; n++)
        error = visit(arg, (struct tx_lsn){n}, tx_buf_view(&m->records[n - m->before - 1]));
    return error;
}

static struct tx_lsn first(const struct txlog *log)
{
    return (struct tx_lsn){log_of(log)->n > 0 ? log_of(log)->before + 1 : 0};
}

static struct tx_lsn last(const struct txlog *log)
{
    return (struct tx_lsn){log_of(log)->before + log_of(log)->n};
}

static uint64_t last_start(const struct txlog *log)
{
    return log_of(log)->last_start;
}

static const struct txlog_vtable vtable = {
    .each = each, .first = first, .last = last, .last_start = last_start};

static void add(struct memory_log *m, struct txlog_record record)
{
    assert_true(m->n < RECORDS_MAX);
    m->log.vtable = &vtable;
    record.lsn.n = m->before + m->n + 1;
    if (record.start > m->last_start)
        m->last_start = record.start;
    assert_int_equal(txlog_record_encode(&record, &m->records[m->n++]), TX_OK);
}

static struct txlog_record start(uint64_t number)
{
    return (struct txlog_record){.type = TXLOG_START, .start = number};
}

static struct txlog_record begin(void)
{
    return (struct txlog_record){.type = TXLOG_SNAPSHOT_BEGIN, .start = 1};
}

static struct txlog_record end(uint64_t of)
{
    return (struct txlog_record){.type = TXLOG_SNAPSHOT_END, .start = 1, .snapshot_end = {{of}}};
}

static enum tx_error count(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    (void)record;
    (void)why;
    ++*(uint64_t *)arg;
    return TX_OK;
}

static void done(struct memory_log *m)
{
    for (size_t i = 0; i < RECORDS_MAX; i++)
        tx_buf_deinit(&m->records[i]);
}

/* Replays so many records; or is refused with this text. */
static void replays(struct memory_log *m, uint64_t records, const char *text)
{
    struct recovery_summary summary;
    struct tx_why why = {""};
    uint64_t n = 0;
    enum tx_error error;
    m->log.vtable = &vtable;
    error = recovery_replay(&m->log, count, &n, &summary, &why);
    assert_int_equal(error, text == NULL ? TX_OK : TX_ECORRUPT);
    if (text != NULL && strstr(why.text, text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, why.text);
    assert_int_equal(n, records);
    done(m);
}

static void begins_at_the_newest_complete_snapshot(void **unused)
{
    (void)unused;
    struct memory_log m = {.n = 0};
    replays(&m, 0, NULL);
    m = (struct memory_log){.n = 0};
    add(&m, start(1));
    add(&m, begin());
    add(&m, end(2));
    add(&m, begin()); /* cut by a crash */
    add(&m, start(2));
    replays(&m, 4, NULL);
    m = (struct memory_log){.before = 6};
    add(&m, end(3)); /* its beginning was compacted away */
    add(&m, begin());
    add(&m, end(8));
    replays(&m, 2, NULL);
}

static void an_end_names_its_own_beginning(void **unused)
{
    (void)unused;
    static const uint64_t wrong[] = {0, 1, 3, 4, 90};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct memory_log m = {.n = 0};
        add(&m, start(1));
        add(&m, begin());
        add(&m, end(wrong[i]));
        add(&m, start(2));
        replays(&m, 0, "record 3 (SNAPSHOT_END)");
    }
    struct memory_log cut = {.n = 0};
    add(&cut, start(1));
    add(&cut, begin());
    add(&cut, start(2));
    add(&cut, end(2)); /* of the one that a crash has cut */
    replays(&cut, 0, "record 4 (SNAPSHOT_END)");
    struct memory_log none = {.n = 0};
    add(&none, start(1));
    add(&none, end(0));
    replays(&none, 0, "record 2 (SNAPSHOT_END)");
}

static void what_is_not_there_is_missed(void **unused)
{
    (void)unused;
    struct memory_log m = {.before = 6};
    replays(&m, 0, "record 6 was the last, and none is left");
    m = (struct memory_log){.before = 6};
    add(&m, start(1));
    replays(&m, 0, "begins at LSN 7");
    m = (struct memory_log){.before = 6};
    add(&m, end(3));
    replays(&m, 0, "begins at LSN 3");
}

static void a_record_that_cannot_be_read_is_named(void **unused)
{
    (void)unused;
    struct memory_log m = {.n = 0};
    add(&m, start(1));
    add(&m, start(2));
    m.records[1].data[TXLOG_FRONT_BYTES] ^= 1;
    replays(&m, 0, "record 2 cannot be read: the checksum");
}

static void there_is_no_start_after_the_last(void **unused)
{
    (void)unused;
    struct memory_log m = {.n = 0};
    struct tx_why why = {""};
    uint64_t next = 0;
    add(&m, start(1));
    assert_int_equal(recovery_next_start(&m.log, &next, &why), TX_OK);
    assert_int_equal(next, 2);
    add(&m, start(UINT64_MAX));
    assert_int_equal(recovery_next_start(&m.log, &next, &why), TX_ECORRUPT);
    assert_non_null(strstr(why.text, "record 2 "));
    done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_at_the_newest_complete_snapshot),
        cmocka_unit_test(an_end_names_its_own_beginning),
        cmocka_unit_test(what_is_not_there_is_missed),
        cmocka_unit_test(a_record_that_cannot_be_read_is_named),
        cmocka_unit_test(there_is_no_start_after_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
