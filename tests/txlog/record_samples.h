/* Log records for tests: one of each type, with every field other than zero. */
#ifndef ASSENT_TESTS_TXLOG_RECORD_SAMPLES_H
#define ASSENT_TESTS_TXLOG_RECORD_SAMPLES_H

#include "txlog/record.h"

/* Its lists and texts are static. */
struct txlog_record record_sample(enum txlog_type type);

#endif
