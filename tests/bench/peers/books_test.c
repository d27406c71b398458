/* Books that must not agree with what was told, and do not. */
#include "tests/bench/peers/peer.h"

#include "tests/common/test.h"

#define ACCOUNTS 10u

static const struct peer_place place = {.accounts = ACCOUNTS};
static const struct peer_books full = {.sums = {ACCOUNTS * PEER_BALANCE, ACCOUNTS *PEER_BALANCE},
                                       .accounts = {ACCOUNTS, ACCOUNTS}};

static void test_the_beginning(void **state)
{
    (void)state;
    struct peer_books books = full;
    assert_true(peer_books_sound(&books, &place));
    books.sums[0] -= 7; /* moved by an earlier run */
    books.sums[1] += 7;
    assert_true(peer_books_sound(&books, &place));
    books.sums[1] -= 1;
    assert_false(peer_books_sound(&books, &place));
    books = full;
    books.accounts[1]--;
    assert_false(peer_books_sound(&books, &place));
    books = full;
    books.in_doubt = 1;
    assert_false(peer_books_sound(&books, &place));
}

static void test_the_end(void **state)
{
    (void)state;
    static struct load_result done = {.committed = 2, .moved = 30};
    struct peer_books after = full;
    assert_false(peer_books_agree(&full, &after, &done)); /* both lost, though the sum holds */
    after.sums[0] -= 30;
    assert_false(peer_books_agree(&full, &after, &done)); /* half of them */
    after.sums[1] += 30;
    assert_true(peer_books_agree(&full, &after, &done));
    after.sums[0] -= 5; /* one that nobody was told of */
    after.sums[1] += 5;
    assert_false(peer_books_agree(&full, &after, &done));
    after.sums[0] += 5;
    after.sums[1] -= 5;
    after.in_doubt = 1;
    assert_false(peer_books_agree(&full, &after, &done));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_beginning),
        cmocka_unit_test(test_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
