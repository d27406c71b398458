/* Scripts and judges. Session 0 is the first script of a case. */
#include "tests/isolation/anomalies.h"

#include <string.h>

const char *anomaly_name(enum anomaly anomaly)
{
    static const char *const names[ANOMALIES_N] = {
#define X(name, text) [name] = (text),
        ANOMALIES(X)
#undef X
    };
    return names[anomaly];
}

static bool both_committed(const struct iso_run *run)
{
    return run->committed[0] && run->committed[1];
}

static bool is(const char *got, const char *text)
{
    return strcmp(got, text) == 0;
}

/* The moment of a step; later than everything when it never came to that. */
static unsigned moment(unsigned begun)
{
    return begun > 0 ? begun : UINT32_MAX;
}

/* ---- judges ---- */

/* Both wrote x as their first step and end with their last one: was it granted to one while the
 * other's write was not decided? Or does each key have another one's value? */
static bool mixed_writes(const struct iso_run *run)
{
    return both_committed(run) && !is(run->x, run->y);
}

static bool writes_overlap(const struct iso_run *run)
{
    bool first = run->answered[0][0] > 0 && run->answered[0][0] < run->answered[1][0] &&
                 run->answered[1][0] < moment(run->begun[0][2]);
    bool second = run->answered[1][0] > 0 && run->answered[1][0] < run->answered[0][0] &&
                  run->answered[0][0] < moment(run->begun[1][2]);
    return mixed_writes(run) || (both_committed(run) && (first || second));
}

static bool undone_over_committed(const struct iso_run *run)
{
    return run->committed[0] && !is(run->x, "2");
}

/* The other one writes 1, then 2, and commits with step 2. */
static bool read_undecided(const struct iso_run *run)
{
    const char *read = run->read[0][0];
    return run->committed[0] &&
           (is(read, "1") || (is(read, "2") && run->answered[0][0] < moment(run->begun[1][2])));
}

/* The other one writes 1, prepares, and is decided with step 2. */
static bool read_prepared(const struct iso_run *run)
{
    return run->committed[0] && is(run->read[0][0], "1") &&
           run->answered[0][0] < moment(run->begun[1][2]);
}

/* Whatever the other one did, it has not happened. */
static bool read_aborted(const struct iso_run *run)
{
    return run->committed[0] && (!is(run->read[0][0], "10") || !is(run->read[0][1], "10"));
}

static bool scanned_aborted(const struct iso_run *run)
{
    return run->committed[0] && !is(run->read[0][0], "x=10 y=10 ");
}

static bool one_sum_is_missing(const struct iso_run *run)
{
    return both_committed(run) && !is(run->x, "12");
}

/* Steps 0 and 1 read the same. */
static bool two_reads_differ(const struct iso_run *run)
{
    return run->committed[0] && !is(run->read[0][0], run->read[0][1]);
}

static bool scan_and_get_differ(const struct iso_run *run)
{
    return run->committed[0] && is(run->read[0][0], "x=10 ") != is(run->read[0][1], "10");
}

static bool each_read_the_old(const struct iso_run *run)
{
    return both_committed(run) && is(run->read[0][1], "10") && is(run->read[1][0], "10");
}

static bool each_scanned_nothing(const struct iso_run *run)
{
    return both_committed(run) && is(run->read[0][0], "") && is(run->read[1][0], "");
}

/* The other one puts 1 and is acknowledged with step 2. */
static bool read_behind(const struct iso_run *run)
{
    return run->committed[0] && run->begun[0][0] > moment(run->begun[1][2]) &&
           is(run->read[0][0], "10");
}

static bool scanned_behind(const struct iso_run *run)
{
    return run->committed[0] && run->begun[0][0] > moment(run->begun[1][2]) &&
           is(run->read[0][0], "x=10 y=10 ");
}

/* ---- cases ---- */

#define SCRIPT(...)                                                                                \
    {                                                                                              \
        .steps = { __VA_ARGS__ }                                                                   \
    }
#define GET(k)                                                                                     \
    {                                                                                              \
        .what = DO_GET, .key = (k)                                                                 \
    }
#define GET_FOR(k)                                                                                 \
    {                                                                                              \
        .what = DO_GET_FOR_UPDATE, .key = (k)                                                      \
    }
#define PUT(k, v)                                                                                  \
    {                                                                                              \
        .what = DO_PUT, .key = (k), .text = (v)                                                    \
    }
