#include "common/config.h"

#include "common/assert.h"

#include <ini.h>

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* What inih asks for on top of a line: CR, LF and NUL. */
#define READ_SIZE (CONFIG_LINE_MAX + 3u)

struct seen {
    const struct config_key *key; /* NULL for a key of the free section */
    char *name;
    unsigned line;
};

struct reading {
    const char *file_name;
    FILE *file;
    const struct config_schema *schema;
    void *config;
    struct tx_why *why;
    enum tx_error error; /* the first one; its text is written */
    unsigned line;       /* the line that inih looks at, from 1 */
    char text[READ_SIZE];
    struct seen *seen;
    size_t seen_n, seen_capacity;
};

static enum tx_error fail(struct reading *r, enum tx_error error, const char *format, ...)
    TX_PRINTF(3, 4);
static enum tx_error fail(struct reading *r, enum tx_error error, const char *format, ...)
{
    char text[sizeof(r->why->text)];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    TX_ASSERT(error != TX_OK);
    if (r->error == TX_OK) {
        r->error = tx_why(r->why, error, "%s:%u: %s", r->file_name, r->line, text);
    }
    return error;
}

/* A list of names for an error text; it ends in ", ..." when they do not all fit. */
struct name_list {
    char text[256];
    size_t len;
};

static void name_list_add(struct name_list *list, const char *before, const char *name,
                          const char *after)
{
    static const char more[] = ", ...";
    const char *comma = list->len == 0 ? "" : ", ";
    const size_t room = sizeof(list->text) - sizeof(more);
    const size_t wanted = strlen(comma) + strlen(before) + strlen(name) + strlen(after);

    if (list->len > room) {
        return; /* full already */
    }
    if (list->len + wanted > room) {
        memcpy(list->text + list->len, more, sizeof(more));
        list->len = sizeof(list->text);
        return;
    }
    list->len += (size_t)snprintf(list->text + list->len, sizeof(list->text) - list->len,
                                  "%s%s%s%s", comma, before, name, after);
}

size_t config_keys_n(const struct config_schema *schema)
{
    return schema->keys_n + schema->shared_n;
}

const struct config_key *config_key_at(const struct config_schema *schema, size_t i)
{
    TX_ASSERT(i < config_keys_n(schema));
    return i < schema->keys_n ? &schema->keys[i] : &schema->shared[i - schema->keys_n];
}

static bool same_section(const struct config_schema *schema, size_t i, size_t j)
{
    return strcmp(config_key_at(schema, i)->section, config_key_at(schema, j)->section) == 0;
}

static bool first_of_section(const struct config_schema *schema, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (same_section(schema, i, j)) {
            return false;
        }
    }
    return true;
}

static bool is_free_section(const struct config_schema *schema, const char *section)
{
    return schema->free_section != NULL && strcmp(section, schema->free_section) == 0;
}

static enum tx_error unknown_section(struct reading *r, const char *section)
{
    const struct config_schema *schema = r->schema;
    struct name_list list = {.len = 0};
    char shown[128];

    for (size_t i = 0; i < config_keys_n(schema); i++) {
        if (first_of_section(schema, i)) {
            name_list_add(&list, "[", config_key_at(schema, i)->section, "]");
        }
    }
    if (schema->free_section != NULL) {
        name_list_add(&list, "[", schema->free_section, "]");
    }
    return fail(r, TX_EFORMAT, "unknown section [%s]; expected one of %s",
                tx_bytes_print(tx_bytes_str(section), shown, sizeof(shown)), list.text);
}

static enum tx_error unknown_key(struct reading *r, const char *section, const char *name)
{
    struct name_list list = {.len = 0};
    char shown[128];

    for (size_t i = 0; i < config_keys_n(r->schema); i++) {
        if (strcmp(config_key_at(r->schema, i)->section, section) == 0) {
            name_list_add(&list, "", config_key_at(r->schema, i)->name, "");
        }
    }
    return fail(r, TX_EFORMAT, "unknown key \"%s\" in [%s]; expected one of %s",
                tx_bytes_print(tx_bytes_str(name), shown, sizeof(shown)), section, list.text);
}

static bool is_section(const struct config_schema *schema, const char *section)
{
    for (size_t i = 0; i < config_keys_n(schema); i++) {
        if (strcmp(config_key_at(schema, i)->section, section) == 0) {
            return true;
        }
    }
    return is_free_section(schema, section);
}

/* inih tells nobody of a section without keys, and ignores what follows the bracket. */
static bool check_section_line(struct reading *r, const char *line)
{
    const char *end = strchr(line, ']');
    char name[64];

    if (end == NULL || end[1 + strspn(end + 1, " \t\r\n")] != '\0') {
        (void)fail(r, TX_EFORMAT, "a section stands alone on its line, as [NAME]");
        return false;
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)(end - line - 1), line + 1);
    if (!is_section(r->schema, name)) {
        (void)unknown_section(r, name);
        return false;
    }
    return true;
}

