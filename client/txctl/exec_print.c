/* What txctl exec prints of its operations: errors in their place, bytes, how a scan goes on. */
#include "client/txctl/exec_parse.h"

#include <stdio.h>
#include <stdlib.h>

void exec_error_print(const struct exec_error *error, const char *name, const char *text,
                      size_t len, void *file)
{
    FILE *out = file;
    size_t begin = 0;
    for (size_t line = 1; line < error->line; line++) {
        const char *end = memchr(text + begin, '\n', len - begin);
        begin = (size_t)(end - text) + 1;
    }
    const char *end = memchr(text + begin, '\n', len - begin);
    size_t width = end != NULL ? (size_t)(end - text) - begin : len - begin;
    (void)fprintf(out, "%s:%zu:%zu: %s\n    ", name, error->line, error->column, error->text);
    for (size_t i = 0; i < width; i++) {
        char c = text[begin + i];
        (void)fputc(c == '\t' || (c >= ' ' && c < 0x7f) ? c : '?', out);
    }
    (void)fputs("\n    ", out);
    for (size_t i = 0; i + 1 < error->column; i++) {
        (void)fputc(i < width && text[begin + i] == '\t' ? '\t' : ' ', out);
    }
    (void)fputs("^\n", out);
}

char *exec_printable(const void *data, size_t len)
{
    const unsigned char *bytes = data;
    char *out = malloc(len * 4 + 1);
    size_t at = 0;
    for (size_t i = 0; out != NULL && i < len; i++) {
        if (bytes[i] >= ' ' && bytes[i] < 0x7f && bytes[i] != '\\') {
            out[at++] = (char)bytes[i];
        } else {
            (void)snprintf(out + at, 5, "\\x%02x", bytes[i]);
            at += 4;
        }
    }
    if (out != NULL) {
        out[at] = '\0';
    }
    return out;
}

/* ---- the rest of a scan ---- */

/* As a word: as it is where nothing in it means anything to the parser, else quoted. */
static void print_word(FILE *out, txclient_bytes bytes, bool zero_behind)
{
    const unsigned char *data = bytes.data;
    bool plain = bytes.len > 0 && !zero_behind && data[0] != '#' && data[0] != '-';
    for (size_t i = 0; i < bytes.len; i++) {
        bool safe = data[i] > ' ' && data[i] < 0x7f && strchr("\"'\\;", data[i]) == NULL;
        plain = plain && safe;
    }
    if (plain) {
        (void)fwrite(data, 1, bytes.len, out);
        return;
    }
    (void)fputc('"', out);
    for (size_t i = 0; i < bytes.len; i++) {
        bool safe = data[i] >= ' ' && data[i] < 0x7f && data[i] != '"' && data[i] != '\\';
        (void)fprintf(out, safe ? "%c" : "\\x%02x", data[i]);
    }
    (void)fputs(zero_behind ? "\\x00\"" : "\"", out);
}

static void print_scan(FILE *out, const struct exec_scan *scan, const txclient_range *range)
{
    (void)fprintf(out, "scan %s/", range->participant);
    print_word(out, txclient_str(range->space), false);
    if (range->from.len > 0 || range->to.len > 0) {
        (void)fputc(' ', out);
        print_word(out, range->from, range->after && range->from.len > 0);
    }
    if (range->to.len > 0) {
        (void)fputc(' ', out);
        print_word(out, range->to, false);
    }
    if (range->prefix.len > 0) {
        (void)fputs(" --prefix ", out);
        print_word(out, range->prefix, false);
    }
    if (scan->limit > 0) {
        (void)fprintf(out, " --limit %u", scan->limit);
    }
    (void)fputs(scan->reverse ? " --reverse" : "", out);
}

char *exec_scan_rest(const struct exec_scan *scan, const txclient_value *value)
{
    txclient_range rest;
    char *text = NULL;
    size_t len = 0;
    if (!txclient_rows_more(value, &scan->range, scan->reverse, &rest)) {
        return NULL;
    }
    FILE *out = open_memstream(&text, &len);
    if (out == NULL) {
        return NULL;
    }
    print_scan(out, scan, &rest);
    return fclose(out) == 0 ? text : NULL;
}
