/* The values of configuration keys: their text forms, both ways. */
#include "common/op.h"
#include "common/config.h"
#include "common/commit_mode.h"

#include "common/assert.h"
#include "common/log.h"

#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* The largest last. */
static const struct unit byte_units[] = {
    {"", 1}, {"K", UINT64_C(1) << 10}, {"M", UINT64_C(1) << 20}, {"G", UINT64_C(1) << 30}};
static const struct unit ms_units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
static const struct unit plain_units[] = {{"", 1}};

struct units {
    const struct unit *at;
    size_t n;
};

static struct units units_of(enum config_type type)
{
    if (type == CONFIG_BYTES) {
        return (struct units){byte_units, sizeof(byte_units) / sizeof(byte_units[0])};
    }
    if (type == CONFIG_MS) {
        return (struct units){ms_units, sizeof(ms_units) / sizeof(ms_units[0])};
    }
    return (struct units){plain_units, 1};
}

static bool is_number(enum config_type type)
{
    return type == CONFIG_U64 || type == CONFIG_BYTES || type == CONFIG_MS;
}

static uint64_t max_of(const struct config_key *key)
{
    return key->max == 0 ? UINT64_MAX : key->max;
}

/* In the largest unit that divides it. */
static const char *print_number(enum config_type type, uint64_t n, char *out, size_t size)
{
    const struct units units = units_of(type);
    size_t i = units.n - 1;

    while (i > 0 && (n == 0 || n % units.at[i].factor != 0)) {
        i--;
    }
    (void)snprintf(out, size, "%llu%s%s", (unsigned long long)(n / units.at[i].factor),
                   type == CONFIG_MS ? " " : "", units.at[i].name);
    return out;
}

static void print_bounds(const struct config_key *key, const char *what, char *out, size_t size)
{
    char low[32], high[32];

    print_number(key->type, key->min, low, sizeof(low));
    print_number(key->type, max_of(key), high, sizeof(high));
    if (max_of(key) != UINT64_MAX) {
        (void)snprintf(out, size, "%s from %s to %s", what, low, high);
    } else if (key->min > 0) {
        (void)snprintf(out, size, "%s of at least %s", what, low);
    } else {
        (void)snprintf(out, size, "%s", what);
    }
}

const char *config_expected(const struct config_key *key, char *out, size_t size)
{
    switch (key->type) {
    case CONFIG_TEXT:
        (void)snprintf(out, size, "a text of at most %zu bytes", key->size - 1);
        break;
    case CONFIG_NAME:
        (void)snprintf(out, size, "a name of 1 to %u letters, digits, '-', '_' and '.'",
                       TX_NAME_MAX);
        break;
    case CONFIG_U64:
        print_bounds(key, "a whole number", out, size);
        break;
    case CONFIG_BYTES:
        print_bounds(key, "a number of bytes (K, M, G for multiples)", out, size);
        break;
    case CONFIG_MS:
        print_bounds(key, "a time with its unit (ms, s, m, h)", out, size);
        break;
    case CONFIG_BOOL:
        (void)snprintf(out, size, "yes or no");
        break;
    case CONFIG_ADDRESS:
        (void)snprintf(out, size, "an address such as tcp://127.0.0.1:7400 or ipc:///PATH");
        break;
    case CONFIG_LEVEL:
        (void)snprintf(out, size, "debug, info, warn or error");
        break;
    case CONFIG_POLICY:
        (void)snprintf(out, size, "wound-wait, wait-die or no-wait");
        break;
    case CONFIG_COMMIT_MODE:
        (void)snprintf(out, size, "coordinator or participants");
        break;
    case CONFIG_TYPES_N:
        TX_ASSERT(key->type != CONFIG_TYPES_N);
    }
    return out;
}

static enum tx_error refuse(const struct config_key *key, const char *text, struct tx_why *why)
{
    char expected[192], shown[128];

    (void)config_expected(key, expected, sizeof(expected));
    if (text[0] == '\0') {
        return tx_why(why, TX_EFORMAT, "\"%s\" is empty; expected %s", key->name, expected);
    }
    return tx_why(why, TX_EFORMAT, "\"%s\" is \"%s\"; expected %s", key->name,
                  tx_bytes_print(tx_bytes_str(text), shown, sizeof(shown)), expected);
}

/* Digits, then a unit of the key's type with or without blanks between. */
static bool parse_number(const struct config_key *key, const char *text, uint64_t *out)
{
    const struct units units = units_of(key->type);
    uint64_t n = 0;

    if (*text < '0' || *text > '9') {
        return false;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (unsigned)(*text - '0'), &n)) {
            return false;
        }
    }
    text += strspn(text, " \t");
    for (size_t i = 0; i < units.n; i++) {
        if (strcmp(text, units.at[i].name) == 0) {
            return !__builtin_mul_overflow(n, units.at[i].factor, out) && *out >= key->min &&
                   *out <= max_of(key);
        }
    }
    return false;
}

