/* Views, the hash, the print form, buffer, reader and arena. */
#include "common/bytes.h"

#include "tests/common/test.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- views ---- */

static void equal_and_compare_agree(void **state)
{
    (void)state;
    static const char *const ordered[] = {"", "a", "aa", "ab", "b", "ba"};
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 6; j++) {
            struct tx_bytes a = tx_bytes_str(ordered[i]);
            struct tx_bytes b = tx_bytes_str(ordered[j]);
            assert_int_equal(tx_bytes_compare(a, b), (i > j) - (i < j));
            assert_int_equal(tx_bytes_equal(a, b), i == j);
        }
    }
    assert_true(tx_bytes_equal(tx_bytes(NULL, 0), tx_bytes_str("")));
    /* Bytes are unsigned, and a zero byte is one like any other. */
    assert_int_equal(tx_bytes_compare(tx_bytes("\xff", 1), tx_bytes("\x01", 1)), 1);
    assert_int_equal(tx_bytes_compare(tx_bytes("a\0a", 3), tx_bytes("a\0b", 3)), -1);
}

/* ---- hash ---- */

/* The values are part of the contract: they must be the same on every machine, in every run. */
static void the_hash_is_fixed(void **state)
{
    (void)state;
    assert_int_equal(tx_bytes_hash(tx_bytes(NULL, 0), 0), UINT64_C(0xa9dc429648b4a362));
    assert_int_equal(tx_bytes_hash(tx_bytes_str("assent"), 0), UINT64_C(0xa011c58cff42d8b8));
    assert_int_equal(tx_bytes_hash(tx_bytes_str("the quick brown fox jumps"), 42),
                     UINT64_C(0xafc392a21e5624e6));
}

static void the_hash_does_not_depend_on_alignment(void **state)
{
    (void)state;
    uint8_t memory[128];
    uint8_t text[64];
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)(i * 37);
    }
    for (size_t len = 0; len <= sizeof text; len++) {
        uint64_t expected = tx_bytes_hash(tx_bytes(text, len), 9);
        for (size_t shift = 0; shift < 8; shift++) {
            memset(memory, 0xa5, sizeof memory); /* neighbours must not count */
            memcpy(memory + shift, text, len);
            assert_int_equal(tx_bytes_hash(tx_bytes(memory + shift, len), 9), expected);
        }
    }
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Keys that differ in little: no two of 200,000 may meet, in the whole hash or for one seed and
 * another. */
static void similar_keys_do_not_collide(void **state)
{
    (void)state;
    enum { N = 200000 };
    uint64_t *hashes = malloc(N * sizeof *hashes);
    assert_non_null(hashes);
    for (unsigned i = 0; i < N; i++) {
        char key[32];
        int len = i < N / 2 ? snprintf(key, sizeof key, "account-%u", i)
                            : snprintf(key, sizeof key, "%027u", i);
        hashes[i] = tx_bytes_hash(tx_bytes(key, (size_t)len), i % 2);
    }
    qsort(hashes, N, sizeof *hashes, compare_u64);
    for (unsigned i = 1; i < N; i++) {
        assert_true(hashes[i] != hashes[i - 1]);
    }
    free(hashes);
}

/* One flipped bit of the input changes each bit of the hash about every other time. */
static void each_bit_spreads(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 40; len++) {
        uint8_t key[40] = {0};
        unsigned flips = 0;
        for (size_t bit = 0; bit < 8 * len; bit++) {
            uint64_t before = tx_bytes_hash(tx_bytes(key, len), 0);
            key[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            uint64_t changed = before ^ tx_bytes_hash(tx_bytes(key, len), 0);
            assert_true(__builtin_popcountll(changed) >= 10);
            flips += (unsigned)__builtin_popcountll(changed);
        }
        unsigned mean = flips / (unsigned)(8 * len);
        assert_in_range(mean, 27, 37);
    }
}

/* Buckets by the low bits, as a table would use them. */
static void low_bits_fill_buckets_evenly(void **state)
{
    (void)state;
    unsigned buckets[1024] = {0};
    for (unsigned i = 0; i < 1024 * 100; i++) {
        buckets[tx_bytes_hash(tx_bytes(&i, sizeof i), 0) % 1024]++;
    }
    for (unsigned i = 0; i < 1024; i++) {
        assert_in_range(buckets[i], 50, 150);
    }
}

/* ---- print form ---- */

