/* The client's settings, read with inih. */
#include "client/client_settings.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MAX_MS  (UINT64_C(24) * 3600 * 1000)
#define MESSAGE_MIN     (UINT64_C(1) << 10)
#define MESSAGE_MAX_MAX (UINT64_C(64) << 20)

void client_settings_init(struct client_settings *settings)
{
    *settings = (struct client_settings){
        .connect_timeout_ms = 5 * 1000,
        .request_timeout_ms = 15 * 1000,
        .commit_timeout_ms = 40 * 1000,
        .resend_ms = 500,
        .message_max = TX_MESSAGE_MAX,
        .in_flight_max = 1024,
    };
}

enum tx_error client_settings_set_cluster(struct client_settings *settings, const char *text,
                                          struct tx_why *why)
{
    size_t len = strlen(text);
    if (len < 1 || len > TX_CLUSTER_MAX) {
        return tx_why(why, TX_EINVAL, "the name of a cluster has 1 to %u characters, not %zu",
                      TX_CLUSTER_MAX, len);
    }
    memcpy(settings->cluster, text, len + 1);
    return TX_OK;
}

enum tx_error client_settings_set_coordinator(struct client_settings *settings, const char *text,
                                              struct tx_why *why)
{
    bool known = strncmp(text, "tcp://", 6) == 0 || strncmp(text, "ipc://", 6) == 0;
    if (!known || tx_address_set(&settings->coordinator, tx_bytes_str(text)) != TX_OK) {
        char shown[TX_ADDRESS_MAX + 1];
        return tx_why(why, TX_EINVAL,
                      "\"%s\" is no address of a coordinator; one looks like "
                      "tcp://127.0.0.1:7400 or ipc:///path",
                      tx_bytes_print(tx_bytes_str(text), shown, sizeof shown));
    }
    return TX_OK;
}

enum tx_error client_settings_set_name(struct client_settings *settings, const char *text,
                                       struct tx_why *why)
{
    if (text[0] == '\0') {
        settings->name = (struct tx_name){0};
        return TX_OK;
    }
    if (tx_name_set(&settings->name, tx_bytes_str(text)) != TX_OK) {
        char shown[64];
        return tx_why(why, TX_EINVAL,
                      "\"%s\" is no name; one has 1 to %u letters, digits, '-', '_' and '.'",
                      tx_bytes_print(tx_bytes_str(text), shown, sizeof shown), TX_NAME_MAX);
    }
    return TX_OK;
}

static enum tx_error check_number(const char *name, uint64_t value, uint64_t min, uint64_t max,
                                  struct tx_why *why)
{
    if (value < min || value > max) {
        return tx_why(why, TX_EINVAL, "%s is %" PRIu64 "; it must be %" PRIu64 " to %" PRIu64, name,
                      value, min, max);
    }
    return TX_OK;
}

enum tx_error client_settings_check(const struct client_settings *settings, struct tx_why *why)
{
    enum tx_error error =
        check_number("request_timeout (ms)", settings->request_timeout_ms, 1, TIMEOUT_MAX_MS, why);
    if (error == TX_OK) {
        error = check_number("commit_timeout (ms)", settings->commit_timeout_ms, 1, TIMEOUT_MAX_MS,
                             why);
    }
    if (error == TX_OK) {
        error = check_number("resend (ms)", settings->resend_ms, 1, TIMEOUT_MAX_MS, why);
    }
    if (error == TX_OK) {
        error = check_number("message_max (bytes)", settings->message_max, MESSAGE_MIN,
                             MESSAGE_MAX_MAX, why);
    }
    if (error == TX_OK) {
        error =
            check_number("in_flight_max", settings->in_flight_max, 1, CLIENT_IN_FLIGHT_MAX, why);
    }
    return error;
}

/* ---- the file ---- */

struct unit {
    const char *name;
    uint64_t factor;
};

/* A whole number and the unit behind it, with or without blanks between; a unit named "" allows
 * none. */
static bool parse_with_unit(const char *text, const struct unit *units, size_t units_n,
                            uint64_t *value)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number)) {
            return false;
        }
    }
    bool digits = at != text;
    at += strspn(at, " ");
    for (size_t i = 0; digits && i < units_n; i++) {
        if (strcmp(at, units[i].name) == 0) {
            return !__builtin_mul_overflow(number, units[i].factor, value);
        }
    }
    return false;
}

static enum tx_error set_duration(uint64_t *field, const char *text, struct tx_why *why)
{
    static const struct unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    if (!parse_with_unit(text, units, sizeof units / sizeof units[0], field)) {
        return tx_why(why, TX_EINVAL, "\"%.40s\" is no duration; one looks like 500ms, 10s, 2m, 1h",
                      text);
    }
    return TX_OK;
}

