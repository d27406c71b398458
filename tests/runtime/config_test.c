#include "tests/runtime/scratch.h"

#include "common/commit_mode.h"
#include "common/config.h"
#include "common/log.h"
#include "common/transport.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct test_config {
    char directory[16];
    struct tx_name name;
    struct tx_address listen;
    struct tx_address spare;
    uint64_t number, size, wait, any;
    bool flag;
    enum log_level level;
    enum tx_commit_mode mode;
    unsigned peers;
    char last_peer[128];
};

#define AT(field) offsetof(struct test_config, field)

static const struct config_key keys[] = {
    {"node", "name", CONFIG_NAME, AT(name), 0, NULL, 0, 0, "The node's name.", CONFIG_AT_START},
    {"node", "directory", CONFIG_TEXT, AT(directory), 16, "data", 0, 0, "Where it keeps its data.",
     CONFIG_AT_START},
    {"node", "listen", CONFIG_ADDRESS, AT(listen), 0, "tcp://127.0.0.1:7400", 0, 0, "Where.",
     CONFIG_AT_START},
    {"node", "spare", CONFIG_ADDRESS, AT(spare), 0, "", 0, 0, "Where else.", CONFIG_AT_START},
    {"limits", "number", CONFIG_U64, AT(number), 0, "5", 1, 10, "A number.", CONFIG_AT_START},
    {"limits", "size", CONFIG_BYTES, AT(size), 0, "1M", 1024, 1 << 30, "A size.", CONFIG_AT_START},
    {"limits", "wait", CONFIG_MS, AT(wait), 0, "30 s", 5, 3600000, "A time.", CONFIG_AT_START},
    {"limits", "any", CONFIG_U64, AT(any), 0, "0", 0, 0, "Any number.", CONFIG_AT_START},
    {"log", "flag", CONFIG_BOOL, AT(flag), 0, "no", 0, 0, "A flag.", CONFIG_AT_START},
    {"log", "level", CONFIG_LEVEL, AT(level), 0, "info", 0, 0, "The least level.", CONFIG_AT_START},
    {"log", "mode", CONFIG_COMMIT_MODE, AT(mode), 0, "coordinator", 0, 0, "Who decides.",
     CONFIG_AT_START},
};

static enum tx_error take_peer(void *config, const char *name, const char *value,
                               struct tx_why *why)
{
    struct test_config *c = config;

    if (strcmp(value, "bad") == 0) {
        return tx_why(why, TX_EFORMAT, "peer \"%s\" is bad", name);
    }
    c->peers++;
    (void)snprintf(c->last_peer, sizeof(c->last_peer), "%s=%s", name, value);
    return TX_OK;
}

static void print_peer(const void *config, FILE *file)
{
    const struct test_config *c = config;
    const char *equals = strchr(c->last_peer, '=');

    (void)fprintf(file, "%.*s = %s\n", (int)(equals - c->last_peer), c->last_peer, equals + 1);
}

static const struct config_schema schema = {
    .keys = keys,
    .keys_n = sizeof(keys) / sizeof(keys[0]),
    .free_section = "peers",
    .free_key = take_peer,
    .check_address = transport_address_check,
    .free_print = print_peer,
};

static struct scratch scratch;
static char path[256];

static enum tx_error read_bytes(const void *text, size_t len, struct test_config *config,
                                struct tx_why *why)
{
    memset(config, 0, sizeof(*config));
    scratch_write(path, text, len);
    return config_read(path, &schema, config, why);
}

static void assert_reads(const char *text, struct test_config *config)
{
    struct tx_why why = {.text = ""};
    const enum tx_error error = read_bytes(text, strlen(text), config, &why);

    assert_string_equal(why.text, "");
    assert_int_equal(error, TX_OK);
}

/* `expected` follows the file's name. */
static void assert_fails_bytes(const void *text, size_t len, const char *expected)
{
    struct test_config config;
    struct tx_why why = {.text = ""};
    const enum tx_error error = read_bytes(text, len, &config, &why);

    assert_true(strncmp(why.text, path, strlen(path)) == 0);
    assert_string_equal(why.text + strlen(path), expected);
    assert_int_equal(error, TX_EFORMAT);
}

static void assert_fails(const char *text, const char *expected)
{
    assert_fails_bytes(text, strlen(text), expected);
}

