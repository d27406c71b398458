#include "coverage.h"

#include <inttypes.h>
#include <stdio.h>

/* A cell that no run can reach, and why. */
struct impossible {
    unsigned row, column;
    const char *why;
};

struct table {
    const char *title;
    const char *const *rows, *const *columns;
    unsigned rows_n, columns_n;
    const uint64_t *cells;
    const struct impossible *impossible;
    size_t impossible_n;
};

static const char *const part_rows[PART_ROWS_N] = {
    "none",     "tombstone",        "forgotten", "working",   "undoing",  "preparing",
    "prepared", "prepared-members", "found-out", "committed", "heuristic"};
static const char *const part_columns[PART_COLUMNS_N] = {
    "OPERATE", "PREPARE", "COMMIT",  "ABORT",  "INQUIRE", "INQUIRE-members",
    "STATE",   "WAIT",    "RESOLVE", "FORGET", "restart"};
static const char *const coord_rows[COORD_ROWS_N] = {"none",
                                                     "active",
                                                     "collecting",
                                                     "members",
                                                     "preventing",
                                                     "one-phase",
                                                     "inquiring",
                                                     "deciding",
                                                     "committed",
                                                     "finished-committed",
                                                     "finished-aborted",
                                                     "resolving"};
static const char *const coord_columns[COORD_COLUMNS_N] = {"BEGIN",
                                                           "SUBMIT",
                                                           "COMMIT_REQUEST",
                                                           "ABORT_REQUEST",
                                                           "OUTCOME_REQUEST",
                                                           "OUTCOME_ACK",
                                                           "JOIN",
                                                           "YES",
                                                           "NO",
                                                           "READ_ONLY",
                                                           "COMMITTED",
                                                           "ACK",
                                                           "ACK-members",
                                                           "INQUIRE",
                                                           "INQUIRE-members",
                                                           "STATE",
                                                           "timer",
                                                           "durable",
                                                           "restart"};

#define ANY           UINT32_MAX
#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static const struct impossible part_impossible[] = {
    {PART_ROW_UNDOING, ANY,
     "lasts while the store has a call to answer; the built-in one answers at once"},
    {PART_ROW_NONE, PART_COLUMN_COMMIT,
     "COMMIT goes to who has voted YES, whose record is durable"},
    {PART_ROW_NONE, PART_COLUMN_FORGET, "FORGET is compared with what is known here"},
    {PART_ROW_NONE, PART_COLUMN_RESTART, "there is nothing to find"},
    {PART_ROW_TOMBSTONE, PART_COLUMN_COMMIT,
     "who has refused has not voted YES; who has aborted was told so"},
    {PART_ROW_TOMBSTONE, PART_COLUMN_RESTART, "tombstones are in memory"},
    {PART_ROW_FORGOTTEN, PART_COLUMN_FORGET, "FORGET is compared with what is known here"},
    {PART_ROW_FORGOTTEN, PART_COLUMN_RESTART, "there is nothing to find but the mark"},
    {PART_ROW_WORKING, PART_COLUMN_COMMIT, "COMMIT goes to who has voted YES"},
    {PART_ROW_WORKING, PART_COLUMN_STATE, "only who is in doubt inquires"},
    {PART_ROW_WORKING, PART_COLUMN_WAIT, "only who is in doubt inquires"},
    {PART_ROW_WORKING, PART_COLUMN_RESTART, "nothing of it is in the log"},
    {PART_ROW_PREPARING, PART_COLUMN_COMMIT, "COMMIT goes to who has voted YES"},
    {PART_ROW_PREPARING, PART_COLUMN_STATE, "only who is in doubt inquires"},
    {PART_ROW_PREPARING, PART_COLUMN_WAIT, "only who is in doubt inquires"},
    {PART_ROW_PREPARING, PART_COLUMN_RESTART, "its record is in the log, or it is not"},
    {PART_ROW_PREPARED, PART_COLUMN_INQUIRE_MEMBERS, "who decides is the same for all members"},
    {PART_ROW_FOUND_OUT, PART_COLUMN_ABORT, "nobody aborts what every member has prepared"},
    {PART_ROW_FOUND_OUT, PART_COLUMN_RESTART, "COMMITTED does not say how that was found out"},
};

