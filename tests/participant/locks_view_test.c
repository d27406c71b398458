/* LOCKS: what a row says, the filters, and pages of any size over tables that stand still and over
 * tables that change. */
#include "part_driver.h"

#include "common/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

static struct tx_op lock_op(const char *space, const char *key, enum tx_lock_mode mode)
{
    return (struct tx_op){
        .type = TX_OP_LOCK, .space = tx_bytes_str(space), .key = tx_bytes_str(key), .mode = mode};
}

static void lock(struct driver *d, uint64_t seq, uint32_t step, const char *space, const char *key,
                 enum tx_lock_mode mode)
{
    struct tx_op op = lock_op(space, key, mode);
    driver_operate(d, driver_id(d, seq), step, &op, 1);
}

/* A page; borrowed until driver_clear(). */
static const struct tx_msg_locks *ask(struct driver *d, const struct tx_msg_locks_request *request)
{
    struct tx_msg msg = {.type = TX_MSG_LOCKS_REQUEST, .locks_request = *request};
    msg.locks_request.req = 77;
    driver_from_client(d, 5, &msg);
    assert_int_equal(driver_last_to(d, TX_MSG_LOCKS)->client, 5);
    const struct tx_msg_locks *locks = &driver_last(d, TX_MSG_LOCKS)->locks;
    assert_int_equal(locks->req, 77);
    assert_true(locks->more == (locks->next.serial > 0));
    return locks;
}

static void print_row(const struct tx_lock_row *row, char *out, size_t out_size)
{
    int used =
        snprintf(out, out_size, "%d %s %.*s/%.*s%s%.*s", (int)row->id.seq,
                 tx_lock_mode_name(row->mode), (int)row->space.len, (const char *)row->space.data,
                 (int)row->key.len, (const char *)row->key.data, row->range ? ".." : "",
                 (int)row->to.len, (const char *)row->to.data);
    if (row->waiting)
        used +=
            snprintf(out + used, out_size - (size_t)used, " waits %dms for", (int)row->waited_ms);
    for (size_t i = 0; i < row->blockers_n; i++) {
        const struct tx_lock_blocker *by = &row->blockers[i];
        used +=
            snprintf(out + used, out_size - (size_t)used, " %d%s(%s%s %.*s %dms)", (int)by->id.seq,
                     by->waits ? "w" : "", tx_lock_mode_name(by->mode), by->range ? ".." : "",
                     (int)by->state.len, (const char *)by->state.data, (int)by->age_ms);
    }
}

/* The rows of all pages as text, "; " between. The limit is the request's. */
static size_t list(struct driver *d, struct tx_msg_locks_request request, char *out,
                   size_t out_size)
{
    size_t pages = 0;
    size_t used = 0;
    struct tx_arena arena = {0};
    const struct tx_msg_locks *locks;
    out[0] = '\0';
    do {
        locks = ask(d, &request);
        for (size_t i = 0; i < locks->rows_n; i++) {
            char row[512];
            print_row(&locks->rows[i], row, sizeof row);
            used +=
                (size_t)snprintf(out + used, out_size - used, "%s%s", used > 0 ? "; " : "", row);
            assert_true(used < out_size);
        }
        request.from = locks->next;
        request.from.space = tx_arena_copy(&arena, locks->next.space);
        request.from.key = tx_arena_copy(&arena, locks->next.key);
        request.from.to = tx_arena_copy(&arena, locks->next.to);
        assert_true(++pages < 10000);
    } while (locks->more);
    tx_arena_deinit(&arena);
    return pages;
}

static void expect_list(struct driver *d, struct tx_msg_locks_request request, const char *expected)
{
    char text[8192];
    (void)list(d, request, text, sizeof text);
    assert_string_equal(text, expected);
}

/* 1 in doubt holds k1; 2 works; 3 waits for 1; 4 waits behind it; 5 has the store in IS. */
static struct driver *a_jam(void)
{
    struct driver *d = driver_new(NULL);
    driver_make_prepared(d, 1);
    driver_advance(d, 5000);
    lock(d, 2, 1, "t", "", TX_LOCK_S);
    lock(d, 3, 1, "s", "a", TX_LOCK_U);
    lock(d, 3, 2, "s", "k1", TX_LOCK_S);
    driver_advance(d, 7000);
    lock(d, 4, 1, "s", "k1", TX_LOCK_X);
    lock(d, 5, 1, "", "", TX_LOCK_IS);
    driver_advance(d, 2000);
    return d;
}

