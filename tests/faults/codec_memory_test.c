/* Each allocation of the codecs fails in turn, alone or with all that follow it, until a run passes
 * clean: frames and log records of every type, there and back. What cannot be written or read for
 * lack of memory says TX_ENOMEM and nothing else, gives nothing half-done, leaks nothing (this runs
 * under the sanitizers too), and the same objects serve again once there is memory. */
#include "tests/common/wire_samples.h"
#include "tests/failing_memory.h"
#include "txlog/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static enum failing_memory how;

/* ---- log records ---- */

enum { MANY = 300 };

static struct tx_member members[TX_MEMBERS_MAX];
static struct tx_position known[TX_MEMBERS_MAX];
static struct txlog_lock locks[MANY];
static struct txlog_peer peers[TX_MEMBERS_MAX];
static uint64_t open_ids[MANY];
static uint8_t redo[20000];

static void fill_arrays(void)
{
    for (size_t i = 0; i < TX_MEMBERS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "p%zu", i);
        assert_int_equal(tx_name_set(&members[i].name, tx_bytes_str(name)), TX_OK);
        known[i] = (struct tx_position){1, 7, {i + 1}};
        peers[i] = (struct txlog_peer){.name = members[i].name, .known = known[i]};
    }
    for (size_t i = 0; i < MANY; i++) {
        locks[i] = (struct txlog_lock){
            .mode = TX_LOCK_X, .space = tx_bytes_str("s"), .key = tx_bytes(redo, 30)};
        open_ids[i] = i + 1;
    }
}

/* Those with arrays and bytes, large; the others as they are. */
static struct txlog_record sample(int type)
{
    struct txlog_record r = {.type = (enum txlog_type)type, .lsn = {17}, .start = 6};
    struct tx_id id = {3, 7, 42};
    struct tx_bytes bytes = tx_bytes(redo, sizeof redo);
    if (type == TXLOG_ABORTED)
        r.id.id = id;
    if (type == TXLOG_HEURISTIC)
        r.heuristic.id = id;
    if (type == TXLOG_HEURISTIC_END)
        r.heuristic_end.id = id;
    if (type == TXLOG_PUT_ASIDE)
        r.put_aside.id = id;
    if (type == TXLOG_OUTCOME)
        r.outcome.id = id;
    if (type == TXLOG_LOSS)
        r.loss = (struct tx_loss){{16}, 6};
    if (type == TXLOG_READMIT)
        r.readmit.loss = (struct tx_loss){{16}, 6};
    if (type == TXLOG_CUT)
        r.cut = (struct tx_cut){7, {17}, 1};
    if (type == TXLOG_PREPARED)
        r.prepared = (struct txlog_prepared){.id = id,
                                             .members = members,
                                             .members_n = TX_MEMBERS_MAX,
                                             .known = known,
                                             .redo = bytes,
                                             .locks = locks,
                                             .locks_n = MANY};
    if (type == TXLOG_COMMITTED)
        r.committed = (struct txlog_committed){.id = id, .one_phase = true, .redo = bytes};
    if (type == TXLOG_FORGET)
        r.forget = (struct txlog_forget){3, 7, MANY + 2, open_ids, MANY};
    if (type == TXLOG_ALARM)
        r.alarm = (struct txlog_alarm){id, bytes};
    if (type == TXLOG_COMMIT)
        r.commit = (struct txlog_commit){id, {8, 3}, bytes, members, TX_MEMBERS_MAX};
    if (type == TXLOG_END)
        r.end = (struct txlog_end){id, peers, TX_MEMBERS_MAX};
    return r;
}

static void encode_record(int type)
{
    struct txlog_record record = sample(type);
    struct tx_buf expected = {0};
    assert_int_equal(txlog_record_encode(&record, &expected), TX_OK);
    enum tx_error error = TX_ENOMEM;
    for (unsigned long n = 1; error != TX_OK; n++) {
        struct tx_buf buf = {0};
        failing_memory_arm(n, how);
        error = txlog_record_encode(&record, &buf);
        (void)failing_memory_set(false);
        assert_int_equal(error, failing_memory_failures() > 0 ? TX_ENOMEM : TX_OK);
        tx_buf_clear(&buf);
        assert_int_equal(txlog_record_encode(&record, &buf), TX_OK);
        assert_true(tx_bytes_equal(tx_buf_view(&buf), tx_buf_view(&expected)));
        tx_buf_deinit(&buf);
    }
    tx_buf_deinit(&expected);
}

