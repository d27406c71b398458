#include "coordinator/backup_schedule.h"

#include "client/backup_drive.h"
#include "common/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* The repository is looked at so often, for what others have put there. */
#define LOOK_MS     UINT64_C(15000)
#define LOOK_MIN_MS UINT64_C(20)
/* When somebody else is at work in the repository. */
#define BUSY_MS UINT64_C(1000)
/* Daemons that start together need a moment to hear of one another: until then, or until one backup
 * has been taken, it is no failure that they have not. */
#define GRACE_US    UINT64_C(5000000)
#define GRACE_AT_MS UINT64_C(200)
/* One question to a daemon, so that a stop is never far; and for how long it is asked again. */
#define REQUEST_MS 1000u
#define ANSWER_MS  14000u

struct backup_schedule {
    struct backup_schedule_options options;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    int fd;
    bool started, stopping, held;
    bool nudged; /* something has changed: the thread does not sleep before it has looked */
    struct backup_schedule_settings settings; /* in force */
    uint64_t since_us;                        /* from when on it may take backups: set, or let go */
    char under_way[1024];                     /* the repository of the backup under way, or empty */
    bool ended;                               /* `event` waits to be taken */
    struct backup_schedule_event event;
    struct backup_schedule_view view; /* on, held, running and the ages are filled in when asked */
    /* The thread's own. */
    uint64_t not_before_us; /* monotonic: the next start */
    unsigned failures;      /* in a row */
    uint64_t settled_us;    /* the `since_us` that a backup has been taken after */
};

static bool is_on(const struct backup_schedule_settings *settings)
{
    return settings->into[0] != '\0' && settings->plan.every_ms > 0;
}

/* ---- what the loop calls ---- */

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

enum tx_error backup_schedule_new(const struct backup_schedule_options *options,
                                  struct backup_schedule **schedule, struct tx_why *why)
{
    struct backup_schedule *made = calloc(1, sizeof *made);

    if (made == NULL)
        return tx_why(why, TX_ENOMEM, "out of memory");
    made->options = *options;
    made->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->fd < 0) {
        free(made);
        return tx_why(why, TX_EIO, "cannot make an eventfd: %s", strerror(errno));
    }
    (void)pthread_mutex_init(&made->lock, NULL);
    init_condition(&made->wake);
    *schedule = made;
    return TX_OK;
}

static void *run(void *arg);

enum tx_error backup_schedule_set(struct backup_schedule *schedule,
                                  const struct backup_schedule_settings *settings,
                                  struct tx_why *why)
{
    enum tx_error error = TX_OK;

    (void)pthread_mutex_lock(&schedule->lock);
    if (!is_on(settings) || strcmp(settings->into, schedule->settings.into) != 0) {
        schedule->view.newest_ms = 0;
        schedule->view.next_ms = 0;
        schedule->view.problem[0] = '\0';
        schedule->since_us = clock_now_us();
    }
    schedule->settings = *settings;
    schedule->nudged = true;
    if (is_on(settings) && !schedule->started && !schedule->stopping) {
        const int failed = pthread_create(&schedule->thread, NULL, run, schedule);

        schedule->started = failed == 0;
        if (failed != 0)
            error =
                tx_why(why, TX_EIO, "cannot start the thread of the backups: %s", strerror(failed));
    }
    (void)pthread_cond_signal(&schedule->wake);
    (void)pthread_mutex_unlock(&schedule->lock);
    return error;
}

void backup_schedule_hold(struct backup_schedule *schedule, bool on)
{
    (void)pthread_mutex_lock(&schedule->lock);
    schedule->held = on;
    schedule->nudged = true;
    schedule->since_us = clock_now_us();
    (void)pthread_cond_signal(&schedule->wake);
    (void)pthread_mutex_unlock(&schedule->lock);
}

bool backup_schedule_running(struct backup_schedule *schedule)
{
    (void)pthread_mutex_lock(&schedule->lock);
    const bool running = schedule->under_way[0] != '\0';
    (void)pthread_mutex_unlock(&schedule->lock);
    return running;
}

