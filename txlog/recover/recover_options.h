/* Numbers and ids from the command line, each with a text that says where it goes wrong. */
#ifndef ASSENT_TXLOG_RECOVER_OPTIONS_H
#define ASSENT_TXLOG_RECOVER_OPTIONS_H

#include "common/ids.h"

/* A position, from 1. TX_EFORMAT, with a text. */
enum tx_error recover_parse_lsn(const char *text, struct tx_lsn *lsn,
                                struct tx_why *why) TX_MUST_CHECK;
/* As tx_id_parse(), with a text that names the character. */
enum tx_error recover_parse_id(const char *text, struct tx_id *id,
                               struct tx_why *why) TX_MUST_CHECK;
/* A time, in Unix milliseconds: RFC 3339 ("2026-11-21T10:00:00.5Z", "... +01:00"; the date alone is
 * its midnight, and without a zone it is UTC), "now", or an age: "90s ago", "5m ago", "2h ago", "1d
 * ago". `now_ms` is the present time. TX_EFORMAT, with a text. */
enum tx_error recover_parse_time(const char *text, uint64_t now_ms, uint64_t *unix_ms,
                                 struct tx_why *why) TX_MUST_CHECK;

#endif