static void decode_record(int type, unsigned long *points)
{
    struct txlog_record record = sample(type), out;
    struct tx_buf stored = {0}, again = {0};
    assert_int_equal(txlog_record_encode(&record, &stored), TX_OK);
    enum tx_error error = TX_ENOMEM;
    for (unsigned long n = 1; error != TX_OK; n++) {
        struct tx_arena arena = {0};
        struct tx_why why = {""};
        failing_memory_arm(n, how);
        error = txlog_record_decode(tx_buf_view(&stored), &arena, &out, &why);
        (void)failing_memory_set(false);
        assert_int_equal(error, failing_memory_failures() > 0 ? TX_ENOMEM : TX_OK);
        assert_int_equal(strstr(why.text, "memory") != NULL, error != TX_OK);
        *points += failing_memory_failures() > 0;
        tx_arena_reset(&arena);
        if (txlog_record_decode(tx_buf_view(&stored), &arena, &out, &why) != TX_OK)
            fail_msg("%s", why.text);
        tx_buf_clear(&again);
        assert_int_equal(txlog_record_encode(&out, &again), TX_OK);
        assert_true(tx_bytes_equal(tx_buf_view(&again), tx_buf_view(&stored)));
        tx_arena_deinit(&arena);
    }
    tx_buf_deinit(&stored);
    tx_buf_deinit(&again);
}

static void records(void **state)
{
    unsigned long points = 0;
    (void)state;
    fill_arrays();
    for (int way = 0; way < 2; way++) {
        how = way == 0 ? FAILING_ALONE : FAILING_ONWARD;
        for (int type = TXLOG_START; type < TXLOG_TYPES_N; type++) {
            encode_record(type);
            decode_record(type, &points);
        }
    }
    assert_true(points > 4);
}

/* ---- frames ---- */

/* All messages into one frame; each is tried once more when there was no memory for it. */
static unsigned long write_all(struct tx_frame_writer *writer)
{
    unsigned long refused = 0;
    for (unsigned type = 0; type < TX_MSG_TYPES_N; type++) {
        struct tx_msg msg = sample_full((enum tx_msg_type)type);
        enum tx_error error = tx_frame_writer_add(writer, &msg, TX_MESSAGE_MAX);
        if (error == TX_ENOMEM) {
            refused++;
            bool was_armed = failing_memory_set(false);
            error = tx_frame_writer_add(writer, &msg, TX_MESSAGE_MAX);
            (void)failing_memory_set(was_armed);
        }
        assert_int_equal(error, TX_OK);
    }
    return refused;
}

/* With the n-th allocation failing alone: the frame is the same in the end as without it. */
static void frames(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_COORDINATOR);
    struct tx_frame_writer *whole = tx_frame_writer_new(&envelope);
    assert_non_null(whole);
    assert_int_equal(write_all(whole), 0);
    unsigned long points = 0;
    do {
        failing_memory_arm(++points, FAILING_ALONE);
        struct tx_frame_writer *writer = tx_frame_writer_new(&envelope);
        if (writer == NULL) {
            assert_int_equal(failing_memory_failures(), 1);
            continue;
        }
        unsigned long refused = write_all(writer);
        (void)failing_memory_set(false);
        assert_int_equal(refused, failing_memory_failures());
        assert_true(tx_bytes_equal(tx_frame_writer_finish(writer), tx_frame_writer_finish(whole)));
        tx_frame_writer_destroy(&writer);
    } while (failing_memory_failures() > 0);
    assert_true(points > 3);
    (void)failing_memory_set(false);
    tx_frame_writer_destroy(&whole);
}

/* An arena whose first decoding failed in the middle decodes the next frame as well as a new one.
 */
static void frames_back(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_COORDINATOR);
    struct tx_frame_writer *writer = tx_frame_writer_new(&envelope);
    assert_non_null(writer);
    assert_int_equal(write_all(writer), 0);
    struct tx_bytes bytes = tx_frame_writer_finish(writer);
    unsigned long points = 0;
    do {
        struct tx_arena arena = {0};
        struct tx_frame frame;
        struct tx_why why = {""};
        failing_memory_arm(++points, FAILING_ALONE);
        enum tx_error error = tx_frame_decode(bytes, TX_MESSAGE_MAX, &arena, &frame, &why);
        (void)failing_memory_set(false);
        assert_int_equal(error, failing_memory_failures() > 0 ? TX_ENOMEM : TX_OK);
        assert_int_equal(frame.messages_n, failing_memory_failures() > 0 ? 0 : TX_MSG_TYPES_N);
        tx_arena_reset(&arena);
        assert_int_equal(tx_frame_decode(bytes, TX_MESSAGE_MAX, &arena, &frame, &why), TX_OK);
        assert_int_equal(frame.messages_n, TX_MSG_TYPES_N);
        tx_arena_deinit(&arena);
    } while (failing_memory_failures() > 0);
    assert_true(points > 1);
    tx_frame_writer_destroy(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),
        cmocka_unit_test(frames),
        cmocka_unit_test(frames_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