#define ONE   "1 ix /; 1 ix s/; 1 x s/k1"
#define TWO   "2 is /; 2 s t/"
#define THREE "3 ix /; 3 ix s/; 3 u s/a"
#define WAIT3 "3 s s/k1 waits 9ms for 1(x prepared 14ms)"
#define FOUR  "4 ix /; 4 ix s/"
#define WAIT4 "4 x s/k1 waits 2ms for 1(x prepared 14ms) 3w(s working 9ms)"
#define FIVE  "5 is /"
#define ALL   ONE "; " TWO "; " THREE "; " WAIT3 "; " FOUR "; " WAIT4 "; " FIVE

static void test_rows(void **unused)
{
    (void)unused;
    struct driver *d = a_jam();
    expect_list(d, (struct tx_msg_locks_request){0}, ALL);
    const struct tx_msg_locks *locks = ask(d, &(struct tx_msg_locks_request){0});
    const struct tx_lock_row *row = &locks->rows[8];
    assert_true(row->waiting && row->id.seq == 3 && row->id.coordinator == 1);
    assert_int_equal(row->age.counter, d->age + 3);
    assert_int_equal(row->age.coordinator, 1);
    assert_int_equal(row->age_ms, 9);
    assert_true(tx_bytes_equal(row->state, tx_bytes_str("working")));
    assert_false(row->blockers_more || row->range);
    driver_free(d);
}

/* A scan, a writer in its range, and a scan over what that writer waits for. */
static void test_ranges(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op scan = {.type = TX_OP_SCAN,
                         .space = tx_bytes_str("s"),
                         .key = tx_bytes_str("a"),
                         .to = tx_bytes_str("f"),
                         .limit = 10};
    driver_operate(d, driver_id(d, 1), 1, &scan, 1);
    driver_do(d, 2, 1, TX_OP_PUT, "b", "1");
    scan.to = tx_bytes(NULL, 0);
    driver_operate(d, driver_id(d, 3), 1, &scan, 1);
    for (uint32_t limit = 1; limit <= 4; limit++)
        expect_list(d, (struct tx_msg_locks_request){.limit = limit},
                    "1 is /; 1 is s/; 1 s s/a..f; "
                    "2 ix /; 2 ix s/; 2 x s/b waits 0ms for 1(s.. working 0ms); "
                    "3 is /; 3 is s/; 3 s s/a.. waits 0ms for 2w(x working 0ms)");
    driver_free(d);
}

static void test_filters(void **unused)
{
    (void)unused;
    struct driver *d = a_jam();
    struct tx_msg_locks_request request = {.waiting = true};
    expect_list(d, request, WAIT3 "; " WAIT4);
    request.tx = driver_id(d, 4);
    expect_list(d, request, WAIT4);
    request.waiting = false;
    expect_list(d, request, FOUR "; " WAIT4);
    request.tx = driver_id(d, 99); /* none */
    expect_list(d, request, "");
    request.tx = (struct tx_id){0};
    request.space = tx_bytes_str("t");
    expect_list(d, request, "2 s t/");
    request.waiting = true;
    expect_list(d, request, "");
    request.space = tx_bytes_str("s");
    expect_list(d, request, WAIT3 "; " WAIT4);
    request.space = tx_bytes_str("u");
    expect_list(d, request, "");
    driver_commit(d, driver_id(d, 1));
    request = (struct tx_msg_locks_request){.tx = driver_id(d, 1)}; /* has no locks any more */
    expect_list(d, request, "");
    driver_free(d);
}

static void test_pages_of_any_size_are_the_table(void **unused)
{
    (void)unused;
    struct driver *d = a_jam();
    char text[8192];
    for (uint32_t limit = 1; limit <= 15; limit++) {
        struct tx_msg_locks_request request = {.limit = limit};
        size_t pages = list(d, request, text, sizeof text);
        assert_string_equal(text, ALL);
        assert_int_equal(pages, (13 + limit - 1) / limit); /* 13 rows */
        request.waiting = true;
        assert_int_equal(list(d, request, text, sizeof text), limit == 1 ? 2 : 1);
        assert_string_equal(text, WAIT3 "; " WAIT4);
    }
    driver_free(d);
}