static enum tx_error set_size(uint64_t *field, const char *text, struct tx_why *why)
{
    static const struct unit units[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};
    if (!parse_with_unit(text, units, sizeof units / sizeof units[0], field)) {
        return tx_why(why, TX_EINVAL, "\"%.40s\" is no size; one looks like 65536, 64K, 1M", text);
    }
    return TX_OK;
}

static enum tx_error set_count(uint64_t *field, const char *text, struct tx_why *why)
{
    static const struct unit units[] = {{"", 1}};
    if (!parse_with_unit(text, units, 1, field)) {
        return tx_why(why, TX_EINVAL, "\"%.40s\" is no whole number", text);
    }
    return TX_OK;
}

static enum tx_error add_participant(struct client_settings *settings, struct tx_bytes text,
                                     struct tx_why *why)
{
    char shown[TX_ADDRESS_MAX + 1];
    bool known = text.len > 6 &&
                 (memcmp(text.data, "tcp://", 6) == 0 || memcmp(text.data, "ipc://", 6) == 0);
    if (settings->participants_n == CLIENT_PARTICIPANTS_MAX) {
        return tx_why(why, TX_EINVAL, "at most %u participants are named", CLIENT_PARTICIPANTS_MAX);
    }
    if (!known ||
        tx_address_set(&settings->participants[settings->participants_n], text) != TX_OK) {
        return tx_why(why, TX_EINVAL,
                      "\"%s\" is no address of a participant; one looks like "
                      "tcp://127.0.0.1:7410 or ipc:///path",
                      tx_bytes_print(text, shown, sizeof shown));
    }
    settings->participants_n++;
    return TX_OK;
}

/* Addresses with commas between. */
static enum tx_error add_participants(struct client_settings *settings, const char *text,
                                      struct tx_why *why)
{
    enum tx_error error = TX_OK;
    for (const char *at = text; error == TX_OK && *at != '\0';) {
        at += strspn(at, " ,");
        size_t len = strcspn(at, ", ");
        if (len > 0) {
            error = add_participant(settings, tx_bytes(at, len), why);
        }
        at += len;
    }
    return error;
}

enum setting {
    SETTING_CLUSTER,
    SETTING_COORDINATOR,
    SETTING_NAME,
    SETTING_CONNECT_TIMEOUT,
    SETTING_REQUEST_TIMEOUT,
    SETTING_COMMIT_TIMEOUT,
    SETTING_RESEND,
    SETTING_MESSAGE_MAX,
    SETTING_IN_FLIGHT_MAX,
    SETTING_PARTICIPANTS,
    SETTINGS_N
};

static const char *const setting_names[SETTINGS_N] = {
    [SETTING_CLUSTER] = "cluster",
    [SETTING_COORDINATOR] = "coordinator",
    [SETTING_NAME] = "name",
    [SETTING_CONNECT_TIMEOUT] = "connect_timeout",
    [SETTING_REQUEST_TIMEOUT] = "request_timeout",
    [SETTING_COMMIT_TIMEOUT] = "commit_timeout",
    [SETTING_RESEND] = "resend",
    [SETTING_MESSAGE_MAX] = "message_max",
    [SETTING_IN_FLIGHT_MAX] = "in_flight_max",
    [SETTING_PARTICIPANTS] = "participants",
};

static enum tx_error set(struct client_settings *settings, enum setting setting, const char *value,
                         struct tx_why *why)
{
    switch (setting) {
    case SETTING_CLUSTER:
        return client_settings_set_cluster(settings, value, why);
    case SETTING_COORDINATOR:
        return client_settings_set_coordinator(settings, value, why);
    case SETTING_NAME:
        return client_settings_set_name(settings, value, why);
    case SETTING_CONNECT_TIMEOUT:
        return set_duration(&settings->connect_timeout_ms, value, why);
    case SETTING_REQUEST_TIMEOUT:
        return set_duration(&settings->request_timeout_ms, value, why);
    case SETTING_COMMIT_TIMEOUT:
        return set_duration(&settings->commit_timeout_ms, value, why);
    case SETTING_RESEND:
        return set_duration(&settings->resend_ms, value, why);
    case SETTING_MESSAGE_MAX:
        return set_size(&settings->message_max, value, why);
    case SETTING_IN_FLIGHT_MAX:
        return set_count(&settings->in_flight_max, value, why);
    case SETTING_PARTICIPANTS:
        return add_participants(settings, value, why);
    case SETTINGS_N:
        break;
    }
    return tx_why(why, TX_EINVAL, "there is no such key");
}

