/* Log records: every type there and back, and no damaged byte that passes. */
#include "tests/txlog/record_samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void encode(const struct txlog_record *r, struct tx_buf *out)
{
    tx_buf_clear(out);
    assert_int_equal(txlog_record_encode(r, out), TX_OK);
}

static void reseal(struct tx_buf *buf)
{
    uint32_t crc = tx_crc32c(0, tx_bytes(buf->data + 4, buf->len - 4));
    for (size_t i = 0; i < 4; i++)
        buf->data[i] = (uint8_t)(crc >> (8 * i));
}

/* What was decoded says the same when it gives the same bytes again; the fields that matter most
 * are compared one by one elsewhere. */
static void every_type_round_trips(void **state)
{
    (void)state;
    struct tx_buf once = {0}, twice = {0};
    struct tx_arena arena = {0};
    for (int type = TXLOG_START; type < TXLOG_TYPES_N; type++) {
        struct txlog_record in = record_sample((enum txlog_type)type), out;
        encode(&in, &once);
        struct tx_why why;
        assert_int_equal(txlog_record_decode(tx_buf_view(&once), &arena, &out, &why), TX_OK);
        assert_int_equal(out.type, in.type);
        assert_int_equal(out.lsn.n, 17);
        assert_int_equal(out.start, 6);
        assert_int_equal(out.time_ms, 1700000000123);
        encode(&out, &twice);
        assert_true(tx_bytes_equal(tx_buf_view(&once), tx_buf_view(&twice)));
        struct tx_id a = txlog_record_tx(&in), b = txlog_record_tx(&out);
        assert_true(tx_id_equal(a, b));
        tx_arena_reset(&arena);
    }
    tx_arena_deinit(&arena);
    tx_buf_deinit(&once);
    tx_buf_deinit(&twice);
}

static void prepared_keeps_every_field(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    struct tx_arena arena = {0};
    struct txlog_record in = record_sample(TXLOG_PREPARED), r;
    encode(&in, &buf);
    assert_int_equal(txlog_record_decode(tx_buf_view(&buf), &arena, &r, NULL), TX_OK);
    const struct txlog_prepared *p = &r.prepared;
    assert_true(tx_id_equal(p->id, txlog_record_tx(&in)));
    assert_int_equal(p->age.counter, 8);
    assert_int_equal(p->age.coordinator, 3);
    assert_string_equal(p->coordinator.s, "tcp://127.0.0.1:7400");
    assert_int_equal(p->members_n, 2);
    assert_string_equal(p->members[0].name.s, "a");
    assert_string_equal(p->members[0].address.s, "tcp://127.0.0.1:7410");
    assert_int_equal(p->members[0].incarnation, 4);
    assert_false(p->members[0].read_only);
    assert_true(p->members[1].read_only);
    assert_int_equal(p->known[0].start, 4);
    assert_int_equal(p->known[0].life, 7);
    assert_int_equal(p->known[0].lsn.n, 99);
    assert_int_equal(p->known[1].start, 0);
    assert_true(tx_bytes_equal(p->redo, tx_bytes_str("redo")));
    assert_int_equal(p->locks_n, 3);
    assert_int_equal(p->locks[0].mode, TX_LOCK_X);
    assert_true(tx_bytes_equal(p->locks[0].space, tx_bytes_str("accounts")));
    assert_true(tx_bytes_equal(p->locks[0].key, tx_bytes_str("alice")));
    assert_int_equal(p->locks[1].mode, TX_LOCK_SIX);
    assert_int_equal(p->locks[1].key.len, 0);
    assert_false(p->locks[1].range);
    assert_true(p->locks[2].range);
    assert_true(tx_bytes_equal(p->locks[2].key, tx_bytes_str("b")));
    assert_true(tx_bytes_equal(p->locks[2].to, tx_bytes_str("d")));
    assert_true(p->members_decide);
    tx_arena_deinit(&arena);
    tx_buf_deinit(&buf);
}

/* A list of positions that is no longer parallel to the members says nothing of anybody. */
static void prepared_knows_each_member_once(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    struct tx_arena arena = {0};
    struct txlog_record in = record_sample(TXLOG_PREPARED), out;
    struct tx_why why;
    size_t known_n = TXLOG_FRONT_BYTES + 20 + 12; /* id, age */
    encode(&in, &buf);
    known_n += 4 + strlen(in.prepared.coordinator.s) + 4;
    for (size_t i = 0; i < in.prepared.members_n; i++) {
        const struct tx_member *member = &in.prepared.members[i];
        known_n += 4 + strlen(member->name.s) + 4 + strlen(member->address.s) + 8 + 1;
    }
    assert_int_equal(buf.data[known_n], 2);
    buf.data[known_n] = 1;
    reseal(&buf);
    assert_int_equal(txlog_record_decode(tx_buf_view(&buf), &arena, &out, &why), TX_ECORRUPT);
    assert_non_null(strstr(why.text, "not a position for each member"));
    tx_arena_deinit(&arena);
    tx_buf_deinit(&buf);
}