/* Names are long: a page ends before a message does, but has a row at least. */
static void test_pages_fit_into_messages(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    char key[TX_KEY_MAX];
    struct tx_msg_locks_request request = {0};
    struct tx_envelope envelope = {
        .cluster = "c", .role = TX_ROLE_PARTICIPANT, .name = {"a"}, .start = 1};
    for (uint32_t i = 0; i < 200; i++) {
        struct tx_op op = lock_op("s", "", TX_LOCK_X);
        memset(key, 'k', sizeof key);
        key[0] = (char)(1 + i);
        op.key = tx_bytes(key, sizeof key);
        driver_operate(d, driver_id(d, 1), i + 1, &op, 1);
    }
    size_t rows = 0;
    size_t pages = 0;
    const struct tx_msg_locks *locks;
    do {
        struct tx_frame_writer *writer = tx_frame_writer_new(&envelope);
        locks = ask(d, &request);
        const struct tx_msg msg = {.type = TX_MSG_LOCKS, .locks = *locks};
        assert_int_equal(tx_frame_writer_add(writer, &msg, TX_LOCKS_BYTES_MAX + 10000), TX_OK);
        tx_frame_writer_destroy(&writer);
        assert_true(locks->rows_n > 0);
        rows += locks->rows_n;
        request.from = locks->next;
        pages++;
    } while (locks->more);
    assert_int_equal(rows, 202);
    assert_int_equal(pages, 19); /* of eleven rows each */
    driver_free(d);
}

#define MANY_TXS   3u
#define MANY_STEPS 3u
#define MANY_OPS   9000u

/* A page costs the same wherever it lies in a large table; and one that finds nothing comes
 * without rows rather than late. */
static void test_a_page_looks_at_so_many(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.locks_max = 100000;
    struct driver *d = driver_new(&options);
    struct tx_op *ops = calloc(MANY_OPS, sizeof *ops);
    char(*keys)[16] = calloc(MANY_OPS, sizeof *keys);
    d->check = false;
    for (uint64_t seq = 1; seq <= MANY_TXS; seq++) {
        for (unsigned i = 0; i < MANY_OPS; i++) {
            (void)snprintf(keys[i], sizeof keys[i], "%u-%u", (unsigned)seq, i);
            ops[i] = lock_op(seq == MANY_TXS ? "t" : "s", keys[i], TX_LOCK_X);
        }
        driver_operate(d, driver_id(d, seq), 1, ops, MANY_OPS);
        driver_clear(d);
    }
    assert_int_equal(driver_stats(d).locks_held, MANY_TXS * (MANY_OPS + 2));
    struct tx_msg_locks_request request = {.space = tx_bytes_str("t")};
    const struct tx_msg_locks *locks = ask(d, &request); /* all of 1, all of 2, some of 3 */
    assert_true(locks->more);
    assert_true(locks->rows_n > 300);
    request.space = tx_bytes_str("u");
    locks = ask(d, &request);
    assert_true(locks->more);
    assert_int_equal(locks->rows_n, 0);
    request.from = locks->next;
    locks = ask(d, &request);
    assert_false(locks->more);
    assert_int_equal(locks->rows_n, 0);

    size_t rows = 0;
    size_t pages = 0;
    request = (struct tx_msg_locks_request){0};
    do {
        driver_clear(d);
        locks = ask(d, &request);
        rows += locks->rows_n;
        request.from = locks->next;
        pages++;
    } while (locks->more);
    assert_int_equal(rows, MANY_TXS * (MANY_OPS + 2));
    assert_true(pages <= rows / 300);
    free(ops);
    free(keys);
    driver_free(d);
}

static uint64_t random_state;

static unsigned below(unsigned n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % n;
}

/* Transactions begin, lock, commit and abort between the pages: there is an end, nothing fails, and
 * what was held all the time by those who stayed has come once. */
