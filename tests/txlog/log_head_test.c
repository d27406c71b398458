/* The file HEAD: two slots, of which a torn write may spoil one. */
#include "log_fixture.h"
#include "txlog/log_head.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static char *place;
static int dir_fd;

static int setup(void **state)
{
    (void)state;
    place = fixture_new();
    dir_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir_fd < 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)close(dir_fd);
    fixture_remove(place);
    return 0;
}

/* Advances from 10 to 10 + n. */
static void make(unsigned n)
{
    struct log_head head;
    assert_int_equal(log_head_create(dir_fd, 77, (struct tx_lsn){10}, NULL), TX_OK);
    assert_int_equal(log_head_open(dir_fd, false, 77, &head, NULL), TX_OK);
    for (unsigned i = 1; i <= n; i++)
        assert_int_equal(log_head_advance(&head, (struct tx_lsn){10 + i}, NULL), TX_OK);
    log_head_close(&head);
}

static enum tx_error reopen(uint64_t identity, uint64_t *lsn)
{
    struct log_head head;
    struct tx_why why;
    enum tx_error error = log_head_open(dir_fd, true, identity, &head, &why);
    *lsn = head.lsn.n;
    log_head_close(&head);
    return error;
}

static void the_highest_slot_counts(void **state)
{
    (void)state;
    uint64_t lsn;
    make(5);
    assert_int_equal(fixture_size(fixture_path(place, LOG_HEAD_FILE)), 1024);
    assert_int_equal(reopen(77, &lsn), TX_OK);
    assert_int_equal(lsn, 15);
    assert_int_equal(log_head_create(dir_fd, 77, (struct tx_lsn){0}, NULL), TX_EIO); /* exists */
}

/* Whichever slot the last write tore, the other holds the LSN before it. */
static void a_torn_slot_leaves_the_other(void **state)
{
    (void)state;
    uint64_t a, b;
    const char *path = fixture_path(place, LOG_HEAD_FILE);
    make(5);
    fixture_flip(path, 24);
    assert_int_equal(reopen(77, &a), TX_OK);
    fixture_flip(path, 24);
    fixture_flip(path, 512 + 24);
    assert_int_equal(reopen(77, &b), TX_OK);
    assert_true((a == 15 && b == 14) || (a == 14 && b == 15));
    fixture_flip(path, 30);
    assert_int_equal(reopen(77, &a), TX_ECORRUPT);
    assert_int_equal(a, 0);
}

static void the_next_write_spares_the_only_good_slot(void **state)
{
    (void)state;
    const char *path = fixture_path(place, LOG_HEAD_FILE);
    for (off_t slot = 0; slot < 2; slot++) {
        uint64_t lsn;
        struct log_head head;
        (void)unlink(path);
        make(4);
        fixture_flip(path, 512 * slot + 8);
        assert_int_equal(log_head_open(dir_fd, false, 77, &head, NULL), TX_OK);
        assert_int_equal(log_head_advance(&head, (struct tx_lsn){20}, NULL), TX_OK);
        log_head_close(&head);
        fixture_flip(path, 512 * slot + 24); /* tears what was just written */
        assert_int_equal(reopen(77, &lsn), TX_OK);
        assert_true(lsn == 13 || lsn == 14);
    }
}

static void short_foreign_and_missing_files(void **state)
{
    (void)state;
    uint64_t lsn;
    const char *path = fixture_path(place, LOG_HEAD_FILE);
    assert_int_equal(reopen(77, &lsn), TX_EIO);
    make(0);
    assert_int_equal(reopen(78, &lsn), TX_ECORRUPT);
    fixture_cut(path, 100); /* the first slot is still whole */
    assert_int_equal(reopen(77, &lsn), TX_OK);
    fixture_cut(path, 24);
    assert_int_equal(reopen(77, &lsn), TX_ECORRUPT);
    fixture_cut(path, 0);
    assert_int_equal(reopen(77, &lsn), TX_ECORRUPT);
}

static void reset_goes_back_in_both_slots(void **state)
{
    (void)state;
    uint64_t lsn;
    struct log_head head;
    make(9);
    assert_int_equal(log_head_open(dir_fd, false, 77, &head, NULL), TX_OK);
    assert_int_equal(log_head_reset(&head, (struct tx_lsn){3}, NULL), TX_OK);
    log_head_close(&head);
    assert_int_equal(reopen(77, &lsn), TX_OK);
    assert_int_equal(lsn, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_highest_slot_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_torn_slot_leaves_the_other, setup, teardown),
        cmocka_unit_test_setup_teardown(the_next_write_spares_the_only_good_slot, setup, teardown),
        cmocka_unit_test_setup_teardown(short_foreign_and_missing_files, setup, teardown),
        cmocka_unit_test_setup_teardown(reset_goes_back_in_both_slots, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