void backup_schedule_view(struct backup_schedule *schedule, struct backup_schedule_view *view)
{
    const uint64_t now_ms = clock_wall_ms();
    const uint64_t now_us = clock_now_us();

    (void)pthread_mutex_lock(&schedule->lock);
    *view = schedule->view;
    view->on = is_on(&schedule->settings);
    view->held = schedule->held;
    view->running = schedule->under_way[0] != '\0';
    view->every_ms = view->on ? schedule->settings.plan.every_ms : 0;
    const uint64_t waited_ms = (now_us - schedule->since_us) / 1000u;
    (void)pthread_mutex_unlock(&schedule->lock);
    view->age_ms = view->newest_ms > 0 && now_ms > view->newest_ms ? now_ms - view->newest_ms : 0;
    if (!view->on || view->newest_ms == 0)
        view->late = view->on && waited_ms > backup_due_late_ms(view->every_ms);
    else
        view->late = view->age_ms > backup_due_late_ms(view->every_ms);
}

int backup_schedule_fd(const struct backup_schedule *schedule)
{
    return schedule->fd;
}

bool backup_schedule_take(struct backup_schedule *schedule, struct backup_schedule_event *event)
{
    uint64_t count;
    bool ended;

    if (read(schedule->fd, &count, sizeof count) < 0 && errno != EAGAIN)
        return false;
    (void)pthread_mutex_lock(&schedule->lock);
    ended = schedule->ended;
    if (ended)
        *event = schedule->event;
    schedule->ended = false;
    (void)pthread_cond_signal(&schedule->wake);
    (void)pthread_mutex_unlock(&schedule->lock);
    return ended;
}

void backup_schedule_stop(struct backup_schedule *schedule)
{
    (void)pthread_mutex_lock(&schedule->lock);
    const bool started = schedule->started;
    schedule->stopping = true;
    schedule->started = false;
    (void)pthread_cond_signal(&schedule->wake);
    (void)pthread_mutex_unlock(&schedule->lock);
    if (started)
        (void)pthread_join(schedule->thread, NULL);
}

void backup_schedule_destroy(struct backup_schedule **schedule)
{
    struct backup_schedule *old = *schedule;

    if (old == NULL)
        return;
    *schedule = NULL;
    backup_schedule_stop(old);
    (void)close(old->fd);
    (void)pthread_cond_destroy(&old->wake);
    (void)pthread_mutex_destroy(&old->lock);
    free(old);
}

/* ---- the thread: one backup ---- */

/* May it go on, and into this repository? */
static bool told_to_stop(void *arg)
{
    struct backup_schedule *schedule = arg;

    (void)pthread_mutex_lock(&schedule->lock);
    const bool stop = schedule->stopping || schedule->held || !is_on(&schedule->settings) ||
                      strcmp(schedule->settings.into, schedule->under_way) != 0;
    (void)pthread_mutex_unlock(&schedule->lock);
    return stop;
}

static void show_problem(struct backup_schedule *schedule, const char *text)
{
    (void)pthread_mutex_lock(&schedule->lock);
    (void)snprintf(schedule->view.problem, sizeof schedule->view.problem, "%s", text);
    (void)pthread_mutex_unlock(&schedule->lock);
}

/* The loop tells of it. */
static void ended(struct backup_schedule *schedule, const struct backup_schedule_event *event)
{
    const uint64_t one = 1;

    (void)pthread_mutex_lock(&schedule->lock);
    schedule->event = *event;
    schedule->ended = true;
    if (event->error != TX_OK && !event->withdrawn)
        schedule->view.failed++;
    if (!event->withdrawn)
        (void)snprintf(schedule->view.problem, sizeof schedule->view.problem, "%s",
                       event->error != TX_OK ? event->text : "");
    (void)pthread_mutex_unlock(&schedule->lock);
    if (write(schedule->fd, &one, sizeof one) < 0)
        return; /* it is readable already */
}

