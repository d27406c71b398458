#include "coordinator/coord_backup.h"

#include "common/status_fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- the configuration ---- */

enum tx_error coord_backup_check(const struct coord_config *config, struct tx_why *why)
{
    unsigned at_min;

    if (config->backup_into[0] != '\0' && config->backup_into[0] != '/')
        return tx_why(why, TX_EFORMAT,
                      "[backup] into is \"%.200s\"; a daemon needs the whole path of the "
                      "repository, from / on",
                      config->backup_into);
    if (config->backup_at[0] == '\0')
        return TX_OK;
    if (!backup_due_parse_at(config->backup_at, &at_min))
        return tx_why(why, TX_EFORMAT,
                      "[backup] at is \"%s\"; expected a time of the day in UTC from 00:00 to "
                      "23:59, or nothing",
                      config->backup_at);
    if (config->backup_every_ms > 0 && !backup_due_fits_day(config->backup_every_ms))
        return tx_why(why, TX_EFORMAT,
                      "[backup] every (%" PRIu64 "ms) does not go with at: it must be a part of "
                      "24h, such as 6h, or whole days",
                      config->backup_every_ms);
    return TX_OK;
}

static struct backup_schedule_settings settings_of(const struct coord_config *config)
{
    struct backup_schedule_settings settings = {
        .plan = {.every_ms = config->backup_every_ms, .daily = config->backup_at[0] != '\0'},
        .keep = config->backup_keep};

    snprintf(settings.into, sizeof settings.into, "%s", config->backup_into);
    if (settings.plan.daily && !backup_due_parse_at(config->backup_at, &settings.plan.at_min))
        settings.plan.daily = false; /* never: it was checked when it was read */
    return settings;
}

/* ---- what has ended ---- */

static void tell(struct coord_backup *backup, const struct backup_schedule_event *event)
{
    const struct tx_bytes text = tx_bytes_str(event->text);

    node_admin_backed_up(backup->node->admin, "schedule", tx_bytes_str(event->into), event->error,
                         event->text);
    if (event->error == TX_OK)
        LOG_INFO("a backup was taken by the schedule", "into=%s what=%s",
                 LOG_Q(tx_bytes_str(event->into)), LOG_Q(text));
    else if (event->withdrawn)
        LOG_INFO("the backup of the schedule was given up", "into=%s why=%s",
                 LOG_Q(tx_bytes_str(event->into)), LOG_Q(text));
    else
        LOG_WARN("the backup of the schedule failed, and will be tried again", "into=%s why=%s",
                 LOG_Q(tx_bytes_str(event->into)), LOG_Q(text));
}

static void has_ended(void *arg)
{
    struct coord_backup *backup = arg;
    struct backup_schedule_event event;

    if (backup_schedule_take(backup->schedule, &event))
        tell(backup, &event);
}

/* ---- from its beginning to its end ---- */

enum tx_error coord_backup_open(struct coord_backup *backup, struct node_shell *node,
                                const struct coord_config *config, struct tx_why *why)
{
    const struct backup_schedule_options options = {.cluster = config->node.cluster,
                                                    .coordinator =
                                                        transport_endpoint(node->transport),
                                                    .message_max = config->node.message_max};
    const struct backup_schedule_settings settings = settings_of(config);
    enum tx_error error;

    backup->node = node;
    error = backup_schedule_new(&options, &backup->schedule, why);
    if (error != TX_OK)
        return error;
    error = loop_add_fd(node->loop, backup_schedule_fd(backup->schedule), has_ended, backup);
    if (error != TX_OK)
        return tx_why(why, error, "cannot watch the schedule of backups: %s", tx_error_text(error));
    return backup_schedule_set(backup->schedule, &settings, why);
}

void coord_backup_reload(struct coord_backup *backup, const struct coord_config *config)
{
    const struct backup_schedule_settings settings = settings_of(config);
    struct tx_why why;

    if (backup_schedule_set(backup->schedule, &settings, &why) != TX_OK)
        LOG_ERROR("no backups are taken by the schedule", "why=%s", LOG_Q(tx_bytes_str(why.text)));
}

void coord_backup_stop(struct coord_backup *backup)
{
    backup_schedule_stop(backup->schedule);
    has_ended(backup);
}

void coord_backup_close(struct coord_backup *backup)
{
    backup_schedule_destroy(&backup->schedule);
}

/* ---- what is shown ---- */

static const char *state_of(const struct backup_schedule_view *view)
{
    if (!view->on)
        return "off";
    if (view->held)
        return "held";
    if (view->running)
        return "running";
    return view->problem[0] != '\0' ? "failing" : "waiting";
}

void coord_backup_fields(struct coord_backup *backup, struct status_fields *fields)
{
    struct backup_schedule_view *view = &backup->view;

    backup_schedule_view(backup->schedule, view);
    status_fields_text(fields, "backup", state_of(view));
    if (!view->on)
        return;
    status_fields_u64(fields, "backup_every_ms", view->every_ms);
    status_fields_u64(fields, "backup_newest_ms", view->newest_ms);
    status_fields_u64(fields, "backup_age_ms", view->age_ms);
    status_fields_u64(fields, "backup_next_ms", view->next_ms);
    status_fields_u64(fields, "backups_taken", view->taken);
    status_fields_u64(fields, "backups_failed", view->failed);
    status_fields_u64(fields, "backup_late", view->late);
    status_fields_text(fields, "backup_problem", view->problem);
}

static const char *print_age(const struct backup_schedule_view *view, char out[48])
{
    const uint64_t minutes = view->age_ms / 60000u;

    if (view->newest_ms == 0)
        snprintf(out, 48, "yet");
    else if (minutes >= 120)
        snprintf(out, 48, "since %" PRIu64 " h", minutes / 60u);
    else if (minutes >= 2)
        snprintf(out, 48, "since %" PRIu64 " min", minutes);
    else
        snprintf(out, 48, "since %" PRIu64 " s", view->age_ms / 1000u);
    return out;
}

void coord_backup_ready(struct coord_backup *backup, struct node_ready *ready)
{
    struct backup_schedule_view *view = &backup->view;
    char age[48];

    backup_schedule_view(backup->schedule, view);
    if (view->on && (view->problem[0] != '\0' || view->late))
        node_ready_warning(ready, "backup", "no backup %s: %s", print_age(view, age),
                           view->problem[0] != '\0' ? view->problem
                           : view->held             ? "the coordinator is drained"
                                                    : "another one holds the repository");
}
