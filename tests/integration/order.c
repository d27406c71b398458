#include "tests/integration/order.h"

#include "common/wire.h"
#include "txlog/lsn_key.h"
#include "txlog/record.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK   32768u /* of RocksDB's write-ahead log */
#define HEADER  7u     /* of a piece in it: checksum, length, type */
#define NEVER   UINT64_MAX
#define STREAMS 64u /* files that a daemon opens in a test */

/* ---- arrays that grow ---- */

static void *grown(void *items, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity)
        return items;
    *capacity = *capacity == 0 ? 1024 : 2 * *capacity;
    items = realloc(items, *capacity * size);
    assert_non_null(items);
    return items;
}

/* What a record promises, and since when it is on disk. With TXLOG_NONE: no record, but a PREPARE
 * that has asked for a write. */
struct promise {
    struct tx_id id;
    enum txlog_type type;
    size_t node;
    uint64_t durable_ns;
    size_t members_n;    /* PREPARED */
    bool members_decide; /* PREPARED */
    bool one_phase;      /* COMMITTED */
};

struct sync {
    uint64_t begun_ns, ended_ns;
};

/* One file of a log: its bytes, and when they had been written. */
struct stream {
    uint8_t *bytes;
    size_t n, capacity;
    struct written {
        size_t end;
        uint64_t ns;
    } * writes;
    size_t writes_n, writes_capacity;
    struct sync *syncs;
    size_t syncs_n, syncs_capacity;
};

struct order {
    struct promise *promises;
    size_t n, capacity;
    struct stream streams[STREAMS];
    size_t node;
    bool without_syncs;
    void (*visit)(struct order *, const struct tx_msg *, uint64_t sent_ns);
    struct tx_arena arena;
    struct order_found *found;
};

/* ---- RocksDB's write-ahead log ---- */

static uint64_t written_ns(const struct stream *stream, size_t end)
{
    size_t low = 0, high = stream->writes_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stream->writes[middle].end < end)
            low = middle + 1;
        else
            high = middle;
    }
    assert_true(low < stream->writes_n);
    return stream->writes[low].ns;
}

static int compare_syncs(const void *a, const void *b)
{
    const struct sync *x = a, *y = b;
    return x->begun_ns < y->begun_ns ? -1 : x->begun_ns > y->begun_ns;
}

/* From behind: of each sync and those that began later, the earliest end. */
static void order_syncs(struct stream *stream)
{
    qsort(stream->syncs, stream->syncs_n, sizeof *stream->syncs, compare_syncs);
    for (size_t i = stream->syncs_n; i-- > 1;)
        if (stream->syncs[i].ended_ns < stream->syncs[i - 1].ended_ns)
            stream->syncs[i - 1].ended_ns = stream->syncs[i].ended_ns;
}

static uint64_t durable_ns(const struct order *order, const struct stream *stream, uint64_t written)
{
    size_t low = 0, high = stream->syncs_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stream->syncs[middle].begun_ns < written)
            low = middle + 1;
        else
            high = middle;
    }
    return order->without_syncs || low == stream->syncs_n ? NEVER : stream->syncs[low].ended_ns;
}

static void add_promise(struct order *order, struct promise promise)
{
    order->promises = grown(order->promises, order->n, &order->capacity, sizeof *order->promises);
    order->promises[order->n++] = promise;
}

static void note_record(struct order *order, struct tx_bytes key, struct tx_bytes value,
                        uint64_t durable)
{
    struct txlog_record record;
    struct tx_lsn lsn;
    struct txlog_front front;
    /* The other column families have neither such keys nor such values. */
    if (!lsn_key_parse(key, &lsn) || txlog_record_front(value, &front, NULL) != TX_OK ||
        front.lsn.n != lsn.n)
        return;
    tx_arena_reset(&order->arena);
    assert_int_equal(txlog_record_decode(value, &order->arena, &record, NULL), TX_OK);
    struct promise promise = {.id = txlog_record_tx(&record),
                              .type = record.type,
                              .node = order->node,
                              .durable_ns = durable};
    if (record.type == TXLOG_PREPARED) {
        promise.members_n = record.prepared.members_n;
        promise.members_decide = record.prepared.members_decide;
    } else if (record.type == TXLOG_COMMITTED) {
        promise.one_phase = record.committed.one_phase;
    } else if (record.type != TXLOG_COMMIT) {
        return;
    }
    add_promise(order, promise);
    order->found->records++;
}

