/* Files of transfers. */
#include "client/txbench/bench_ledger.h"

#include "common/array.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool bench_ledger_append(FILE *file, const struct bench_transfer *transfer)
{
    char line[256];
    int len = snprintf(line, sizeof line, "%s %s %s %" PRId64 "\n", transfer->id, transfer->from,
                       transfer->to, transfer->amount);
    /* One call, which holds the stream's lock: lines of several threads do not mix. */
    flockfile(file);
    bool written =
        fwrite_unlocked(line, 1, (size_t)len, file) == (size_t)len && fflush_unlocked(file) == 0;
    funlockfile(file);
    return written;
}

/* The next word of the line, up to a blank; false when it is empty or too long. */
static bool take_word(char **at, char *word, size_t size)
{
    size_t len = strcspn(*at, " ");
    if (len == 0 || len >= size) {
        return false;
    }
    memcpy(word, *at, len);
    word[len] = '\0';
    *at += len + ((*at)[len] == ' ' ? 1 : 0);
    return true;
}

static bool parse_line(char *line, struct bench_transfer *transfer)
{
    char amount[32];
    char *end = NULL;
    if (!take_word(&line, transfer->id, sizeof transfer->id) ||
        !take_word(&line, transfer->from, sizeof transfer->from) ||
        !take_word(&line, transfer->to, sizeof transfer->to) ||
        !take_word(&line, amount, sizeof amount) || *line != '\0') {
        return false;
    }
    errno = 0;
    transfer->amount = strtoll(amount, &end, 10);
    return errno == 0 && end != amount && *end == '\0';
}

static struct bench_transfer *ledger_grow(struct bench_ledger *ledger)
{
    struct bench_transfer *items =
        tx_array_room(ledger->items, ledger->n, &ledger->capacity, sizeof *items, 1024);
    if (items == NULL) {
        return NULL;
    }
    ledger->items = items;
    return &items[ledger->n];
}

/* 0, or the line that is wrong. */
static size_t read_lines(struct bench_ledger *ledger, FILE *in, char **line, size_t *size)
{
    ssize_t len;
    for (size_t number = 1; (len = getline(line, size, in)) > 0; number++) {
        if ((*line)[len - 1] != '\n') {
            return 0;
        }
        (*line)[len - 1] = '\0';
        struct bench_transfer *transfer = ledger_grow(ledger);
        if (transfer == NULL || strlen(*line) != (size_t)len - 1 || !parse_line(*line, transfer)) {
            return number;
        }
        ledger->n++;
    }
    return 0;
}

bool bench_ledger_read(struct bench_ledger *ledger, const char *file, char *why, size_t why_size)
{
    *ledger = (struct bench_ledger){0};
    FILE *in = fopen(file, "re");
    if (in == NULL) {
        (void)snprintf(why, why_size, "%s: %s", file, strerrordesc_np(errno));
        return false;
    }
    char *line = NULL;
    size_t size = 0;
    size_t wrong = read_lines(ledger, in, &line, &size);
    bool failed = ferror(in) != 0;
    free(line);
    (void)fclose(in);
    if (wrong > 0) {
        (void)snprintf(why, why_size, "%s:%zu: expected \"ID FROM TO AMOUNT\"", file, wrong);
    } else if (failed) {
        (void)snprintf(why, why_size, "%s: cannot be read", file);
    }
    return wrong == 0 && !failed;
}

void bench_ledger_deinit(struct bench_ledger *ledger)
{
    free(ledger->items);
    *ledger = (struct bench_ledger){0};
}
