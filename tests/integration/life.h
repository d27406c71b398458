/* A cluster that has lived: data directories of one coordinator and the participants a, b and c in
 * which each kind of file has come to be, and what has been promised with them. Uses the cluster
 * and client of work.h. */
#ifndef ASSENT_TESTS_INTEGRATION_LIFE_H
#define ASSENT_TESTS_INTEGRATION_LIFE_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* Several epochs and incarnations of transactions of one to three participants, with compaction of
 * the log and restarts of both kinds. At the end all daemons have been killed: two transactions are
 * acknowledged to the client, one in each commit mode, and a has not heard of the last one; another
 * one is prepared at a and undecided. Nothing of all this is beyond what was synced. */
void life_live(uint64_t *seed);

/* The sound directory of a daemon at the end of its life. */
const char *life_sound(const struct daemon *daemon);
/* Gives every daemon its sound directory back. None of them runs. */
void life_restore(void);

/* Starts what does not run. */
void life_start(void);
/* Compares a running cluster with what was promised: what was in doubt is settled, acknowledged
 * transactions are outcomes and values, and nothing else is there. Fails the test when any of it
 * is not so within a minute. */
void life_expect_all(void);
/* Kills all that runs, and closes the client. */
void life_end_of_run(void);

#endif