static void print(const char *expected, struct tx_bytes bytes, size_t room)
{
    char out[64];
    memset(out, 'Z', sizeof out);
    assert_ptr_equal(tx_bytes_print(bytes, out, room), out);
    assert_string_equal(out, expected);
    assert_true(room == sizeof out || out[room] == 'Z');
}

static void print_escapes_and_cuts(void **state)
{
    (void)state;
    print("", tx_bytes(NULL, 0), 64);
    print("plain key", tx_bytes_str("plain key"), 64);
    print("\\x22\\x27\\x5c\\x00\\xff\\x7f\\x0a", tx_bytes("\"'\\\0\xff\x7f\n", 7), 64);
    print("12345678", tx_bytes_str("12345678"), 9);
    print("12345...", tx_bytes_str("123456789"), 9);
    print("\\x00\\x01", tx_bytes("\0\1", 2), 9);
    print("\\x00...", tx_bytes("\0\1\2", 3), 9);
    print("..", tx_bytes_str("abcdef"), 3);
    print("", tx_bytes_str("abcdef"), 1);
    print("", tx_bytes(NULL, 0), 1);
}

/* ---- buffer and reader ---- */

static void a_buffer_reads_back(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    tx_buf_u8(&buf, 0xfe);
    tx_buf_u16(&buf, 0x1234);
    tx_buf_u32(&buf, 0xdeadbeef);
    tx_buf_u64(&buf, UINT64_C(0x0123456789abcdef));
    tx_buf_blob(&buf, tx_bytes_str("blob"));
    tx_buf_blob(&buf, tx_bytes(NULL, 0));
    tx_buf_append(&buf, tx_bytes_str("tail"));
    tx_buf_append(&buf, tx_bytes(NULL, 0));
    assert_false(buf.failed);
    static const uint8_t start[] = {0xfe, 0x34, 0x12, 0xef, 0xbe, 0xad, 0xde, 0xef, 0xcd};
    assert_memory_equal(buf.data, start, sizeof start);

    struct tx_reader r = tx_reader(tx_buf_view(&buf));
    assert_int_equal(tx_read_u8(&r), 0xfe);
    assert_int_equal(tx_read_u16(&r), 0x1234);
    assert_int_equal(tx_read_u32(&r), 0xdeadbeef);
    assert_int_equal(tx_read_u64(&r), UINT64_C(0x0123456789abcdef));
    assert_true(tx_bytes_equal(tx_read_blob(&r), tx_bytes_str("blob")));
    assert_int_equal(tx_read_blob(&r).len, 0);
    assert_int_equal(tx_reader_left(&r), 4);
    assert_false(tx_reader_done(&r));
    assert_true(tx_bytes_equal(tx_read_bytes(&r, 4), tx_bytes_str("tail")));
    assert_true(tx_reader_done(&r));
    tx_buf_deinit(&buf);
    assert_null(buf.data);
}

static void a_buffer_grows_and_keeps(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    for (uint32_t i = 0; i < 100000; i++) {
        tx_buf_u32(&buf, i);
    }
    assert_false(buf.failed);
    struct tx_reader r = tx_reader(tx_buf_view(&buf));
    for (uint32_t i = 0; i < 100000; i++) {
        assert_int_equal(tx_read_u32(&r), i);
    }
    assert_true(tx_reader_done(&r));
    size_t capacity = buf.capacity;
    tx_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.capacity, capacity);
    tx_buf_deinit(&buf);
}

static void a_failed_buffer_stays_as_it_was(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    tx_buf_u32(&buf, 7);
    tx_buf_append(&buf, tx_bytes(buf.data, SIZE_MAX)); /* the length overflows before it is read */
    assert_true(buf.failed);
    tx_buf_u8(&buf, 1);
    tx_buf_blob(&buf, tx_bytes_str("more"));
    assert_int_equal(buf.len, 4);
    tx_buf_clear(&buf);
    assert_false(buf.failed);
    tx_buf_u8(&buf, 1);
    assert_int_equal(buf.len, 1);
    tx_buf_blob(&buf, tx_bytes(buf.data, (size_t)UINT32_MAX + 1)); /* no 32-bit length says that */
    assert_true(buf.failed);
    assert_int_equal(buf.len, 1);
    tx_buf_deinit(&buf);
}