/* The stored form is a disk format: this pins it down byte by byte. */
static void the_form_on_disk(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    struct txlog_record in = record_sample(TXLOG_HEURISTIC_END);
    encode(&in, &buf);
    static const uint8_t expected[] = {
        1,    8,    0,    0,    17, 0, 0, 0, 0, 0, 0, 0, 6,  0, 0, 0, 0, 0, 0, 0, 0x7b,
        0x68, 0xe5, 0xcf, 0x8b, 1,  0, 0, /* time */
        3,    0,    0,    0,    7,  0, 0, 0, 0, 0, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 1};
    assert_int_equal(buf.len, 4 + sizeof(expected));
    assert_memory_equal(buf.data + 4, expected, sizeof(expected));
    tx_buf_deinit(&buf);
}

static void decode_must_refuse(struct tx_bytes bytes, bool version_too)
{
    struct tx_arena arena = {0};
    struct txlog_record r;
    struct tx_why why = {{0}};
    /* A copy of exact size, so that a read past the end is seen by the sanitizer. */
    uint8_t *copy = malloc(bytes.len + 1);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.len);
    enum tx_error error = txlog_record_decode(tx_bytes(copy, bytes.len), &arena, &r, &why);
    assert_true(error == TX_ECORRUPT || (version_too && error == TX_EVERSION));
    assert_true(why.text[0] != '\0');
    free(copy);
    tx_arena_deinit(&arena);
}

static void a_record_at_lsn_0_is_refused(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    struct txlog_record in = record_sample(TXLOG_START);
    encode(&in, &buf);
    memset(buf.data + 8, 0, 8);
    reseal(&buf);
    decode_must_refuse(tx_buf_view(&buf), false);
    tx_buf_deinit(&buf);
}

