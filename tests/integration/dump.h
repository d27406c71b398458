/* What a log directory holds, as text, so that two of them can be compared: every record by its
 * checksum, and the data, each key by its own lookup as the store does it.
 *
 *   head N                  what HEAD says
 *   log FIRST LAST
 *   record LSN HASH         of the stored bytes
 *   value KEY VALUE         found by its key; "key KEY" when the store has none
 *   unreadable KEY TEXT
 *   other KEY               met while reading all data, and asked for by nobody */
#ifndef ASSENT_TESTS_INTEGRATION_DUMP_H
#define ASSENT_TESTS_INTEGRATION_DUMP_H

#include <stddef.h>

#define DUMP_KEYS 41 /* "k0" ... of keyspace "t" are looked up */

/* Writes the dump of a stopped daemon's directory; for the child process of dump_run(), as RocksDB
 * may abort. Gives an exit status. */
int dump_main(const char *directory, const char *to);
/* Runs this program again as "PROGRAM dump DIRECTORY TO" and gives its wait status; what it says on
 * standard error goes to the file TO.err. */
int dump_run(const char *directory, const char *to);

/* Compares a dump with that of the sound directory: all of its records and values are there, and
 * nothing else but further records. `unreadable` counts lookups that were refused with a message
 * that says what is wrong and what to do. Gives NULL, or what is wrong, in a static buffer. */
const char *dump_compare(const char *sound, const char *got, int *unreadable);

#endif
