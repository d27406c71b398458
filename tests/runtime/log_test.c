#include "tests/runtime/scratch.h"

#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The one line that was logged, behind its time, which is checked; without the newline. */
static const char *line_of(char *text)
{
    const size_t len = strlen(text);

    assert_true(len > 25);
    assert_int_equal(text[len - 1], '\n');
    text[len - 1] = '\0';
    assert_null(strchr(text, '\n'));
    for (int i = 0; i < 24; i++) {
        if ("0000-00-00T00:00:00.000Z"[i] == '0') {
            assert_in_range(text[i], '0', '9');
        } else {
            assert_int_equal(text[i], "0000-00-00T00:00:00.000Z"[i]);
        }
    }
    assert_int_equal(text[24], ' ');
    return text + 25;
}

static void test_levels(void **state)
{
    enum log_level level;

    (void)state;
    for (unsigned i = 0; i < LOG_LEVELS_N; i++) {
        const char *name = log_level_name((enum log_level)i);

        assert_int_equal(log_level_parse(tx_bytes_str(name), &level), TX_OK);
        assert_int_equal(level, i);
    }
    assert_int_equal(log_level_parse(tx_bytes_str("warning"), &level), TX_EFORMAT);
    assert_int_equal(log_level_parse(tx_bytes_str(""), &level), TX_EFORMAT);
    assert_false(log_enabled(LOG_DEBUG_LEVEL));
    assert_true(log_enabled(LOG_INFO_LEVEL));
    log_level_set(LOG_ERROR_LEVEL);
    assert_false(log_enabled(LOG_WARN_LEVEL));
    log_level_set(LOG_INFO_LEVEL);
}

static void test_line(void **state)
{
    const struct tx_id id = {.coordinator = 1, .epoch = 7, .seq = 42};
    struct capture capture;
    char text[8192];

    (void)state;
    capture_begin(&capture);
    errno = ENOSPC;
    log_line(LOG_WARN_LEVEL, &id, "in doubt", "seconds=%d peer=%s", 12,
             LOG_Q(tx_bytes_str("a b\n")));
    assert_int_equal(errno, ENOSPC);
    capture_end(&capture, text, sizeof(text));
    assert_string_equal(line_of(text),
                        "level=warn tx=1-7-42 msg=\"in doubt\" seconds=12 peer=\"a b\\n\"");

    log_node_set("a");
    capture_begin(&capture);
    LOG_INFO("started", "");
    capture_end(&capture, text, sizeof(text));
    assert_string_equal(line_of(text), "level=info node=a msg=started");

    capture_begin(&capture);
    LOG_ERROR("x=\"y\"", "n=%d", 1);
    LOG_DEBUG("not shown", "n=%d", 1);
    capture_end(&capture, text, sizeof(text));
    assert_string_equal(line_of(text), "level=error node=a msg=\"x=\\\"y\\\"\" n=1");
}

static void test_line_is_never_broken(void **state)
{
    struct capture capture;
    char text[16384], big[6000];

    (void)state;
    memset(big, 'v', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    /* A careless pair cannot forge a line. */
    capture_begin(&capture);
    LOG_INFO("x", "v=%s", "1\n2026 level=error");
    capture_end(&capture, text, sizeof(text));
    assert_string_equal(line_of(text), "level=info node=a msg=x v=1?2026 level=error");

    /* Pairs that do not fit go as a whole; a quoted blank is no boundary. */
    capture_begin(&capture);
    LOG_INFO("x", "first=1 second=\"two \\\" three\" third=\"four %s\" fifth=5", big);
    capture_end(&capture, text, sizeof(text));
    assert_string_equal(line_of(text),
                        "level=info node=a msg=x first=1 second=\"two \\\" three\" cut=yes");

    /* No pair fits at all. */
    capture_begin(&capture);
    LOG_INFO("x", "third=\"four %s\"", big);
    capture_end(&capture, text, sizeof(text));
    assert_string_equal(line_of(text), "level=info node=a msg=x cut=yes");

    /* A long message is cut inside its quotes. */
    big[0] = ' ';
    capture_begin(&capture);
    LOG_INFO(big, "after=%d", 1);
    capture_end(&capture, text, sizeof(text));
    assert_true(strlen(text) <= LOG_LINE_MAX);
    assert_non_null(strstr(line_of(text), "vvv...\" after=1"));
}

/* Every length around the limit: the line ends in a newline, is within the limit, and quotes are
 * even. */
static void test_every_length(void **state)
{
    char big[LOG_LINE_MAX + 64], text[16384];
    struct capture capture;

    (void)state;
    for (size_t len = LOG_LINE_MAX - 100; len < LOG_LINE_MAX + 20; len++) {
        unsigned quotes = 0;
        const char *line;

        memset(big, 'v', len);
        big[len] = '\0';
        capture_begin(&capture);
        LOG_INFO("x", "a=\"%s\" b=1", big);
        capture_end(&capture, text, sizeof(text));
        assert_true(strlen(text) <= LOG_LINE_MAX);
        line = line_of(text);
        for (const char *c = line; *c != '\0'; c++) {
            quotes += *c == '"';
        }
        assert_int_equal(quotes % 2, 0);
        assert_true(strstr(line, "b=1") != NULL || strstr(line, " cut=yes") != NULL);
    }
}

static void assert_quoted(const char *text, size_t size, const char *expected)
{
    char out[256];

    memset(out, 'X', sizeof(out));
    assert_ptr_equal(log_quote(tx_bytes_str(text), out, size), out);
    assert_string_equal(out, expected);
    assert_true(strlen(out) < size);
    assert_int_equal(out[size], 'X');
}

static void test_quote(void **state)
{
    (void)state;
    assert_quoted("plain-1", 64, "plain-1");
    assert_quoted("", 64, "\"\"");
    assert_quoted("a b", 64, "\"a b\"");
    assert_quoted("a=b", 64, "\"a=b\"");
    assert_quoted("q\"\\\t\n\r\x01\xc3\xa4", 64, "\"q\\\"\\\\\\t\\n\\x0d\\x01\\xc3\\xa4\"");
    assert_quoted("1234567", 8, "1234567");
    assert_quoted("12345678", 8, "\"12...\"");
    assert_quoted("1\x01\x01\x01", 8, "\"1...\"");
    assert_quoted("a bcdef", 10, "\"a bcdef\"");
    assert_quoted("a bcdefg", 10, "\"a bc...\"");
}

static void *shout(void *arg)
{
    (void)arg;
    for (int i = 0; i < 500; i++) {
        LOG_INFO("a line", "from=thread i=%d", i);
    }
    return NULL;
}

static void test_threads_do_not_mix(void **state)
{
    static char text[4 * 500 * 128];
    struct capture capture;
    pthread_t threads[4];
    unsigned lines = 0;
    char *save = NULL;

    (void)state;
    capture_begin(&capture);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, shout, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    capture_end(&capture, text, sizeof(text));
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        int i = -1;

        assert_int_equal(sscanf(line + 25, "level=info node=a msg=\"a line\" from=thread i=%d", &i),
                         1);
        assert_in_range(i, 0, 499);
        lines++;
    }
    assert_int_equal(lines, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_line_is_never_broken),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_threads_do_not_mix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
