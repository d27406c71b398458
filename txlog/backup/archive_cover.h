/* Which gaps of an archive do no harm any more, since a whole backup lies behind them: a file in
 * the node's data directory,
 *
 *   archive.covered      "generation <G> lsn <N>\n": a backup holds the node up to the record N
 *
 * written like every file of a backup. Without it every gap counts. */
#ifndef ASSENT_TXLOG_ARCHIVE_COVER_H
#define ASSENT_TXLOG_ARCHIVE_COVER_H

#include "common/ids.h"

/* 0: nothing is covered, or nobody knows. */
struct tx_lsn archive_cover_read(const char *data, uint64_t generation);
enum tx_error archive_cover_write(const char *data, uint64_t generation, struct tx_lsn lsn,
                                  struct tx_why *why) TX_MUST_CHECK;

/* Is that backup whole: is its manifest there? */
bool archive_cover_is_whole(const char *repository, const char *backup);

#endif
