/* The modes, for all 36 pairs, against the definitions: conflicts as Gray's table writes them,
 * everything else derived here from that table by brute force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lockmgr/lock_mode.h"

#include <stdio.h>

#define FIRST TX_LOCK_IS
#define LAST  TX_LOCK_X

static const char *const names[TX_LOCK_MODES_N] = {"NONE", "IS", "IX", "S", "U", "SIX", "X"};

/* Rows and columns IS, IX, S, U, SIX, X; 'x' where they conflict. */
static const char *const table[] = {
    ".....x", /* IS */
    "..xxxx", /* IX */
    ".x..xx", /* S */
    ".x.xxx", /* U */
    ".xxxxx", /* SIX */
    "xxxxxx", /* X */
};

static bool defined_conflict(enum tx_lock_mode a, enum tx_lock_mode b)
{
    return a != TX_LOCK_NONE && b != TX_LOCK_NONE && table[a - 1][b - 1] == 'x';
}

/* Does `big` conflict with all that `small` conflicts with? */
static bool defined_cover(enum tx_lock_mode big, enum tx_lock_mode small)
{
    for (enum tx_lock_mode m = FIRST; m <= LAST; m++) {
        if (defined_conflict(small, m) && !defined_conflict(big, m)) {
            return false;
        }
    }
    return true;
}

/* The mode that covers both and is covered by every other that does; there must be just one. */
static enum tx_lock_mode defined_join(enum tx_lock_mode a, enum tx_lock_mode b)
{
    enum tx_lock_mode least = TX_LOCK_MODES_N;
    for (enum tx_lock_mode c = TX_LOCK_NONE; c <= LAST; c++) {
        bool is_least = defined_cover(c, a) && defined_cover(c, b);
        for (enum tx_lock_mode d = TX_LOCK_NONE; d <= LAST && is_least; d++) {
            is_least = !(defined_cover(d, a) && defined_cover(d, b)) || defined_cover(d, c);
        }
        if (is_least) {
            assert_int_equal(least, TX_LOCK_MODES_N);
            least = c;
        }
    }
    assert_int_not_equal(least, TX_LOCK_MODES_N);
    return least;
}

static void conflicts_are_as_defined(void **state)
{
    (void)state;
    for (enum tx_lock_mode a = TX_LOCK_NONE; a <= LAST; a++) {
        for (enum tx_lock_mode b = TX_LOCK_NONE; b <= LAST; b++) {
            if (lock_mode_conflicts(a, b) != defined_conflict(a, b)) {
                fail_msg("conflict of %s and %s", names[a], names[b]);
            }
            assert_int_equal(lock_mode_conflicts(a, b), lock_mode_conflicts(b, a));
            unsigned in_set = lock_mode_conflict_set(a) & lock_mode_bit(b);
            assert_int_equal(in_set != 0, defined_conflict(a, b));
        }
    }
}

static void covers_are_as_defined(void **state)
{
    (void)state;
    for (enum tx_lock_mode a = TX_LOCK_NONE; a <= LAST; a++) {
        for (enum tx_lock_mode b = TX_LOCK_NONE; b <= LAST; b++) {
            if (lock_mode_covers(a, b) != defined_cover(a, b)) {
                fail_msg("does %s cover %s?", names[a], names[b]);
            }
        }
    }
}

static void joins_are_the_least_covers(void **state)
{
    (void)state;
    for (enum tx_lock_mode a = TX_LOCK_NONE; a <= LAST; a++) {
        for (enum tx_lock_mode b = TX_LOCK_NONE; b <= LAST; b++) {
            if (lock_mode_join(a, b) != defined_join(a, b)) {
                fail_msg("join of %s and %s is %s", names[a], names[b],
                         names[lock_mode_join(a, b)]);
            }
        }
    }
    assert_int_equal(lock_mode_join(TX_LOCK_S, TX_LOCK_IX), TX_LOCK_SIX);
    assert_int_equal(lock_mode_join(TX_LOCK_U, TX_LOCK_IX), TX_LOCK_SIX);
}

static void order_is_as_stated(void **state)
{
    (void)state;
    static const enum tx_lock_mode chains[][5] = {
        {TX_LOCK_IS, TX_LOCK_S, TX_LOCK_U, TX_LOCK_SIX, TX_LOCK_X},
        {TX_LOCK_IS, TX_LOCK_IX, TX_LOCK_SIX, TX_LOCK_X, TX_LOCK_X},
    };
    for (size_t c = 0; c < 2; c++) {
        for (size_t i = 0; i + 1 < 5; i++) {
            assert_true(lock_mode_covers(chains[c][i + 1], chains[c][i]));
        }
    }
    assert_false(lock_mode_covers(TX_LOCK_S, TX_LOCK_IX));
    assert_false(lock_mode_covers(TX_LOCK_IX, TX_LOCK_S));
}

static void intentions(void **state)
{
    (void)state;
    assert_int_equal(lock_mode_intention(TX_LOCK_NONE), TX_LOCK_NONE);
    assert_int_equal(lock_mode_intention(TX_LOCK_IS), TX_LOCK_IS);
    assert_int_equal(lock_mode_intention(TX_LOCK_S), TX_LOCK_IS);
    static const enum tx_lock_mode writers[] = {TX_LOCK_IX, TX_LOCK_U, TX_LOCK_SIX, TX_LOCK_X};
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        assert_int_equal(lock_mode_intention(writers[i]), TX_LOCK_IX);
    }
}

/* A conversion below asks its ancestors for the intention of the mode asked, joined with what is
 * held: that must be enough for the mode that comes out. */
static void intention_of_a_join_is_the_join_of_intentions(void **state)
{
    (void)state;
    for (enum tx_lock_mode a = TX_LOCK_NONE; a <= LAST; a++) {
        for (enum tx_lock_mode b = TX_LOCK_NONE; b <= LAST; b++) {
            enum tx_lock_mode joined =
                lock_mode_join(lock_mode_intention(a), lock_mode_intention(b));
            assert_int_equal(lock_mode_intention(lock_mode_join(a, b)), joined);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conflicts_are_as_defined),
        cmocka_unit_test(covers_are_as_defined),
        cmocka_unit_test(joins_are_the_least_covers),
        cmocka_unit_test(order_is_as_stated),
        cmocka_unit_test(intentions),
        cmocka_unit_test(intention_of_a_join_is_the_join_of_intentions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