#define UNDECIDED_ACK "a client acknowledges what it has heard"
#define NO_RECORD     "it has no record"
#define NOT_ASKED     "nobody was asked to prepare"
#define NOT_IN_DOUBT  "nobody is in doubt"
#define SINGLE        "only where the members decide, or a single one, are they asked"
#define COORDINATOR   "its coordinator decides"
#define MEMBERS       "its members decide, and say so"
#define NO_REQUEST    "it was found by its id"

static const struct impossible coord_impossible[] = {
    {COORD_ROW_NONE, COORD_COLUMN_TIMER, "a timer belongs to a transaction"},
    {COORD_ROW_NONE, COORD_COLUMN_DURABLE, "what rests on a record stays until it is durable"},
    {COORD_ROW_NONE, COORD_COLUMN_RESTART, "there is nothing to find"},
    {COORD_ROW_ACTIVE, COORD_COLUMN_SUBMIT, "the number of a BEGIN is not that of a SUBMIT"},
    {COORD_ROW_ACTIVE, COORD_COLUMN_OUTCOME_ACK, UNDECIDED_ACK},
    {COORD_ROW_ACTIVE, COORD_COLUMN_YES, NOT_ASKED},
    {COORD_ROW_ACTIVE, COORD_COLUMN_READ_ONLY, NOT_ASKED},
    {COORD_ROW_ACTIVE, COORD_COLUMN_VOTE_COMMITTED, NOT_ASKED},
    {COORD_ROW_ACTIVE, COORD_COLUMN_ACK, "nothing is decided"},
    {COORD_ROW_ACTIVE, COORD_COLUMN_INQUIRE, NOT_IN_DOUBT},
    {COORD_ROW_ACTIVE, COORD_COLUMN_STATE, SINGLE},
    {COORD_ROW_ACTIVE, COORD_COLUMN_DURABLE, NO_RECORD},
    {COORD_ROW_ACTIVE, COORD_COLUMN_RESTART, NO_RECORD},
    {COORD_ROW_COLLECTING, COORD_COLUMN_OUTCOME_ACK, UNDECIDED_ACK},
    {COORD_ROW_COLLECTING, COORD_COLUMN_VOTE_COMMITTED,
     "several members commit when it is decided"},
    {COORD_ROW_COLLECTING, COORD_COLUMN_STATE, SINGLE},
    {COORD_ROW_COLLECTING, COORD_COLUMN_DURABLE, NO_RECORD},
    {COORD_ROW_COLLECTING, COORD_COLUMN_RESTART, NO_RECORD},
    {COORD_ROW_ACTIVE, COORD_COLUMN_ACK_MEMBERS, "nothing is decided"},
    {COORD_ROW_ACTIVE, COORD_COLUMN_INQUIRE_MEMBERS, NOT_IN_DOUBT},
    {COORD_ROW_COLLECTING, COORD_COLUMN_ACK_MEMBERS, COORDINATOR},
    {COORD_ROW_COLLECTING, COORD_COLUMN_INQUIRE_MEMBERS, COORDINATOR},
    {COORD_ROW_ONE_PHASE, COORD_COLUMN_ACK_MEMBERS, COORDINATOR},
    {COORD_ROW_ONE_PHASE, COORD_COLUMN_INQUIRE_MEMBERS, COORDINATOR},
    {COORD_ROW_INQUIRING, COORD_COLUMN_ACK_MEMBERS, COORDINATOR},
    {COORD_ROW_INQUIRING, COORD_COLUMN_INQUIRE_MEMBERS, COORDINATOR},
    {COORD_ROW_DECIDING, COORD_COLUMN_ACK_MEMBERS, COORDINATOR},
    {COORD_ROW_DECIDING, COORD_COLUMN_INQUIRE_MEMBERS, COORDINATOR},
    {COORD_ROW_MEMBERS, COORD_COLUMN_OUTCOME_ACK, UNDECIDED_ACK},
    {COORD_ROW_MEMBERS, COORD_COLUMN_READ_ONLY, "no member of such a list is a reader"},
    {COORD_ROW_MEMBERS, COORD_COLUMN_ACK, MEMBERS},
    {COORD_ROW_MEMBERS, COORD_COLUMN_INQUIRE, MEMBERS},
    {COORD_ROW_MEMBERS, COORD_COLUMN_STATE, "it was not asked yet"},
    {COORD_ROW_MEMBERS, COORD_COLUMN_DURABLE, NO_RECORD},
    {COORD_ROW_MEMBERS, COORD_COLUMN_RESTART, NO_RECORD},
    {COORD_ROW_PREVENTING, COORD_COLUMN_OUTCOME_ACK, UNDECIDED_ACK},
    {COORD_ROW_PREVENTING, COORD_COLUMN_READ_ONLY, "no member of such a list is a reader"},
    {COORD_ROW_PREVENTING, COORD_COLUMN_ACK, MEMBERS},
    {COORD_ROW_PREVENTING, COORD_COLUMN_INQUIRE, MEMBERS},
    {COORD_ROW_PREVENTING, COORD_COLUMN_DURABLE, NO_RECORD},
    {COORD_ROW_PREVENTING, COORD_COLUMN_RESTART, NO_RECORD},
    {COORD_ROW_ONE_PHASE, COORD_COLUMN_OUTCOME_ACK, UNDECIDED_ACK},
    {COORD_ROW_ONE_PHASE, COORD_COLUMN_YES, "the only member commits at once"},
    {COORD_ROW_ONE_PHASE, COORD_COLUMN_ACK, "nothing is decided"},
    {COORD_ROW_ONE_PHASE, COORD_COLUMN_INQUIRE, NOT_IN_DOUBT},
    {COORD_ROW_ONE_PHASE, COORD_COLUMN_STATE, "it was not asked yet"},
    {COORD_ROW_ONE_PHASE, COORD_COLUMN_DURABLE, NO_RECORD},
    {COORD_ROW_ONE_PHASE, COORD_COLUMN_RESTART, NO_RECORD},
    {COORD_ROW_INQUIRING, COORD_COLUMN_OUTCOME_ACK, UNDECIDED_ACK},
    {COORD_ROW_INQUIRING, COORD_COLUMN_YES, "the only member commits at once"},
    {COORD_ROW_INQUIRING, COORD_COLUMN_ACK, "nothing is decided"},
    {COORD_ROW_INQUIRING, COORD_COLUMN_INQUIRE, NOT_IN_DOUBT},
    {COORD_ROW_INQUIRING, COORD_COLUMN_DURABLE, NO_RECORD},
    {COORD_ROW_INQUIRING, COORD_COLUMN_RESTART, NO_RECORD},
    {COORD_ROW_DECIDING, COORD_COLUMN_OUTCOME_ACK, UNDECIDED_ACK},
    {COORD_ROW_DECIDING, COORD_COLUMN_VOTE_COMMITTED, "nobody has been told to commit"},
    {COORD_ROW_DECIDING, COORD_COLUMN_ACK, "nobody has been told to commit"},
    {COORD_ROW_DECIDING, COORD_COLUMN_STATE, SINGLE},
    {COORD_ROW_DECIDING, COORD_COLUMN_TIMER, "it waits for its record, however long that takes"},
    {COORD_ROW_DECIDING, COORD_COLUMN_RESTART, "a COMMIT record that is found is durable"},
    {COORD_ROW_FINISHED_ABORTED, COORD_COLUMN_VOTE_COMMITTED, "nobody commits what is aborted"},
    {COORD_ROW_FINISHED_ABORTED, COORD_COLUMN_DURABLE, NO_RECORD},
    {COORD_ROW_FINISHED_ABORTED, COORD_COLUMN_RESTART, NO_RECORD},
    {COORD_ROW_RESOLVING, COORD_COLUMN_BEGIN, NO_REQUEST},
    {COORD_ROW_RESOLVING, COORD_COLUMN_SUBMIT, NO_REQUEST},
    {COORD_ROW_RESOLVING, COORD_COLUMN_DURABLE, NO_RECORD},
    {COORD_ROW_RESOLVING, COORD_COLUMN_RESTART, NO_RECORD},
};