static void test_a_table_that_changes(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct part_options options = driver_options();
        options.escalate_at = seed % 3 == 0 ? 5 : 0;
        struct driver *d = driver_new(&options);
        uint64_t next = 1;
        char text[65536];
        char key[16];
        random_state = seed;
        struct tx_msg_locks_request request = {.limit = 1 + below(3)};
        size_t used = 0;
        size_t pages = 0;
        /* 1 stays, with three locks and a wait. */
        lock(d, 1, 1, "stay", "one", TX_LOCK_X);
        for (; next < 10; next++)
            (void)driver_make_working(d, next + 1);
        const struct tx_msg_locks *locks;
        struct tx_arena arena = {0};
        text[0] = '\0';
        do {
            locks = ask(d, &request);
            for (size_t i = 0; i < locks->rows_n; i++) {
                char row[512];
                print_row(&locks->rows[i], row, sizeof row);
                used += (size_t)snprintf(text + used, sizeof text - used, "%s; ", row);
            }
            request.from = locks->next;
            request.from.space = tx_arena_copy(&arena, locks->next.space);
            request.from.key = tx_arena_copy(&arena, locks->next.key);
            request.from.to = tx_arena_copy(&arena, locks->next.to);
            bool more = locks->more;
            for (unsigned n = below(4); n > 0; n--) {
                uint64_t seq = 2 + below((unsigned)next);
                (void)snprintf(key, sizeof key, "x%u", below(20));
                if (below(3) == 0 &&
                    strcmp(part_core_state_name(d->core, driver_id(d, seq)), "working") == 0)
                    driver_abort(d, driver_id(d, seq));
                else if (next < 60)
                    lock(d, ++next, 1, "s", key, TX_LOCK_S);
            }
            assert_true(++pages < 2000);
            if (!more)
                break;
        } while (true);
        assert_non_null(strstr(text, "1 ix /; 1 ix stay/; 1 x stay/one; "));
        assert_null(strstr(strstr(text, "stay/one") + 1, "stay"));
        tx_arena_deinit(&arena);
        driver_free(d);
    }
}

static void test_a_page_after_a_restart(void **unused)
{
    (void)unused;
    struct driver *d = a_jam();
    struct tx_msg_locks_request request = {.limit = 2};
    struct tx_msg msg = {.type = TX_MSG_LOCKS_REQUEST, .locks_request = {.req = 9}};
    msg.locks_request.from = ask(d, &request)->next;
    driver_restart(d, d->log_n);
    driver_hello(d, 1, 7);
    driver_clear(d);
    driver_from_client(d, 5, &msg);
    assert_int_equal(driver_count(d, TX_MSG_LOCKS), 0);
    expect_error(d, TX_ESTATE, TX_REASON_RESTARTED);
    expect_list(d, (struct tx_msg_locks_request){0}, ONE); /* what is in doubt has its locks */
    driver_free(d);
}

static bool has_field(const struct tx_msg_status *s, const char *name, const char *text)
{
    for (size_t i = 0; i < s->fields_n; i++) {
        if (tx_bytes_equal(s->fields[i].name, tx_bytes_str(name)))
            return tx_bytes_equal(s->fields[i].text, tx_bytes_str(text));
    }
    return false;
}

static void test_the_status_counts(void **unused)
{
    (void)unused;
    struct driver *d = a_jam();
    driver_commit(d, driver_id(d, 1)); /* 3 has waited 9 ms, 4 goes on */
    driver_advance(d, 1000);
    driver_abort(d, driver_id(d, 3)); /* 4 has waited 3 ms */
    struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST};
    driver_from_client(d, 5, &msg);
    const struct tx_msg_status *s = &driver_last(d, TX_MSG_STATUS)->status;
    assert_true(has_field(s, "lock_waits", "2"));
    assert_true(has_field(s, "lock_grants", "6"));
    assert_true(has_field(s, "lock_wounds", "0"));
    assert_true(has_field(s, "lock_timeouts", "0"));
    assert_true(has_field(s, "lock_escalations", "0"));
    assert_true(has_field(s, "lock_wait_p50_us", "3071"));
    assert_true(has_field(s, "lock_wait_p99_us", "9000"));
    assert_true(has_field(s, "lock_wait_max_us", "9000"));
    assert_true(has_field(s, "lock_wait_histogram", "4096us:1 16384us:1"));
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_pages_of_any_size_are_the_table),
        cmocka_unit_test(test_pages_fit_into_messages),
        cmocka_unit_test(test_a_page_looks_at_so_many),
        cmocka_unit_test(test_a_table_that_changes),
        cmocka_unit_test(test_a_page_after_a_restart),
        cmocka_unit_test(test_the_status_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
