/* Locks in words, for people and for programs: what txctl's commands about locks share. */
#ifndef ASSENT_CLIENT_LOCK_TEXT_H
#define ASSENT_CLIENT_LOCK_TEXT_H

#include "client/txclient.h"
#include "common/json.h"

#define LOCK_PLACE_TEXT 100
#define LOCK_MS_TEXT    24

/* "the store", "accounts", "accounts/alice", "accounts/a..f"; bytes that are no text as \xNN, and
 * a long name cut. Returns `out`. */
const char *lock_place_text(const txclient_lock_row *row, char out[LOCK_PLACE_TEXT]);
/* "s", "six": as operations name them. Static. */
const char *lock_mode_text(txclient_lock_mode mode);
/* "12 ms", "3.4 s", "7 min". Returns `out`. */
const char *lock_ms_text(uint64_t ms, char out[LOCK_MS_TEXT]);

/* The row as an object; `participant` may be NULL. */
void lock_row_json(struct json *json, const txclient_lock_row *row, const char *participant);

#endif