#define SUM(k, step)                                                                               \
    {                                                                                              \
        .what = DO_PUT_SUM, .key = (k), .from = (step)                                             \
    }
#define INSERT(k)                                                                                  \
    {                                                                                              \
        .what = DO_INSERT, .key = (k), .text = "1"                                                 \
    }
#define DELETE(k)                                                                                  \
    {                                                                                              \
        .what = DO_DELETE, .key = (k)                                                              \
    }
#define SCAN(f, t)                                                                                 \
    {                                                                                              \
        .what = DO_SCAN, .key = (f), .text = (t)                                                   \
    }
#define BACK(f, t)                                                                                 \
    {                                                                                              \
        .what = DO_SCAN_BACK, .key = (f), .text = (t)                                              \
    }
#define PREPARE                                                                                    \
    {                                                                                              \
        .what = DO_PREPARE                                                                         \
    }
#define DECIDE                                                                                     \
    {                                                                                              \
        .what = DO_DECIDE                                                                          \
    }
#define COMMIT                                                                                     \
    {                                                                                              \
        .what = DO_COMMIT                                                                          \
    }
#define ABORT                                                                                      \
    {                                                                                              \
        .what = DO_ABORT                                                                           \
    }
#define FINISH                                                                                     \
    {                                                                                              \
        .what = DO_FINISH                                                                          \
    }