static uint64_t take_varint(struct tx_bytes *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        assert_true(in->len > 0);
        uint8_t byte = *(const uint8_t *)in->data;
        *in = tx_bytes((const uint8_t *)in->data + 1, in->len - 1);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    fail_msg("no number in a batch");
    return 0;
}

static struct tx_bytes take_text(struct tx_bytes *in)
{
    uint64_t len = take_varint(in);
    assert_true(len <= in->len);
    struct tx_bytes text = tx_bytes(in->data, (size_t)len);
    *in = tx_bytes((const uint8_t *)in->data + len, in->len - (size_t)len);
    return text;
}

/* A batch: sequence (8 bytes), count (4), then a tag and what belongs to it, again and again. */
static void read_batch(struct order *order, struct tx_bytes batch, uint64_t durable)
{
    enum { DELETE = 0, PUT = 1, DATA = 3, CF_DELETE = 4, CF_PUT = 5, NOOP = 13, CF_RANGE = 14 };
    assert_true(batch.len >= 12);
    struct tx_bytes in = tx_bytes((const uint8_t *)batch.data + 12, batch.len - 12);
    while (in.len > 0) {
        unsigned tag = *(const uint8_t *)in.data;
        in = tx_bytes((const uint8_t *)in.data + 1, in.len - 1);
        if (tag == CF_DELETE || tag == CF_PUT || tag == CF_RANGE)
            (void)take_varint(&in);
        if (tag == NOOP)
            continue;
        assert_true(tag == DELETE || tag == PUT || tag == DATA || tag == CF_DELETE ||
                    tag == CF_PUT || tag == CF_RANGE);
        struct tx_bytes key = take_text(&in);
        if (tag == CF_PUT || tag == PUT)
            note_record(order, key, take_text(&in), durable);
        else if (tag == CF_RANGE)
            (void)take_text(&in);
    }
}

static void read_stream(struct order *order, struct stream *stream)
{
    struct tx_buf batch = {0};
    order_syncs(stream);
    for (size_t at = 0; at + HEADER <= stream->n;) {
        const uint8_t *head = stream->bytes + at;
        size_t left = BLOCK - at % BLOCK, size = (size_t)head[4] | (size_t)head[5] << 8;
        unsigned type = head[6];
        if (left < HEADER || type == 0) {
            at += left; /* the rest of a block is empty */
            continue;
        }
        assert_true(type <= 4 && at + HEADER + size <= stream->n);
        at += HEADER + size;
        if (type == 1 || type == 2)
            tx_buf_clear(&batch);
        tx_buf_append(&batch, tx_bytes(head + HEADER, size));
        if (type == 1 || type == 4)
            read_batch(order, tx_buf_view(&batch),
                       durable_ns(order, stream, written_ns(stream, at)));
    }
    tx_buf_deinit(&batch);
}

/* ---- the file of a daemon ---- */

static void each_event(const char *file,
                       void (*visit)(struct order *, const struct order_event *, struct tx_bytes),
                       struct order *order)
{
    FILE *in = fopen(file, "r");
    struct order_event event;
    uint8_t *bytes = NULL;
    size_t capacity = 0;
    if (in == NULL)
        fail_msg("%s is not there", file);
    while (fread(&event, sizeof event, 1, in) == 1) {
        if (event.size > capacity) {
            capacity = (size_t)event.size;
            bytes = realloc(bytes, capacity);
            assert_non_null(bytes);
        }
        assert_int_equal(fread(bytes, 1, (size_t)event.size, in), event.size);
        visit(order, &event, tx_bytes(bytes, (size_t)event.size));
    }
    assert_true(feof(in));
    free(bytes);
    (void)fclose(in);
}