static void reading_past_the_end_fails_for_good(void **state)
{
    (void)state;
    struct tx_reader r = tx_reader(tx_bytes("\1\2\3", 3));
    assert_int_equal(tx_read_u32(&r), 0);
    assert_true(r.failed);
    assert_int_equal(tx_read_u8(&r), 0); /* there was a byte, but no trust is left */
    assert_int_equal(tx_read_bytes(&r, 1).len, 0);
    assert_false(tx_reader_done(&r));

    r = tx_reader(tx_bytes("\xff\xff\xff\xff....", 8)); /* a blob of 4 GiB in 4 bytes */
    assert_int_equal(tx_read_blob(&r).len, 0);
    assert_true(r.failed);

    r = tx_reader(tx_bytes(NULL, 0));
    assert_true(tx_reader_done(&r));
    assert_int_equal(tx_read_bytes(&r, 0).len, 0);
    assert_false(r.failed);
    assert_int_equal(tx_read_bytes(&r, SIZE_MAX).len, 0);
    assert_true(r.failed);
}

/* ---- arena ---- */

static void arena_memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct tx_arena arena = {0};
    for (int round = 0; round < 3; round++) {
        uint8_t *previous = NULL;
        for (size_t i = 1; i < 3000; i++) {
            uint8_t *memory = tx_arena_alloc(&arena, i % 97, 1 + i % 5);
            size_t size = (i % 97) * (1 + i % 5);
            assert_non_null(memory);
            assert_int_equal((uintptr_t)memory % alignof(max_align_t), 0);
            for (size_t b = 0; b < size; b++) {
                assert_int_equal(memory[b], 0);
            }
            memset(memory, 0xee, size);
            assert_true(memory != previous || size == 0);
            previous = size > 0 ? memory : previous;
        }
        tx_arena_reset(&arena);
    }
    tx_arena_deinit(&arena);
    assert_null(arena.blocks);
}

static void arena_refuses_what_overflows(void **state)
{
    (void)state;
    struct tx_arena arena = {0};
    assert_null(tx_arena_alloc(&arena, SIZE_MAX / 2, 3));
    assert_null(tx_arena_alloc(&arena, SIZE_MAX, 1));
    assert_null(tx_arena_alloc(&arena, 1, SIZE_MAX - 16));
    assert_non_null(tx_arena_alloc(&arena, 0, SIZE_MAX));
    tx_arena_deinit(&arena);
}

static void arena_copies(void **state)
{
    (void)state;
    struct tx_arena arena = {0};
    char text[] = "borrowed";
    struct tx_bytes copy = tx_arena_copy(&arena, tx_bytes_str(text));
    memset(text, 'x', sizeof text - 1);
    assert_true(tx_bytes_equal(copy, tx_bytes_str("borrowed")));
    assert_null(tx_arena_copy(&arena, tx_bytes(text, 0)).data);
    tx_arena_deinit(&arena);
}

/* What fitted once fits again in the block that a reset keeps. */
static void arena_reset_keeps_one_block(void **state)
{
    (void)state;
    struct tx_arena arena = {0};
    assert_non_null(tx_arena_alloc(&arena, 1, 100));
    assert_non_null(tx_arena_alloc(&arena, 1, 100000));
    tx_arena_reset(&arena);
    const struct tx_arena_block *kept = arena.blocks;
    assert_non_null(kept);
    assert_non_null(tx_arena_alloc(&arena, 1, 100000));
    assert_ptr_equal(arena.blocks, kept);
    tx_arena_deinit(&arena);
    tx_arena_reset(&arena);
    tx_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_and_compare_agree),
        cmocka_unit_test(the_hash_is_fixed),
        cmocka_unit_test(the_hash_does_not_depend_on_alignment),
        cmocka_unit_test(similar_keys_do_not_collide),
        cmocka_unit_test(each_bit_spreads),
        cmocka_unit_test(low_bits_fill_buckets_evenly),
        cmocka_unit_test(print_escapes_and_cuts),
        cmocka_unit_test(a_buffer_reads_back),
        cmocka_unit_test(a_buffer_grows_and_keeps),
        cmocka_unit_test(a_failed_buffer_stays_as_it_was),
        cmocka_unit_test(reading_past_the_end_fails_for_good),
        cmocka_unit_test(arena_memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(arena_refuses_what_overflows),
        cmocka_unit_test(arena_copies),
        cmocka_unit_test(arena_reset_keeps_one_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
