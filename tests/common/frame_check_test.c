/* Frames that no honest sender makes. Each is checked in a block of exactly its size, so that a
 * sanitizer sees a read of one byte too many. */
#include "common/wire.h"

#include "tests/common/test.h"

#include <stdlib.h>
#include <string.h>

#define ANY_SIZE TX_MESSAGE_MAX

static enum tx_error check_max(const void *data, size_t len, size_t frame_max)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    if (len > 0) {
        memcpy(exact, data, len);
    }
    struct tx_why why = {{0}};
    enum tx_error error = tx_frame_check(tx_bytes(exact, len), frame_max, &why);
    assert_int_equal(why.text[0] != '\0', error != TX_OK);
    assert_int_equal(tx_frame_check(tx_bytes(exact, len), frame_max, NULL), error);
    free(exact);
    return error;
}

static enum tx_error check(const void *data, size_t len)
{
    return check_max(data, len, ANY_SIZE);
}

/* One object of every kind that msgpack has, in an array of 40. */
static const uint8_t every_kind[] = {
    0xdc, 0,    40,                                                           /* array 16 */
    0x00, 0x7f, 0x80, 0x81, 1,    2,    0x90, 0x91, 3, 0xa0, 0xa2, 'h',  'i', /* fix forms: 8
                                                                                 objects */
    0xc0, 0xc2, 0xc3,                                                         /* nil, booleans */
    0xc4, 1,    9,    0xc5, 0,    1,    9,    0xc6, 0, 0,    0,    1,    9,   /* bin */
    0xc7, 1,    5,    9,    0xc8, 0,    1,    5,    9, 0xc9, 0,    0,    0,   1, 5, 9, /* ext */
    0xca, 1,    2,    3,    4,    0xcb, 1,    2,    3, 4,    5,    6,    7,   8,       /* float */
    0xcc, 1,    0xcd, 1,    2,    0xce, 1,    2,    3, 4,    0xcf, 1,    2,   3, 4, 5,
    6,    7,    8, /* uint */
    0xd0, 1,    0xd1, 1,    2,    0xd2, 1,    2,    3, 4,    0xd3, 1,    2,   3, 4, 5,
    6,    7,    8,                                                          /* int */
    0xd4, 5,    1,    0xd5, 5,    1,    2,    0xd6, 5, 1,    2,    3,    4, /* fixext 1, 2, 4 */
    0xd7, 5,    1,    2,    3,    4,    5,    6,    7, 8,                   /* fixext 8 */
    0xd8, 5,    1,    2,    3,    4,    5,    6,    7, 8,    1,    2,    3,   4, 5, 6,
    7,    8,                                                                  /* fixext 16 */
    0xd9, 1,    'a',  0xda, 0,    1,    'a',  0xdb, 0, 0,    0,    1,    'a', /* str */
    0xdd, 0,    0,    0,    1,    0xc0, 0xde, 0,    1, 1,    2,    0xdf, 0,   0, 0, 1,
    1,    2,    /* array, map */
    0xff, 0xe0, /* negative fixint */
};

static void every_kind_is_walked(void **state)
{
    (void)state;
    assert_int_equal(check(every_kind, sizeof every_kind), TX_OK);
}

static void a_frame_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof every_kind; len++) {
        assert_int_equal(check(every_kind, len), TX_EFORMAT);
    }
}

static void left_over_bytes_are_refused(void **state)
{
    (void)state;
    uint8_t longer[sizeof every_kind + 1];
    memcpy(longer, every_kind, sizeof every_kind);
    longer[sizeof every_kind] = 0xc0;
    assert_int_equal(check(longer, sizeof longer), TX_EFORMAT);
    assert_int_equal(check("\x01\x01", 2), TX_EFORMAT);
}

