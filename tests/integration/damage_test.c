/* Random damage to the files of real data directories: a daemon that is started on them refuses,
 * names the place and says what to do, and leaves everything as it is; or nothing that was promised
 * is missing. What it must not do is to go on without it.
 *
 * The judge is the daemon itself, alone, on a copy of its directory with one mutation; what it then
 * serves is compared with the sound directory, record by record and key by key. A sample of what
 * passed is started again among its peers.
 *
 * ASSENT_DAMAGE_SEED and ASSENT_DAMAGE_MUTATIONS in the environment change the mutations and their
 * number. */
#include "tests/integration/dump.h"
#include "tests/integration/life.h"
#include "tests/integration/mutation.h"
#include "tests/integration/work.h"
#include "txlog/log_head.h"
#include "txlog/log_meta.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#define MUTATIONS  500
#define LOSSES     6
#define RECORD_END 16 /* bytes, less than any record has */
#define START_MS   60000

enum verdict {
    REFUSED,    /* it did not start */
    HARMLESS,   /* everything is there */
    UNREADABLE, /* some values are refused when they are read */
    WRONG,      /* what must not happen; printed at once, and the test fails at its end */
    VERDICTS_N,
};

/* The daemons whose directories are damaged. */
struct victim {
    struct daemon *daemon;        /* of the cluster */
    struct daemon judge;          /* the same on a directory and an address of its own */
    char sound[2 * CLUSTER_PATH]; /* the dump of its sound directory */
    unsigned counts[FILE_KINDS_N][VERDICTS_N];
    bool sampled[FILE_KINDS_N][VERDICTS_N];
};

static struct victim victims[2];
static char what[256]; /* the mutation at hand */
static uint64_t seed;

/* ---- the judge ---- */

static const char *tail_of(const char *path)
{
    static char text[2048];
    size_t size;
    char *all = file_read(path, &size);

    if (all == NULL)
        return "nothing";
    snprintf(text, sizeof text, "%s", size < sizeof text ? all : all + size - (sizeof text - 1));
    free(all);
    return text;
}

static void make_judge(struct victim *victim, struct daemon *daemon)
{
    struct daemon *judge = &victim->judge;
    char text[4 * CLUSTER_PATH];
    bool coordinator = daemon == &cluster.coordinator;

    victim->daemon = daemon;
    *judge = (struct daemon){.program = daemon->program};
    snprintf(judge->name, sizeof judge->name, "%.24s-judge", daemon->name);
    snprintf(judge->config, sizeof judge->config, "%.100s/%s.conf", cluster.directory, judge->name);
    snprintf(judge->data, sizeof judge->data, "%.100s/%s.data", cluster.directory, judge->name);
    snprintf(judge->log, sizeof judge->log, "%.100s/%s.log", cluster.directory, judge->name);
    snprintf(text, sizeof text,
             "[node]\ncluster = test\nlisten = ipc://%s.sock\ndata = %s\n%s%s\n"
             "[storage]\nsnapshot_records = 1000000\nretain_records = 1000000\n%s",
             judge->config, judge->data,
             coordinator ? "id = " : "name = ", coordinator ? "1" : daemon->name,
             coordinator ? "[participants]\na = ipc:///nowhere/a\nb = ipc:///nowhere/b\n"
                           "c = ipc:///nowhere/c\n"
                         : "");
    file_write(judge->config, text);
}

struct start {
    struct daemon *judge;
    int status;
    bool ended;
};

static bool started_or_ended(void *arg)
{
    struct start *start = arg;

    start->ended = waitpid(start->judge->pid, &start->status, WNOHANG) == start->judge->pid;
    return start->ended || daemon_says(start->judge, "msg=serving", 0);
}

/* Everything that is wrong is found in one run. */
static enum verdict wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

static enum verdict wrong(const char *format, ...)
{
    va_list args;

    printf("WRONG %s: ", what);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    (void)fflush(stdout);
    return WRONG;
}

static bool says_one_of(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(text, words[i]) != NULL)
            return true;
    return false;
}

