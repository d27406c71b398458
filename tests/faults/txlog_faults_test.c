/* Every call of the operating system that a log makes fails once, in turn, and every allocation of
 * its own: over two days of its life, on a new directory and on one that is there. Whatever fails,
 * the log says so in a sentence and does not die of it, and nothing that it reported as durable is
 * missing: neither from the directory as it was left, nor from what the loss of power would have
 * left of it. And the next day goes well. */
#include "tests/faults/faults.h"
#include "tests/faults/txlog_life.h"

#include "txlog/rocksdb_log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct faults faults;
static char directory[FAULT_PATH], base[FAULT_PATH], copy[FAULT_PATH], acknowledged[FAULT_PATH],
    said[FAULT_PATH];

/* Lives two days in a process of its own; its wait status. */
static int live(void)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd >= 0 && dup2(fd, STDERR_FILENO) >= 0)
            (void)execl(ASSENT_TXLOG_LIFE, "txlog_life", directory, acknowledged, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static uint64_t acknowledged_lsn(void)
{
    uint64_t lsn = 0;
    int fd = open(acknowledged, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (read(fd, &lsn, sizeof lsn) != (ssize_t)sizeof lsn)
            lsn = 0;
        assert_int_equal(close(fd), 0);
    }
    return lsn;
}

static enum tx_error check(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    return life_check(arg, record, why);
}

/* Opens the directory without a fault, for writing: all up to `lsn` is there, unharmed. */
static void holds(const char *where, uint64_t lsn, const char *what)
{
    struct rocksdb_log_options options = {
        .directory = where, .mode = ROCKSDB_LOG_OPEN, .identity = life_identity()};
    struct txlog *log = NULL;
    struct recovery_summary summary;
    struct tx_why why = {""};
    if (rocksdb_log_open(&options, &log, &why) != TX_OK)
        fail_msg("%s: does not open again: %s", what, why.text);
    if (txlog_last(log).n < lsn)
        fail_msg("%s: LSN %lu was durable, and the log ends at %lu", what, (unsigned long)lsn,
                 (unsigned long)txlog_last(log).n);
    if (recovery_replay(log, check, log, &summary, &why) != TX_OK)
        fail_msg("%s: %s", what, why.text);
    txlog_close(&log);
}

/* Where RocksDB drops the operating system's reason, and a second look finds that the trouble has
 * passed. */
static const char passed[] = "could not be read at first, and can be now";

/* What is said names the directory, and what the operating system said, or that it was memory. */
static void check_words(const struct fault *fault, const char *what)
{
    char text[1024];
    (void)faults_read(said, text, sizeof text);
    const char *reason = strerror(fault->error);
    if (fault->kind == FAULT_MEMORY)
        reason = "memory";
    bool told = strstr(text, reason) != NULL || (!fault->for_ever && strstr(text, passed) != NULL);
    if (!told)
        fail_msg("%s: says nothing of \"%s\": %s", what, reason, text);
    bool named = fault->kind == FAULT_MEMORY || fault->kind == FAULT_PROCESS;
    if (!named && strstr(text, directory) == NULL)
        fail_msg("%s: does not name %s: %s", what, directory, text);
}

struct tally {
    unsigned long refused, harmless;
};

/* True when the fault has come. */
static bool try(const struct fault *fault, bool existing, struct tally *tally)
{
    faults_remove(directory);
    if (existing)
        faults_copy(base, directory);
    uint64_t before = existing ? 1 : 0;
    (void)unlink(acknowledged);
    bool of_others = fault->code != NULL;
    faults_arm(&faults, directory, fault, !of_others, NULL);
    int status = live();
    faults_disarm();
    char what[640];
    (void)snprintf(what, sizeof what, "%s", faults_describe(&faults, fault));
    char text[1024];
    bool killed = of_others && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    if (!killed &&
        !(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == LIFE_FAILED)))
        fail_msg("%s: ended with wait status %#x: %s", what, (unsigned)status,
                 faults_read(said, text, sizeof text));
    bool failed = killed || WEXITSTATUS(status) == LIFE_FAILED;
    if (faults_fired(&faults) && failed && !of_others)
        check_words(fault, what);
    bool fired = faults_fired(&faults);
    if (!fired && failed)
        fail_msg("%s: %s", what, faults_read(said, text, sizeof text));
    uint64_t lsn = acknowledged_lsn();
    lsn = lsn > before ? lsn : before;
    if (!of_others && faults_restore(&faults, copy))
        holds(copy, lsn, what);
    else if (!of_others && lsn > 0)
        fail_msg("%s: LSN %lu was durable, and not even the directory would be there", what,
                 (unsigned long)lsn);
    if (lsn > 0)
        holds(directory, lsn, what);
    if (!fired)
        return false;
    *(failed ? &tally->refused : &tally->harmless) += 1;
    faults_arm(&faults, directory, &(struct fault){0}, true, NULL);
    if (live() != 0)
        fail_msg("%s: the next days fail: %s", what, faults_read(said, text, sizeof text));
    faults_disarm();
    return true;
}