static void tell_taken(struct backup_schedule *schedule, const struct backup_manifest *manifest,
                       struct backup_schedule_event *event)
{
    const uint64_t took_ms =
        manifest->ended_ms > manifest->began_ms ? manifest->ended_ms - manifest->began_ms : 0;

    (void)snprintf(event->text, sizeof event->text,
                   "%s: %zu nodes, cut %" PRIu64 ", %" PRIu64 " bytes, %" PRIu64
                   " added, in %" PRIu64 " ms",
                   manifest->name, manifest->members_n, manifest->cut, manifest->bytes,
                   manifest->stored, took_ms);
    (void)pthread_mutex_lock(&schedule->lock);
    schedule->view.taken++;
    schedule->view.took_ms = took_ms;
    schedule->view.bytes = manifest->bytes;
    schedule->view.stored = manifest->stored;
    schedule->view.newest_ms = manifest->began_ms;
    schedule->settled_us = schedule->since_us;
    (void)pthread_mutex_unlock(&schedule->lock);
}

/* The backup is there whatever becomes of the older ones; but somebody should look. */
static void remove_older(const struct backup_drive *drive, uint64_t keep,
                         struct backup_schedule_event *event)
{
    struct backup_kept kept;
    struct tx_why why;
    const size_t used = strlen(event->text);
    enum tx_error error;

    if (keep == 0)
        return;
    error = backup_drive_keep(drive->repo, keep, drive->manifest.name, &kept, &why);
    event->error = error;
    if (error != TX_OK)
        (void)snprintf(event->text + used, sizeof event->text - used,
                       "; but older ones cannot be removed: %s", why.text);
    else
        (void)snprintf(event->text + used, sizeof event->text - used, "; %zu kept, %zu removed",
                       kept.kept, kept.removed);
}

static bool in_grace(struct backup_schedule *schedule)
{
    (void)pthread_mutex_lock(&schedule->lock);
    const bool grace = schedule->settled_us != schedule->since_us &&
                       clock_now_us() < schedule->since_us + GRACE_US;
    (void)pthread_mutex_unlock(&schedule->lock);
    return grace;
}

/* Holds a failure against the schedule; or has it look again soon, quietly. */
static void give_up(struct backup_schedule *schedule,
                    const struct backup_schedule_settings *settings,
                    const struct backup_drive_trouble *trouble, struct backup_schedule_event *event)
{
    if (trouble->early && trouble->withdrawn) {
        if (!told_to_stop(schedule)) /* fenced, of which the coordinator itself says more */
            show_problem(schedule, trouble->text);
        return;
    }
    if (trouble->early && in_grace(schedule)) {
        schedule->not_before_us = clock_now_us() + GRACE_AT_MS * 1000u;
        return;
    }
    event->error = trouble->error;
    event->withdrawn = trouble->withdrawn;
    (void)snprintf(event->text, sizeof event->text, "%s", trouble->text);
    if (!event->withdrawn)
        schedule->failures++;
    schedule->not_before_us =
        clock_now_us() + backup_due_pause_ms(&settings->plan, schedule->failures) * 1000u;
    ended(schedule, event);
}

/* The next one counts from the time that is this one's name, which a busy machine has drawn later
 * than it meant to. */
static void keep_apart(struct backup_schedule *schedule,
                       const struct backup_schedule_settings *settings,
                       const struct backup_manifest *manifest)
{
    const uint64_t pause_ms = backup_due_pause_ms(&settings->plan, 0), now_ms = clock_wall_ms();
    const uint64_t age_ms = now_ms > manifest->began_ms ? now_ms - manifest->began_ms : 0;

    if (age_ms < pause_ms) {
        const uint64_t at_us = clock_now_us() + (pause_ms - age_ms) * 1000u;

        if (schedule->not_before_us < at_us)
            schedule->not_before_us = at_us;
    }
}

