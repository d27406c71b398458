/* What tests of backups share: money that moves between two participants while it goes on, and
 * the way back. */
#ifndef ASSENT_TESTS_INTEGRATION_BACKUP_CASE_H
#define ASSENT_TESTS_INTEGRATION_BACKUP_CASE_H

#include "tests/integration/work.h"

#include <pthread.h>
#include <stdatomic.h>

#define BACKUP_ACCOUNTS 4   /* at each of the two participants */
#define BACKUP_MONEY    100 /* in each, at first */

/* Transfers that a thread makes, one after the other, in all modes of commit in turn. Each also
 * writes its number under "seq" at both participants. */
struct transfers {
    pthread_t thread;
    atomic_bool stopping;
    atomic_ulong committed;    /* how many */
    atomic_ulong acknowledged; /* the number of the last one that was */
    atomic_ulong attempted;    /* the number of the last one that was begun */
    char failure[256];         /* why it has ended by itself */
};

/* Puts the money there, through `client`. */
void backup_accounts(void);
/* From the number `from` on. */
void transfers_begin(struct transfers *transfers, unsigned long from);
/* Fails the test when it has ended by itself. */
void transfers_end(struct transfers *transfers);

/* The repository of the cluster's backups; in its directory. */
const char *backup_repository(void);
/* txctl backup --into it; fails the test when that does not succeed. `option` may be NULL. Gives
 * the bytes that were added to the repository, and the name when `name` is not NULL (64 bytes). */
unsigned long backup_take(const char *option, char *name);

/* Kills all daemons, puts what the newest backup holds in the place of their directories, lets them
 * join, and starts them. */
void backup_bring_back(void);

/* Kills those of the cluster's daemons that run. */
void backup_kill_all(void);
/* Puts the directory that was restored as from/label in the place of the daemon's, and lets it
 * join. */
void backup_move_in(struct daemon *daemon, const char *from, const char *label);
/* The same for all of a cluster with the participants a and b, which is killed and started. */
void backup_move_all_in(const char *from);

/* What the accounts hold there, and the number of the newest transfer, which both participants must
 * have alike. */
void backup_read(const struct daemon *coordinator, long *sum, unsigned long *seq);

/* The output of the last program. */
extern char backup_out[1 << 16], backup_err[1 << 14];

#endif
