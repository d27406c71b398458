/* Configurations and command lines that cannot be used: each refusal names the file, the line, what
 * is wrong and what is expected, and ends with its exit status. */
#include "tests/integration/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define USAGE_STATUS  64
#define CONFIG_STATUS 78

#define LOOPBACK_ONLY                                                                              \
    "and without encryption only this machine may reach a daemon; use tcp://127.0.0.1:PORT, "      \
    "tcp://[::1]:PORT, tcp://localhost:PORT or ipc:///PATH"

/* What a file needs at least; a case's own lines come behind. */
#define PARTICIPANT "[node]\ncluster = test\nname = a\ndata = /nowhere\n"
#define COORDINATOR "[node]\ncluster = test\ndata = /nowhere\n"
#define CUTS        "[storage]\ncut_every = 1s\n"
#define IN_THE_DATA(path)                                                                          \
    "[archive] directory (" path ") lies in the data directory (/nowhere), and would be lost "     \
    "with it; name one elsewhere, best on another disk"
#define MEMBERS "[participants]\na = ipc:///tmp/a.sock\n"

static struct cluster cluster;
static char file[CLUSTER_PATH + 16];

struct refusal {
    const char *text;     /* of the file */
    unsigned line;        /* 0: the error names the file alone */
    const char *expected; /* behind "FILE:LINE: " */
};

/* The same refusal from --check-config and from a start. */
static void expect_refusal(const char *program, const struct refusal *refusal)
{
    char expected[2048], err[4096], out[256];

    file_write(file, refusal->text);
    if (refusal->line > 0)
        snprintf(expected, sizeof expected, "%s:%u: %s\n", file, refusal->line, refusal->expected);
    else
        snprintf(expected, sizeof expected, "%s: %s\n", file, refusal->expected);
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, program, "--config", file,
                                 "--check-config", NULL),
                     CONFIG_STATUS);
    assert_string_equal(err, expected);
    assert_string_equal(out, "");
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, program, "--config", file, NULL),
                     CONFIG_STATUS);
    assert_string_equal(err, expected);
}

static void expect_refusals(const char *program, const struct refusal *refusals, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expect_refusal(program, &refusals[i]);
}

#define expect_all(program, refusals)                                                              \
    expect_refusals(program, refusals, sizeof(refusals) / sizeof((refusals)[0]))

static void test_coordinator_keys(void **state)
{
    static const struct refusal refusals[] = {
        {COORDINATOR MEMBERS "[extra]\nx = 1\n", 6,
         "unknown section [extra]; expected one of [node], [timers], [limits], [storage], "
         "[backup], "
         "[archive], [audit], [log], [http], [participants]"},
        {COORDINATOR "name = a\n" MEMBERS, 4,
         "unknown key \"name\" in [node]; expected one of cluster, id, listen, data, "
         "commit_mode"},
        {COORDINATOR "commit_mode = default\n" MEMBERS, 4,
         "\"commit_mode\" is \"default\"; expected coordinator or participants"},
        {COORDINATOR "data = /other\n" MEMBERS, 4,
         "\"data\" in [node] is given twice; the first is in line 3"},
        {COORDINATOR "id = 0\n" MEMBERS, 4,
         "\"id\" is \"0\"; expected a whole number from 1 to 65535"},
        {COORDINATOR "id = one\n" MEMBERS, 4,
         "\"id\" is \"one\"; expected a whole number from 1 to 65535"},
        {COORDINATOR MEMBERS "[timers]\nprepare = 30\n", 7,
         "\"prepare\" is \"30\"; expected a time with its unit (ms, s, m, h) from 10 ms to 1 h"},
        {COORDINATOR MEMBERS "[limits]\nmessage = 1K\n", 7,
         "\"message\" is \"1K\"; expected a number of bytes (K, M, G for multiples) from 64K to "
         "64M"},
        {COORDINATOR MEMBERS "[log]\nlevel = loud\n", 7,
         "\"level\" is \"loud\"; expected debug, info, warn or error"},
        {COORDINATOR "listen =\n" MEMBERS, 4,
         "\"listen\" is empty; expected an address such as tcp://127.0.0.1:7400 or ipc:///PATH"},
        {"[node]\ndata = /nowhere\n" MEMBERS, 0,
         "\"cluster\" in [node] is missing; expected a text of at most 63 bytes"},
        {"[node]\ncluster = test\n" MEMBERS, 0,
         "\"data\" in [node] is missing; expected a text of at most 1023 bytes"},
        {COORDINATOR MEMBERS "[timers]\nresend_max = 100ms\n", 0,
         "[timers] resend_max (100ms) is below resend (500ms)"},
        {COORDINATOR MEMBERS "[timers]\npeer_down = 500ms\n", 0,
         "[timers] peer_down (500ms) must be above hello (1000ms)"},
        {COORDINATOR MEMBERS "[backup]\nevery = 32\n", 7,
         "\"every\" is \"32\"; expected a time with its unit (ms, s, m, h) from 0 ms to 744 h"},
        {COORDINATOR MEMBERS "[backup]\nat = midnight\n", 7,
         "\"at\" is \"midnight\"; expected a text of at most 5 bytes"},
        {COORDINATOR MEMBERS "[backup]\nkeep = all\n", 7,
         "\"keep\" is \"all\"; expected a whole number from 0 to 100000"},
        {COORDINATOR MEMBERS "[backup]\ninto = backups\n", 0,
         "[backup] into is \"backups\"; a daemon needs the whole path of the repository, from / "
         "on"},
        {COORDINATOR MEMBERS "[backup]\nat = 24:00\n", 0,
         "[backup] at is \"24:00\"; expected a time of the day in UTC from 00:00 to 23:59, or "
         "nothing"},
        {COORDINATOR MEMBERS "[backup]\nat = 02:00\nevery = 7h\n", 0,
         "[backup] every (25200000ms) does not go with at: it must be a part of 24h, such as 6h, "
         "or whole days"},
        {COORDINATOR MEMBERS "[archive]\ndirectory = /elsewhere\n", 0,
         "[archive] directory is set, and [storage] cut_every is 0: without cuts there is no point "
         "to restore to; set cut_every, for example to 10s"},
        {COORDINATOR MEMBERS CUTS "[archive]\ndirectory = /nowhere/archive\n", 0,
         IN_THE_DATA("/nowhere/archive")},
    };

    (void)state;
    expect_all("txcoordinator", refusals);
}