/* A refusal is told as one: with a status for people who write scripts, and a line for those who
 * read it. */
static enum verdict check_refusal(const struct victim *victim, int status, uint64_t before)
{
    static const char *const remedies[] = {"restore", "use the program", "name the right"};
    const char *text = tail_of(victim->judge.log);

    if (!WIFEXITED(status) || WEXITSTATUS(status) < 64 || WEXITSTATUS(status) > 78)
        return wrong("it ended with wait status %d: %s", status, text);
    if (strstr(text, "level=error") == NULL || strstr(text, victim->judge.data) == NULL)
        return wrong("the refusal does not name the place: %s", text);
    if (!says_one_of(text, remedies, sizeof remedies / sizeof remedies[0]))
        return wrong("the refusal does not say what to do: %s", text);
    if (directory_hash(victim->judge.data) != before)
        return wrong("refused, and the directory is changed all the same: %s", text);
    return REFUSED;
}

static enum verdict check_served(const struct victim *victim)
{
    char got[2 * CLUSTER_PATH], err[2 * CLUSTER_PATH + 8];
    const char *difference;
    int unreadable, status;

    snprintf(got, sizeof got, "%s.dump", victim->judge.data);
    snprintf(err, sizeof err, "%s.err", got);
    status = dump_run(victim->judge.data, got);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return wrong("served, and then cannot be read (%d): %s", status, tail_of(err));
    difference = dump_compare(victim->sound, got, &unreadable);
    if (difference != NULL)
        return wrong("served all the same: %s", difference);
    return unreadable > 0 ? UNREADABLE : HARMLESS;
}

/* Starts the daemon on its judge's directory. */
static enum verdict judge(struct victim *victim)
{
    struct start start = {.judge = &victim->judge};
    uint64_t before = directory_hash(victim->judge.data);

    (void)unlink(victim->judge.log);
    daemon_spawn(&victim->judge, NULL);
    if (!wait_until(started_or_ended, &start, START_MS)) {
        daemon_kill(&victim->judge);
        return wrong("neither serves nor ends: %s", tail_of(victim->judge.log));
    }
    if (start.ended) {
        victim->judge.pid = 0;
        return check_refusal(victim, start.status, before);
    }
    daemon_kill(&victim->judge);
    return check_served(victim);
}

/* ---- among its peers ---- */

/* What the judge let pass, with the others there. */
static void expect_all_promises(struct victim *victim, const struct mutation *mutation)
{
    life_restore();
    mutation_apply(mutation, victim->daemon->data);
    life_start();
    life_expect_all();
    life_end_of_run();
}

/* Reading a value that cannot be read ends the daemon, which says why; it is never another value.
 */
static void expect_told_when_read(struct victim *victim, const struct mutation *mutation)
{
    txclient *own = work_quick_client(&cluster.coordinator);
    bool ended = false;
    int status = 0;

    life_restore();
    mutation_apply(mutation, victim->daemon->data);
    life_start();
    work_await_all_up(&cluster.coordinator);
    for (int i = 0; i < DUMP_KEYS && !ended; i++) {
        txclient_batch *batch = txclient_batch_new();
        char key[16];

        snprintf(key, sizeof key, "k%d", i);
        txclient_batch_get(batch, AT(victim->daemon->name, key));
        (void)!txclient_submit(own, batch, NULL, NULL);
        txclient_batch_free(&batch);
        ended = daemon_wait(victim->daemon, 0, &status);
    }
    txclient_close(&own);
    ended = ended || daemon_wait(victim->daemon, WORK_MS, &status);
    if (!ended || !WIFEXITED(status) || WEXITSTATUS(status) != EX_IOERR ||
        !daemon_says(victim->daemon, "the kv store cannot go on", 0) ||
        !daemon_says(victim->daemon, "txrecover verify", 0))
        fail_msg("%s: read without a word, wait status %d: %s", what, status,
                 tail_of(victim->daemon->log));
    life_end_of_run();
}

/* ---- the tests ---- */

