/* The final judge: is there an order in which the committed sessions, one after the other, would
 * have read and left what they did? */
#ifndef ASSENT_TESTS_ISOLATION_ISO_SERIAL_H
#define ASSENT_TESTS_ISOLATION_ISO_SERIAL_H

#include "tests/isolation/iso_run.h"

/* Whoever had been told of its commit before another one began comes before it. */
bool iso_is_serial(const struct iso_script *scripts, size_t sessions, const struct iso_run *run);

#endif
