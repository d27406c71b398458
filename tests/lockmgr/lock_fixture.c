/* What the tests of the lock manager share. */
#include "lock_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct lockmgr *manager(size_t locks_max)
{
    struct lockmgr_options options = {.locks_max = locks_max,
                                      .wait_timeout_us = FIXTURE_TIMEOUT_US};
    return lockmgr_new(&options);
}

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return -1;
    }
    f->mgr = manager(100000);
    *state = f;
    return 0;
}

static void end_owners(struct fixture *f)
{
    for (int n = 0; n < FIXTURE_OWNERS_MAX; n++) {
        if (f->owners[n] != NULL) {
            lockmgr_release_all(f->mgr, &f->owners[n], &f->events);
            lockmgr_check(f->mgr);
        }
    }
    struct lockmgr_stats stats = lockmgr_stats(f->mgr);
    assert_int_equal(stats.owners + stats.held + stats.waiting, 0);
    assert_true(lockmgr_next_deadline(f->mgr) == UINT64_MAX);
    lockmgr_destroy(&f->mgr);
    assert_null(f->mgr);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    end_owners(f);
    lock_events_deinit(&f->events);
    free(f);
    return 0;
}

void fixture_options(struct fixture *f, struct lockmgr_options options)
{
    end_owners(f);
    options.wait_timeout_us = FIXTURE_TIMEOUT_US;
    if (options.locks_max == 0) {
        options.locks_max = 100000;
    }
    f->mgr = lockmgr_new(&options);
}

void fixture_limit(struct fixture *f, size_t locks_max)
{
    fixture_options(f, (struct lockmgr_options){.locks_max = locks_max});
}

/* "[from,to)" */
static struct lock_name range_name(const char *space, size_t space_len, const char *text)
{
    const char *comma = strchr(text, ',');
    assert_non_null(comma);
    return (struct lock_name){.space = tx_bytes(space, space_len),
                              .key = tx_bytes(text, (size_t)(comma - text)),
                              .to = tx_bytes(comma + 1, strlen(comma + 1) - 1),
                              .range = true};
}

struct lock_name fixture_name(const char *path)
{
    const char *slash = strchr(path, '/');
    if (slash == NULL) {
        return (struct lock_name){.space = tx_bytes_str(path)};
    }
    size_t space_len = (size_t)(slash - path);
    if (slash[1] == '[') {
        return range_name(path, space_len, slash + 2);
    }
    return (struct lock_name){.space = tx_bytes(path, space_len), .key = tx_bytes_str(slash + 1)};
}

enum lock_status acquire(struct fixture *f, int n, const char *path, enum tx_lock_mode mode)
{
    if (f->owners[n] == NULL) {
        struct tx_id id = {.coordinator = 1, .epoch = 1, .seq = (uint64_t)n + 1};
        struct tx_age age = {.counter = (uint64_t)n + 1, .coordinator = 1};
        f->owners[n] = lockmgr_begin(f->mgr, id, age);
    }
    /* On the heap and freed at once: the name is the caller's only for the call. */
    char *copy = strdup(path);
    assert_non_null(copy);
    enum lock_status status =
        lockmgr_acquire(f->mgr, f->owners[n], fixture_name(copy), mode, f->now_us, 0, &f->events);
    free(copy);
    lockmgr_check(f->mgr);
    return status;
}

enum tx_error release(struct fixture *f, int n, const char *path)
{
    enum tx_error error = lockmgr_release(f->mgr, f->owners[n], fixture_name(path), &f->events);
    lockmgr_check(f->mgr);
    return error;
}

void release_all(struct fixture *f, int n)
{
    lockmgr_release_all(f->mgr, &f->owners[n], &f->events);
    assert_null(f->owners[n]);
    lockmgr_check(f->mgr);
}

void cancel(struct fixture *f, int n)
{
    lockmgr_cancel(f->mgr, f->owners[n], &f->events);
    lockmgr_check(f->mgr);
}

void protect(struct fixture *f, int n)
{
    lockmgr_protect(f->mgr, f->owners[n]);
    lockmgr_check(f->mgr);
}

void expire(struct fixture *f, uint64_t now_us)
{
    f->now_us = now_us;
    lockmgr_expire(f->mgr, now_us, &f->events);
    lockmgr_check(f->mgr);
}

enum tx_lock_mode held(const struct fixture *f, int n, const char *path)
{
    return lockmgr_held(f->mgr, f->owners[n], fixture_name(path));
}

bool waiting(const struct fixture *f, int n)
{
    return lockmgr_is_waiting(f->owners[n]);
}

static char event_letter(enum lock_event_type type)
{
    switch (type) {
    case LOCK_EVENT_GRANTED:
        return 'G';
    case LOCK_EVENT_WOUNDED:
        return 'W';
    case LOCK_EVENT_WANTED:
        return 'N';
    case LOCK_EVENT_TIMED_OUT:
        return 'T';
    case LOCK_EVENT_CONFLICT:
        return 'C';
    }
    return '?';
}

void expect_events(struct fixture *f, const char *expected)
{
    char text[1024] = "";
    size_t len = 0;
    for (size_t i = 0; i < f->events.events_n; i++) {
        const struct lock_event *event = &f->events.events[i];
        int added = snprintf(text + len, sizeof text - len, "%s%c%d", i == 0 ? "" : " ",
                             event_letter(event->type), (int)event->tx.seq - 1);
        assert_true(added > 0 && len + (size_t)added < sizeof text);
        len += (size_t)added;
    }
    f->events.events_n = 0;
    assert_string_equal(text, expected);
}
