/* The judgement over recorded transfers, against a played coordinator whose every record is "42".
 */
#include "client/txbench/bench_verify.h"

#include "tests/client/fake_cluster.h"
#include "tests/common/test.h"

#include <stdlib.h>
#include <string.h>

/* Enough for a request that is never answered, and for the next one. */
#define PATIENCE_MS 60000u

static struct fake fake;
static char *printed;
static size_t printed_len;
static struct bench_verdict verdict;

static int start(void **state)
{
    (void)state;
    fake_start(&fake);
    verdict = (struct bench_verdict){0};
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fake_stop(&fake);
    free(printed);
    printed = NULL;
    return 0;
}

/* Two transfers of 42, with those results absent: bits 0 and 1 are the sides of the first. */
static void verify(uint32_t absent, bool acked, int64_t amount)
{
    struct bench_transfer transfers[2] = {{.id = "one", .from = "a", .to = "b", .amount = amount},
                                          {.id = "two", .from = "b", .to = "a", .amount = 42}};
    struct bench_ledger ledger = {.items = transfers, .n = 2};
    FILE *out = open_memstream(&printed, &printed_len);
    assert_non_null(out);
    fake_lock(&fake);
    fake.absent = absent;
    fake_unlock(&fake);
    assert_int_equal(bench_verify(fake.client, &ledger, acked, PATIENCE_MS, out, &verdict),
                     TXCLIENT_OK);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(verdict.checked, 2);
}

static void test_all_there(void **state)
{
    (void)state;
    verify(0, true, 42);
    assert_int_equal(verdict.lost + verdict.half + verdict.wrong, 0);
    assert_string_equal(printed, "");
}

static void test_an_acknowledged_one_is_lost(void **state)
{
    (void)state;
    verify(3, true, 42);
    assert_int_equal(verdict.lost, 1);
    assert_non_null(strstr(printed, "transfer one"));
    assert_null(strstr(printed, "transfer two"));
}

static void test_an_attempted_one_may_be_nowhere(void **state)
{
    (void)state;
    verify(3, false, 42);
    assert_int_equal(verdict.lost + verdict.half + verdict.wrong, 0);
}

static void test_one_side_only(void **state)
{
    (void)state;
    verify(4, false, 42);
    assert_int_equal(verdict.half, 1);
    assert_non_null(strstr(printed, "transfer two (42 from b to a): not there at b"));
}

static void test_another_amount(void **state)
{
    (void)state;
    verify(0, true, 43);
    assert_int_equal(verdict.wrong, 1);
    assert_non_null(strstr(printed, "transfer one (43 from a to b): another amount"));
}

static void test_reading_is_patient(void **state)
{
    (void)state;
    fake_lock(&fake);
    fake.ignore[TX_MSG_SUBMIT] = 1;
    fake.refuse[TX_MSG_SUBMIT] = 1;
    fake_unlock(&fake);
    verify(0, true, 42);
    assert_true(peer_seen(fake.coordinator, TX_MSG_SUBMIT) >= 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_there),
        TEST(test_an_acknowledged_one_is_lost),
        TEST(test_an_attempted_one_may_be_nowhere),
        TEST(test_one_side_only),
        TEST(test_another_amount),
        TEST(test_reading_is_patient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