static void mutate(struct victim *victim)
{
    struct mutation mutation;
    enum verdict verdict;
    char text[200];

    do {
        mutation_draw(&seed, life_sound(victim->daemon), &mutation);
        directory_remove(victim->judge.data);
        directory_copy(life_sound(victim->daemon), victim->judge.data);
    } while (!mutation_apply(&mutation, victim->judge.data));
    mutation_print(&mutation, text, sizeof text);
    snprintf(what, sizeof what, "%s, %s", victim->daemon->name, text);
    verdict = judge(victim);
    victim->counts[mutation.file_kind][verdict]++;
    if (victim->sampled[mutation.file_kind][verdict])
        return;
    victim->sampled[mutation.file_kind][verdict] = true;
    if (verdict == HARMLESS)
        expect_all_promises(victim, &mutation);
    else if (verdict == UNREADABLE)
        expect_told_when_read(victim, &mutation);
}

static void print_counts(const struct victim *victim)
{
    printf("%-13s %8s %8s %10s %5s\n", victim->daemon->name, "refused", "harmless", "unreadable",
           "WRONG");
    for (int kind = 0; kind < FILE_KINDS_N; kind++) {
        const unsigned *counts = victim->counts[kind];

        printf("  %-11s %8u %8u %10u %5u\n", mutation_file_kind_name((enum file_kind)kind),
               counts[REFUSED], counts[HARMLESS], counts[UNREADABLE], counts[WRONG]);
    }
}

static void expect_none_wrong(const struct victim *victim)
{
    for (int kind = 0; kind < FILE_KINDS_N; kind++)
        assert_int_equal(victim->counts[kind][WRONG], 0);
}

static void test_mutations(void **state)
{
    const char *text = getenv("ASSENT_DAMAGE_MUTATIONS");
    long mutations = text != NULL ? strtol(text, NULL, 10) : MUTATIONS;

    (void)state;
    for (long i = 0; i < mutations; i++)
        mutate(&victims[i % 2]);
    print_counts(&victims[0]);
    print_counts(&victims[1]);
    expect_none_wrong(&victims[0]);
    expect_none_wrong(&victims[1]);
}

static void test_sound(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        snprintf(what, sizeof what, "%s, sound", victims[i].daemon->name);
        directory_copy(life_sound(victims[i].daemon), victims[i].judge.data);
        assert_int_equal(judge(&victims[i]), HARMLESS);
    }
    life_start();
    life_expect_all();
    life_end_of_run();
}

/* ---- HEAD and the log go back together ---- */

/* Cuts so much off the newest write-ahead file: with a share of 0 the last record alone, else from
 * `share - 1` to `share` of LOSSES equal parts. It is that of the last life, in which a compacts
 * nothing: a cut that took back a compaction would be found by a itself (log_damage_test). */