static void test_participants_section(void **state)
{
    static const char none[] = "no participant is listed; add a section [participants] with lines "
                               "NAME = ADDRESS";
    static const struct refusal refusals[] = {
        {COORDINATOR "[participants]\n", 0, none},
        {COORDINATOR, 0, none},
        {COORDINATOR MEMBERS "a = ipc:///tmp/b.sock\n", 6,
         "\"a\" in [participants] is given twice; the first is in line 5"},
        {COORDINATOR "[participants]\na b = ipc:///tmp/b.sock\n", 5,
         "'a b' is no participant's name: 1 to 31 letters, digits, '-', '_', '.'"},
        {COORDINATOR "[participants]\na = tcp://192.168.0.7:7410\n", 5,
         "\"tcp://192.168.0.7:7410\": the host is no loopback address, " LOOPBACK_ONLY},
    };

    (void)state;
    expect_all("txcoordinator", refusals);
}

static void test_participant_keys(void **state)
{
    static const struct refusal refusals[] = {
        {PARTICIPANT "[participants]\nb = ipc:///tmp/b.sock\n", 5,
         "unknown section [participants]; expected one of [node], [timers], [locks], [limits], "
         "[storage], [backup], [archive], [audit], [log], [http]"},
        {PARTICIPANT "id = 1\n", 5,
         "unknown key \"id\" in [node]; expected one of cluster, name, listen, data"},
        {PARTICIPANT "[archive]\ndirectory = /nowhere\n", 0, IN_THE_DATA("/nowhere")},
        {PARTICIPANT "[archive]\ndirectory = /nowhere/\n", 0, IN_THE_DATA("/nowhere/")},
        {PARTICIPANT "[archive]\ndirectory = /usr/../nowhere/x\n", 0,
         IN_THE_DATA("/usr/../nowhere/x")},
        {PARTICIPANT "[archive]\ndirectory = archive\n", 0,
         "[archive] directory (archive) is no absolute path; begin it with '/', or say none"},
        {PARTICIPANT "[archive]\ndirectory = /elsewhere\nsegment = 1M\nlag = 1000K\n", 0,
         "[archive] lag (1024000 bytes) is below segment (1048576 bytes): the log must be kept "
         "until a segment is written"},
        {PARTICIPANT "[archive]\nsegment = 1K\n", 6,
         "\"segment\" is \"1K\"; expected a number of bytes (K, M, G for multiples) from 4K to 1G"},
        {PARTICIPANT "cluster = again\n", 5,
         "\"cluster\" in [node] is given twice; the first is in line 2"},
        {"[node]\ncluster = test\ndata = /nowhere\n", 0,
         "\"name\" in [node] is missing; expected a name of 1 to 31 letters, digits, '-', '_' and "
         "'.'"},
        {"[node]\ncluster = test\nname = a b\n", 3,
         "\"name\" is \"a b\"; expected a name of 1 to 31 letters, digits, '-', '_' and '.'"},
        {PARTICIPANT "[limits]\nlocks = 99\n", 6,
         "\"locks\" is \"99\"; expected a whole number from 100 to 100000000"},
        {PARTICIPANT "[timers]\nidle = 25h\n", 6,
         "\"idle\" is \"25h\"; expected a time with its unit (ms, s, m, h) from 100 ms to 24 h"},
        {PARTICIPANT "[locks]\npolicy = first-come\n", 6,
         "\"policy\" is \"first-come\"; expected wound-wait, wait-die or no-wait"},
        {PARTICIPANT "[locks]\nescalation = -1\n", 6,
         "\"escalation\" is \"-1\"; expected a whole number from 0 to 100000000"},
        {PARTICIPANT "[storage]\ndisk_reserve = much\n", 6,
         "\"disk_reserve\" is \"much\"; expected a number of bytes (K, M, G for multiples) from 0 "
         "to 1048576G"},
        {PARTICIPANT "[timers]\ninquiry = 20s\n", 0,
         "[timers] inquiry_max (10000ms) is below inquiry (20000ms)"},
    };

    (void)state;
    expect_all("txparticipant", refusals);
}

