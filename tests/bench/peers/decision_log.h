/* The coordinator's log of somebody who commits over two databases by hand: a decision is on disk
 * before the first database is told to commit, or a crash between the two leaves half a transfer.
 *
 * It is as cheap as a durable one gets, so that the databases are not held back by it: a file that
 * is written full beforehand and overwritten from its beginning, so that a sync writes no metadata,
 * and group commit. Whoever finds no sync under way takes all records that wait and syncs them for
 * their owners; so everybody waits for the sync under way and for one more, in the order of coming.
 */
#ifndef ASSENT_TESTS_BENCH_DECISION_LOG_H
#define ASSENT_TESTS_BENCH_DECISION_LOG_H

#include <stdbool.h>

#define DECISION_RECORD_BYTES 64u
#define DECISION_WAITING_MAX  4096u /* threads that write at once */

/* There is one log in a process. Creates `path`, or empties it. False: says why on the standard
 * error. */
bool decision_log_open(const char *path);
/* Returns when the record is on disk. `id`: text of less than DECISION_RECORD_BYTES. Any thread.
 * False when it could not be written: then nobody knows, and the caller must not commit. */
bool decision_log_write(const char *id);
void decision_log_close(void);

#endif
