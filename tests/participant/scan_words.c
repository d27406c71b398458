/* The words of the tests of scans and levels. */
#include "scan_words.h"

#include "common/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

/* A committed transaction of its own writes "abde", each with its own letter in capitals. */
struct driver *driver_with_data(const struct part_options *options)
{
    struct driver *d = driver_new(options);
    const struct tx_op ops[] = {driver_op(TX_OP_PUT, "a", "A"), driver_op(TX_OP_PUT, "b", "B"),
                                driver_op(TX_OP_PUT, "d", "D"), driver_op(TX_OP_PUT, "e", "E")};
    driver_prepare(d, driver_id(d, 1), DRIVER_ONE_PHASE | DRIVER_ONE_SHOT, ops, 4);
    driver_sync(d);
    expect_vote(d, driver_id(d, 1), TX_VOTE_COMMITTED);
    driver_clear(d);
    return d;
}

void driver_scans(struct driver *d, uint64_t seq, uint32_t step, struct tx_op op)
{
    driver_operate(d, driver_id(d, seq), step, &op, 1);
}

/* One operation that is committed at once. */
void commit_one(struct driver *d, uint64_t seq, enum tx_op_type type, const char *key,
                const char *value)
{
    struct tx_op op = driver_op(type, key, value);
    driver_prepare(d, driver_id(d, seq), DRIVER_ONE_PHASE | DRIVER_ONE_SHOT, &op, 1);
    driver_sync(d);
}

void commit_prepared(struct driver *d, uint64_t seq)
{
    driver_commit(d, driver_id(d, seq));
    driver_sync(d);
}

/* The rows as "a=A b=B", and "+" behind when there may be more. */
void expect_result(const struct tx_result *result, const char *expected)
{
    char text[400] = "";
    size_t used = 0;
    struct tx_reader reader = tx_reader(result->value);
    struct tx_row row;
    while (tx_rows_next(&reader, &row))
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s=%.*s",
                                 used > 0 ? " " : "", (int)row.key.len, (const char *)row.key.data,
                                 (int)row.value.len, (const char *)row.value.data);
    assert_true(tx_reader_done(&reader));
    (void)snprintf(text + used, sizeof text - used, "%s", result->found ? "+" : "");
    assert_string_equal(text, expected);
}

void expect_rows(const struct driver *d, const char *expected)
{
    expect_operated(d, TX_REASON_NONE);
    const struct tx_msg_operated *operated = &driver_last(d, TX_MSG_OPERATED)->operated;
    assert_int_equal(operated->results_n, 1);
    expect_result(&operated->results[0], expected);
}

struct locks_of {
    struct tx_id id;
    char text[400];
};

static void note_lock(void *arg, struct tx_id tx, const char *resource, enum tx_lock_mode mode)
{
    struct locks_of *of = arg;
    size_t used = strlen(of->text);
    if (tx_id_equal(tx, of->id) && mode != TX_LOCK_IS && mode != TX_LOCK_IX)
        (void)snprintf(of->text + used, sizeof of->text - used, "%s%s %s", used > 0 ? ", " : "",
                       tx_lock_mode_name(mode), resource);
}

/* All locks of a transaction but intentions, in the lock manager's order. */
void expect_locks(const struct driver *d, uint64_t seq, const char *expected)
{
    struct locks_of of = {.id = driver_id(d, seq)};
    part_core_each_lock(d->core, note_lock, &of);
    assert_string_equal(of.text, expected);
}

void expect_waiting(const struct driver *d, size_t n)
{
    assert_int_equal(driver_stats(d).locks_waiting, n);
}