static void test_form(void **state)
{
    static const struct refusal refusals[] = {
        {"name = a\n" PARTICIPANT, 1, "a key before the first section"},
        {"just words\n", 1,
         "expected \"[section]\", \"key = value\" or a comment, found \"just words\""},
        {"[node] ; mine\n", 1, "a section stands alone on its line, as [NAME]"},
        {PARTICIPANT "listen = ipc:///tmp/a.sock # here\n", 5,
         "\"listen\": a comment must stand on a line of its own"},
    };
    char text[1200], *at = text;
    struct refusal refusal = {text, 1, "the line is too long; expected at most 1000 bytes"};

    (void)state;
    expect_all("txparticipant", refusals);
    *at++ = '#';
    memset(at, 'x', 1000);
    strcpy(at + 1000, "\n" PARTICIPANT);
    expect_refusal("txparticipant", &refusal);
}

static void test_addresses(void **state)
{
    static const struct refusal refusals[] = {
        {PARTICIPANT "listen = tcp://10.0.0.1:7410\n", 5,
         "\"listen\": \"tcp://10.0.0.1:7410\": the host is no loopback address, " LOOPBACK_ONLY},
        {PARTICIPANT "listen = tcp://db.example.org:7410\n", 5,
         "\"listen\": \"tcp://db.example.org:7410\": the host is no loopback "
         "address, " LOOPBACK_ONLY},
        {PARTICIPANT "listen = tcp://0.0.0.0:7410\n", 5,
         "\"listen\": \"tcp://0.0.0.0:7410\": means every network interface, " LOOPBACK_ONLY},
        {PARTICIPANT "listen = tcp://127.0.0.1\n", 5,
         "\"listen\": \"tcp://127.0.0.1\": there is no port; use tcp://127.0.0.1:PORT, "
         "tcp://[::1]:PORT, tcp://localhost:PORT or ipc:///PATH"},
        {PARTICIPANT "listen = udp://127.0.0.1:7410\n", 5,
         "\"listen\": \"udp://127.0.0.1:7410\": it begins with neither tcp:// nor ipc://; use "
         "tcp://127.0.0.1:PORT, tcp://[::1]:PORT, tcp://localhost:PORT or ipc:///PATH"},
    };

    (void)state;
    expect_all("txparticipant", refusals);
}

static const char *const programs[] = {"txcoordinator", "txparticipant"};

static void test_no_file(void **state)
{
    char err[4096], expected[2048];

    (void)state;
    for (int i = 0; i < 2; i++) {
        (void)unlink(file);
        snprintf(expected, sizeof expected, "%s: cannot open: No such file or directory\n", file);
        assert_int_equal(run_program(NULL, 0, err, sizeof err, programs[i], "--config", file, NULL),
                         CONFIG_STATUS);
        assert_string_equal(err, expected);
        snprintf(expected, sizeof expected, "%s: cannot read: Is a directory\n", cluster.directory);
        assert_int_equal(
            run_program(NULL, 0, err, sizeof err, programs[i], "--config", cluster.directory, NULL),
            CONFIG_STATUS);
        assert_string_equal(err, expected);
    }
}