static const char *why_not(const struct impossible *list, size_t n, unsigned row, unsigned column)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].row == row && (list[i].column == column || list[i].column == ANY))
            return list[i].why;
    }
    return NULL;
}

static uint64_t cell(const struct table *table, unsigned row, unsigned column)
{
    return table->cells[row * table->columns_n + column];
}

static void print_counts(const struct table *table)
{
    printf("%-20s", table->title);
    for (unsigned c = 0; c < table->columns_n; c++)
        printf(" %15s", table->columns[c]);
    putchar('\n');
    for (unsigned r = 0; r < table->rows_n; r++) {
        printf("%-20s", table->rows[r]);
        for (unsigned c = 0; c < table->columns_n; c++) {
            if (why_not(table->impossible, table->impossible_n, r, c) != NULL)
                printf(" %15s", "-");
            else
                printf(" %15" PRIu64, cell(table, r, c));
        }
        putchar('\n');
    }
}

/* True when the cell is otherwise than it should be. */
static bool judge(const struct table *table, unsigned row, unsigned column)
{
    const char *never = why_not(table->impossible, table->impossible_n, row, column);
    const char *name = table->rows[row], *event = table->columns[column];
    uint64_t n = cell(table, row, column);

    if (never != NULL)
        printf("  impossible: %s, %s: %s\n", name, event, never);
    if (never != NULL && n > 0)
        printf("REACHED: %s, %s, which should be impossible\n", name, event);
    if (never == NULL && n == 0)
        printf("NOT REACHED: %s, %s\n", name, event);
    return never != NULL ? n > 0 : n == 0;
}

