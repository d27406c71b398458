/* Records that are read, updated, inserted and scanned: the workload `ycsb`.
 *
 * Record i is at participant i modulo their number, in the keyspace "ycsb", with the key
 * "user<i>"; those that a run inserts have its number in the key as well, so that each is new. A
 * value is 8 random letters, and behind them what follows from these: whoever reads it can tell
 * whether it is whole. */
#include "client/txbench/bench_accounts.h"
#include "client/txbench/bench_args.h"
#include "client/txbench/bench_draw.h"
#include "client/txbench/bench_mix.h"
#include "client/txbench/bench_space.h"
#include "client/txbench/bench_steps.h"
#include "client/txbench/bench_workload.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

#define SPACE        "ycsb"
#define KEYS_MAX     10000000u
#define OPS_MAX      (BENCH_STEPS_MAX / 2) /* of a transaction; a read-modify-write is two steps */
#define RECENT       16384u
#define SEED_LETTERS 8u
#define PREFIX       "user"
#define DIGITS       12u
#define VALUES_MAX   (256u << 10) /* bytes of values in one transaction */

/* The records that were inserted at a participant and are known to have committed, the last ones of
 * them: only what is there may be popular, or updates would bring about what nobody inserted. */
struct recent {
    _Atomic uint64_t n;            /* all that ever were */
    _Atomic uint64_t next;         /* number for the next insert, of those at this participant */
    _Atomic uint64_t ring[RECENT]; /* the record; 0: not yet written down */
};

struct ycsb {
    size_t keys;
    size_t value_size;
    struct bench_mix mix;
    enum bench_shape shape;
    double theta;
    unsigned operations;
    unsigned participants; /* of a transaction; 0: 2, or all where there are fewer */
    unsigned scan_rows;
    struct bench_accounts sides; /* the participants alone */
    struct bench_draw draw;
    struct recent *recent;     /* of each participant */
    _Atomic uint64_t inserted; /* known to have committed */
    _Atomic uint64_t unsure;   /* inserts of transactions whose outcome was never found out */
    _Atomic uint64_t broken;   /* values that nobody wrote */
    uint64_t run;
    uint64_t random; /* of the filling */
    char *values;    /* of the filling */
    size_t found_loaded;
    size_t found_inserted;
};

/* What a client keeps: room for a transaction. */
struct own {
    struct ycsb *ycsb;
    struct bench_step steps[2 * OPS_MAX];
    char keys[OPS_MAX][BENCH_RECORD_KEY_MAX];
    uint64_t inserts[OPS_MAX];
    size_t inserts_n;
    size_t *sides; /* participants in random order */
    char *values;
};

/* ---- records ---- */

#define LETTERS 8u /* of one random number, 'A' to 'P': whoever reads makes them all again */

static void draw_letters(uint64_t *state, char letters[LETTERS])
{
    uint64_t text =
        (bench_draw_next(state) & UINT64_C(0x0f0f0f0f0f0f0f0f)) + UINT64_C(0x4141414141414141);
    memcpy(letters, &text, LETTERS);
}

/* What the letters behind the first ones follow from. */
static uint64_t state_of(const char *value, size_t size)
{
    uint64_t state = 0;
    for (size_t i = 0; i < size && i < SEED_LETTERS; i++) {
        state = state * 31 + (unsigned char)value[i];
    }
    return state;
}

static size_t least(size_t one, size_t other)
{
    return one < other ? one : other;
}

static void fill_value(char *value, size_t size, uint64_t seed)
{
    char letters[LETTERS];
    for (size_t i = 0; i < size && i < SEED_LETTERS; i++) {
        value[i] = (char)('a' + (seed >> (8 * i)) % 26);
    }
    uint64_t state = state_of(value, size);
    for (size_t i = SEED_LETTERS; i < size; i += LETTERS) {
        draw_letters(&state, letters);
        memcpy(value + i, letters, least(size - i, LETTERS));
    }
}

static bool value_is_whole(const struct ycsb *ycsb, txclient_bytes value)
{
    const char *text = value.data;
    char letters[LETTERS];
    uint64_t state = state_of(text, value.len);
    for (size_t i = SEED_LETTERS; i < value.len; i += LETTERS) {
        draw_letters(&state, letters);
        if (memcmp(text + i, letters, least(value.len - i, LETTERS)) != 0) {
            return false;
        }
    }
    return value.len == ycsb->value_size;
}

