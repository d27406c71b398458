/* Crash points: named places at which a test can make a daemon die as by kill -9.
 *
 * Compiled only with ASSENT_CRASH_POINTS. The environment variable ASSENT_CRASH_POINT picks one:
 * "PLACE[:N]" dies at the N-th time (default 1) that the place is passed. Places are
 * "log:RECORD:before", "log:RECORD:after" (before the batch that holds the record is written; after
 * it is durable and before anyone is told), "send:MESSAGE:before" and "send:MESSAGE:after". A value
 * that is no place stops the process at the first look: a crash test must not pass because of a
 * misspelling. */
#ifndef ASSENT_COMMON_CRASH_POINT_H
#define ASSENT_COMMON_CRASH_POINT_H

#ifdef ASSENT_CRASH_POINTS
/* `kind` "log" or "send", `what` a record's or message's name, `when` "before" or "after". Safe
 * from any thread. */
void crash_point(const char *kind, const char *what, const char *when);
/* The same; calls `first` right before it dies, for what must have reached the outside by then. */
void crash_point_after(const char *kind, const char *what, const char *when,
                       void (*first)(void *arg), void *arg);
/* Is any crash point chosen? Lets a caller skip the work of naming what it does. */
int crash_point_armed(void);
#else
static inline void crash_point(const char *kind, const char *what, const char *when)
{
    (void)kind;
    (void)what;
    (void)when;
}
static inline void crash_point_after(const char *kind, const char *what, const char *when,
                                     void (*first)(void *arg), void *arg)
{
    (void)kind;
    (void)what;
    (void)when;
    (void)first;
    (void)arg;
}
static inline int crash_point_armed(void)
{
    return 0;
}
#endif

#endif
