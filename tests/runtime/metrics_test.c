/* The text format of metrics: bounds of histograms, seconds, labels; and where HTTP listens. */
#include "common/daemon/http.h"
#include "common/daemon/metrics.h"

#include "tests/common/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct values {
    uint64_t us, kinds[3];
    const struct tx_times *times, *sizes;
    const char *labels, *no_labels;
};

static const char *kind_name(unsigned i)
{
    static const char *const names[] = {"one", NULL, "three"};

    return names[i];
}

#define AT(field) offsetof(struct values, field)
static const struct metric metrics[] = {
    {"assent_x_seconds", METRIC_GAUGE_SECONDS, AT(us), NULL, 1, NULL, "Long."},
    {"assent_kinds_total", METRIC_COUNTER, AT(kinds), "kind", 3, kind_name, "Kinds."},
    {"assent_t_seconds", METRIC_HISTOGRAM_SECONDS, AT(times), NULL, 1, NULL, "Times."},
    {"assent_sizes", METRIC_HISTOGRAM, AT(sizes), NULL, 1, NULL, "Sizes."},
    {"assent_info", METRIC_INFO, AT(labels), "a,b", 1, NULL, "Who."},
    {"assent_nobody_info", METRIC_INFO, AT(no_labels), "a", 1, NULL, "Nobody."},
};
static const struct metric_table table = {metrics, sizeof metrics / sizeof metrics[0]};

static char *written;

static void write_all(const struct values *values)
{
    size_t size;
    FILE *out = open_memstream(&written, &size);

    assert_non_null(out);
    metrics_write(&table, values, out);
    assert_int_equal(fclose(out), 0);
}

static void expect_line(const char *line)
{
    char with_ends[256];

    snprintf(with_ends, sizeof with_ends, "\n%s\n", line);
    if (strstr(written, with_ends) == NULL)
        fail_msg("no line \"%s\" in:\n%s", line, written);
}

static void test_the_text(void **state)
{
    struct tx_times times = {.total = 0}, sizes = {.total = 0};
    char labels[64] = "";
    struct values values = {
        .us = 1000001, .kinds = {1, 2, 3}, .times = &times, .sizes = &sizes, .labels = labels};

    (void)state;
    metric_label_add(labels, sizeof labels, "a", "say \"x\\y\"");
    metric_label_add(labels, sizeof labels, "b", "line\nbreak");
    metric_label_add(labels, sizeof labels, "c", "too long for what is left of the place, far too");
    tx_times_count(&times, 15);
    tx_times_count(&times, 16);
    tx_times_count(&times, 3000000);
    tx_times_count(&times, 100 * 1000000);
    for (uint64_t i = 0; i <= 4; i++)
        tx_times_count(&sizes, i);
    write_all(&values);
    expect_line("# TYPE assent_x_seconds gauge");
    expect_line("assent_x_seconds 1.000001");
    expect_line("assent_kinds_total{kind=\"one\"} 1");
    expect_line("assent_kinds_total{kind=\"three\"} 3");
    assert_null(strstr(written, "} 2\n# TYPE assent_t"));
    expect_line("# TYPE assent_t_seconds histogram");
    expect_line("assent_t_seconds_bucket{le=\"0.000016\"} 1");
    expect_line("assent_t_seconds_bucket{le=\"0.000032\"} 2");
    expect_line("assent_t_seconds_bucket{le=\"2.097152\"} 2");
    expect_line("assent_t_seconds_bucket{le=\"4.194304\"} 3");
    expect_line("assent_t_seconds_bucket{le=\"67.108864\"} 3");
    expect_line("assent_t_seconds_bucket{le=\"+Inf\"} 4");
    expect_line("assent_t_seconds_sum 103.000031");
    expect_line("assent_t_seconds_count 4");
    expect_line("assent_sizes_bucket{le=\"1\"} 2");
    expect_line("assent_sizes_bucket{le=\"3\"} 4");
    expect_line("assent_sizes_bucket{le=\"7\"} 5");
    expect_line("assent_sizes_sum 10");
    expect_line("assent_info{a=\"say \\\"x\\\\y\\\"\",b=\"linebreak\"} 1");
    assert_null(strstr(written, "\nassent_nobody_info{"));
    free(written);
}

static void expect_address(const char *text, const char *node, const char *host, unsigned port)
{
    struct http_address at;
    struct tx_why why;

    assert_int_equal(http_address_parse(text, node, &at, &why), TX_OK);
    assert_string_equal(at.host, host);
    assert_int_equal(at.port, port);
    assert_int_equal(at.ipv6, strchr(host, ':') != NULL);
}

static void test_where_it_listens(void **state)
{
    (void)state;
    expect_address("off", "tcp://127.0.0.1:7400", "", 0);
    expect_address("auto", "tcp://127.0.0.1:7400", "127.0.0.1", 7500);
    expect_address("auto", "tcp://localhost:7400", "127.0.0.1", 7500);
    expect_address("auto", "tcp://[::1]:7400", "::1", 7500);
    expect_address("auto", "tcp://127.0.0.1:*", "127.0.0.1", 0);
    expect_address("auto", "ipc:///run/a.sock", "", 0);
    expect_address("127.0.0.2:80", "ipc:///run/a.sock", "127.0.0.2", 80);
    expect_address("[::1]:*", "ipc:///run/a.sock", "::1", 0);
    expect_address("localhost:9000", "ipc:///run/a.sock", "127.0.0.1", 9000);
}

static void test_where_it_does_not(void **state)
{
    static const char *const refused[] = {"",
                                          "on",
                                          "7500",
                                          "0.0.0.0:7500",
                                          "*:7500",
                                          "[::]:7500",
                                          "10.0.0.1:7500",
                                          "example.org:80",
                                          "127.0.0.1:0",
                                          "127.0.0.1:65536",
                                          "127.0.0.1"};
    struct http_address at;
    struct tx_why why;

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(http_address_parse(refused[i], "tcp://127.0.0.1:1", &at, &why),
                         TX_EADDRESS);
        assert_non_null(strstr(why.text, "[http] listen = "));
        assert_non_null(strstr(why.text, "use auto, off, 127.0.0.1:PORT"));
    }
    assert_int_equal(http_address_parse("auto", "tcp://127.0.0.1:65500", &at, &why), TX_EADDRESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_text),
        cmocka_unit_test(test_where_it_listens),
        cmocka_unit_test(test_where_it_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
