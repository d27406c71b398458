/* What tests of txrecover share: a life for its directories, runs of it that must not change what
 * it reads, and looks at what it has said. The cluster is that of work.h, with participants a and
 * b. */
#ifndef ASSENT_TESTS_INTEGRATION_RECOVER_RUN_H
#define ASSENT_TESTS_INTEGRATION_RECOVER_RUN_H

#include "tests/integration/work.h"

#include <jansson.h>

/* What the last run wrote. */
extern char recover_out[1 << 20], recover_err[1 << 16];

/* Runs txrecover on the directory, which must be as before, with up to five further arguments;
 * fails the test unless it ends with the status. */
void recover_run(int status, const char *directory, const char *command,
                 const char *const arguments[5]);
#define recover(status, directory, ...) RECOVER(status, directory, __VA_ARGS__, NULL)
#define RECOVER(status, directory, command, ...)                                                   \
    recover_run(status, directory, command, (const char *[5]){__VA_ARGS__})

/* Runs txrecover with these words, at most twelve. */
void recover_run_words(int status, const char *const words[12]);
#define recover_words(status, ...) recover_run_words(status, (const char *const[12]){__VA_ARGS__})

/* The last run's output, or its complaints, must hold the text. */
void recover_says(const char *text);
void recover_never_says(const char *text);
void recover_complains(const char *text);
/* Its output must be one JSON object a line. */
void recover_is_json(void);

/* The object that stands at the beginning of the text, by a parser that is not ours; the caller
 * frees it. What is none, or names a member twice, fails the test. */
json_t *recover_json(const char *text);

/* A path in the cluster's directory; the last four are kept. */
const char *recover_path(const char *name);
/* A copy of a stopped daemon's directory, under that name. */
const char *recover_copy(const struct daemon *daemon, const char *name);
/* The newest write-ahead file. */
const char *recover_newest_wal(const char *directory);
/* Changes one bit in the middle of a file. */
void recover_flip_middle(const char *path);

void recover_open_client(int commit_timeout_ms);
txclient_status recover_put_decided_by(txclient_commit_mode mode, const char *key,
                                       const char *value);
txclient_status recover_put_both(const char *key, const char *value);
/* Commits one transaction of both and gives its id. */
void recover_note(char id[64]);

/* The life: two participants, of which b has forgotten its beginning, and all that transactions may
 * come to; all is settled. Gives the id of one that has committed at both. */
void recover_live(char committed[64]);
/* Works on until the coordinator has nothing left to drive home and all of that is on disk, and
 * kills all. The client is opened anew. */
void recover_settle(void);
/* Setup for cmocka: that life, settled; the id is in `recover_committed`. */
extern char recover_committed[64];
int recover_start(void **state);
/* kill -9 to all that run. */
void recover_kill_all(void);
/* Starts all of them again, and opens the client anew. */
void recover_start_all(void);
/* Leaves a transaction that puts its id under "doubt" prepared at a, at b too when `both`, and the
 * coordinator without a decision; all are dead then. */
void recover_leave_in_doubt(txclient_commit_mode mode, bool both, char id[64]);
/* Leaves a transaction that puts the value at both prepared there, and its COMMIT record in the log
 * of the coordinator, which was killed behind it; all are dead then. Needs crash points. */
void recover_leave_decided(const char *key, const char *value);

#endif
