/* Which cells of the two state tables (docs/protocol.md) the runs have reached: for every message
 * and event the state of its transaction right before the step. */
#ifndef ASSENT_TESTS_SIM_COVERAGE_H
#define ASSENT_TESTS_SIM_COVERAGE_H

#include "coordinator/coord_core.h"
#include "participant/part_core.h"

enum coverage_part_row {
    PART_ROW_NONE,
    PART_ROW_TOMBSTONE,
    PART_ROW_FORGOTTEN,
    PART_ROW_WORKING,
    PART_ROW_UNDOING,
    PART_ROW_PREPARING,
    PART_ROW_PREPARED,
    PART_ROW_MEMBERS,   /* prepared, and its members decide */
    PART_ROW_FOUND_OUT, /* committed by what the members have said, before any COMMIT */
    PART_ROW_COMMITTED,
    PART_ROW_HEURISTIC,
    PART_ROWS_N
};

enum coverage_part_column {
    PART_COLUMN_OPERATE,
    PART_COLUMN_PREPARE,
    PART_COLUMN_COMMIT,
    PART_COLUMN_ABORT,
    PART_COLUMN_INQUIRE,
    PART_COLUMN_INQUIRE_MEMBERS, /* of one that its members decide */
    PART_COLUMN_STATE,
    PART_COLUMN_WAIT,
    PART_COLUMN_RESOLVE,
    PART_COLUMN_FORGET,
    PART_COLUMN_RESTART,
    PART_COLUMNS_N
};

enum coverage_coord_row {
    COORD_ROW_NONE,
    COORD_ROW_ACTIVE,
    COORD_ROW_COLLECTING,
    COORD_ROW_MEMBERS,    /* collecting what its members decide */
    COORD_ROW_PREVENTING, /* the same, and those that have not voted are asked */
    COORD_ROW_ONE_PHASE,  /* collecting, of a single member */
    COORD_ROW_INQUIRING,  /* the vote of that one did not come, its outcome is asked for */
    COORD_ROW_DECIDING,
    COORD_ROW_COMMITTED,
    COORD_ROW_FINISHED_COMMITTED,
    COORD_ROW_FINISHED_ABORTED,
    COORD_ROW_RESOLVING,
    COORD_ROWS_N
};

enum coverage_coord_column {
    COORD_COLUMN_BEGIN,
    COORD_COLUMN_SUBMIT,
    COORD_COLUMN_COMMIT_REQUEST,
    COORD_COLUMN_ABORT_REQUEST,
    COORD_COLUMN_OUTCOME_REQUEST,
    COORD_COLUMN_OUTCOME_ACK,
    COORD_COLUMN_JOIN,
    COORD_COLUMN_YES,
    COORD_COLUMN_NO,
    COORD_COLUMN_READ_ONLY,
    COORD_COLUMN_VOTE_COMMITTED,
    COORD_COLUMN_ACK,
    COORD_COLUMN_ACK_MEMBERS,
    COORD_COLUMN_INQUIRE,
    COORD_COLUMN_INQUIRE_MEMBERS,
    COORD_COLUMN_STATE,
    COORD_COLUMN_TIMER,
    COORD_COLUMN_DURABLE,
    COORD_COLUMN_RESTART,
    COORD_COLUMNS_N
};

/* All zero is a valid empty one; plain numbers, which may lie in memory of several processes. */
struct coverage {
    uint64_t part[PART_ROWS_N][PART_COLUMNS_N];
    uint64_t coord[COORD_ROWS_N][COORD_COLUMNS_N];
};

/* Before a step. */
void coverage_part_step(struct coverage *coverage, const struct part_core *core,
                        const struct part_event *event);
void coverage_coord_step(struct coverage *coverage, const struct coord_core *core,
                         const struct coord_event *event, uint64_t now_us);
/* After the log has been read. */
void coverage_part_restart(struct coverage *coverage, const struct part_core *core);
void coverage_coord_restart(struct coverage *coverage, const struct coord_core *core);

void coverage_add(struct coverage *to, const struct coverage *from);
/* Prints both tables, and why some cells cannot be reached; the number of cells that are otherwise
 * than they should be. */
unsigned coverage_print(const struct coverage *coverage);

#endif