static unsigned print_judgement(const struct table *table)
{
    unsigned wrong = 0;

    for (unsigned r = 0; r < table->rows_n; r++) {
        for (unsigned c = 0; c < table->columns_n; c++)
            wrong += judge(table, r, c);
    }
    return wrong;
}

void coverage_add(struct coverage *to, const struct coverage *from)
{
    for (unsigned r = 0; r < PART_ROWS_N; r++) {
        for (unsigned c = 0; c < PART_COLUMNS_N; c++)
            to->part[r][c] += from->part[r][c];
    }
    for (unsigned r = 0; r < COORD_ROWS_N; r++) {
        for (unsigned c = 0; c < COORD_COLUMNS_N; c++)
            to->coord[r][c] += from->coord[r][c];
    }
}

unsigned coverage_print(const struct coverage *coverage)
{
    const struct table tables[] = {
        {.title = "participant",
         .rows = part_rows,
         .columns = part_columns,
         .rows_n = PART_ROWS_N,
         .columns_n = PART_COLUMNS_N,
         .cells = coverage->part[0],
         .impossible = part_impossible,
         .impossible_n = LENGTH(part_impossible)},
        {.title = "coordinator",
         .rows = coord_rows,
         .columns = coord_columns,
         .rows_n = COORD_ROWS_N,
         .columns_n = COORD_COLUMNS_N,
         .cells = coverage->coord[0],
         .impossible = coord_impossible,
         .impossible_n = LENGTH(coord_impossible)},
    };
    unsigned wrong = 0;

    for (size_t i = 0; i < 2; i++) {
        print_counts(&tables[i]);
        wrong += print_judgement(&tables[i]);
    }
    return wrong;
}
