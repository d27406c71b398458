/* The anomalies: scripts in which each could happen, and how it shows in a run. */
#ifndef ASSENT_TESTS_ISOLATION_ANOMALIES_H
#define ASSENT_TESTS_ISOLATION_ANOMALIES_H

#include "tests/isolation/iso_run.h"

/* In the order of the table in docs/isolation.md, with its names. */
#define ANOMALIES(X)                                                                               \
    X(DIRTY_WRITE, "dirty write")                                                                  \
    X(DIRTY_READ, "dirty read")                                                                    \
    X(LOST_UPDATE, "lost update")                                                                  \
    X(LOST_UPDATE_GUARDED, "lost update, read with get-for-update")                                \
    X(UNREPEATABLE, "non-repeatable read")                                                         \
    X(READ_SKEW, "read skew")                                                                      \
    X(WRITE_SKEW, "write skew")                                                                    \
    X(RANGE_SKEW, "write skew over a range")                                                       \
    X(PHANTOM, "phantom")                                                                          \
    X(STALE_READ, "old value after the commit was acknowledged")                                   \
    X(NOT_SERIAL, "any result that no serial order gives")
enum anomaly {
#define X(name, text) name,
    ANOMALIES(X)
#undef X
        ANOMALIES_N
};
const char *anomaly_name(enum anomaly anomaly);

struct anomaly_case {
    enum anomaly anomaly;
    /* The first script's session is the victim, alone: the level of the other one must not matter.
     * Otherwise both have the same level. */
    bool victim;
    struct iso_script scripts[ISO_SESSIONS]; /* the third one may be empty */
    /* NULL: only whether the result is that of a serial order, which is asked of every run. */
    bool (*seen)(const struct iso_run *run);
};

extern const struct anomaly_case anomaly_cases[];
extern const size_t anomaly_cases_n;

#endif