static txclient_address record(const struct ycsb *ycsb, uint64_t i, char key[BENCH_RECORD_KEY_MAX])
{
    size_t len = sizeof PREFIX - 1;
    memcpy(key, PREFIX, len);
    len += bench_put_number(key + len, i, DIGITS);
    if (i >= ycsb->keys) {
        (void)snprintf(key + len, BENCH_RECORD_KEY_MAX - len, "-%016" PRIx64, ycsb->run);
    }
    return txclient_at(ycsb->sides.participants[i % ycsb->sides.participants_n], SPACE, key);
}

/* A record from another run has another number behind its key, and maybe another size. */
static bool of_this_run(const struct ycsb *ycsb, txclient_bytes key)
{
    char tail[24];
    int len = snprintf(tail, sizeof tail, "-%016" PRIx64, ycsb->run);
    return key.len > (size_t)len &&
           memcmp((const char *)key.data + key.len - (size_t)len, tail, (size_t)len) == 0;
}

static bool is_loaded(const struct ycsb *ycsb, txclient_bytes key)
{
    const char *text = key.data;
    uint64_t i = 0;
    for (size_t at = sizeof PREFIX - 1; at < key.len; at++) {
        if (text[at] < '0' || text[at] > '9' || i >= KEYS_MAX) {
            return false;
        }
        i = 10 * i + (uint64_t)(text[at] - '0');
    }
    return key.len >= sizeof PREFIX && i < ycsb->keys;
}

static void look_at(struct ycsb *ycsb, txclient_bytes key, txclient_bytes value)
{
    if (!value_is_whole(ycsb, value) && atomic_fetch_add(&ycsb->broken, 1) < 10) {
        (void)fprintf(stderr, "txbench: the value of %.*s is not what was written\n", (int)key.len,
                      (const char *)key.data);
    }
}

/* ---- one transaction ---- */

static void see(void *arg, txclient_bytes key, txclient_bytes value)
{
    struct ycsb *ycsb = arg;
    if (is_loaded(ycsb, key) || of_this_run(ycsb, key)) {
        look_at(ycsb, key, value);
    }
}

/* The first so many of `sides` become a random choice (Fisher and Yates). */
static void choose_sides(struct bench_client *c, struct own *own, size_t wanted)
{
    size_t n = own->ycsb->sides.participants_n;
    for (size_t i = 0; i < wanted; i++) {
        size_t j = i + (size_t)bench_draw_below(&c->random, n - i);
        size_t side = own->sides[i];
        own->sides[i] = own->sides[j];
        own->sides[j] = side;
    }
}

/* How many of the loaded records are at this participant. */
static uint64_t loaded_at(const struct ycsb *ycsb, size_t side)
{
    size_t sides = ycsb->sides.participants_n;
    return (ycsb->keys - side + sides - 1) / sides;
}

static uint64_t choose_latest(struct bench_client *c, const struct ycsb *ycsb, size_t side)
{
    size_t sides = ycsb->sides.participants_n;
    struct recent *recent = &ycsb->recent[side];
    uint64_t rank = bench_draw_rank(&ycsb->draw, &c->random) / sides;
    uint64_t n = atomic_load(&recent->n);
    uint64_t kept = n < RECENT ? n : RECENT;
    if (rank < kept) {
        uint64_t i = atomic_load(&recent->ring[(n - 1 - rank) % RECENT]);
        if (i != 0) {
            return i;
        }
        rank = kept;
    }
    uint64_t last = loaded_at(ycsb, side) - 1;
    uint64_t back = rank - kept;
    return side + sides * (last - (back < last ? back : last));
}

/* A record as the distribution has it, but at this participant: its neighbour there. */
static uint64_t choose_record(struct bench_client *c, const struct ycsb *ycsb, size_t side)
{
    if (ycsb->shape == BENCH_LATEST) {
        return choose_latest(c, ycsb, side);
    }
    size_t sides = ycsb->sides.participants_n;
    uint64_t i = bench_draw_item(&ycsb->draw, &c->random);
    i = i - i % sides + side;
    return i < ycsb->keys ? i : i - sides;
}

static uint64_t new_record(struct ycsb *ycsb, size_t side)
{
    uint64_t i = loaded_at(ycsb, side) + atomic_fetch_add(&ycsb->recent[side].next, 1);
    return side + ycsb->sides.participants_n * i;
}

static void note_insert(struct ycsb *ycsb, uint64_t i)
{
    struct recent *recent = &ycsb->recent[i % ycsb->sides.participants_n];
    atomic_store(&recent->ring[atomic_fetch_add(&recent->n, 1) % RECENT], i);
    (void)atomic_fetch_add(&ycsb->inserted, 1);
}

