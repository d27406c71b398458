/* What the log costs the thread that writes it: a participant's records of transfers, in batches,
 * with nothing else running. Processor time of the thread and of RocksDB's own, and how
 * long a batch takes with its sync.
 *
 * usage: log_bench DIRECTORY TRANSFERS TOGETHER [SEED]
 *   DIRECTORY  gets a log, and must not be there
 *   TRANSFERS  in all; each is a PREPARED and, in the next batch, a COMMITTED with one balance
 *   TOGETHER   transfers of one batch, which is synced
 *   SEED       which accounts are drawn; the same without it
 *
 * Clock times say little on a machine that does other things; for instructions:
 *   valgrind --tool=callgrind --toggle-collect=txlog_append log_bench DIRECTORY 100000 50 */
#include "common/assert.h"
#include "txlog/record.h"
#include "txlog/redo.h"
#include "txlog/rocksdb_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define ACCOUNTS     100000u
#define TOGETHER_MAX 512u

/* What is being put together: two records of each transfer, and a put with every second one. */
static struct txlog_append appends[2 * TOGETHER_MAX];
static struct txlog_put balances[TOGETHER_MAX];
static struct tx_arena arena; /* of what they point to */
static uint32_t account_of[2][TOGETHER_MAX];
static uint64_t random_state = 1;

static void stop_on(enum tx_error error, const struct tx_why *why)
{
    if (error != TX_OK) {
        (void)fprintf(stderr, "log_bench: %s\n", why->text);
        exit(EX_CANTCREAT);
    }
}

/* xorshift64*: it need not be good. */
static uint32_t draw(uint32_t below)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 2685821657736338717u) >> 33) % below;
}

static struct tx_bytes kept(struct tx_buf *buf)
{
    void *bytes = tx_arena_alloc(&arena, buf->len, 1);
    TX_NEED_MEMORY(!buf->failed && bytes != NULL);
    memcpy(bytes, buf->data, buf->len);
    struct tx_bytes view = tx_bytes(bytes, buf->len);
    tx_buf_clear(buf);
    return view;
}

static struct tx_bytes encoded(struct txlog_record *record, uint64_t lsn)
{
    static struct tx_buf stored;
    record->lsn = (struct tx_lsn){lsn};
    record->start = 1;
    record->time_ms = 1700000000000u + lsn;
    TX_NEED_MEMORY(txlog_record_encode(record, &stored) == TX_OK);
    return kept(&stored);
}

static struct tx_bytes prepared(uint64_t seq, uint32_t account, uint64_t lsn)
{
    static struct tx_buf redo;
    static const struct tx_position known[2] = {{1, 1u << 20, {1000}}, {1, 1u << 20, {1000}}};
    struct tx_member members[2] = {{.incarnation = 1}, {.incarnation = 1}};
    struct tx_address at;
    char key[32];
    bool set = tx_address_set(&at, tx_bytes_str("tcp://127.0.0.1:7400")) == TX_OK;
    for (size_t i = 0; i < 2; i++) {
        set = set && tx_name_set(&members[i].name, tx_bytes_str(i == 0 ? "p1" : "p2")) == TX_OK;
        members[i].address = at;
    }
    TX_ASSERT(set);
    (void)snprintf(key, sizeof(key), "account-%" PRIu32, account);
    struct redo_write write = {.space = tx_bytes_str("accounts"),
                               .key = tx_bytes_str(key),
                               .value = tx_bytes_str("1000000")};
    struct txlog_lock lock = {.mode = TX_LOCK_X, .space = write.space, .key = write.key};
    redo_begin(&redo, 1);
    redo_add(&redo, &write);
    struct txlog_record record = {.type = TXLOG_PREPARED,
                                  .prepared = {.id = {1, 1, seq},
                                               .age = {seq, 1},
                                               .coordinator = at,
                                               .members = members,
                                               .members_n = 2,
                                               .known = known,
                                               .redo = kept(&redo),
                                               .locks = &lock,
                                               .locks_n = 1,
                                               .members_decide = true}};
    return encoded(&record, lsn);
}

