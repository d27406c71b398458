/* Numbers and ids from the command line. */
#include "txlog/recover/recover_options.h"

#include <string.h>

#define DIGITS "0123456789"

enum tx_error recover_parse_lsn(const char *text, struct tx_lsn *lsn, struct tx_why *why)
{
    size_t digits = strspn(text, DIGITS);
    uint64_t n = 0;
    if (digits == 0 || text[digits] != '\0')
        return tx_why(why, TX_EFORMAT, "\"%.64s\" is no LSN: character %zu is no digit", text,
                      digits + 1);
    for (size_t i = 0; i < digits; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return tx_why(why, TX_EFORMAT, "\"%.64s\" is no LSN: it is too large", text);
        n = n * 10 + digit;
    }
    if (n == 0)
        return tx_why(why, TX_EFORMAT, "0 is no LSN: the first record is LSN 1");
    lsn->n = n;
    return TX_OK;
}

enum tx_error recover_parse_id(const char *text, struct tx_id *id, struct tx_why *why)
{
    static const char *const parts[] = {"coordinator", "epoch", "sequence"};
    if (tx_id_parse(text, id) == TX_OK)
        return TX_OK;
    size_t at = 0;
    for (size_t part = 0; part < 3; part++) {
        size_t digits = strspn(text + at, DIGITS);
        if (digits == 0)
            return tx_why(why, TX_EFORMAT,
                          "\"%.64s\" is no transaction id: at character %zu the number of the %s "
                          "is missing; an id looks like 1-7-42",
                          text, at + 1, parts[part]);
        at += digits;
        char wanted = part < 2 ? '-' : '\0';
        if (text[at] != wanted)
            return tx_why(why, TX_EFORMAT,
                          "\"%.64s\" is no transaction id: at character %zu %s; an id looks like "
                          "1-7-42",
                          text, at + 1, part < 2 ? "a '-' is missing" : "it should end");
        at++;
    }
    return tx_why(why, TX_EFORMAT,
                  "\"%.64s\" is no transaction id: a number is 0, too large or has a leading 0; "
                  "an id looks like 1-7-42",
                  text);
}