static void add_step(struct own *own, size_t *n, enum bench_step_type type, txclient_address at,
                     txclient_bytes value)
{
    own->steps[(*n)++] = (struct bench_step){.type = type, .at = at, .value = value, .rows = 1};
}

static void add_operation(struct bench_client *c, struct own *own, size_t op, size_t side,
                          size_t *n)
{
    struct ycsb *ycsb = own->ycsb;
    enum bench_mix_op what = bench_mix_choose(&ycsb->mix, bench_random(c));
    uint64_t i = what == BENCH_MIX_INSERT ? new_record(ycsb, side) : choose_record(c, ycsb, side);
    txclient_address at = record(ycsb, i, own->keys[op]);
    char *text = own->values + op * ycsb->value_size;
    txclient_bytes value = txclient_data(text, ycsb->value_size);
    if (what != BENCH_MIX_READ && what != BENCH_MIX_SCAN) {
        fill_value(text, ycsb->value_size, bench_random(c));
    }
    switch (what) {
    case BENCH_MIX_READ:
        add_step(own, n, BENCH_STEP_GET, at, value);
        return;
    case BENCH_MIX_UPDATE:
        add_step(own, n, BENCH_STEP_PUT, at, value);
        return;
    case BENCH_MIX_INSERT:
        add_step(own, n, BENCH_STEP_INSERT, at, value);
        own->inserts[own->inserts_n++] = i;
        return;
    case BENCH_MIX_SCAN:
        add_step(own, n, BENCH_STEP_SCAN, at, value);
        own->steps[*n - 1].rows = 1 + (uint32_t)bench_draw_below(&c->random, ycsb->scan_rows);
        return;
    case BENCH_MIX_RMW:
        add_step(own, n, BENCH_STEP_GET_FOR_UPDATE, at, value);
        add_step(own, n, BENCH_STEP_PUT, at, value);
        return;
    }
}

static bool make(struct bench_client *c, void *arg, struct bench_plan *plan)
{
    struct ycsb *ycsb = arg;
    struct own *own = c->own;
    own->inserts_n = 0;
    choose_sides(c, own, ycsb->participants);
    for (unsigned op = 0; op < ycsb->operations; op++) {
        add_operation(c, own, op, own->sides[op % ycsb->participants], &plan->n);
    }
    plan->steps = own->steps;
    plan->see = see;
    plan->arg = ycsb;
    return true;
}

static void over(struct bench_client *c, void *arg, const struct bench_end *end)
{
    struct ycsb *ycsb = arg;
    const struct own *own = c->own;
    for (size_t i = 0; end->status == TXCLIENT_OK && i < own->inserts_n; i++) {
        note_insert(ycsb, own->inserts[i]);
    }
    if (end->lost) {
        (void)atomic_fetch_add(&ycsb->unsure, own->inserts_n);
    }
}

static void own_free(void *arg)
{
    struct own *own = arg;
    if (own != NULL) {
        free(own->sides);
        free(own->values);
        free(own);
    }
}

static void *own_new(void *arg)
{
    struct ycsb *ycsb = arg;
    struct own *own = calloc(1, sizeof *own);
    if (own == NULL) {
        return NULL;
    }
    own->ycsb = ycsb;
    own->sides = calloc(ycsb->sides.participants_n, sizeof *own->sides);
    own->values = calloc(ycsb->operations, ycsb->value_size);
    if (own->sides == NULL || own->values == NULL) {
        own_free(own);
        return NULL;
    }
    for (size_t i = 0; i < ycsb->sides.participants_n; i++) {
        own->sides[i] = i;
    }
    return own;
}

/* ---- options ---- */

enum {
    OPTION_KEYS = 512,
    OPTION_VALUE_SIZE,
    OPTION_MIX,
    OPTION_DISTRIBUTION,
    OPTION_THETA,
    OPTION_OPERATIONS,
    OPTION_PARTICIPANTS,
    OPTION_SCAN_ROWS,
};

