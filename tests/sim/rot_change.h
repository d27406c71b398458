/* The changes that are made to a copy of a log: of bytes, of the order of the records, of fields,
 * and whole stories that contradict what went before. */
#ifndef ASSENT_TESTS_SIM_ROT_CHANGE_H
#define ASSENT_TESTS_SIM_ROT_CHANGE_H

#include "random.h"
#include "rot_log.h"

/* What the node that is shown the copy has to make of it. */
enum rot_expected {
    ROT_ANYTHING, /* it refuses, or comes to a state that passes its own checks */
    ROT_REFUSED,  /* a checksum is wrong */
    ROT_TAKEN,    /* an earlier state of the same log */
};

struct rot_change {
    const char *name;
    uint64_t lsn; /* where */
    enum rot_expected expected;
};

/* One change; the log has a record at least. */
struct rot_change rot_change(struct rot_log *rot, enum tx_role role, struct sim_random *random);

/* ---- for the files that make them ---- */

uint64_t rot_twisted(struct sim_random *random, uint64_t value);
/* A field of a record that was read, by its type. */
void rot_twist(struct rot_log *rot, struct sim_random *random, struct txlog_record *record);
/* A field of record i, by its type. */
void rot_field(struct rot_log *rot, size_t i, struct sim_random *random);
/* One record or several, in front of record i, of transactions that the log knows, or nearly. */
void rot_story(struct rot_log *rot, size_t i, enum tx_role role, struct sim_random *random);

/* A transaction that is in doubt at the end of the log, or decided and not delivered, and perhaps
 * more about it. */
void rot_doubt(struct rot_log *rot, enum tx_role role, struct sim_random *random);

#endif