/* The six bytes that make a naive unpacker ask for gigabytes, and their relatives. */
static void counts_beyond_the_bytes_at_hand_are_refused(void **state)
{
    (void)state;
    assert_int_equal(check("\xdd\xff\xff\xff\xff\x01", 6), TX_EFORMAT);
    assert_int_equal(check("\xdf\xff\xff\xff\xff\x01", 6), TX_EFORMAT);
    assert_int_equal(check("\xdf\x80\x00\x00\x00\x01", 6), TX_EFORMAT); /* twice that is 2^32 */
    assert_int_equal(check("\xdc\xff\xff\x01", 4), TX_EFORMAT);
    assert_int_equal(check("\xc6\xff\xff\xff\xff\x01", 6), TX_EFORMAT);
    assert_int_equal(check("\xc9\xff\xff\xff\xff\x01\x01", 7), TX_EFORMAT);
    assert_int_equal(check("\xdb\xff\xff\xff\xff\x01", 6), TX_EFORMAT);
    assert_int_equal(check("\xdd\xff\xff\xff\xff", 5), TX_EFORMAT);
    assert_int_equal(check("\x9f\x01", 2), TX_EFORMAT);
    assert_int_equal(check("\xdd\x00\x00\x00\x02\x01", 6), TX_EFORMAT);
    assert_int_equal(check("\xdd\x00\x00\x00\x01\x01", 6), TX_OK);
}

static void the_byte_that_begins_nothing_is_refused(void **state)
{
    (void)state;
    assert_int_equal(check("\xc1", 1), TX_EFORMAT);
    assert_int_equal(check("\x92\x01\xc1", 3), TX_EFORMAT);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    uint8_t nested[1000];
    memset(nested, 0x91, sizeof nested);
    nested[TX_FRAME_DEPTH_MAX] = 0x01;
    assert_int_equal(check(nested, TX_FRAME_DEPTH_MAX + 1), TX_OK);
    nested[TX_FRAME_DEPTH_MAX] = 0x90; /* one more array, though an empty one */
    assert_int_equal(check(nested, TX_FRAME_DEPTH_MAX + 1), TX_ELIMIT);
    nested[TX_FRAME_DEPTH_MAX] = 0x91;
    assert_int_equal(check(nested, sizeof nested), TX_ELIMIT);
    for (size_t i = 0; i < sizeof nested; i += 2) { /* the same with maps */
        nested[i] = 0x81;
        nested[i + 1] = 0x01;
    }
    assert_int_equal(check(nested, sizeof nested), TX_ELIMIT);
    /* Depth is nesting, not the number of arrays: closing one makes room again. */
    uint8_t flat[101];
    memset(flat, 0x90, sizeof flat);
    flat[0] = 0xdc;
    flat[1] = 0;
    flat[2] = 98;
    assert_int_equal(check(flat, sizeof flat), TX_OK);
}

static void objects_are_bounded(void **state)
{
    (void)state;
    size_t elements = TX_FRAME_OBJECTS_MAX; /* and the array itself */
    uint8_t *frame = calloc(1, elements + 5);
    assert_non_null(frame);
    for (size_t n = elements - 1; n <= elements; n++) {
        frame[0] = 0xdd;
        for (int i = 0; i < 4; i++) {
            frame[1 + i] = (uint8_t)(n >> (24 - 8 * i));
        }
        assert_int_equal(check(frame, n + 5), n < elements ? TX_OK : TX_ELIMIT);
    }
    free(frame);
}

static void size_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(check_max(every_kind, sizeof every_kind, sizeof every_kind), TX_OK);
    assert_int_equal(check_max(every_kind, sizeof every_kind, sizeof every_kind - 1), TX_ELIMIT);
    assert_int_equal(check_max(NULL, 0, 0), TX_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_walked),
        cmocka_unit_test(a_frame_cut_anywhere_is_refused),
        cmocka_unit_test(left_over_bytes_are_refused),
        cmocka_unit_test(counts_beyond_the_bytes_at_hand_are_refused),
        cmocka_unit_test(the_byte_that_begins_nothing_is_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(objects_are_bounded),
        cmocka_unit_test(size_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