static void exhaust_code(enum fault_kind kind, int error, bool for_ever, bool existing,
                         const char *code)
{
    struct tally tally = {0};
    struct fault fault = {.kind = kind, .error = error, .for_ever = for_ever, .code = code};
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    for (fault.n = faults_first(&faults);; fault.n = faults_next(&faults, &fault)) {
        if (!try(&fault, existing, &tally))
            break;
    }
    unsigned long calls = atomic_load(&faults.report->calls[kind]);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    print_message(
        "%-10s %-24s %s directory, %s: %3lu calls, %3lu refused, %3lu harmless (%.1f s)\n",
        faults_kind(kind), strerror(error), existing ? "old" : "new",
        for_ever ? "for ever" : "once    ", calls, tally.refused, tally.harmless,
        (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9);
    assert_true(calls > 0);
}

static void exhaust(enum fault_kind kind, int error, bool for_ever, bool existing)
{
    exhaust_code(kind, error, for_ever, existing, NULL);
}

static void on_both(enum fault_kind kind, int error, bool for_ever)
{
    exhaust(kind, error, for_ever, false);
    exhaust(kind, error, for_ever, true);
}

static void opens(void **state)
{
    (void)state;
    on_both(FAULT_OPEN, EMFILE, false);
    on_both(FAULT_OPEN, EMFILE, true);
}

static void reads(void **state)
{
    (void)state;
    on_both(FAULT_READ, EIO, false);
}

static void writes(void **state)
{
    (void)state;
    on_both(FAULT_WRITE, ENOSPC, false);
    on_both(FAULT_WRITE, EIO, true);
}

static void short_writes(void **state)
{
    (void)state;
    on_both(FAULT_SHORT, 0, false);
}

static void syncs(void **state)
{
    (void)state;
    on_both(FAULT_SYNC, EIO, false);
    on_both(FAULT_SYNC, EIO, true);
}

static void names(void **state)
{
    (void)state;
    on_both(FAULT_RENAME, EIO, false);
    on_both(FAULT_UNLINK, EACCES, false);
    on_both(FAULT_DIRECTORY, EIO, false);
    on_both(FAULT_DIRECTORY, EACCES, true);
    on_both(FAULT_LIST, EIO, false);
}

static void sizes(void **state)
{
    (void)state;
    on_both(FAULT_TRUNCATE, EIO, false);
    on_both(FAULT_ALLOCATE, ENOSPC, false);
}

static void looks(void **state)
{
    (void)state;
    on_both(FAULT_STAT, EIO, false);
    on_both(FAULT_LOCK, ENOLCK, false);
}

static void process_needs(void **state)
{
    (void)state;
    on_both(FAULT_PROCESS, EAGAIN, false);
}

static void memory(void **state)
{
    (void)state;
    on_both(FAULT_MEMORY, ENOMEM, false);
}

/* C++ throws, and across the interface in C that ends the process: it may, and nothing is lost. */
static void memory_of_rocksdb(void **state)
{
    (void)state;
    exhaust_code(FAULT_MEMORY, ENOMEM, false, false, "libstdc++");
    exhaust_code(FAULT_MEMORY, ENOMEM, false, true, "libstdc++");
}

static int begin(void **state)
{
    char disk[FAULT_PATH];
    (void)state;
    faults_init(&faults);
    faults_choose(&faults, 32);
    assert_int_equal(mkdir(faults_path(&faults, "disk", disk), 0700), 0);
    faults_path(&faults, "disk/log", directory);
    faults_path(&faults, "base", base);
    faults_path(&faults, "copy", copy);
    faults_path(&faults, "acknowledged", acknowledged);
    faults_path(&faults, "said", said);
    assert_int_equal(live(), 0);
    faults_copy(directory, base);
    return 0;
}

static int end(void **state)
{
    (void)state;
    faults_deinit(&faults);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens),
        cmocka_unit_test(reads),
        cmocka_unit_test(writes),
        cmocka_unit_test(short_writes),
        cmocka_unit_test(syncs),
        cmocka_unit_test(names),
        cmocka_unit_test(sizes),
        cmocka_unit_test(looks),
        cmocka_unit_test(process_needs),
        cmocka_unit_test(memory),
        cmocka_unit_test(memory_of_rocksdb),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
