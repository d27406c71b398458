/* The configuration file: what it gives, and where it is wrong. */
#include "client/client_settings.h"

#include "tests/common/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/assent-settings-XXXXXX";
static char path[64];

static int make_directory(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/client.conf", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(directory);
}

static enum tx_error read_bytes(const void *text, size_t len, struct client_settings *settings,
                                struct tx_why *why)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return client_settings_read(settings, path, why);
}

static enum tx_error read_text(const char *text, struct client_settings *settings,
                               struct tx_why *why)
{
    return read_bytes(text, strlen(text), settings, why);
}

#define REQUIRED "[client]\ncluster = demo\ncoordinator = tcp://127.0.0.1:7400\n"

static void test_defaults(void **state)
{
    (void)state;
    struct client_settings settings;
    assert_int_equal(read_text(REQUIRED, &settings, NULL), TX_OK);
    assert_string_equal(settings.cluster, "demo");
    assert_string_equal(settings.coordinator.s, "tcp://127.0.0.1:7400");
    assert_string_equal(settings.name.s, "");
    assert_int_equal(settings.connect_timeout_ms, 5000);
    assert_int_equal(settings.request_timeout_ms, 15000);
    assert_int_equal(settings.commit_timeout_ms, 40000);
    assert_int_equal(settings.resend_ms, 500);
    assert_int_equal(settings.message_max, TX_MESSAGE_MAX);
    assert_int_equal(settings.in_flight_max, 1024);
}

static void test_every_key(void **state)
{
    (void)state;
    struct client_settings settings;
    assert_int_equal(read_text("# a comment\n" REQUIRED "name = shop\nconnect_timeout = 1m\n"
                               "request_timeout=250ms\ncommit_timeout = 2 h\nresend = 3s\n"
                               "message_max = 2M ; of a frame\n"
                               "in_flight_max = 70000\n"
                               "participants = tcp://127.0.0.1:7410 ,ipc:///run/b.sock\n"
                               "participants = tcp://127.0.0.1:7412\n",
                               &settings, NULL),
                     TX_OK);
    assert_string_equal(settings.name.s, "shop");
    assert_int_equal(settings.participants_n, 3);
    assert_string_equal(settings.participants[1].s, "ipc:///run/b.sock");
    assert_string_equal(settings.participants[2].s, "tcp://127.0.0.1:7412");
    assert_int_equal(settings.connect_timeout_ms, 60000);
    assert_int_equal(settings.request_timeout_ms, 250);
    assert_int_equal(settings.commit_timeout_ms, 7200000);
    assert_int_equal(settings.resend_ms, 3000);
    assert_int_equal(settings.message_max, 2u << 20);
    assert_int_equal(settings.in_flight_max, 70000);
}

/* The file is refused with exactly this line (0: the whole file) and a text that holds this. */
static void refuse(const char *text, unsigned line, const char *part)
{
    struct client_settings settings;
    struct tx_why why = {{0}};
    char place[96];
    assert_int_equal(read_text(text, &settings, &why), TX_EFORMAT);
    if (line > 0) {
        (void)snprintf(place, sizeof place, "%s:%u: ", path, line);
    } else {
        (void)snprintf(place, sizeof place, "%s: ", path);
    }
    if (strncmp(why.text, place, strlen(place)) != 0 || strstr(why.text, part) == NULL) {
        fail_msg("\"%s\" is not \"%s...%s\"", why.text, place, part);
    }
}

static void test_errors_name_the_line(void **state)
{
    (void)state;
    refuse("[client]\ncluster = demo\n", 0, "coordinator is missing");
    refuse("[client]\n\ncoordinator = tcp://127.0.0.1:1\n", 0, "cluster is missing");
    refuse("cluster = demo\n", 1, "in front of any section");
    refuse("[server]\ncluster = demo\n", 2, "unknown section \"server\"");
    refuse(REQUIRED "color = red\n", 4, "unknown key \"color\"");
    refuse(REQUIRED "\ncluster = other\n", 5, "given in line 2");
    refuse(REQUIRED "resend = 5\n", 4, "no duration");
    refuse(REQUIRED "resend = s\n", 4, "no duration");
    refuse(REQUIRED "in_flight_max = many\n", 4, "no whole number");
    refuse(REQUIRED "in_flight_max = 0\n", 0, "it must be 1 to 1000000");
    refuse(REQUIRED "participants = tcp://127.0.0.1:7410, b\n", 4, "\"b\" is no address of a");
    refuse(REQUIRED "resend = -1s\n", 4, "no duration");
    refuse(REQUIRED "resend = 99999999999999999999s\n", 4, "no duration");
    refuse(REQUIRED "resend = 0s\n", 0, "it must be 1 to");
    refuse(REQUIRED "message_max = 1T\n", 4, "no size");
    refuse(REQUIRED "message_max = 10\n", 0, "it must be 1024 to");
    refuse(REQUIRED "name = a b\n", 4, "no name");
    refuse("[client]\ncluster =\n", 2, "1 to 63");
    refuse("[client]\ncoordinator = inproc://x\n", 2, "no address");
    refuse("[client]\ncoordinator = localhost:7400\n", 2, "tcp://127.0.0.1:7400");
    refuse(REQUIRED "what is this\n", 4, "key = value");
    refuse(REQUIRED "[client\n", 4, "key = value");
}

static void test_the_first_error_is_told(void **state)
{
    (void)state;
    refuse(REQUIRED "resend = 5\ncolor = red\n[client\n", 4, "no duration");
}

static void test_a_line_that_would_be_cut_is_refused(void **state)
{
    (void)state;
    char text[600];
    char value[300];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    (void)snprintf(text, sizeof text, REQUIRED "name = %s\n", value);
    refuse(text, 4, "a line has at most");
    (void)snprintf(text, sizeof text, REQUIRED "# %s\n", value);
    refuse(text, 4, "a line has at most");
}

static void test_the_longest_line(void **state)
{
    (void)state;
    struct client_settings settings;
    char text[600];
    char comment[197];
    memset(comment, '#', sizeof comment);
    (void)snprintf(text, sizeof text, "%.197s\r\n" REQUIRED, comment);
    assert_int_equal(read_text(text, &settings, NULL), TX_OK);
    (void)snprintf(text, sizeof text, "%.197s#\n" REQUIRED, comment);
    refuse(text, 1, "at most 197 bytes");
}

static void test_binary_is_refused(void **state)
{
    (void)state;
    struct client_settings settings;
    struct tx_why why = {{0}};
    assert_int_equal(read_bytes("[client]\nclus\0ter", 17, &settings, &why), TX_EFORMAT);
    assert_non_null(strstr(why.text, ":2: the line holds a zero byte"));
}

static void test_no_file(void **state)
{
    (void)state;
    struct client_settings settings;
    struct tx_why why = {{0}};
    assert_int_equal(client_settings_read(&settings, "/nowhere/client.conf", &why), TX_ENOTFOUND);
    assert_non_null(strstr(why.text, "/nowhere/client.conf: cannot open"));
    assert_int_equal(client_settings_read(&settings, directory, &why), TX_EIO);
    assert_non_null(strstr(why.text, directory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_errors_name_the_line),
        cmocka_unit_test(test_the_first_error_is_told),
        cmocka_unit_test(test_a_line_that_would_be_cut_is_refused),
        cmocka_unit_test(test_the_longest_line),
        cmocka_unit_test(test_binary_is_refused),
        cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
