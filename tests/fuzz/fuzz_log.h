/* What a core has appended so far, as the checks of its fuzz target see it: every record since the
 * beginning, compacted or not, up to the last crash's cut. */
#ifndef ASSENT_TESTS_FUZZ_FUZZ_LOG_H
#define ASSENT_TESTS_FUZZ_FUZZ_LOG_H

#include "tests/sim/disk.h"

struct fuzz_entry {
    enum txlog_type type;
    struct tx_id tx;
    bool one_phase;      /* COMMITTED */
    bool members_decide; /* PREPARED, COMMITTED */
    bool committed;      /* OUTCOME */
    struct tx_id mark;   /* FORGET: coordinator, epoch and `below` as its sequence */
};

struct fuzz_log {
    struct sim_disk *disk;
    struct fuzz_entry *entries; /* entries[i] is LSN i + 1 */
    size_t n, capacity;
};

void fuzz_log_init(struct fuzz_log *log);
void fuzz_log_deinit(struct fuzz_log *log);
/* Queues the record, whose LSN must be the next one, after its way through encoder and decoder. */
void fuzz_log_append(struct fuzz_log *log, const struct txlog_record *record,
                     const struct txlog_put *puts, size_t puts_n);
/* The START of the next life, durable; returns its number. */
uint64_t fuzz_log_start(struct fuzz_log *log, uint64_t life);
/* A crash: what is durable stays, and as much of the rest as `choice` says. */
void fuzz_log_crash(struct fuzz_log *log, uint8_t choice);
uint64_t fuzz_log_durable(const struct fuzz_log *log);
/* Up to where the log may become durable next: all of it, or as much of the rest as `choice` says.
 */
uint64_t fuzz_log_more(const struct fuzz_log *log, uint8_t choice);
/* LSN of the first record of the type that speaks of the transaction; 0 when there is none. */
uint64_t fuzz_log_find(const struct fuzz_log *log, enum txlog_type type, struct tx_id tx);
bool fuzz_log_has_durable(const struct fuzz_log *log, enum txlog_type type, struct tx_id tx);
/* Does a FORGET record, durable or not, cover the transaction? (Open ids are not looked at.) */
bool fuzz_log_forgotten(const struct fuzz_log *log, struct tx_id tx);

#endif