static void drive(struct backup_schedule *schedule, const struct backup_schedule_settings *settings,
                  const struct backup_repo *repo, txclient *client)
{
    struct backup_schedule_event event = {.error = TX_OK};
    struct backup_drive run = {.client = client,
                               .repo = repo,
                               .answer_ms = ANSWER_MS,
                               .need_up = true,
                               .stopped = told_to_stop,
                               .arg = schedule};

    (void)snprintf(event.into, sizeof event.into, "%s", settings->into);
    if (backup_drive_run(&run)) {
        schedule->failures = 0;
        keep_apart(schedule, settings, &run.manifest);
        tell_taken(schedule, &run.manifest, &event);
        remove_older(&run, settings->keep, &event);
        ended(schedule, &event);
    } else {
        give_up(schedule, settings, &run.trouble, &event);
    }
    backup_drive_deinit(&run);
}

static void fail(struct backup_schedule *schedule, const struct backup_schedule_settings *settings,
                 enum tx_error error, const char *text)
{
    struct backup_schedule_event event = {.error = TX_OK};
    struct backup_drive_trouble trouble = {.error = error};

    (void)snprintf(event.into, sizeof event.into, "%s", settings->into);
    (void)snprintf(trouble.text, sizeof trouble.text, "%s", text);
    give_up(schedule, settings, &trouble, &event);
}

static void with_client(struct backup_schedule *schedule,
                        const struct backup_schedule_settings *settings,
                        const struct backup_repo *repo)
{
    const txclient_options options = {.size = sizeof options,
                                      .name = "schedule",
                                      .connect_timeout_ms = REQUEST_MS,
                                      .request_timeout_ms = REQUEST_MS,
                                      .message_max = (uint32_t)schedule->options.message_max};
    txclient *client = NULL;
    txclient_why why;

    if (txclient_open(schedule->options.cluster, schedule->options.coordinator, &options, &client,
                      &why) != TXCLIENT_OK) {
        fail(schedule, settings, TX_EIO, why.text);
        return;
    }
    drive(schedule, settings, repo, client);
    txclient_close(&client);
}

/* ---- the thread: when ---- */

/* Needs no lock: a backup is there once its manifest is. TX_ENOTFOUND counts as none. */
static enum tx_error newest_in(const struct backup_schedule_settings *settings, uint64_t *newest_ms,
                               struct tx_why *why)
{
    struct backup_repo unlocked = {.lock_fd = -1};
    struct backup_names names = {0};
    const uint64_t now_ms = clock_wall_ms();
    enum tx_error error;

    *newest_ms = 0;
    if (strlen(settings->into) >= sizeof unlocked.path)
        return tx_why(why, TX_ELIMIT, "%.300s: the path is too long", settings->into);
    (void)snprintf(unlocked.path, sizeof unlocked.path, "%s", settings->into);
    error = backup_repo_list(&unlocked, &names, why);
    for (size_t i = 0; error == TX_OK && i < names.n; i++) {
        uint64_t ms;

        if (backup_due_name_ms(names.items[i], &ms) && ms > *newest_ms &&
            !backup_due_absurd(&settings->plan, ms, now_ms))
            *newest_ms = ms;
    }
    backup_names_deinit(&names);
    return error == TX_ENOTFOUND ? TX_OK : error;
}

/* Looks, and publishes what it finds. */
static enum tx_error look(struct backup_schedule *schedule,
                          const struct backup_schedule_settings *settings, uint64_t *due_ms,
                          struct tx_why *why)
{
    uint64_t newest_ms;
    enum tx_error error = newest_in(settings, &newest_ms, why);