static void lose_the_end(const struct daemon *daemon, int share)
{
    struct txlog_identity identity = {
        .cluster = "test", .role = TX_ROLE_PARTICIPANT, .name = {"a"}};
    struct tx_why why = {""};
    struct log_head head;
    uint64_t hash;
    size_t n;
    char **names = directory_names(daemon->data, &n), path[2 * CLUSTER_PATH] = "";
    int fd = open(daemon->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(log_meta_identity_hash(&identity, &hash), TX_OK);
    if (log_head_open(fd, false, hash, &head, &why) != TX_OK ||
        log_head_reset(&head, (struct tx_lsn){1}, &why) != TX_OK)
        fail_msg("%s", why.text);
    log_head_close(&head);
    close(fd);
    for (size_t i = 0; i < n; i++) {
        if (mutation_file_kind(names[i]) == FILE_WAL)
            snprintf(path, sizeof path, "%s/%s", daemon->data, names[i]);
        free(names[i]);
    }
    free(names);
    long size = file_size(path), part = size / LOSSES;
    assert_true(part > RECORD_END);
    long least = share > 0 ? (share - 1) * part : 0, most = share > 0 ? part : RECORD_END;
    long cut = size - 1 - least - (long)mutation_random(&seed, (uint64_t)most);
    assert_int_equal(truncate(path, cut), 0);
    snprintf(what, sizeof what, "%s, HEAD at its beginning and %.120s cut from %ld to %ld",
             daemon->name, path, size, cut);
}

enum judgement { NOT_YET, QUARANTINED, ALARM, QUIET };

static bool raised_alarm(const struct daemon *daemon)
{
    char alarms[24];

    return work_field(daemon, "alarms", alarms, sizeof alarms) && strcmp(alarms, "0") != 0;
}

static bool is_quarantined(void *arg)
{
    enum judgement *judgement = arg;
    char state[32];

    if (!work_peer_state(&cluster.coordinator, "a", state, sizeof state) ||
        strcmp(state, "quarantined") != 0)
        return false;
    *judgement = QUARANTINED;
    return true;
}

/* Do the peers object, or have they gone on and settled everything? */
static bool peers_have_judged(void *arg)
{
    const struct daemon *a = victims[1].daemon;
    enum judgement *judgement = arg;
    char state[32], committed[24], prepared[24];

    if (is_quarantined(judgement))
        return true;
    if (raised_alarm(a) || raised_alarm(&cluster.coordinator))
        *judgement = ALARM;
    else if (work_peer_state(&cluster.coordinator, "a", state, sizeof state) &&
             strcmp(state, "up") == 0 &&
             work_field(&cluster.coordinator, "committed", committed, sizeof committed) &&
             work_field(a, "prepared", prepared, sizeof prepared) && strcmp(committed, "0") == 0 &&
             strcmp(prepared, "0") == 0)
        *judgement = QUIET;
    return *judgement != NOT_YET;
}

/* A disk that has lost what it had synced: HEAD is as old as it can be, and the end of the log is
 * gone. The participant cannot know. Whoever has heard its last vote does, as soon as more is lost
 * than the few lazy records after it: they are in the first part. */
static void test_lost_promises_are_recognised(void **state)
{
    int counts[QUIET + 1] = {0};

    (void)state;
    for (int share = 0; share <= LOSSES; share++) {
        enum judgement judgement = NOT_YET;

        life_restore();
        lose_the_end(victims[1].daemon, share);
        life_start();
        if (!wait_until(share > 1 ? is_quarantined : peers_have_judged, &judgement, WORK_MS))
            fail_msg("%s: neither settled nor objected to", what);
        if (judgement == QUIET) {
            printf("nobody objects: %s\n", what);
            life_expect_all();
        }
        counts[judgement]++;
        life_end_of_run();
    }
    printf("the end of a's log lost %d times: quarantined %d, alarm %d, nothing promised %d\n",
           LOSSES + 1, counts[QUARANTINED], counts[ALARM], counts[QUIET]);
}

/* ---- setup ---- */

static void dump_sound(struct victim *victim)
{
    unsigned long head, first, last;
    size_t size;
    char *text;

    snprintf(victim->sound, sizeof victim->sound, "%s.dump", life_sound(victim->daemon));
    assert_int_equal(dump_run(life_sound(victim->daemon), victim->sound), 0);
    text = file_read(victim->sound, &size);
    assert_non_null(text);
    assert_int_equal(sscanf(text, "head %lu\nlog %lu %lu\n", &head, &first, &last), 3);
    free(text);
    /* Everything is a promise, and the log has been compacted. */
    if (head != last || first == 1)
        fail_msg("%s: HEAD says %lu, the log goes from %lu to %lu", victim->daemon->name, head,
                 first, last);
}

static int start(void **state)
{
    (void)state;
    seed = random_seed("ASSENT_DAMAGE_SEED");
    life_live(&seed);
    make_judge(&victims[0], &cluster.coordinator);
    make_judge(&victims[1], &cluster.participants[0]);
    dump_sound(&victims[0]);
    dump_sound(&victims[1]);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_lost_promises_are_recognised),
        cmocka_unit_test(test_mutations),
    };

    if (argc == 4 && strcmp(argv[1], "dump") == 0)
        return dump_main(argv[2], argv[3]);
    return cmocka_run_group_tests(tests, start, work_teardown);
}