static void test_defaults(void **state)
{
    struct test_config c;

    (void)state;
    assert_reads("[node]\nname = a\n", &c);
    assert_string_equal(c.name.s, "a");
    assert_string_equal(c.directory, "data");
    assert_string_equal(c.listen.s, "tcp://127.0.0.1:7400");
    assert_string_equal(c.spare.s, "");
    assert_int_equal(c.number, 5);
    assert_int_equal(c.size, 1 << 20);
    assert_int_equal(c.wait, 30000);
    assert_false(c.flag);
    assert_int_equal(c.level, LOG_INFO_LEVEL);
    assert_int_equal(c.mode, TX_COMMIT_COORDINATOR);
    assert_int_equal(c.peers, 0);
}

static void test_everything(void **state)
{
    struct test_config c;

    (void)state;
    assert_reads("\xef\xbb\xbf# comment\n; comment\n\n  [node]  \r\nname=a.b_c-1\r\n"
                 "directory = /x y/#z;\nlisten: ipc:///tmp/a\nspare =\n"
                 "[limits]\n  number   =   10\nsize = 4 K\nwait = 2m\nany = 18446744073709551615\n"
                 "[log]\nflag = yes\nlevel = warn\nmode = participants\n"
                 "[peers]\na = tcp://127.0.0.1:1\nb = x = y\n"
                 "[node]\n# opened again",
                 &c);
    assert_string_equal(c.name.s, "a.b_c-1");
    assert_string_equal(c.directory, "/x y/#z;");
    assert_string_equal(c.listen.s, "ipc:///tmp/a");
    assert_int_equal(c.number, 10);
    assert_int_equal(c.size, 4096);
    assert_int_equal(c.wait, 120000);
    assert_true(c.any == UINT64_MAX);
    assert_true(c.flag);
    assert_int_equal(c.level, LOG_WARN_LEVEL);
    assert_int_equal(c.mode, TX_COMMIT_PARTICIPANTS);
    assert_int_equal(c.peers, 2);
    assert_string_equal(c.last_peer, "b=x = y");
}

static void test_form(void **state)
{
    (void)state;
    assert_fails("", ": \"name\" in [node] is missing; expected a name of 1 to 31 letters, "
                     "digits, '-', '_' and '.'");
    assert_fails("[node]\nnonsense\n", ":2: expected \"[section]\", \"key = value\" or a comment, "
                                       "found \"nonsense\"");
    assert_fails("name = a\n[node]\n", ":1: a key before the first section");
    assert_fails("[nod]\n", ":1: unknown section [nod]; expected one of [node], [limits], [log], "
                            "[peers]");
    assert_fails("[node] name = a\n", ":1: a section stands alone on its line, as [NAME]");
    assert_fails("[node\nname = a\n", ":1: a section stands alone on its line, as [NAME]");
    assert_fails("[node]\nnmae = a\n", ":2: unknown key \"nmae\" in [node]; expected one of name, "
                                       "directory, listen, spare");
    assert_fails("[log]\nname = a\n", ":2: unknown key \"name\" in [log]; expected one of flag, "
                                      "level, mode");
    assert_fails("[node]\nName = a\n", ":2: unknown key \"Name\" in [node]; expected one of name, "
                                       "directory, listen, spare");
    assert_fails("[node]\nname = a\n\n[node]\nname = a\n",
                 ":5: \"name\" in [node] is given twice; the first is in line 2");
    assert_fails("[peers]\na = 1\nb = 2\na = 1\n",
                 ":4: \"a\" in [peers] is given twice; the first is in line 2");
    assert_fails("[node]\nname = a ; the first\n",
                 ":2: \"name\": a comment must stand on a line of its own");
    assert_fails("[node]\nname = a\t# the first\n",
                 ":2: \"name\": a comment must stand on a line of its own");
    assert_fails("[peers]\na = bad\n", ":2: peer \"a\" is bad");
}

/* inih by default would take the second line as more of the first one's value. */
static void test_an_indented_line_continues_nothing(void **state)
{
    struct test_config c;

    (void)state;
    assert_fails("[node]\nname = a\n  b\n", ":3: expected \"[section]\", \"key = value\" or a "
                                            "comment, found \"  b\"");
    assert_reads("[node]\nname = a\n  directory = d\n", &c);
    assert_string_equal(c.directory, "d");
}