    *due_ms = backup_due_ms(&settings->plan, newest_ms);
    if (error != TX_OK)
        return error;
    (void)pthread_mutex_lock(&schedule->lock);
    if (strcmp(schedule->settings.into, settings->into) == 0) {
        if (newest_ms > schedule->view.newest_ms) { /* somebody has taken one */
            schedule->view.problem[0] = '\0';
            schedule->failures = 0;
        }
        schedule->view.newest_ms = newest_ms;
        schedule->view.next_ms = *due_ms;
    }
    (void)pthread_mutex_unlock(&schedule->lock);
    return TX_OK;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void set_under_way(struct backup_schedule *schedule, const char *into)
{
    (void)pthread_mutex_lock(&schedule->lock);
    (void)snprintf(schedule->under_way, sizeof schedule->under_way, "%s", into);
    (void)pthread_mutex_unlock(&schedule->lock);
}

/* With the repository locked it is looked at again: another coordinator may have just done it. */
static void take(struct backup_schedule *schedule, const struct backup_schedule_settings *settings)
{
    struct backup_repo repo;
    struct tx_why why;
    uint64_t due_ms;
    const uint64_t pause_us = backup_due_pause_ms(&settings->plan, 0) * 1000u;
    enum tx_error error = backup_repo_open(&repo, settings->into, BACKUP_REPO_CREATE, &why);

    if (error == TX_EBUSY) {
        schedule->not_before_us =
            clock_now_us() + least(BUSY_MS, settings->plan.every_ms / 4 + LOOK_MIN_MS) * 1000u;
        backup_repo_close(&repo);
        return;
    }
    schedule->not_before_us = clock_now_us() + pause_us;
    set_under_way(schedule, settings->into);
    if (error == TX_OK)
        error = look(schedule, settings, &due_ms, &why);
    if (error != TX_OK)
        fail(schedule, settings, error, why.text);
    else if (due_ms <= clock_wall_ms() && !told_to_stop(schedule))
        with_client(schedule, settings, &repo);
    backup_repo_close(&repo);
    set_under_way(schedule, "");
}

/* One turn: takes a backup if it is time. How long to sleep then, in milliseconds. */
static uint64_t turn(struct backup_schedule *schedule,
                     const struct backup_schedule_settings *settings)
{
    const uint64_t look_ms = least(LOOK_MS, settings->plan.every_ms / 4 + LOOK_MIN_MS);
    struct tx_why why;
    uint64_t due_ms, now_ms;

    if (look(schedule, settings, &due_ms, &why) != TX_OK)
        due_ms = 0; /* taking one says what is wrong, in its time */
    if (due_ms <= clock_wall_ms() && clock_now_us() >= schedule->not_before_us) {
        take(schedule, settings);
        (void)look(schedule, settings, &due_ms, &why);
    }
    now_ms = clock_wall_ms();
    const uint64_t now_us = clock_now_us();
    const uint64_t kept_ms =
        schedule->not_before_us > now_us ? (schedule->not_before_us - now_us) / 1000u + 1 : 0;
    const uint64_t due_in_ms = due_ms > now_ms ? due_ms - now_ms : 0;
    return least(due_in_ms > kept_ms ? due_in_ms : kept_ms, look_ms);
}

static void sleep_for(struct backup_schedule *schedule, uint64_t ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000u);
    until.tv_nsec += (long)(ms % 1000u) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    (void)pthread_cond_timedwait(&schedule->wake, &schedule->lock, &until);
}

static void *run(void *arg)
{
    struct backup_schedule *schedule = arg;

    (void)pthread_mutex_lock(&schedule->lock);
    while (!schedule->stopping) {
        const struct backup_schedule_settings settings = schedule->settings;

        if (!is_on(&settings) || schedule->held || schedule->ended) {
            (void)pthread_cond_wait(&schedule->wake, &schedule->lock);
            continue;
        }
        schedule->nudged = false;
        (void)pthread_mutex_unlock(&schedule->lock);
        const uint64_t ms = turn(schedule, &settings);
        (void)pthread_mutex_lock(&schedule->lock);
        if (!schedule->stopping && !schedule->nudged)
            sleep_for(schedule, ms);
    }
    (void)pthread_mutex_unlock(&schedule->lock);
    return NULL;
}
