/* What tests of administration share: txctl on the test's cluster, what it wrote, and the audit log
 * of a daemon, read by a JSON parser that is not ours. */
#ifndef ASSENT_TESTS_INTEGRATION_OPERATE_H
#define ASSENT_TESTS_INTEGRATION_OPERATE_H

#include "tests/integration/work.h"

#include <jansson.h>

#define OPERATE_OUT_MAX 65536

/* Of the last txctl. */
extern char operate_out[OPERATE_OUT_MAX];
extern char operate_err[OPERATE_OUT_MAX];

/* Runs txctl with a command and up to four further words, NULL where there are fewer; gives its
 * exit status. */
int operate(const char *command, const char *first, const char *second, const char *third,
            const char *fourth);
/* Fails the test unless the text is in what the last txctl wrote, on either stream. */
void operate_wrote(const char *text);

/* The audit log of a daemon, as an array of its lines; the caller's to decref. Fails the test when
 * a line is no JSON object, or the last one is cut. */
json_t *audit_lines(const struct daemon *daemon);
/* The last line of this action; NULL when there is none. The caller's to decref. */
json_t *audit_last(const struct daemon *daemon, const char *action);
/* Fails the test unless the member is this text. */
void audit_has(const json_t *line, const char *member, const char *text);

/* Has the daemon's configuration end with these lines instead of its settings so far. */
void settings_become(struct daemon *daemon, const char *section, const char *lines);

#endif