static struct tx_bytes committed(uint64_t seq, uint32_t account, uint64_t lsn,
                                 struct txlog_put *put)
{
    static struct tx_buf data_key;
    static struct tx_buf value;
    char key[32];
    (void)snprintf(key, sizeof(key), "account-%" PRIu32, account);
    redo_data_key(tx_bytes_str("accounts"), tx_bytes_str(key), &data_key);
    tx_buf_append(&value, tx_bytes_str("1000000"));
    *put = (struct txlog_put){.key = kept(&data_key), .value = kept(&value)};
    struct txlog_record record = {.type = TXLOG_COMMITTED,
                                  .committed = {.id = {1, 1, seq}, .members_decide = true}};
    return encoded(&record, lsn);
}

/* Batch number `batch`: `n` are prepared, and those of the batch before are committed. */
static size_t fill(uint64_t batch, size_t n, uint64_t last_lsn)
{
    size_t filled = 0;
    uint32_t *now = account_of[batch % 2];
    const uint32_t *before = account_of[(batch + 1) % 2];
    tx_arena_reset(&arena);
    for (size_t i = 0; i < n; i++) {
        struct txlog_append *append = &appends[filled++];
        now[i] = draw(ACCOUNTS);
        *append = (struct txlog_append){.lsn = {last_lsn + filled}};
        append->record = prepared(batch * n + i + 1, now[i], append->lsn.n);
    }
    for (size_t i = 0; batch > 0 && i < n; i++) {
        struct txlog_append *append = &appends[filled++];
        *append =
            (struct txlog_append){.lsn = {last_lsn + filled}, .puts = &balances[i], .puts_n = 1};
        append->record = committed((batch - 1) * n + i + 1, before[i], append->lsn.n, &balances[i]);
    }
    return filled;
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t number(const char *text, uint64_t max)
{
    char *end = NULL;
    uint64_t n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || n == 0 || n > max) {
        (void)fprintf(stderr, "log_bench: \"%s\" is no number from 1 to %" PRIu64 "\n", text, max);
        exit(EX_USAGE);
    }
    return n;
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        (void)fputs("usage: log_bench DIRECTORY TRANSFERS TOGETHER [SEED]\n", stderr);
        return EX_USAGE;
    }
    uint64_t transfers = number(argv[2], 100000000);
    size_t together = (size_t)number(argv[3], TOGETHER_MAX);
    random_state = argc == 5 ? number(argv[4], UINT32_MAX) : 1;
    struct txlog *log = NULL;
    struct tx_why why;
    struct rocksdb_log_options options = {
        .directory = argv[1], .identity = {.cluster = "bench", .role = TX_ROLE_PARTICIPANT}};
    TX_ASSERT(tx_name_set(&options.identity.name, tx_bytes_str("p1")) == TX_OK);
    stop_on(rocksdb_log_open(&options, &log, &why), &why);
    if (txlog_last(log).n > 0) {
        (void)fprintf(stderr, "log_bench: %s is not new\n", argv[1]);
        return EX_CANTCREAT;
    }
    uint64_t batches = (transfers + together - 1) / together;
    double used = 0;
    double took = 0;
    for (uint64_t batch = 0; batch < batches; batch++) {
        size_t n = fill(batch, together, txlog_last(log).n);
        double used_before = seconds(CLOCK_THREAD_CPUTIME_ID);
        double before = seconds(CLOCK_MONOTONIC);
        stop_on(txlog_append(log, appends, n, true, &why), &why);
        took += seconds(CLOCK_MONOTONIC) - before;
        used += seconds(CLOCK_THREAD_CPUTIME_ID) - used_before;
    }
    double all = (double)(batches * together);
    double others = seconds(CLOCK_PROCESS_CPUTIME_ID) - seconds(CLOCK_THREAD_CPUTIME_ID);
    (void)printf("%.0f transfers, %zu together: processor %.2f us of each (RocksDB's own threads "
                 "%.2f), %.0f us of a batch; a batch takes %.0f us\n",
                 all, together, used * 1e6 / all, others * 1e6 / all, used * 1e6 / (double)batches,
                 took * 1e6 / (double)batches);
    txlog_close(&log);
    tx_arena_deinit(&arena);
    return 0;
}
