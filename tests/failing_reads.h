/* Reads of files that fail: a program that has failing_reads.c among its sources has every pread()
 * of its process, those of shared libraries too, go through here. RocksDB reads its tables with
 * nothing else. While reads are counted, RocksDB's threads do not sleep: it waits for a second
 * after each compaction that failed. */
#ifndef ASSENT_TESTS_FAILING_READS_H
#define ASSENT_TESTS_FAILING_READS_H

#include <stdbool.h>

enum failing_reads {
    FAILING_FOREGROUND, /* reads by the thread that armed */
    FAILING_COMPACTION, /* reads by RocksDB's threads for compactions */
};

/* From now on such reads are counted, and the n-th (from 1; 0: none) fails once with EIO. */
void failing_reads_arm(enum failing_reads whose, unsigned long n);
/* Ends that; whether a read has failed. */
bool failing_reads_disarm(void);
/* Reads since it was armed. */
unsigned long failing_reads_count(void);
/* "offset 0 of /.../000012.sst", of the read that failed. */
const char *failing_reads_place(void);

#endif