static void collect_log(struct order *order, const struct order_event *event, struct tx_bytes bytes)
{
    if (event->type == ORDER_SEND)
        return;
    assert_true(event->stream < STREAMS);
    struct stream *stream = &order->streams[event->stream];
    if (event->type == ORDER_SYNC) {
        stream->syncs =
            grown(stream->syncs, stream->syncs_n, &stream->syncs_capacity, sizeof *stream->syncs);
        stream->syncs[stream->syncs_n++] = (struct sync){event->begun_ns, event->ended_ns};
        order->found->syncs++;
        return;
    }
    while (stream->n + bytes.len > stream->capacity) {
        stream->capacity = stream->capacity == 0 ? 1u << 20 : 2 * stream->capacity;
        stream->bytes = realloc(stream->bytes, stream->capacity);
        assert_non_null(stream->bytes);
    }
    memcpy(stream->bytes + stream->n, bytes.data, bytes.len);
    stream->n += bytes.len;
    stream->writes =
        grown(stream->writes, stream->writes_n, &stream->writes_capacity, sizeof *stream->writes);
    stream->writes[stream->writes_n++] = (struct written){stream->n, event->ended_ns};
}

static void read_log(struct order *order, const char *file)
{
    memset(order->streams, 0, sizeof order->streams);
    each_event(file, collect_log, order);
    for (size_t i = 0; i < STREAMS; i++) {
        struct stream *stream = &order->streams[i];
        read_stream(order, stream);
        free(stream->bytes);
        free(stream->writes);
        free(stream->syncs);
    }
}

/* ---- what was sent ---- */

static int compare_promises(const void *a, const void *b)
{
    const struct promise *x = a, *y = b;
    int order = tx_id_compare(x->id, y->id);
    if (order == 0)
        order = (int)x->type - (int)y->type;
    return order != 0 ? order : (int)x->node - (int)y->node;
}