/* Checks a line before inih sees it, which cuts long ones and stops at a NUL without a word. */
static bool check_line(struct reading *r, size_t len)
{
    static const char bom[] = "\xef\xbb\xbf";
    const char *line = r->text;

    if (memchr(line, '\0', len) != NULL) {
        (void)fail(r, TX_EFORMAT, "a NUL byte; this is no configuration file");
        return false;
    }
    if (r->line == 1 && strncmp(line, bom, sizeof(bom) - 1) == 0) {
        line += sizeof(bom) - 1;
    }
    line += strspn(line, " \t");
    return line[0] != '[' || check_section_line(r, line);
}

/* The next line into r->text; false at the end of the file and after an error. */
static bool next_line(struct reading *r)
{
    size_t len = 0;
    int c = 0;

    r->line++;
    while (c != '\n' && (c = getc(r->file)) != EOF) {
        if (c != '\n' && len == CONFIG_LINE_MAX) {
            (void)fail(r, TX_EFORMAT, "the line is too long; expected at most %u bytes",
                       CONFIG_LINE_MAX);
            return false;
        }
        r->text[len++] = (char)c;
    }
    r->text[len] = '\0';
    if (ferror(r->file)) {
        r->error = tx_why(r->why, TX_EIO, "%s: cannot read: %s", r->file_name, strerror(errno));
        return false;
    }
    return len > 0 && check_line(r, len);
}

static char *read_line(char *out, int size, void *stream)
{
    struct reading *r = stream;

    TX_ASSERT(size >= (int)READ_SIZE);
    if (r->error != TX_OK || !next_line(r)) {
        return NULL;
    }
    memcpy(out, r->text, strlen(r->text) + 1);
    return out;
}

static const struct config_key *find_key(const struct config_schema *schema, const char *section,
                                         const char *name)
{
    for (size_t i = 0; i < config_keys_n(schema); i++) {
        const struct config_key *key = config_key_at(schema, i);

        if (strcmp(key->section, section) == 0 && strcmp(key->name, name) == 0) {
            return key;
        }
    }
    return NULL;
}

/* Refuses a key that came before; remembers it otherwise. */
static enum tx_error see(struct reading *r, const struct config_key *key, const char *section,
                         const char *name)
{
    char shown[128];

    for (size_t i = 0; i < r->seen_n; i++) {
        if (r->seen[i].key == key && strcmp(r->seen[i].name, name) == 0) {
            return fail(r, TX_EFORMAT, "\"%s\" in [%s] is given twice; the first is in line %u",
                        tx_bytes_print(tx_bytes_str(name), shown, sizeof(shown)), section,
                        r->seen[i].line);
        }
    }
    if (r->seen_n == r->seen_capacity) {
        r->seen_capacity = r->seen_capacity == 0 ? 32 : r->seen_capacity * 2;
        r->seen = tx_xrealloc(r->seen, r->seen_capacity * sizeof(*r->seen));
    }
    r->seen[r->seen_n] = (struct seen){.key = key, .line = r->line};
    r->seen[r->seen_n].name = tx_xmalloc(strlen(name) + 1);
    memcpy(r->seen[r->seen_n].name, name, strlen(name) + 1);
    r->seen_n++;
    return TX_OK;
}

static bool holds_comment(const char *value)
{
    for (const char *at = value; *at != '\0'; at++) {
        if ((*at == '#' || *at == ';') && at > value && (at[-1] == ' ' || at[-1] == '\t')) {
            return true;
        }
    }
    return false;
}

static enum tx_error take(struct reading *r, const char *section, const char *name,
                          const char *value)
{
    const bool is_free = is_free_section(r->schema, section);
    const struct config_key *key = is_free ? NULL : find_key(r->schema, section, name);
    struct tx_why detail = {.text = ""};
    enum tx_error error;

    if (section[0] == '\0') {
        return fail(r, TX_EFORMAT, "a key before the first section");
    }
    if (!is_free && key == NULL) {
        return unknown_key(r, section, name);
    }
    error = see(r, key, section, name);
    if (error != TX_OK) {
        return error;
    }
    if (holds_comment(value)) {
        return fail(r, TX_EFORMAT, "\"%s\": a comment must stand on a line of its own", name);
    }
    error = is_free ? r->schema->free_key(r->config, name, value, &detail)
                    : config_value_set(r->schema, key, value, r->config, &detail);
    return error == TX_OK ? TX_OK : fail(r, TX_EFORMAT, "%s", detail.text);
}

