/* A JSON writer: commas and escapes are its business, nesting is the caller's. Output is one line
 * without blanks, after RFC 8259. */
#ifndef ASSENT_COMMON_JSON_H
#define ASSENT_COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *out;
    bool comma; /* something stands in front of the next value at this level */
};

void json_init(struct json *json, FILE *out);

void json_object_begin(struct json *json);
void json_object_end(struct json *json);
void json_array_begin(struct json *json);
void json_array_end(struct json *json);
/* The name of the member whose value comes next. */
void json_key(struct json *json, const char *name);

void json_string(struct json *json, const char *text);
void json_u64(struct json *json, uint64_t value);
void json_i64(struct json *json, int64_t value);
void json_double(struct json *json, double value);
void json_bool(struct json *json, bool value);

/* A member, name and value in one; without a type, the value is text. */
void json_member(struct json *json, const char *name, const char *text);
void json_member_u64(struct json *json, const char *name, uint64_t value);
void json_member_i64(struct json *json, const char *name, int64_t value);
void json_member_double(struct json *json, const char *name, double value);
void json_member_bool(struct json *json, const char *name, bool value);
/* A member whose value is an array or an object, begun. */
void json_member_array_begin(struct json *json, const char *name);
void json_member_object_begin(struct json *json, const char *name);
/* A member for any bytes: "name" with the text when it is UTF-8, else "name_hex" with two digits a
 * byte. */
void json_member_bytes(struct json *json, const char *name, const void *data, size_t len);

#endif
