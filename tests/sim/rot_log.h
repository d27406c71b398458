/* A changed copy of a log: what a damaged disk would show to a node that starts.
 *
 * It borrows the records of the sound log until they are changed, and stands behind the same
 * interface. As the log of a daemon does (txlog/log_scan.h), it refuses a record whose front is
 * wrong or which stands in another's place, and names the LSN. */
#ifndef ASSENT_TESTS_SIM_ROT_LOG_H
#define ASSENT_TESTS_SIM_ROT_LOG_H

#include "txlog/record.h"
#include "txlog/txlog.h"

struct rot_log {
    struct txlog log; /* first: the log's own functions get this pointer */
    struct txlog *sound;
    uint64_t before;          /* the LSN before the first record */
    struct tx_bytes *records; /* records[i] stands at LSN before + 1 + i */
    size_t n, capacity;
    struct tx_arena arena; /* what was changed */
    struct tx_buf scratch;
};

/* A copy that is not changed yet. The sound log must stay as it is meanwhile. */
void rot_log_init(struct rot_log *rot, struct txlog *sound);
void rot_log_deinit(struct rot_log *rot);
enum txlog_type rot_log_type(const struct rot_log *rot, size_t i);
/* As it can be read; false when it cannot. Its arrays live in the arena of the log. */
bool rot_log_read(struct rot_log *rot, size_t i, struct txlog_record *record);
/* Bytes of its own instead of those of record i, which may be changed until the next call. */
uint8_t *rot_log_bytes(struct rot_log *rot, size_t i, size_t len);
/* Makes the checksum right. */
void rot_log_seal(struct rot_log *rot, size_t i);
void rot_log_write(struct rot_log *rot, size_t i, const struct txlog_record *record);
void rot_log_insert(struct rot_log *rot, size_t i, struct tx_bytes stored);
void rot_log_remove(struct rot_log *rot, size_t i);
void rot_log_swap(struct rot_log *rot, size_t i, size_t j);
/* From record i on each says the LSN at which it stands, and is sealed. */
void rot_log_renumber(struct rot_log *rot, size_t i);

#endif