static void truncations_and_bit_flips_are_found(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    for (int type = TXLOG_START; type < TXLOG_TYPES_N; type++) {
        struct txlog_record in = record_sample((enum txlog_type)type);
        encode(&in, &buf);
        for (size_t len = 0; len < buf.len; len++)
            decode_must_refuse(tx_bytes(buf.data, len), false);
        for (size_t bit = 0; bit < buf.len * 8; bit++) {
            buf.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            decode_must_refuse(tx_buf_view(&buf), false);
            buf.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    tx_buf_deinit(&buf);
}

/* Cut or extended, and sealed with a good checksum: the lengths inside must not be believed. */
static void wrong_lengths_under_a_good_checksum_are_found(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    for (int type = TXLOG_START; type < TXLOG_TYPES_N; type++) {
        struct txlog_record in = record_sample((enum txlog_type)type);
        encode(&in, &buf);
        tx_buf_u8(&buf, 0);
        reseal(&buf);
        decode_must_refuse(tx_buf_view(&buf), false);
        encode(&in, &buf);
        while (buf.len > TXLOG_FRONT_BYTES) {
            buf.len--;
            reseal(&buf);
            decode_must_refuse(tx_buf_view(&buf), false);
        }
    }
    tx_buf_deinit(&buf);
}

/* Any byte of the payload changed, under a good checksum: refused or understood, never a crash. */
static void hostile_payloads_do_no_harm(void **state)
{
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    struct tx_buf buf = {0};
    struct tx_arena arena = {0};
    for (int type = TXLOG_START; type < TXLOG_TYPES_N; type++) {
        struct txlog_record in = record_sample((enum txlog_type)type), out;
        encode(&in, &buf);
        for (size_t at = 4; at < buf.len; at++) {
            uint8_t before = buf.data[at];
            for (size_t v = 0; v < sizeof(values); v++) {
                buf.data[at] = values[v];
                reseal(&buf);
                enum tx_error e = txlog_record_decode(tx_buf_view(&buf), &arena, &out, NULL);
                assert_true(e == TX_OK || e == TX_ECORRUPT || e == TX_EVERSION);
                tx_arena_reset(&arena);
            }
            buf.data[at] = before;
        }
    }
    tx_arena_deinit(&arena);
    tx_buf_deinit(&buf);
}

static void expect_after_change(size_t at, uint8_t value, enum tx_error expected)
{
    struct tx_buf buf = {0};
    struct tx_arena arena = {0};
    struct txlog_record in = record_sample(TXLOG_COMMITTED), out;
    encode(&in, &buf);
    buf.data[at] = value;
    reseal(&buf);
    assert_int_equal(txlog_record_decode(tx_buf_view(&buf), &arena, &out, NULL), expected);
    struct txlog_front front;
    if (at < TXLOG_FRONT_BYTES)
        assert_int_equal(txlog_record_front(tx_buf_view(&buf), &front, NULL), expected);
    tx_arena_deinit(&arena);
    tx_buf_deinit(&buf);
}

static void unknown_versions_and_types_are_never_skipped(void **state)
{
    (void)state;
    expect_after_change(4, 2, TX_EVERSION);
    expect_after_change(4, 0, TX_EVERSION);
    expect_after_change(5, TXLOG_TYPES_N, TX_EVERSION);
    expect_after_change(5, TXLOG_NONE, TX_EVERSION);
    expect_after_change(6, 1, TX_ECORRUPT);                         /* reserved bits */
    expect_after_change(TXLOG_FRONT_BYTES + 20, 2, TX_ECORRUPT);    /* the bool */
    expect_after_change(TXLOG_FRONT_BYTES, 0, TX_ECORRUPT);         /* coordinator 0 */
    expect_after_change(TXLOG_FRONT_BYTES + 32, 0xff, TX_ECORRUPT); /* a blob of 4 GiB */
}

static void an_alarm_may_concern_no_transaction(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    struct tx_arena arena = {0};
    struct txlog_record in = record_sample(TXLOG_ALARM), out;
    in.alarm.id = (struct tx_id){0};
    encode(&in, &buf);
    assert_int_equal(txlog_record_decode(tx_buf_view(&buf), &arena, &out, NULL), TX_OK);
    assert_int_equal(txlog_record_tx(&out).coordinator, 0);
    tx_arena_deinit(&arena);
    tx_buf_deinit(&buf);
}

/* A number that nobody gave, or a position behind the record that tells it. */
static void a_cut_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct tx_cut bad[] = {
        {0, {12}, 0}, {TX_CUT_LAST + 1, {12}, 0}, {7, {0}, 0}, {7, {18}, 0}};
    struct tx_arena arena = {0};
    struct txlog_record record = record_sample(TXLOG_CUT), out;
    struct tx_buf buf = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        record.cut = bad[i];
        encode(&record, &buf);
        assert_int_equal(txlog_record_decode(tx_buf_view(&buf), &arena, &out, NULL), TX_ECORRUPT);
    }
    record.cut = (struct tx_cut){TX_CUT_LAST, {17}, 5}; /* its own place */
    encode(&record, &buf);
    assert_int_equal(txlog_record_decode(tx_buf_view(&buf), &arena, &out, NULL), TX_OK);
    assert_int_equal(out.cut.number, TX_CUT_LAST);
    assert_int_equal(out.cut.lsn.n, 17);
    assert_int_equal(out.cut.time_ms, 5);
    tx_buf_deinit(&buf);
    tx_arena_deinit(&arena);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(txlog_type_name(TXLOG_PREPARED), "PREPARED");
    assert_string_equal(txlog_type_name(TXLOG_SNAPSHOT_END), "SNAPSHOT_END");
    assert_string_equal(txlog_type_name((enum txlog_type)200), "UNKNOWN");
    struct txlog_record start = record_sample(TXLOG_START), commit = record_sample(TXLOG_COMMIT);
    assert_int_equal(txlog_record_tx(&start).seq, 0);
    assert_int_equal(txlog_record_tx(&commit).seq, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_round_trips),
        cmocka_unit_test(prepared_keeps_every_field),
        cmocka_unit_test(prepared_knows_each_member_once),
        cmocka_unit_test(the_form_on_disk),
        cmocka_unit_test(a_record_at_lsn_0_is_refused),
        cmocka_unit_test(truncations_and_bit_flips_are_found),
        cmocka_unit_test(wrong_lengths_under_a_good_checksum_are_found),
        cmocka_unit_test(hostile_payloads_do_no_harm),
        cmocka_unit_test(unknown_versions_and_types_are_never_skipped),
        cmocka_unit_test(an_alarm_may_concern_no_transaction),
        cmocka_unit_test(a_cut_that_cannot_be_is_refused),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