/* The first record of that transaction and type; `n` gets how many there are. */
static const struct promise *find(const struct order *order, struct tx_id id, enum txlog_type type,
                                  size_t *n)
{
    struct promise wanted = {.id = id, .type = type};
    size_t low = 0, high = order->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_promises(&order->promises[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (*n = 0; low + *n < order->n && tx_id_equal(order->promises[low + *n].id, id) &&
                 order->promises[low + *n].type == type;)
        ++*n;
    return order->promises + low;
}

static void wrong(struct order *order, struct tx_id id, const char *what)
{
    char text[TX_ID_TEXT];
    if (order->found->wrong++ == 0)
        (void)snprintf(order->found->first, sizeof order->found->first, "transaction %s: %s",
                       tx_id_print(id, text), what);
}

/* Has every one of these records been on disk when the frame was sent? */
static bool all_durable(const struct promise *promises, size_t n, uint64_t sent_ns)
{
    for (size_t i = 0; i < n; i++)
        if (promises[i].durable_ns > sent_ns)
            return false;
    return true;
}

/* A promise of one participant rests on its own record. */
static void check_own(struct order *order, struct tx_id id, enum txlog_type type, uint64_t sent_ns,
                      const char *what)
{
    size_t n;
    const struct promise *records = find(order, id, type, &n);
    for (size_t i = 0; i < n; i++)
        if (records[i].node == order->node && all_durable(&records[i], 1, sent_ns))
            return;
    wrong(order, id, what);
}

static void check_outcome(struct order *order, struct tx_id id, uint64_t sent_ns)
{
    size_t prepared_n, decided_n, committed_n;
    const struct promise *prepared = find(order, id, TXLOG_PREPARED, &prepared_n);
    const struct promise *decided = find(order, id, TXLOG_COMMIT, &decided_n);
    const struct promise *committed = find(order, id, TXLOG_COMMITTED, &committed_n);
    order->found->commits++;
    order->found->by_members += prepared_n > 0 && prepared[0].members_decide;
    if (prepared_n == 0) {
        if (committed_n != 1 || !committed[0].one_phase || !all_durable(committed, 1, sent_ns))
            wrong(order, id, "told committed, and its only participant had it not on disk");
    } else if (prepared_n != prepared[0].members_n || !all_durable(prepared, prepared_n, sent_ns)) {
        wrong(order, id, "told committed before it was prepared on the disks of all members");
    } else if (!prepared[0].members_decide &&
               (decided_n != 1 || !all_durable(decided, 1, sent_ns))) {
        wrong(order, id, "told committed before the decision was on the coordinator's disk");
    }
}

/* Nothing that was asked of it writes: there is no record to wait for. */
static bool only_reads(const struct order *order, struct tx_id id)
{
    size_t n;
    (void)find(order, id, TXLOG_NONE, &n);
    return n == 0;
}

static void check_vote(struct order *order, const struct tx_msg_vote *vote, uint64_t sent_ns)
{
    if (vote->vote == TX_VOTE_YES)
        check_own(order, vote->id, TXLOG_PREPARED, sent_ns, "YES before PREPARED was on disk");
    else if (vote->vote == TX_VOTE_COMMITTED && !only_reads(order, vote->id))
        check_own(order, vote->id, TXLOG_COMMITTED, sent_ns, "COMMITTED before it was on disk");
    else
        return;
    order->found->votes++;
}

static void check_message(struct order *order, const struct tx_msg *msg, uint64_t sent_ns)
{
    if (msg->type == TX_MSG_VOTE) {
        check_vote(order, &msg->vote, sent_ns);
    } else if (msg->type == TX_MSG_ACK) {
        order->found->acks++;
        check_own(order, msg->ack.id, TXLOG_COMMITTED, sent_ns,
                  "acknowledged a commit before it was on disk");
    } else if (msg->type == TX_MSG_OUTCOME && msg->outcome.outcome == TX_OUTCOME_COMMITTED) {
        if (only_reads(order, msg->outcome.id))
            order->found->readers++;
        else
            check_outcome(order, msg->outcome.id, sent_ns);
    }
}

/* Which transactions are to write, as their coordinator has asked for it. */
static void note_writes(struct order *order, const struct tx_msg *msg, uint64_t sent_ns)
{
    bool writes = false;
    (void)sent_ns;
    if (msg->type != TX_MSG_PREPARE)
        return;
    for (size_t i = 0; i < msg->prepare.ops_n; i++)
        writes = writes || tx_op_writes(msg->prepare.ops[i].type);
    if (writes)
        add_promise(order, (struct promise){.id = msg->prepare.id, .type = TXLOG_NONE});
}

static void each_message(struct order *order, const struct order_event *event,
                         struct tx_bytes bytes)
{
    struct tx_frame frame;
    struct tx_why why;
    if (event->type != ORDER_SEND)
        return;
    tx_arena_reset(&order->arena);
    if (tx_frame_decode(bytes, TX_MESSAGE_MAX, &order->arena, &frame, &why) != TX_OK)
        fail_msg("a frame that was sent is none: %s", why.text);
    for (size_t i = 0; i < frame.messages_n; i++)
        order->visit(order, &frame.messages[i], event->begun_ns);
}

/* Snapshots write records of what is live again: of the same record at the same node the first one
 * counts that was on disk. */
static void drop_repetitions(struct order *order)
{
    size_t n = 0;
    qsort(order->promises, order->n, sizeof *order->promises, compare_promises);
    for (size_t i = 0; i < order->n; i++) {
        const struct promise *promise = &order->promises[i];
        if (n == 0 || compare_promises(&order->promises[n - 1], promise) != 0)
            order->promises[n++] = *promise;
        else if (promise->durable_ns < order->promises[n - 1].durable_ns)
            order->promises[n - 1] = *promise;
    }
    order->n = n;
}

void order_check(const char *const *files, size_t files_n, bool without_syncs,
                 struct order_found *found)
{
    static struct order order;
    order = (struct order){.without_syncs = without_syncs, .found = found};
    *found = (struct order_found){0};
    assert_true(files_n <= ORDER_NODES_MAX);
    for (order.node = 0; order.node < files_n; order.node++)
        read_log(&order, files[order.node]);
    order.node = 0;
    order.visit = note_writes;
    each_event(files[0], each_message, &order);
    order.visit = check_message;
    drop_repetitions(&order);
    for (order.node = 0; order.node < files_n; order.node++)
        each_event(files[order.node], each_message, &order);
    tx_arena_deinit(&order.arena);
    free(order.promises);
}