/* Root may read everything; without its capabilities it may not. */
static int run_unprivileged(char *err, size_t size, const char *program)
{
    char path[1024];

    if (geteuid() != 0)
        return run_program(NULL, 0, err, size, program, "--config", file, NULL);
    snprintf(path, sizeof path, "%s/%s", ASSENT_BIN_DIR, program);
    return run_program(NULL, 0, err, size, "/usr/bin/setpriv", "--bounding-set=-all",
                       "--inh-caps=-all", path, "--config", file, NULL);
}

static void test_unreadable_file(void **state)
{
    char err[4096], expected[2048];

    (void)state;
    if (geteuid() == 0 && access("/usr/bin/setpriv", X_OK) != 0) {
        print_message("skipped: this user may read every file, and there is no setpriv\n");
        skip();
    }
    file_write(file, PARTICIPANT);
    assert_int_equal(chmod(file, 0), 0);
    snprintf(expected, sizeof expected, "%s: cannot open: Permission denied\n", file);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_unprivileged(err, sizeof err, programs[i]), CONFIG_STATUS);
        assert_string_equal(err, expected);
    }
    assert_int_equal(unlink(file), 0);
}

/* What is printed is a file that is accepted, and prints the same again. */
static void test_check_and_print(void **state)
{
    const struct daemon *daemons[] = {&cluster.coordinator, &cluster.participants[0]};
    static char out[65536], again[65536];
    char expected[1024], err[1024];

    (void)state;
    for (int i = 0; i < 2; i++) {
        snprintf(expected, sizeof expected, "%s: ok\n", daemons[i]->config);
        assert_int_equal(run_program(out, sizeof out, err, sizeof err, programs[i], "--config",
                                     daemons[i]->config, "--check-config", NULL),
                         0);
        assert_string_equal(out, expected);
        assert_string_equal(err, "");
        assert_int_equal(run_program(out, sizeof out, NULL, 0, programs[i], "--config",
                                     daemons[i]->config, "--print-config", NULL),
                         0);
        assert_non_null(strstr(out, daemons[i]->address));
        file_write(file, out);
        assert_int_equal(run_program(again, sizeof again, err, sizeof err, programs[i], "--config",
                                     file, "--check-config", NULL),
                         0);
        assert_string_equal(err, "");
        assert_int_equal(run_program(again, sizeof again, NULL, 0, programs[i], "--config", file,
                                     "--print-config", NULL),
                         0);
        assert_string_equal(again, out);
        assert_int_equal(file_size(daemons[i]->data), -1); /* neither of them starts anything */
    }
}

static void test_usage(void **state)
{
    char out[8192], err[4096];

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_program(NULL, 0, err, sizeof err, programs[i], NULL), USAGE_STATUS);
        assert_non_null(strstr(err, "--config FILE is missing"));
        assert_int_equal(run_program(NULL, 0, err, sizeof err, programs[i], "--config", NULL),
                         USAGE_STATUS);
        assert_non_null(strstr(err, "requires an argument"));
        assert_int_equal(run_program(NULL, 0, err, sizeof err, programs[i], "--confug", "x", NULL),
                         USAGE_STATUS);
        assert_non_null(strstr(err, "unrecognized option '--confug'"));
        assert_int_equal(
            run_program(NULL, 0, err, sizeof err, programs[i], "--config", file, "start", NULL),
            USAGE_STATUS);
        assert_non_null(strstr(err, "unexpected argument \"start\""));
        assert_int_equal(run_program(out, sizeof out, err, sizeof err, programs[i], "--help", NULL),
                         0);
        assert_non_null(strstr(out, "--check-config"));
        assert_int_equal(
            run_program(out, sizeof out, err, sizeof err, programs[i], "--version", NULL), 0);
        assert_int_equal(strncmp(out, programs[i], strlen(programs[i])), 0);
    }
}

static int start(void **state)
{
    (void)state;
    cluster_init(&cluster, 1, false);
    snprintf(file, sizeof file, "%s/bad.conf", cluster.directory);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cluster_deinit(&cluster);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coordinator_keys),
        cmocka_unit_test(test_participants_section),
        cmocka_unit_test(test_participant_keys),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_unreadable_file),
        cmocka_unit_test(test_check_and_print),
        cmocka_unit_test(test_usage),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