struct reading {
    struct client_settings *settings;
    const char *file_name;
    FILE *file;
    char *line; /* of getline() */
    size_t line_size;
    unsigned line_number;
    unsigned seen[SETTINGS_N]; /* the line of each key; 0: not yet */
    enum tx_error error;       /* the first one */
    struct tx_why *why;
};

static int fail(struct reading *r, const char *text)
{
    if (r->error == TX_OK) {
        r->error = tx_why(r->why, TX_EFORMAT, "%s:%u: %s", r->file_name, r->line_number, text);
    }
    return 0;
}

/* inih's reader: one line, refused when inih would cut it. */
static char *read_line(char *out, int out_size, void *arg)
{
    struct reading *r = arg;
    errno = 0;
    ssize_t len = getline(&r->line, &r->line_size, r->file);
    if (len < 0) {
        if (r->error == TX_OK && !feof(r->file)) {
            r->error = tx_why(r->why, errno == ENOMEM ? TX_ENOMEM : TX_EIO, "%s: cannot read: %s",
                              r->file_name, strerrordesc_np(errno));
        }
        return NULL;
    }
    r->line_number++;
    size_t content = strcspn(r->line, "\r\n");
    if (content > (size_t)out_size - 3 || len >= out_size) {
        char text[80];
        (void)snprintf(text, sizeof text, "a line has at most %d bytes", out_size - 3);
        (void)fail(r, text);
        return NULL;
    }
    if (memchr(r->line, '\0', (size_t)len) != NULL) {
        (void)fail(r, "the line holds a zero byte; this is no configuration file");
        return NULL;
    }
    memcpy(out, r->line, (size_t)len + 1);
    return out;
}

static int take_key(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *r = arg;
    struct tx_why why;
    if (strcmp(section, "client") != 0) {
        (void)tx_why(&why, TX_EFORMAT, "%s \"%.50s\"; a client's file has [client] alone",
                     section[0] == '\0' ? "a key in front of any section:" : "unknown section",
                     section[0] == '\0' ? name : section);
        return fail(r, why.text);
    }
    enum setting setting = 0;
    while (setting < SETTINGS_N && strcmp(name, setting_names[setting]) != 0) {
        setting++;
    }
    if (setting == SETTINGS_N) {
        (void)tx_why(&why, TX_EFORMAT, "unknown key \"%.50s\" in [client]", name);
        return fail(r, why.text);
    }
    if (r->seen[setting] != 0 && setting != SETTING_PARTICIPANTS) {
        (void)tx_why(&why, TX_EFORMAT, "%s was given in line %u already", name, r->seen[setting]);
        return fail(r, why.text);
    }
    r->seen[setting] = r->line_number;
    struct tx_why cause;
    if (set(r->settings, setting, value, &cause) != TX_OK) {
        (void)tx_why(&why, TX_EFORMAT, "%s: %.400s", name, cause.text);
        return fail(r, why.text);
    }
    return 1;
}

/* What only the whole file can tell: required keys, bounds. */
static enum tx_error check_whole(struct reading *r)
{
    for (enum setting key = SETTING_CLUSTER; key <= SETTING_COORDINATOR; key++) {
        if (r->seen[key] == 0) {
            return tx_why(r->why, TX_EFORMAT, "%s: %s is missing from [client]", r->file_name,
                          setting_names[key]);
        }
    }
    struct tx_why cause;
    if (client_settings_check(r->settings, &cause) != TX_OK) {
        return tx_why(r->why, TX_EFORMAT, "%s: %.400s", r->file_name, cause.text);
    }
    return TX_OK;
}

enum tx_error client_settings_read(struct client_settings *settings, const char *file,
                                   struct tx_why *why)
{
    client_settings_init(settings);
    struct reading r = {.settings = settings, .file_name = file, .why = why};
    r.file = fopen(file, "re");
    if (r.file == NULL) {
        enum tx_error error = errno == ENOENT   ? TX_ENOTFOUND
                              : errno == EACCES ? TX_EACCESS
                                                : TX_EIO;
        return tx_why(why, error, "%s: cannot open: %s", file, strerrordesc_np(errno));
    }
    int line = ini_parse_stream(read_line, &r, take_key, &r);
    if (r.error == TX_OK && line > 0) {
        r.line_number = (unsigned)line;
        (void)fail(&r, "expected [section], \"key = value\" or a comment");
    }
    if (r.error == TX_OK) {
        r.error = check_whole(&r);
    }
    free(r.line);
    (void)fclose(r.file);
    return r.error;
}
