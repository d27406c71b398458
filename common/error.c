/* The table of error texts, and the writer of sentences. */
#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const error_texts[TX_ERRORS_N] = {
#define X(name, text) [name] = (text),
    TX_ERRORS(X)
#undef X
};

static const char *const error_names[TX_ERRORS_N] = {
#define X(name, text) [name] = #name,
    TX_ERRORS(X)
#undef X
};

const char *tx_error_text(enum tx_error error)
{
    return (unsigned)error < TX_ERRORS_N ? error_texts[error] : "unknown error";
}

const char *tx_error_name(enum tx_error error)
{
    return (unsigned)error < TX_ERRORS_N ? error_names[error] : "TX_E?";
}

enum tx_error tx_why(struct tx_why *why, enum tx_error error, const char *format, ...)
{
    if (why != NULL) {
        va_list args;
        va_start(args, format);
        int written = vsnprintf(why->text, sizeof why->text, format, args);
        va_end(args);
        if (written < 0) { /* a broken multibyte argument; say at least what kind of error it is */
            (void)snprintf(why->text, sizeof why->text, "%s", tx_error_text(error));
        }
    }
    return error;
}