static void test_values(void **state)
{
    (void)state;
    assert_fails("[node]\nname =\n", ":2: \"name\" is empty; expected a name of 1 to 31 letters, "
                                     "digits, '-', '_' and '.'");
    assert_fails("[node]\nname = a b\n", ":2: \"name\" is \"a b\"; expected a name of 1 to 31 "
                                         "letters, digits, '-', '_' and '.'");
    assert_fails("[node]\ndirectory = 0123456789abcdef\n",
                 ":2: \"directory\" is \"0123456789abcdef\"; expected a text of at most 15 bytes");
    assert_fails("[node]\ndirectory =\n",
                 ":2: \"directory\" is empty; expected a text of at most 15 bytes");
    assert_fails(
        "[node]\nlisten = tcp://10.0.0.1:1\n",
        ":2: \"listen\": \"tcp://10.0.0.1:1\": the host is no loopback address, and without "
        "encryption only this machine may reach a daemon; use tcp://127.0.0.1:PORT, "
        "tcp://[::1]:PORT, tcp://localhost:PORT or ipc:///PATH");
    assert_fails("[log]\nflag = true\n", ":2: \"flag\" is \"true\"; expected yes or no");
    assert_fails("[log]\nlevel = loud\n",
                 ":2: \"level\" is \"loud\"; expected debug, info, warn or error");
    assert_fails("[log]\nmode = default\n", /* it must decide */
                 ":2: \"mode\" is \"default\"; expected coordinator or participants");
}

static void test_numbers(void **state)
{
    static const char *const number[] = {
        "0", "11", "-1", "+1", "5x", "1.5", "0x5", "5 K", "99999999999999999999"};
    static const char *const size[] = {
        "1023", "1025M", "1k", "K", "1 KB", "18014398509481984K", "17179869185G"};
    static const char *const wait[] = {"5", "4 ms", "2 h", "1 d", "ms", "1.5 s", "1 s 5 ms"};
    char text[64], expected[256];

    (void)state;
    for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++) {
        (void)snprintf(text, sizeof(text), "[limits]\nnumber = %s\n", number[i]);
        (void)snprintf(expected, sizeof(expected),
                       ":2: \"number\" is \"%s\"; expected a whole number from 1 to 10", number[i]);
        assert_fails(text, expected);
    }
    for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
        (void)snprintf(text, sizeof(text), "[limits]\nsize = %s\n", size[i]);
        (void)snprintf(expected, sizeof(expected),
                       ":2: \"size\" is \"%s\"; expected a number of bytes (K, M, G for multiples) "
                       "from 1K to 1G",
                       size[i]);
        assert_fails(text, expected);
    }
    for (size_t i = 0; i < sizeof(wait) / sizeof(wait[0]); i++) {
        (void)snprintf(text, sizeof(text), "[limits]\nwait = %s\n", wait[i]);
        (void)snprintf(expected, sizeof(expected),
                       ":2: \"wait\" is \"%s\"; expected a time with its unit (ms, s, m, h) from "
                       "5 ms to 1 h",
                       wait[i]);
        assert_fails(text, expected);
    }
    assert_fails("[limits]\nany = -1\n", ":2: \"any\" is \"-1\"; expected a whole number");
}

static void test_long_lines(void **state)
{
    char text[3 * CONFIG_LINE_MAX];
    struct test_config c;
    size_t at;

    (void)state;
    /* Exactly the limit, with and without an end of line: read whole. */
    at = (size_t)snprintf(text, sizeof(text), "[node]\nname = a\n#");
    memset(text + at, 'x', CONFIG_LINE_MAX - 1);
    (void)snprintf(text + at + CONFIG_LINE_MAX - 1, 32, "\n[log]\nflag = yes\n");
    assert_reads(text, &c);
    assert_true(c.flag);
    text[at + CONFIG_LINE_MAX - 1] = '\0';
    assert_reads(text, &c);
    /* One more. */
    (void)snprintf(text + at + CONFIG_LINE_MAX - 1, 32, "x\n[log]\nflag = yes\n");
    assert_fails(text, ":3: the line is too long; expected at most 1000 bytes");
    /* A value that inih would have cut at 200 bytes. */
    at = (size_t)snprintf(text, sizeof(text), "[node]\nname = a\n[peers]\np = ");
    memset(text + at, 'y', 300);
    text[at + 300] = '\0';
    assert_reads(text, &c);
    assert_int_equal(c.peers, 1);
    assert_int_equal(strlen(c.last_peer), sizeof(c.last_peer) - 1);
}