static enum tx_error set_address(const struct config_schema *schema, const struct config_key *key,
                                 const char *text, void *field, struct tx_why *why)
{
    struct tx_why detail;

    if (tx_address_set(field, tx_bytes_str(text)) != TX_OK) {
        return tx_why(why, TX_EFORMAT, "\"%s\" is too long; an address has at most %u characters",
                      key->name, TX_ADDRESS_MAX);
    }
    if (text[0] != '\0' && schema->check_address != NULL &&
        schema->check_address(text, &detail) != TX_OK) {
        return tx_why(why, TX_EFORMAT, "\"%s\": %s", key->name, detail.text);
    }
    return TX_OK;
}

/* Not empty unless the default is. */
static bool is_wrongly_empty(const struct config_key *key, const char *text)
{
    return text[0] == '\0' && (key->default_value == NULL || key->default_value[0] != '\0');
}

/* A setting must decide: "default" is what it stands for. */
static bool parse_commit_mode(const char *text, enum tx_commit_mode *mode)
{
    enum tx_commit_mode parsed = TX_COMMIT_DEFAULT;

    if (tx_commit_mode_parse(tx_bytes_str(text), &parsed) != TX_OK || parsed == TX_COMMIT_DEFAULT) {
        return false;
    }
    *mode = parsed;
    return true;
}

enum tx_error config_value_set(const struct config_schema *schema, const struct config_key *key,
                               const char *text, void *config, struct tx_why *why)
{
    void *field = (uint8_t *)config + key->offset;
    uint64_t number = 0;
    bool good = !is_wrongly_empty(key, text);

    switch (key->type) {
    case CONFIG_TEXT:
        good = good && strlen(text) < key->size;
        if (good) {
            memcpy(field, text, strlen(text) + 1);
        }
        break;
    case CONFIG_NAME:
        if (good && text[0] == '\0') {
            ((struct tx_name *)field)->s[0] = '\0';
        } else {
            good = good && tx_name_set(field, tx_bytes_str(text)) == TX_OK;
        }
        break;
    case CONFIG_U64:
    case CONFIG_BYTES:
    case CONFIG_MS:
        good = parse_number(key, text, &number);
        if (good) {
            *(uint64_t *)field = number;
        }
        break;
    case CONFIG_BOOL:
        good = strcmp(text, "yes") == 0 || strcmp(text, "no") == 0;
        *(bool *)field = strcmp(text, "yes") == 0;
        break;
    case CONFIG_ADDRESS:
        if (good) {
            return set_address(schema, key, text, field, why);
        }
        break;
    case CONFIG_LEVEL:
        good = log_level_parse(tx_bytes_str(text), field) == TX_OK;
        break;
    case CONFIG_POLICY:
        good = tx_lock_policy_parse(tx_bytes_str(text), field) == TX_OK;
        break;
    case CONFIG_COMMIT_MODE:
        good = parse_commit_mode(text, field);
        break;
    case CONFIG_TYPES_N:
        TX_ASSERT(key->type != CONFIG_TYPES_N);
    }
    return good ? TX_OK : refuse(key, text, why);
}

const char *config_value_print(const struct config_key *key, const void *config, char *out,
                               size_t size)
{
    const void *field = (const uint8_t *)config + key->offset;
    const char *text = NULL;

    if (is_number(key->type)) {
        return print_number(key->type, *(const uint64_t *)field, out, size);
    }
    switch (key->type) {
    case CONFIG_TEXT:
        text = field;
        break;
    case CONFIG_NAME:
        text = ((const struct tx_name *)field)->s;
        break;
    case CONFIG_ADDRESS:
        text = ((const struct tx_address *)field)->s;
        break;
    case CONFIG_BOOL:
        text = *(const bool *)field ? "yes" : "no";
        break;
    case CONFIG_LEVEL:
        text = log_level_name(*(const enum log_level *)field);
        break;
    case CONFIG_POLICY:
        text = tx_lock_policy_name(*(const enum tx_lock_policy *)field);
        break;
    case CONFIG_COMMIT_MODE:
        text = tx_commit_mode_name(*(const enum tx_commit_mode *)field);
        break;
    case CONFIG_U64:
    case CONFIG_BYTES:
    case CONFIG_MS:
    case CONFIG_TYPES_N:
        TX_ASSERT(text != NULL);
    }
    (void)snprintf(out, size, "%s", text);
    return out;
}
