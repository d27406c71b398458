/* What tests of reloading share: a reload that is noted, key by key, so that in the end each key
 * which a running daemon takes (docs/configuration.md: SIGHUP) has been shown to have an effect. */
#ifndef ASSENT_TESTS_INTEGRATION_RELOAD_CASE_H
#define ASSENT_TESTS_INTEGRATION_RELOAD_CASE_H

#include "tests/integration/operate.h"

/* The settings become these, and the daemon reads them; fails the test when it does not say so. The
 * keys are noted: the test that calls this shows what they change. */
void reload(struct daemon *daemon, const char *section, const char *lines);

/* Fails the test when a key of the tables, taken at SIGHUP, has been noted by no test, for either
 * daemon. */
void reload_check_table(const char *page);

/* Timers, and what a log keeps: seen in how often something happens (reload_timers.c). Gives how
 * many tests failed. */
int reload_timers(void);

#endif
