/* Backups by a schedule: a thread of the coordinator that takes them, with a handle of the client
 * library on its own coordinator, as txctl backup does. The loop never waits for it; the two share
 * what this file has, under a lock, and a descriptor that becomes readable when a backup has ended.
 *
 *   off <---> waiting ----> running ----> waiting
 *                ^             |
 *                +-- failing <-+   (tried again after growing pauses)
 *
 * The repository says what the newest backup is, and its lock lets one of several coordinators take
 * it; the others look again, and find that it has been done. A repository that is in use is no
 * failure. While it is held (drained) none is begun, and one that is under way is given up. */
#ifndef ASSENT_COORDINATOR_BACKUP_SCHEDULE_H
#define ASSENT_COORDINATOR_BACKUP_SCHEDULE_H

#include "common/ids.h"
#include "coordinator/backup_due.h"

struct backup_schedule_settings {
    char into[1024];         /* the repository; empty: there is no schedule */
    struct backup_plan plan; /* every_ms 0: likewise */
    uint64_t keep;           /* how many backups stay; 0: all */
};

struct backup_schedule_options {
    const char *cluster;
    const char *coordinator; /* its own address */
    uint64_t message_max;    /* bytes of a frame */
};

/* A backup that has ended, one way or the other. */
struct backup_schedule_event {
    enum tx_error error; /* TX_OK: there is one more */
    bool withdrawn;      /* given up because it was told so: no failure */
    char into[1024];     /* the repository */
    char text[1024];     /* which one, and what it holds; or what went wrong, and where */
};

struct backup_schedule_view {
    bool on, held, running;
    uint64_t every_ms;      /* 0: off */
    uint64_t newest_ms;     /* when the newest backup in the repository was begun; 0: none */
    uint64_t age_ms;        /* since then */
    uint64_t next_ms;       /* when the next is due; 0: at once, or off */
    uint64_t taken, failed; /* by this process */
    uint64_t took_ms;       /* its last one took so long */
    uint64_t bytes, stored; /* held so much, and added so much to the repository */
    bool late;              /* for too long there has been none */
    char problem[1024];     /* why the last attempt came to nothing; empty: it did not */
};

struct backup_schedule;

/* Starts nothing yet; TX_ENOMEM, TX_EIO. What the options point to must outlive it. */
enum tx_error backup_schedule_new(const struct backup_schedule_options *options,
                                  struct backup_schedule **schedule,
                                  struct tx_why *why) TX_MUST_CHECK;
/* The schedule is this from now on; a backup under way goes on, unless it goes elsewhere now.
 * TX_EIO: no thread can be started. */
enum tx_error backup_schedule_set(struct backup_schedule *schedule,
                                  const struct backup_schedule_settings *settings,
                                  struct tx_why *why) TX_MUST_CHECK;
/* `on`: take none until it is off again. */
void backup_schedule_hold(struct backup_schedule *schedule, bool on);
/* Is one under way? */
bool backup_schedule_running(struct backup_schedule *schedule);
void backup_schedule_view(struct backup_schedule *schedule, struct backup_schedule_view *view);

/* Becomes readable when there is something for backup_schedule_take(). */
int backup_schedule_fd(const struct backup_schedule *schedule);
/* False: nothing has ended. The thread begins no other one before this was taken. */
bool backup_schedule_take(struct backup_schedule *schedule,
                          struct backup_schedule_event *event) TX_MUST_CHECK;

/* Gives up what is under way, for at most some 4 s, and ends the thread. An event may be left. */
void backup_schedule_stop(struct backup_schedule *schedule);
void backup_schedule_destroy(struct backup_schedule **schedule);

#endif
