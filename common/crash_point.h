/* Crash points: named places at which a test can make a daemon die as by kill -9.
 *
 * Compiled only with ASSENT_CRASH_POINTS. The environment variable ASSENT_CRASH_POINT picks one: "PLACE[:N]" dies at the
 * N-th time (default 1) that the place is passed. Places are "log:RECORD:before", "log:RECORD:after" (before the batch that
 * holds the record is written; after it is durable and before anyone is told), "send:MESSAGE:before" and
 * "send:MESSAGE:after". */
#ifndef ASSENT_COMMON_CRASH_POINT_H
#define ASSENT_COMMON_CRASH_POINT_H

#ifdef ASSENT_CRASH_POINTS
/* `kind` "log" or "send", `what` a record's or message's name, `when` "before" or "after". Safe from any thread. */
void crash_point(const char *kind, const char *what, const char *when);
/* Is any crash point chosen? Lets a caller skip the work of naming what it does. */
int crash_point_armed(void);
#else
static inline void crash_point(const char *kind, const char *what, const char *when)
{
    (void)kind;
    (void)what;
    (void)when;
}
static inline int crash_point_armed(void)
{
    return 0;
}
#endif

#endif
