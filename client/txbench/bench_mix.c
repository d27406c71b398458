/* Mixes in words. */
#include "client/txbench/bench_mix.h"

#include "common/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[BENCH_MIX_OPS] = {
    [BENCH_MIX_READ] = "read", [BENCH_MIX_UPDATE] = "update", [BENCH_MIX_INSERT] = "insert",
    [BENCH_MIX_SCAN] = "scan", [BENCH_MIX_RMW] = "rmw",
};

static const struct bench_mix letters[] = {
    {{[BENCH_MIX_READ] = 50, [BENCH_MIX_UPDATE] = 50}},
    {{[BENCH_MIX_READ] = 95, [BENCH_MIX_UPDATE] = 5}},
    {{[BENCH_MIX_READ] = 100}},
    {{[BENCH_MIX_READ] = 95, [BENCH_MIX_INSERT] = 5}},
    {{[BENCH_MIX_SCAN] = 95, [BENCH_MIX_INSERT] = 5}},
    {{[BENCH_MIX_READ] = 50, [BENCH_MIX_RMW] = 50}},
};

static bool op_of(const char *text, size_t len, size_t *op)
{
    for (*op = 0; *op < BENCH_MIX_OPS; (*op)++) {
        if (strlen(names[*op]) == len && strncmp(text, names[*op], len) == 0) {
            return true;
        }
    }
    return false;
}

/* "NAME=PERCENT" at `*text`, which then points behind it. */
static bool parse_share(const char **text, struct bench_mix *mix, char *why, size_t why_size)
{
    size_t op;
    size_t len = strcspn(*text, "=,");
    const char *number = *text + len + 1;
    char *end = NULL;
    if ((*text)[len] != '=' || !op_of(*text, len, &op)) {
        (void)snprintf(why, why_size,
                       "\"%.*s\" is no operation with a percentage: read=, update=, insert=, "
                       "scan=, rmw=",
                       (int)strcspn(*text, ","), *text);
        return false;
    }
    unsigned long percent = *number >= '0' && *number <= '9' ? strtoul(number, &end, 10) : 0;
    if (end == NULL || (*end != ',' && *end != '\0') || percent > 100) {
        (void)snprintf(why, why_size, "\"%.*s\" is no percentage from 0 to 100",
                       (int)strcspn(number, ","), number);
        return false;
    }
    mix->percent[op] += (unsigned)percent;
    *text = *end == ',' ? end + 1 : end;
    return true;
}

bool bench_mix_parse(const char *text, struct bench_mix *mix, char *why, size_t why_size)
{
    if (text[0] >= 'a' && text[0] <= 'f' && text[1] == '\0') {
        *mix = letters[text[0] - 'a'];
        return true;
    }
    *mix = (struct bench_mix){0};
    unsigned sum = 0;
    do {
        if (!parse_share(&text, mix, why, why_size)) {
            return false;
        }
    } while (*text != '\0');
    for (size_t op = 0; op < BENCH_MIX_OPS; op++) {
        sum += mix->percent[op];
    }
    if (sum != 100) {
        (void)snprintf(why, why_size, "the percentages of a mix make 100, not %u", sum);
        return false;
    }
    return true;
}

enum bench_mix_op bench_mix_choose(const struct bench_mix *mix, uint64_t random)
{
    unsigned left = (unsigned)(random % 100);
    for (size_t op = 0; op < BENCH_MIX_OPS; op++) {
        if (left < mix->percent[op]) {
            return (enum bench_mix_op)op;
        }
        left -= mix->percent[op];
    }
    TX_ASSERT(false);
    return BENCH_MIX_READ;
}