static const struct argp_option options[] = {
    {"keys", OPTION_KEYS, "NUMBER", 0, "records in all, written anew at the start (default 10000)",
     0},
    {"value-size", OPTION_VALUE_SIZE, "BYTES", 0, "of a record (default 100)", 0},
    {"mix", OPTION_MIX, "MIX", 0,
     "a letter from a to f, or percentages as read=50,update=30,insert=5,scan=5,rmw=10 "
     "(default a)",
     0},
    {"distribution", OPTION_DISTRIBUTION, "NAME", 0, "uniform, zipfian or latest (default zipfian)",
     0},
    {"theta", OPTION_THETA, "NUMBER", 0, "how skewed, 0 to 0.999 (default 0.99)", 0},
    {"operations", OPTION_OPERATIONS, "NUMBER", 0, "of a transaction (default 4)", 0},
    {"participants", OPTION_PARTICIPANTS, "NUMBER", 0,
     "of a transaction (default 2, or 1 where there is no more)", 0},
    {"scan-rows", OPTION_SCAN_ROWS, "NUMBER", 0, "of a scan, at most (default 100)", 0},
    {0}};

static void init(void *state)
{
    struct ycsb *ycsb = state;
    char why[1];
    *ycsb = (struct ycsb){.keys = 10000,
                          .value_size = 100,
                          .shape = BENCH_ZIPFIAN,
                          .theta = BENCH_THETA_YCSB,
                          .operations = 4,
                          .scan_rows = 100};
    (void)bench_mix_parse("a", &ycsb->mix, why, sizeof why);
}