static void test_no_text(void **state)
{
    static const char elf[] = "\x7f"
                              "ELF\x02\x01\x01\0\0\0";

    (void)state;
    assert_fails_bytes(elf, sizeof(elf), ":1: a NUL byte; this is no configuration file");
    assert_fails_bytes("[node]\nname = a\0b\n", 18,
                       ":2: a NUL byte; this is no configuration file");
    assert_fails("\xff\xfe[", ":1: expected \"[section]\", \"key = value\" or a comment, found "
                              "\"\\xff\\xfe[\"");
}

static void test_a_long_list_is_cut(void **state)
{
    struct config_key many[60];
    const struct config_schema long_schema = {.keys = many, .keys_n = 60};
    uint64_t field = 0;
    struct tx_why why;

    (void)state;
    for (size_t i = 0; i < 60; i++) {
        static char names[60][16];

        (void)snprintf(names[i], sizeof(names[i]), "key-number-%02zu", i);
        many[i] = (struct config_key){.section = "s",
                                      .name = names[i],
                                      .type = CONFIG_U64,
                                      .default_value = "0",
                                      .meaning = "M."};
    }
    scratch_write(path, "[s]\nx = 1\n", 10);
    assert_int_equal(config_read(path, &long_schema, &field, &why), TX_EFORMAT);
    assert_non_null(strstr(why.text, "expected one of key-number-00, key-number-01, "));
    assert_string_equal(strrchr(why.text, 'k'), "key-number-15, ...");
}

static void test_files(void **state)
{
    struct test_config c;
    struct tx_why why;
    char name[256], expected[512];

    (void)state;
    scratch_path(&scratch, "absent", name);
    assert_int_equal(config_read(name, &schema, &c, &why), TX_ENOTFOUND);
    (void)snprintf(expected, sizeof(expected), "%s: cannot open: No such file or directory", name);
    assert_string_equal(why.text, expected);
    assert_int_equal(config_read(scratch.dir, &schema, &c, &why), TX_EIO);
    (void)snprintf(expected, sizeof(expected), "%s: cannot read: Is a directory", scratch.dir);
    assert_string_equal(why.text, expected);
    if (geteuid() != 0) { /* root may read it */
        scratch_write(path, "", 0);
        assert_int_equal(chmod(path, 0), 0);
        assert_int_equal(config_read(path, &schema, &c, &why), TX_EACCESS);
        assert_int_equal(chmod(path, 0600), 0);
    }
}

static void test_print_reads_back(void **state)
{
    struct test_config c, again;
    char printed[8192] = "";
    FILE *file = tmpfile();
    size_t len;

    (void)state;
    assert_non_null(file);
    assert_reads("[node]\nname = a\n[limits]\nsize = 3K\nwait = 90 s\nany = 7\n[log]\nflag = yes\n"
                 "[peers]\nb = tcp://127.0.0.1:2\n",
                 &c);
    config_print(&schema, &c, file);
    rewind(file);
    len = fread(printed, 1, sizeof(printed) - 1, file);
    assert_true(len > 0);
    assert_int_equal(fclose(file), 0);
    assert_non_null(strstr(printed, "[limits]\n# A number.\n# Expects a whole number from 1 to 10. "
                                    "Default: 5.\nnumber = 5\n\n"));
    assert_non_null(strstr(printed, "\nsize = 3K\n"));
    assert_non_null(strstr(printed, "\nwait = 90 s\n"));
    assert_non_null(strstr(printed, " Required.\nname = a\n"));
    assert_non_null(strstr(printed, " Empty by default.\nspare = \n"));
    assert_reads(printed, &again);
    assert_memory_equal(&c, &again, sizeof(c));
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(&scratch);
    scratch_path(&scratch, "test.ini", path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_an_indented_line_continues_nothing),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_no_text),
        cmocka_unit_test(test_a_long_list_is_cut),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_print_reads_back),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
