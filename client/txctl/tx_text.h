/* Open transactions in words, for people and for programs: what txctl's commands about them share.
 */
#ifndef ASSENT_CLIENT_TX_TEXT_H
#define ASSENT_CLIENT_TX_TEXT_H

#include "client/txclient_admin.h"
#include "common/json.h"

#define TX_ROW_TEXT  1200
#define TX_TIME_TEXT 32

/* "prepared for 12.3 s, waits for ...; tries again in 800 ms, after 12 tries". Returns `out`. */
const char *tx_row_text(const txclient_tx_row *row, char out[TX_ROW_TEXT]);
/* "2026-11-21 20:52:07Z"; "-" for 0. Returns `out`. */
const char *tx_time_text(uint64_t unix_ms, char out[TX_TIME_TEXT]);
/* "OK", "DAMAGE", "open". Static. */
const char *tx_end_text(txclient_heuristic end);

/* The row as an object. */
void tx_row_json(struct json *json, const txclient_tx_row *row, const char *node);

#endif