const struct anomaly_case anomaly_cases[] = {
    {DIRTY_WRITE,
     false,
     {SCRIPT(PUT("x", "1"), PUT("y", "1"), FINISH), SCRIPT(PUT("x", "2"), PUT("y", "2"), FINISH)},
     writes_overlap},
    {DIRTY_WRITE,
     false,
     {SCRIPT(PUT("x", "1"), PUT("y", "1"), PREPARE, COMMIT),
      SCRIPT(PUT("y", "2"), PUT("x", "2"), PREPARE, COMMIT)},
     mixed_writes},
    {DIRTY_WRITE,
     true,
     {SCRIPT(PUT("x", "2"), FINISH), SCRIPT(PUT("x", "1"), PUT("y", "1"), ABORT)},
     undone_over_committed},

    {DIRTY_READ,
     true,
     {SCRIPT(GET("x"), FINISH), SCRIPT(PUT("x", "1"), PUT("x", "2"), FINISH)},
     read_undecided},
    {DIRTY_READ,
     true,
     {SCRIPT(GET("x"), FINISH), SCRIPT(PUT("x", "1"), PREPARE, DECIDE, COMMIT)},
     read_prepared},
    {DIRTY_READ,
     true,
     {SCRIPT(GET("x"), GET("y"), FINISH), SCRIPT(PUT("x", "1"), DELETE("y"), ABORT)},
     read_aborted},
    {DIRTY_READ,
     true,
     {SCRIPT(SCAN("", ""), FINISH), SCRIPT(PUT("x", "1"), INSERT("z"), DELETE("y"), ABORT)},
     scanned_aborted},

    {LOST_UPDATE,
     false,
     {SCRIPT(GET("x"), SUM("x", 0), FINISH), SCRIPT(GET("x"), SUM("x", 0), FINISH)},
     one_sum_is_missing},
    {LOST_UPDATE,
     false,
     {SCRIPT(GET("x"), SUM("x", 0), PREPARE, COMMIT),
      SCRIPT(GET("x"), SUM("x", 0), PREPARE, COMMIT)},
     one_sum_is_missing},
    {LOST_UPDATE_GUARDED,
     false,
     {SCRIPT(GET_FOR("x"), SUM("x", 0), FINISH), SCRIPT(GET_FOR("x"), SUM("x", 0), FINISH)},
     one_sum_is_missing},
    {LOST_UPDATE_GUARDED,
     false,
     {SCRIPT(GET_FOR("x"), SUM("x", 0), PREPARE, COMMIT),
      SCRIPT(GET_FOR("x"), SUM("x", 0), PREPARE, COMMIT)},
     one_sum_is_missing},

    {UNREPEATABLE,
     true,
     {SCRIPT(GET("x"), GET("x"), FINISH), SCRIPT(PUT("x", "20"), FINISH)},
     two_reads_differ},
    {UNREPEATABLE,
     true,
     {SCRIPT(GET("x"), GET("x"), FINISH), SCRIPT(DELETE("x"), PREPARE, DECIDE, COMMIT)},
     two_reads_differ},
    {UNREPEATABLE,
     true, /* of a key that is not there */
     {SCRIPT(GET("z"), GET("z"), FINISH), SCRIPT(INSERT("z"), FINISH)},
     two_reads_differ},
    {UNREPEATABLE,
     true, /* a row of a scan, and the same row by its key */
     {SCRIPT(SCAN("x", "x1"), GET("x"), FINISH), SCRIPT(PUT("x", "20"), FINISH)},
     scan_and_get_differ},
    {UNREPEATABLE,
     true,
     {SCRIPT(SCAN("x", "z"), SCAN("x", "z"), FINISH), SCRIPT(PUT("y", "20"), PREPARE, COMMIT)},
     two_reads_differ},
    {UNREPEATABLE,
     true,
     {SCRIPT(SCAN("x", "z"), SCAN("x", "z"), FINISH), SCRIPT(DELETE("y"), FINISH)},
     two_reads_differ},

    {READ_SKEW,
     true,
     {SCRIPT(GET("x"), GET("y"), FINISH), SCRIPT(PUT("x", "20"), PUT("y", "20"), FINISH)},
     two_reads_differ},
    {READ_SKEW,
     true,
     {SCRIPT(GET("y"), GET("x"), FINISH), SCRIPT(PUT("x", "20"), PUT("y", "20"), PREPARE, COMMIT)},
     two_reads_differ},

    {WRITE_SKEW,
     false,
     {SCRIPT(GET("x"), GET("y"), PUT("x", "20"), FINISH),
      SCRIPT(GET("x"), GET("y"), PUT("y", "20"), FINISH)},
     each_read_the_old},
    {WRITE_SKEW,
     false,
     {SCRIPT(GET("x"), GET("y"), PUT("x", "20"), PREPARE, COMMIT),
      SCRIPT(GET("x"), GET("y"), PUT("y", "20"), PREPARE, COMMIT)},
     each_read_the_old},

    {RANGE_SKEW,
     false,
     {SCRIPT(SCAN("m", "n"), INSERT("m1"), FINISH), SCRIPT(SCAN("m", "n"), INSERT("m2"), FINISH)},
     each_scanned_nothing},
    {RANGE_SKEW,
     false,
     {SCRIPT(SCAN("m", "n"), INSERT("m1"), PREPARE, COMMIT),
      SCRIPT(BACK("m", "n"), INSERT("m2"), PREPARE, COMMIT)},
     each_scanned_nothing},

    {PHANTOM,
     true,
     {SCRIPT(SCAN("m", "n"), SCAN("m", "n"), FINISH), SCRIPT(INSERT("m1"), FINISH)},
     two_reads_differ},
    {PHANTOM,
     true,
     {SCRIPT(BACK("m", ""), BACK("m", ""), FINISH), SCRIPT(INSERT("x5"), PREPARE, COMMIT)},
     two_reads_differ},

    {STALE_READ,
     true,
     {SCRIPT(GET("x"), FINISH), SCRIPT(PUT("x", "1"), PREPARE, DECIDE, COMMIT)},
     read_behind},
    {STALE_READ,
     true,
     {SCRIPT(SCAN("", ""), FINISH), SCRIPT(PUT("y", "1"), PREPARE, DECIDE, COMMIT)},
     scanned_behind},

    /* One that only reads sees what rules out either order of the other two. */
    {NOT_SERIAL,
     false,
     {SCRIPT(GET("y"), PUT("x", "1"), FINISH), SCRIPT(GET("y"), SUM("y", 0), FINISH),
      SCRIPT(GET("x"), GET("y"), FINISH)},
     NULL},
    /* Each reads what the next one writes. */
    {NOT_SERIAL,
     false,
     {SCRIPT(GET("x"), PUT("y", "1"), FINISH), SCRIPT(GET("y"), PUT("z", "1"), FINISH),
      SCRIPT(GET("z"), PUT("x", "1"), FINISH)},
     NULL},
    {NOT_SERIAL,
     false,
     {SCRIPT(SCAN("m", "n"), INSERT("m1"), FINISH), SCRIPT(BACK("m", "n"), INSERT("m2"), FINISH),
      SCRIPT(SCAN("", ""), FINISH)},
     NULL},
};
const size_t anomaly_cases_n = sizeof anomaly_cases / sizeof anomaly_cases[0];