static error_t parse(void *state, int key, char *arg, struct argp_state *argp)
{
    struct ycsb *ycsb = state;
    char why[256];
    switch (key) {
    case OPTION_KEYS:
        ycsb->keys = (size_t)bench_arg_count(argp, arg, 1, KEYS_MAX);
        return 0;
    case OPTION_VALUE_SIZE:
        ycsb->value_size = (size_t)bench_arg_count(argp, arg, 1, VALUES_MAX);
        return 0;
    case OPTION_MIX:
        if (!bench_mix_parse(arg, &ycsb->mix, why, sizeof why)) {
            argp_error(argp, "%s", why);
        }
        return 0;
    case OPTION_DISTRIBUTION:
        if (!bench_shape_parse(arg, &ycsb->shape)) {
            argp_error(argp, "\"%s\" is no distribution: uniform, zipfian, latest", arg);
        }
        return 0;
    case OPTION_THETA:
        ycsb->theta = bench_arg_number(argp, arg, 0, BENCH_THETA_MAX);
        return 0;
    case OPTION_OPERATIONS:
        ycsb->operations = (unsigned)bench_arg_count(argp, arg, 1, OPS_MAX);
        return 0;
    case OPTION_PARTICIPANTS:
        ycsb->participants = (unsigned)bench_arg_count(argp, arg, 1, TXCLIENT_PARTICIPANTS_MAX);
        return 0;
    case OPTION_SCAN_ROWS:
        ycsb->scan_rows = (unsigned)bench_arg_count(argp, arg, 1, 1000);
        return 0;
    case ARGP_KEY_ARG: /* words without an option: there are none */
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int check(void *state)
{
    const struct ycsb *ycsb = state;
    if (ycsb->participants > ycsb->operations) {
        (void)fprintf(stderr, "txbench: ycsb cannot spread %u operations over %u participants\n",
                      ycsb->operations, ycsb->participants);
        return EX_USAGE;
    }
    if (ycsb->operations * ycsb->value_size > VALUES_MAX) {
        (void)fprintf(stderr,
                      "txbench: ycsb takes %u bytes of values in a transaction, not %u times %zu\n",
                      VALUES_MAX, ycsb->operations, ycsb->value_size);
        return EX_USAGE;
    }
    return 0;
}

/* ---- before and after ---- */

static txclient_address make_record(void *arg, size_t i, size_t slot,
                                    char key[BENCH_RECORD_KEY_MAX], txclient_bytes *value)
{
    struct ycsb *ycsb = arg;
    char *text = ycsb->values + slot * ycsb->value_size;
    fill_value(text, ycsb->value_size, bench_draw_next(&ycsb->random));
    *value = txclient_data(text, ycsb->value_size);
    return record(ycsb, i, key);
}

static int load_records(struct ycsb *ycsb, txclient *client)
{
    struct bench_filling filling = {
        .n = ycsb->keys, .overwrite = true, .make = make_record, .arg = ycsb};
    size_t together = VALUES_MAX / ycsb->value_size;
    filling.together = together < BENCH_FILL_MAX ? together : BENCH_FILL_MAX;
    ycsb->values = calloc(filling.together, ycsb->value_size);
    if (ycsb->values == NULL) {
        (void)fputs("txbench: out of memory\n", stderr);
        return EX_OSERR;
    }
    txclient_status status = bench_space_fill(&filling, client, BENCH_PATIENCE_MS);
    return status == TXCLIENT_OK ? 0 : bench_complain(client, "cannot write the records", status);
}

static int check_participants(struct ycsb *ycsb)
{
    size_t there = ycsb->sides.participants_n;
    if (ycsb->participants == 0) {
        ycsb->participants = there < 2 || ycsb->operations < 2 ? 1 : 2;
    }
    if (ycsb->participants > there) {
        (void)fprintf(stderr, "txbench: the cluster has %zu participants, not %u\n", there,
                      ycsb->participants);
        return EX_USAGE;
    }
    if (ycsb->keys < there) {
        (void)fprintf(stderr,
                      "txbench: ycsb needs a record for each of %zu participants, not %zu\n", there,
                      ycsb->keys);
        return EX_USAGE;
    }
    return 0;
}

static int setup(void *state, txclient *client)
{
    struct ycsb *ycsb = state;
    txclient_status status = bench_accounts_init(&ycsb->sides, client, 0, 0);
    if (status != TXCLIENT_OK) {
        return bench_complain(client, "cannot find the participants", status);
    }
    int failed = check_participants(ycsb);
    if (failed == 0 && !bench_load_run_number(&ycsb->run)) {
        failed = EX_OSERR;
    }
    if (failed != 0) {
        return failed;
    }
    ycsb->random = ycsb->run;
    ycsb->recent = calloc(ycsb->sides.participants_n, sizeof *ycsb->recent);
    if (ycsb->recent == NULL) {
        (void)fputs("txbench: out of memory\n", stderr);
        return EX_OSERR;
    }
    bench_draw_init(&ycsb->draw, ycsb->shape, ycsb->keys, ycsb->theta);
    return load_records(ycsb, client);
}

static void see_at_end(void *arg, txclient_bytes key, txclient_bytes value)
{
    struct ycsb *ycsb = arg;
    bool loaded = is_loaded(ycsb, key);
    bool inserted = !loaded && of_this_run(ycsb, key);
    ycsb->found_loaded += loaded ? 1 : 0;
    ycsb->found_inserted += inserted ? 1 : 0;
    if (loaded || inserted) {
        look_at(ycsb, key, value);
    }
}

static int verify(void *state, txclient *client, bool *holds)
{
    struct ycsb *ycsb = state;
    for (size_t i = 0; i < ycsb->sides.participants_n; i++) {
        txclient_status status = bench_space_read(client, ycsb->sides.participants[i], SPACE,
                                                  "user", BENCH_PATIENCE_MS, see_at_end, ycsb);
        if (status != TXCLIENT_OK) {
            return bench_complain(client, "cannot read the records", status);
        }
    }
    uint64_t inserted = atomic_load(&ycsb->inserted);
    *holds = atomic_load(&ycsb->broken) == 0 && ycsb->found_loaded == ycsb->keys &&
             ycsb->found_inserted >= inserted &&
             ycsb->found_inserted <= inserted + atomic_load(&ycsb->unsure);
    return 0;
}

static void print(const void *state, FILE *out)
{
    const struct ycsb *ycsb = state;
    (void)fprintf(out,
                  "records         %zu of %zu, and %zu inserted of %" PRIu64 "; %" PRIu64
                  " with another value than was written\n",
                  ycsb->found_loaded, ycsb->keys, ycsb->found_inserted,
                  atomic_load(&ycsb->inserted), atomic_load(&ycsb->broken));
}

static void json(const void *state, struct json *out)
{
    const struct ycsb *ycsb = state;
    json_member_u64(out, "records", ycsb->keys);
    json_member_u64(out, "records_found", ycsb->found_loaded);
    json_member_u64(out, "inserted", atomic_load(&ycsb->inserted));
    json_member_u64(out, "inserted_found", ycsb->found_inserted);
    json_member_u64(out, "values_wrong", atomic_load(&ycsb->broken));
}

static bool deinit(void *state)
{
    struct ycsb *ycsb = state;
    free(ycsb->values);
    free(ycsb->recent);
    bench_accounts_deinit(&ycsb->sides);
    return true;
}

const struct bench_workload bench_workload_ycsb = {
    .name = "ycsb",
    .doc = "Reads, updates, inserts, scans and read-modify-writes of records, several in a "
           "transaction, over one or several participants; checks that every record is there with "
           "a value that was written.",
    .options = options,
    .state_size = sizeof(struct ycsb),
    .interactive = true,
    .init = init,
    .parse = parse,
    .check = check,
    .setup = setup,
    .make = make,
    .over = over,
    .own_new = own_new,
    .own_free = own_free,
    .verify = verify,
    .print = print,
    .json = json,
    .deinit = deinit,
};
