/* Records as JSON. Bytes that are no UTF-8 come in hexadecimal, under the name with
 * "_hex" behind. */
#ifndef ASSENT_TXLOG_RECOVER_JSON_H
#define ASSENT_TXLOG_RECOVER_JSON_H

#include "common/json.h"
#include "txlog/record.h"
#include "txlog/txlog.h"

/* Members of the object that is open: "role", "name" or "coordinator", "cluster". */
void recover_json_identity(struct json *json, const struct txlog_identity *identity);
/* A member that is a transaction id in text. */
void recover_json_id(struct json *json, const char *name, struct tx_id id);
/* A member that is a time in text. */
void recover_json_time(struct json *json, const char *name, uint64_t unix_ms);
void recover_json_members(struct json *json, const char *name, const struct tx_member *members,
                          size_t n);
void recover_json_locks(struct json *json, const char *name, const struct txlog_lock *locks,
                        size_t n);
void recover_json_redo(struct json *json, const char *name, struct tx_bytes redo);
/* The whole record as one object. */
void recover_json_record(struct json *json, const struct txlog_record *record);

#endif
