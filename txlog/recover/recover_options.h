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

#endif
