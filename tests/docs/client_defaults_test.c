/* The defaults of the client's keys in docs/configuration.md are those that the client has: a file
 * with the required keys alone, and one that adds a key with its documented default, give the same
 * settings. */
#include "client/client_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define REQUIRED "[client]\ncluster = x\ncoordinator = tcp://127.0.0.1:1\n"

static void read_settings(const char *text, struct client_settings *settings)
{
    char name[] = "/tmp/assent-docs-XXXXXX";
    struct tx_why why = {.text = ""};
    int fd = mkstemp(name);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    enum tx_error error = client_settings_read(settings, name, &why);
    assert_int_equal(unlink(name), 0);
    if (error != TX_OK) {
        fail_msg("%s", why.text);
    }
}

static void assert_same(const struct client_settings *a, const struct client_settings *b)
{
    assert_string_equal(a->cluster, b->cluster);
    assert_string_equal(a->coordinator.s, b->coordinator.s);
    assert_string_equal(a->name.s, b->name.s);
    assert_int_equal(a->connect_timeout_ms, b->connect_timeout_ms);
    assert_int_equal(a->request_timeout_ms, b->request_timeout_ms);
    assert_int_equal(a->commit_timeout_ms, b->commit_timeout_ms);
    assert_int_equal(a->resend_ms, b->resend_ms);
    assert_int_equal(a->message_max, b->message_max);
}

/* One row, "| `client.KEY` | DEFAULT | ...". */
static void check_default(const char *key, const char *value)
{
    struct client_settings bare;
    struct client_settings spelled_out;
    char text[512];

    print_message("%s = %s\n", key, value);
    read_settings(REQUIRED, &bare);
    (void)snprintf(text, sizeof text, REQUIRED "%s = %s\n", key,
                   strcmp(value, "empty") == 0 ? "" : value);
    read_settings(text, &spelled_out);
    assert_same(&bare, &spelled_out);
}

static void test_documented_defaults_are_the_real_ones(void **state)
{
    FILE *page = fopen(DOCS_PAGE, "re");
    char line[1024];
    int rows = 0;

    (void)state;
    assert_non_null(page);
    while (fgets(line, sizeof line, page) != NULL) {
        char key[64];
        char value[64];

        if (sscanf(line, "| `client.%63[a-z_]` | %63[^ |]", key, value) != 2) {
            continue;
        }
        if (strcmp(value, "required") != 0) {
            check_default(key, value);
        }
        rows++;
    }
    assert_int_equal(fclose(page), 0);
    assert_true(rows >= 8); /* the page has not changed its form */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documented_defaults_are_the_real_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
