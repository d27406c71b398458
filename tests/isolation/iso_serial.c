/* Serial orders, tried one after the other on a store of a few lines. */
#include "tests/isolation/iso_serial.h"

#include "common/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 8

/* Ascending by key. */
struct store {
    struct {
        const char *key;
        char value[ISO_TEXT];
    } rows[KEYS_MAX];
    size_t n;
};

static size_t place_of(const struct store *store, const char *key)
{
    size_t i = 0;
    while (i < store->n && strcmp(store->rows[i].key, key) < 0) {
        i++;
    }
    return i;
}

static bool has(const struct store *store, size_t place, const char *key)
{
    return place < store->n && strcmp(store->rows[place].key, key) == 0;
}

static void put(struct store *store, const char *key, const char *value)
{
    size_t i = place_of(store, key);
    if (!has(store, i, key)) {
        TX_ASSERT(store->n < KEYS_MAX);
        memmove(&store->rows[i + 1], &store->rows[i], (store->n - i) * sizeof store->rows[0]);
        store->n++;
        store->rows[i].key = key;
    }
    (void)snprintf(store->rows[i].value, ISO_TEXT, "%s", value);
}

/* The rows from `from` up to `to`. */
static void scan(const struct store *store, const char *from, const char *to, bool back,
                 char out[ISO_TEXT])
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < store->n; i++) {
        size_t row = back ? store->n - 1 - i : i;
        const char *key = store->rows[row].key;
        bool inside = strcmp(from, key) <= 0 && (to[0] == '\0' || strcmp(key, to) < 0);
        if (inside) {
            at += (size_t)snprintf(out + at, ISO_TEXT - at, "%s=%s ", key, store->rows[row].value);
        }
    }
}

/* Carries a step out; false when it could not be so: it read something else, or would abort. */
static bool carry_out(struct store *store, const struct iso_step *step,
                      const char (*read)[ISO_TEXT], unsigned number)
{
    char text[ISO_TEXT];
    const char *key = step->key != NULL ? step->key : "";
    const char *value = step->text != NULL ? step->text : "";
    size_t i = place_of(store, key);
    bool there = has(store, i, key);
    switch (step->what) {
    case DO_GET:
    case DO_GET_FOR_UPDATE:
        return strcmp(read[number], there ? store->rows[i].value : "-") == 0;
    case DO_SCAN:
    case DO_SCAN_BACK:
        scan(store, key, value, step->what == DO_SCAN_BACK, text);
        return strcmp(read[number], text) == 0;
    case DO_PUT_SUM:
        (void)snprintf(text, sizeof text, "%ld", strtol(read[step->from], NULL, 10) + 1);
        put(store, key, text);
        return true;
    case DO_INSERT:
    case DO_PUT:
        if (step->what == DO_INSERT && there) {
            return false;
        }
        put(store, key, value);
        return true;
    case DO_DELETE:
        if (there) {
            store->n--;
            memmove(&store->rows[i], &store->rows[i + 1], (store->n - i) * sizeof store->rows[0]);
        }
        return true;
    case DO_NOTHING:
    case DO_PREPARE:
    case DO_DECIDE:
    case DO_COMMIT:
    case DO_ABORT:
    case DO_FINISH:
        break;
    }
    return true;
}

/* When the client was told of the commit. */
static unsigned acknowledged(const struct iso_script *script, const struct iso_run *run,
                             size_t session)
{
    unsigned last = iso_script_steps(script) - 1;
    if (last > 0 && script->steps[last - 1].what == DO_DECIDE) {
        last--;
    }
    return run->begun[session][last];
}

struct trial {
    const struct iso_script *scripts;
    const struct iso_run *run;
    size_t sessions;
    bool used[ISO_SESSIONS];
};

/* Must one that is not placed yet come before this one? */
static bool too_early(const struct trial *trial, size_t session)
{
    for (size_t s = 0; s < trial->sessions; s++) {
        if (s != session && !trial->used[s] &&
            acknowledged(&trial->scripts[s], trial->run, s) < trial->run->begun[session][0]) {
            return true;
        }
    }
    return false;
}

static bool place_next(struct trial *trial, const struct store *before)
{
    bool left = false;
    for (size_t s = 0; s < trial->sessions; s++) {
        if (trial->used[s]) {
            continue;
        }
        left = true;
        if (too_early(trial, s)) {
            continue;
        }
        struct store after = *before;
        unsigned steps = iso_script_steps(&trial->scripts[s]);
        bool fits = true;
        for (unsigned i = 0; i < steps && fits; i++) {
            fits = carry_out(&after, &trial->scripts[s].steps[i], trial->run->read[s], i);
        }
        trial->used[s] = true;
        bool serial = fits && place_next(trial, &after);
        trial->used[s] = false;
        if (serial) {
            return true;
        }
    }
    char text[ISO_TEXT];
    scan(before, "", "", false, text);
    return !left && strcmp(text, trial->run->all) == 0;
}

bool iso_is_serial(const struct iso_script *scripts, size_t sessions, const struct iso_run *run)
{
    struct trial trial = {.scripts = scripts, .run = run, .sessions = sessions};
    struct store store = {.n = 0};
    put(&store, "x", "10");
    put(&store, "y", "10");
    for (size_t s = 0; s < sessions; s++) {
        trial.used[s] = !run->committed[s]; /* who has aborted was never there */
    }
    return place_next(&trial, &store);
}
