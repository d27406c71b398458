/* The locks that are held, as a trace for tests.
 *
 * Compiled only with ASSENT_CRASH_POINTS. The environment variable ASSENT_LOCK_TRACE names a file:
 * after every step of the core that has changed something, and after recovery, a line with all
 * locks goes there, in the form of a history (tests/check/README.md, "locks"). A line is written
 * whole, by one call, before anything that follows from the step is done; a kill may cut the last
 * one off. A file that cannot be written ends the process: a test must not pass because nothing was
 * traced. */
#ifndef ASSENT_PARTICIPANT_PART_TRACE_H
#define ASSENT_PARTICIPANT_PART_TRACE_H

#include "participant/part_core.h"

#ifdef ASSENT_CRASH_POINTS
void part_trace_locks(const struct tx_name *node, const struct part_core *core);
#else
static inline void part_trace_locks(const struct tx_name *node, const struct part_core *core)
{
    (void)node;
    (void)core;
}
#endif

#endif
