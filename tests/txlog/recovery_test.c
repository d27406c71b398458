/* Recovery: where it begins, what it refuses, and that a refusal names the record; and that the one
 * walk of a daemon comes to the same as two, on logs at random, whatever it was told at first. */
#include "txlog/recovery.h"

#include "common/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECORDS_MAX 16u

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
    assert_int_equal(recovery_next_start(&m.log, 0, &next, &why), TX_OK);
    assert_int_equal(next, 2);
    add(&m, start(TX_START_LAST));
    assert_int_equal(recovery_next_start(&m.log, UINT64_MAX, &next, &why), TX_OK);
    assert_true(next == UINT64_MAX);
    add(&m, start(TX_START_LAST + 1));
    assert_int_equal(recovery_next_start(&m.log, 0, &next, &why), TX_ECORRUPT);
    assert_non_null(strstr(why.text, "record 3 "));
    done(&m);
}

/* ---- in one walk ---- */

/* What a visitor was given since it was last begun, and what it refuses. */
struct taken {
    uint64_t lsns[RECORDS_MAX], refuse_at;
    size_t n;
    unsigned begun;
};

static void begin_taking(void *arg)
{
    struct taken *taken = arg;
    taken->n = 0;
    taken->begun++;
}

static enum tx_error take(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    struct taken *taken = arg;
    if (record->lsn.n == taken->refuse_at)
        return tx_why(why, TX_EVERSION, "record %d is refused", (int)record->lsn.n);
    assert_true(taken->n < RECORDS_MAX);
    taken->lsns[taken->n++] = record->lsn.n;
    return TX_OK;
}

/* As a daemon does it, on a log whose records have all passed txlog_record_front(). */
static enum tx_error in_one_walk(struct memory_log *m, uint64_t snapshot, struct taken *taken,
                                 struct recovery_summary *summary, struct tx_why *why)
{
    struct recovery_visitor visitor = {begin_taking, take, taken};
    struct recovery recovery;
    recovery_begin(&recovery, &visitor, (struct tx_lsn){m->before + 1}, (struct tx_lsn){snapshot});
    for (uint64_t i = 0; i < m->n; i++) {
        struct txlog_front front;
        struct tx_bytes stored = tx_buf_view(&m->records[i]);
        assert_int_equal(txlog_record_front(stored, &front, NULL), TX_OK);
        recovery_watch(&recovery, &front, stored);
    }
    return recovery_end(&recovery, &m->log, false, summary, why);
}

static uint64_t random_below(uint64_t *seed, uint64_t n)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % n;
}

/* A record with a payload that nothing can be made of, and the right checksum. */
static void spoil(struct tx_buf *stored)
{
    struct tx_buf longer = {0};
    tx_buf_append(&longer, tx_buf_view(stored));
    tx_buf_u8(&longer, 0);
    uint32_t crc = tx_crc32c(0, tx_bytes(longer.data + 4, longer.len - 4));
    for (size_t i = 0; i < 4; i++)
        longer.data[i] = (uint8_t)(crc >> (8 * i));
    tx_buf_deinit(stored);
    *stored = longer;
}

/* Starts, beginnings and ends that mostly belong together, now and then a record that is none. */
static void make_random(struct memory_log *m, uint64_t *seed)
{
    uint64_t begun = 0;
    *m = (struct memory_log){.log = {&vtable}};
    m->before = random_below(seed, 3) == 0 ? 1 + random_below(seed, 5) : 0;
    for (uint64_t n = random_below(seed, RECORDS_MAX + 1); m->n < n;) {
        uint64_t choice = random_below(seed, 5), lsn = m->before + m->n + 1;
        if (choice == 0) {
            add(m, begin());
            begun = lsn;
        } else if (choice == 1 && (begun > 0 || random_below(seed, 8) == 0)) {
            add(m, end(random_below(seed, 12) == 0 ? random_below(seed, lsn) : begun));
            begun = 0;
        } else if (choice == 2) {
            add(m, start(1));
            begun = 0;
        } else {
            add(m, (struct txlog_record){.type = TXLOG_ABORTED, .start = 1, .id = {{1, 1, lsn}}});
        }
        if (random_below(seed, 60) == 0)
            spoil(&m->records[m->n - 1]);
    }
}

/* Two walks, the first of which only looks, say what is right. */
static unsigned compare_walks(struct memory_log *m, uint64_t refuse_at, uint64_t snapshot)
{
    struct taken plain = {.refuse_at = refuse_at}, taken = {.refuse_at = refuse_at};
    struct recovery_summary right, summary;
    struct tx_why what = {""}, why = {""};
    enum tx_error expected = recovery_replay(&m->log, take, &plain, &right, &what);
    enum tx_error error = in_one_walk(m, snapshot, &taken, &summary, &why);
    assert_int_equal(error, expected);
    assert_true(taken.begun == 1 || taken.begun == 2);
    if (error != TX_OK) {
        assert_string_equal(why.text, what.text);
        return taken.begun;
    }
    assert_int_equal(summary.first.n, right.first.n);
    assert_int_equal(summary.last.n, right.last.n);
    assert_int_equal(summary.records, right.records);
    assert_int_equal(taken.n, plain.n);
    assert_memory_equal(taken.lsns, plain.lsns, plain.n * sizeof plain.lsns[0]);
    if (right.first.n > 1 && snapshot == right.first.n)
        assert_int_equal(taken.begun, 1); /* what is told right saves the second walk */
    return taken.begun;
}

static void one_walk_does_what_two_do(void **unused)
{
    (void)unused;
    uint64_t seed = 1;
    unsigned anew = 0, replayed = 0;
    for (int i = 0; i < 5000; i++) {
        struct memory_log m;
        make_random(&m, &seed);
        uint64_t end = m.before + m.n;
        uint64_t refuse_at = random_below(&seed, 3) == 0 ? random_below(&seed, end + 2) : 0;
        for (uint64_t snapshot = 0; snapshot <= end + 1; snapshot++) {
            anew += compare_walks(&m, refuse_at, snapshot) == 2;
            replayed++;
        }
        done(&m);
    }
    assert_true(anew > replayed / 20 && anew < replayed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_at_the_newest_complete_snapshot),
        cmocka_unit_test(an_end_names_its_own_beginning),
        cmocka_unit_test(what_is_not_there_is_missed),
        cmocka_unit_test(a_record_that_cannot_be_read_is_named),
        cmocka_unit_test(there_is_no_start_after_the_last),
        cmocka_unit_test(one_walk_does_what_two_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