/* inih: nonzero when the key was good. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;

    return r->error == TX_OK && take(r, section, name, value) == TX_OK;
}

/* inih is built to be set at run time; what the header of this file promises is said here. */
static void set_up_inih(void)
{
    ini_allow_multiline = false;
    ini_allow_inline_comments = false;
    ini_allow_bom = true;
    ini_allow_no_value = false;
    ini_stop_on_first_error = true;
    ini_use_stack = true;
    ini_max_line = (int)READ_SIZE;
}

static void parse(struct reading *r)
{
    char shown[80];

    set_up_inih();
    if (ini_parse_stream(read_line, r, on_key, r) != 0 && r->error == TX_OK) {
        (void)fail(
            r, TX_EFORMAT, "expected \"[section]\", \"key = value\" or a comment, found \"%s\"",
            tx_bytes_print(tx_bytes(r->text, strcspn(r->text, "\r\n")), shown, sizeof(shown)));
    }
}

static bool is_seen(const struct reading *r, const struct config_key *key)
{
    for (size_t i = 0; i < r->seen_n; i++) {
        if (r->seen[i].key == key) {
            return true;
        }
    }
    return false;
}

static void check_required(struct reading *r)
{
    for (size_t i = 0; i < config_keys_n(r->schema) && r->error == TX_OK; i++) {
        const struct config_key *key = config_key_at(r->schema, i);
        char expected[192];

        if (key->default_value == NULL && !is_seen(r, key)) {
            r->error = tx_why(r->why, TX_EFORMAT, "%s: \"%s\" in [%s] is missing; expected %s",
                              r->file_name, key->name, key->section,
                              config_expected(key, expected, sizeof(expected)));
        }
    }
}

static void set_defaults(const struct config_schema *schema, void *config)
{
    for (size_t i = 0; i < config_keys_n(schema); i++) {
        const struct config_key *key = config_key_at(schema, i);

        if (key->default_value != NULL) {
            const enum tx_error error =
                config_value_set(schema, key, key->default_value, config, NULL);

            TX_ASSERT(error == TX_OK);
        }
    }
}

static enum tx_error open_file(const char *name, FILE **file, struct tx_why *why)
{
    enum tx_error error;

    *file = fopen(name, "re");
    if (*file != NULL) {
        return TX_OK;
    }
    error = errno == ENOENT || errno == ENOTDIR ? TX_ENOTFOUND
            : errno == EACCES                   ? TX_EACCESS
                                                : TX_EIO;
    return tx_why(why, error, "%s: cannot open: %s", name, strerror(errno));
}

enum tx_error config_read(const char *file, const struct config_schema *schema, void *config,
                          struct tx_why *why)
{
    struct reading r = {.file_name = file, .schema = schema, .config = config, .why = why};

    set_defaults(schema, config);
    r.error = open_file(file, &r.file, why);
    if (r.error != TX_OK) {
        return r.error;
    }
    parse(&r);
    check_required(&r);
    for (size_t i = 0; i < r.seen_n; i++) {
        free(r.seen[i].name);
    }
    free(r.seen);
    (void)fclose(r.file);
    return r.error;
}

static void print_key(const struct config_key *key, const void *config, FILE *file)
{
    char expected[192], value[CONFIG_LINE_MAX];

    (void)fprintf(file, "# %s\n# Expects %s.", key->meaning,
                  config_expected(key, expected, sizeof(expected)));
    if (key->default_value == NULL) {
        (void)fprintf(file, " Required.\n");
    } else if (key->default_value[0] == '\0') {
        (void)fprintf(file, " Empty by default.\n");
    } else {
        (void)fprintf(file, " Default: %s.\n", key->default_value);
    }
    if (key->taken == CONFIG_AT_RELOAD) {
        (void)fprintf(file, "# SIGHUP takes a change.\n");
    }
    (void)fprintf(file, "%s = %s\n\n", key->name,
                  config_value_print(key, config, value, sizeof(value)));
}

void config_print(const struct config_schema *schema, const void *config, FILE *file)
{
    for (size_t i = 0; i < config_keys_n(schema); i++) {
        if (!first_of_section(schema, i)) {
            continue;
        }
        (void)fprintf(file, "[%s]\n", config_key_at(schema, i)->section);
        for (size_t j = i; j < config_keys_n(schema); j++) {
            if (same_section(schema, i, j)) {
                print_key(config_key_at(schema, j), config, file);
            }
        }
    }
    if (schema->free_section != NULL && schema->free_print != NULL) {
        (void)fprintf(file, "[%s]\n", schema->free_section);
        schema->free_print(config, file);
    }
}
