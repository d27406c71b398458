/* JSON output. */
#include "common/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void json_init(struct json *json, FILE *out)
{
    *json = (struct json){.out = out};
}

/* A value or a name begins. */
static void lead(struct json *json)
{
    if (json->comma) {
        (void)fputc(',', json->out);
    }
    json->comma = true;
}

static void begin(struct json *json, char bracket)
{
    lead(json);
    (void)fputc(bracket, json->out);
    json->comma = false;
}

static void end(struct json *json, char bracket)
{
    (void)fputc(bracket, json->out);
    json->comma = true;
}

void json_object_begin(struct json *json)
{
    begin(json, '{');
}

void json_object_end(struct json *json)
{
    end(json, '}');
}

void json_array_begin(struct json *json)
{
    begin(json, '[');
}

void json_array_end(struct json *json)
{
    end(json, ']');
}

/* The length of the UTF-8 character at `at` (RFC 3629: shortest form, no surrogates); 0 when it is
 * none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
    unsigned char first = at[0];
    if (first < 0x80) {
        return 1;
    }
    size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || left < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool too_long = (first == 0xe0 && at[1] < 0xa0) || (first == 0xf0 && at[1] < 0x90);
    bool surrogate = first == 0xed && at[1] > 0x9f;
    bool too_high = first == 0xf4 && at[1] > 0x8f;
    return too_long || surrogate || too_high ? 0 : len;
}

static bool is_utf8(const unsigned char *data, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t step = utf8_length(data + at, len - at);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

static void escape(FILE *out, unsigned char c)
{
    switch (c) {
    case '"':
        (void)fputs("\\\"", out);
        return;
    case '\\':
        (void)fputs("\\\\", out);
        return;
    case '\n':
        (void)fputs("\\n", out);
        return;
    case '\r':
        (void)fputs("\\r", out);
        return;
    case '\t':
        (void)fputs("\\t", out);
        return;
    default:
        if (c < 0x20 || c == 0x7f) {
            (void)fprintf(out, "\\u%04x", c);
        } else {
            (void)fputc(c, out);
        }
    }
}

/* What is no UTF-8 becomes U+FFFD, so that the output is JSON whatever the text. */
static void put_text(FILE *out, const unsigned char *data, size_t len)
{
    (void)fputc('"', out);
    size_t at = 0;
    while (at < len) {
        size_t step = utf8_length(data + at, len - at);
        if (step == 0) {
            (void)fputs("\\ufffd", out);
            at++;
        } else if (step == 1) {
            escape(out, data[at++]);
        } else {
            (void)fwrite(data + at, 1, step, out);
            at += step;
        }
    }
    (void)fputc('"', out);
}

void json_key(struct json *json, const char *name)
{
    lead(json);
    put_text(json->out, (const unsigned char *)name, strlen(name));
    (void)fputc(':', json->out);
    json->comma = false;
}

void json_string(struct json *json, const char *text)
{
    lead(json);
    put_text(json->out, (const unsigned char *)text, strlen(text));
}

void json_u64(struct json *json, uint64_t value)
{
    lead(json);
    (void)fprintf(json->out, "%" PRIu64, value);
}

void json_i64(struct json *json, int64_t value)
{
    lead(json);
    (void)fprintf(json->out, "%" PRId64, value);
}

void json_double(struct json *json, double value)
{
    lead(json);
    if (isfinite(value)) {
        (void)fprintf(json->out, "%.3f", value);
    } else {
        (void)fputs("null", json->out);
    }
}

void json_bool(struct json *json, bool value)
{
    lead(json);
    (void)fputs(value ? "true" : "false", json->out);
}

void json_member(struct json *json, const char *name, const char *text)
{
    json_key(json, name);
    json_string(json, text);
}

void json_member_u64(struct json *json, const char *name, uint64_t value)
{
    json_key(json, name);
    json_u64(json, value);
}

void json_member_i64(struct json *json, const char *name, int64_t value)
{
    json_key(json, name);
    json_i64(json, value);
}

void json_member_double(struct json *json, const char *name, double value)
{
    json_key(json, name);
    json_double(json, value);
}

void json_member_bool(struct json *json, const char *name, bool value)
{
    json_key(json, name);
    json_bool(json, value);
}

void json_member_array_begin(struct json *json, const char *name)
{
    json_key(json, name);
    json_array_begin(json);
}

void json_member_object_begin(struct json *json, const char *name)
{
    json_key(json, name);
    json_object_begin(json);
}

void json_member_bytes(struct json *json, const char *name, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    if (is_utf8(bytes, len)) {
        json_key(json, name);
        lead(json);
        put_text(json->out, bytes, len);
        return;
    }
    char hex_name[64];
    (void)snprintf(hex_name, sizeof hex_name, "%s_hex", name);
    json_key(json, hex_name);
    lead(json);
    (void)fputc('"', json->out);
    for (size_t i = 0; i < len; i++) {
        (void)fprintf(json->out, "%02x", bytes[i]);
    }
    (void)fputc('"', json->out);
}
