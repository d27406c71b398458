/* The programs without a cluster: their exit statuses, and what they say about wrong arguments. */
#include "tests/common/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

static char output[65536]; /* standard output and error together */

static int run(const char *command)
{
    char line[1024];
    (void)snprintf(line, sizeof line, "exec 2>&1; unset ASSENT_CONFIG; %s", command);
    FILE *pipe = popen(line, "re");
    assert_non_null(pipe);
    size_t len = fread(output, 1, sizeof output - 1, pipe);
    output[len] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect(const char *command, int status, const char *part)
{
    int got = run(command);
    if (got != status || strstr(output, part) == NULL) {
        fail_msg("%s\ngave %d:\n%s", command, got, output);
    }
}

#define NOWHERE " --cluster c --coordinator ipc:///nowhere/socket "

static void test_help_and_version(void **state)
{
    (void)state;
    expect(TXCTL " --help", 0, "COMMAND");
    expect(TXCTL " --version", 0, "txctl " ASSENT_VERSION);
    expect(TXCTL " exec --help", 0, "put|insert");
    expect(TXCTL " locks --help", 0, "--sort=ORDER");
    expect(TXBENCH " --help", 0, "transfer");
    expect(TXBENCH " --version", 0, "txbench " ASSENT_VERSION);
    expect(TXBENCH " verify --help", 0, "--expect-sum");
}

static void test_wrong_usage(void **state)
{
    (void)state;
    expect(TXCTL, EX_USAGE, "a command is missing");
    expect(TXCTL " dance", EX_USAGE, "unknown command \"dance\"");
    expect(TXCTL " --color status", EX_USAGE, "--color");
    expect(TXCTL " get", EX_USAGE, "Usage");
    expect(TXCTL " get a/s/k b/s/k", EX_USAGE, "Usage");
    expect(TXCTL " status now", EX_USAGE, "\"now\" is no address of a daemon");
    expect(TXCTL NOWHERE "txns --tx 42", EX_USAGE, "no transaction id");
    expect(TXCTL NOWHERE "txns --limit 10001", EX_USAGE, "no number from 1 to 10000");
    expect(TXCTL NOWHERE "indoubt --older -1", EX_USAGE, "no number of seconds");
    expect(TXCTL NOWHERE "resolve", EX_USAGE, "Usage");
    expect(TXCTL NOWHERE "resolve 1-7-42", EX_USAGE, "one of --commit and --abort");
    expect(TXCTL NOWHERE "resolve 1-7-42 --commit --abort", EX_USAGE, "one of --commit and");
    expect(TXCTL NOWHERE "resolve 1-7 --commit", EX_USAGE, "no transaction id");
    expect(TXCTL NOWHERE "resolve 1-7-42 --commit --operator 'a b'", EX_USAGE, "no name of an");
    expect(TXCTL NOWHERE "forget 1-7-42 b", EX_USAGE, "\"b\" is no address of a daemon");
    expect(TXCTL NOWHERE "alarms --limit 0", EX_USAGE, "no number from 1 to 10000");
    expect(TXCTL " status", EX_USAGE, "where is the cluster?");
    expect(TXCTL " --cluster c status", EX_USAGE, "go together");
    expect(TXCTL " outcome --wait soon 1-7-42", EX_USAGE, "no number of seconds");
    expect(TXCTL NOWHERE "locks --sort age", EX_USAGE, "\"age\" is no order");
    expect(TXCTL NOWHERE "locks --limit 1000001", EX_USAGE, "no number from 1 to 1000000");
    expect(TXCTL NOWHERE "locks --limit -1", EX_USAGE, "no number");
    expect(TXCTL NOWHERE "locks --tx 1-2-", EX_USAGE, "no transaction id");
    expect(TXCTL NOWHERE "waits --limit 3", EX_USAGE, "--limit");
    expect(TXCTL NOWHERE "outcome 42", EX_USAGE, "no transaction id");
    expect(TXCTL " exec --file /dev/null get a/s/k", EX_USAGE, "not from both");
    expect(TXCTL " exec --isolation snapshot get a/s/k", EX_USAGE,
           "\"snapshot\" is no isolation level; there are serializable");
    expect(TXCTL " get --isolation '' a/s/k", EX_USAGE, "no isolation level");
    expect(TXBENCH, EX_USAGE, "a command is missing");
    expect(TXBENCH " run", EX_USAGE, "unknown command \"run\"");
    expect(TXBENCH " transfer --clients 0", EX_USAGE, "no number from 1 to 1024");
    expect(TXBENCH " transfer --seconds 1s", EX_USAGE, "no number");
    expect(TXBENCH " transfer --clients 1.5", EX_USAGE, "no whole number");
    expect(TXBENCH " tpcb --rate 0", EX_USAGE, "no number from 0.001 to 1000000");
    expect(TXBENCH " tpcb --repetitions 101", EX_USAGE, "no number from 1 to 100");
    expect(TXBENCH " append --interactive", EX_USAGE, "unrecognized option");
    expect(TXBENCH " ycsb --mix read=20", EX_USAGE, "make 100, not 20");
    expect(TXBENCH " ycsb --theta 1", EX_USAGE, "no number from 0 to 0.999");
    expect(TXBENCH " ycsb --participants 5", EX_USAGE, "4 operations over 5 participants");
    expect(TXBENCH " ycsb --value-size 200000", EX_USAGE, "not 4 times 200000");
    expect(TXBENCH " smallbank --distribution latest", EX_USAGE, "no distribution");
}

static void test_operations_that_are_wrong(void **state)
{
    (void)state;
    expect(TXCTL " exec get a/s", EX_USAGE, "arguments:1:5: \"a/s\" is no address");
    expect(TXCTL " exec add a/s/k -5 --min 0 ';' gte b/s/k", EX_USAGE, "arguments:1:24: unknown");
    expect("printf 'get a/s/k\\n put a/s/k\\n' | " TXCTL " exec", EX_USAGE, "stdin:2:2: ");
    expect(TXCTL " exec --file /nowhere/ops", EX_NOINPUT, "/nowhere/ops: No such file");
    expect(TXCTL " exec scan a/s --limit 0", EX_USAGE, "arguments:1:18: a limit is from 1");
    expect(TXCTL " get 'a/s/k; get b/s/k'", EX_USAGE, "one address");
}

static void test_configuration(void **state)
{
    (void)state;
    expect(TXCTL " --config /nowhere/client.conf status", EX_CONFIG,
           "/nowhere/client.conf: cannot");
    expect("" TXCTL " --config /dev/null status", EX_CONFIG, "cluster is missing");
    expect("ASSENT_CONFIG=/nowhere/x.conf " TXCTL " status", EX_CONFIG, "/nowhere/x.conf");
    expect(TXBENCH " --config /nowhere/client.conf transfer", EX_CONFIG, "/nowhere/client.conf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_and_version),
        cmocka_unit_test(test_wrong_usage),
        cmocka_unit_test(test_operations_that_are_wrong),
        cmocka_unit_test(test_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
