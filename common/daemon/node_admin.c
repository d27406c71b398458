#include "common/daemon/node_admin.h"

#include "common/assert.h"
#include "common/daemon.h"
#include "common/daemon/audit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Decisions of operators whose answer is still to come; beyond so many the oldest is told of no
 * more. */
#define ASKED_MAX 64u

struct asked {
    transport_client client; /* 0: free */
    uint64_t req;
    struct tx_id tx;
    const char *action;   /* "resolve" or "forget" */
    const char *argument; /* static */
    struct tx_name operator_name;
    char from[TX_NAME_MAX + 1];
};

struct node_admin {
    struct node_admin_options options;
    struct audit *audit;
    bool drained;  /* by a message */
    bool stopping; /* it leaves when it has nothing left to finish */
    struct asked asked[ASKED_MAX];
    size_t asked_next;
    struct audit_change *changes; /* of the reload at hand */
    size_t changes_n;
    char text[TX_TEXT_MAX];
};

enum tx_error node_admin_new(const struct node_admin_options *options, struct node_admin **admin,
                             struct tx_why *why)
{
    struct node_admin *made = calloc(1, sizeof *made);
    enum tx_error error;

    if (made == NULL)
        return tx_why(why, TX_ENOMEM, "out of memory");
    made->options = *options;
    error = audit_open(options->config->data, options->config->audit_file, options->node,
                       options->start, &made->audit, why);
    if (error != TX_OK) {
        free(made);
        return error;
    }
    *admin = made;
    return TX_OK;
}

static void drop_changes(struct node_admin *admin)
{
    for (size_t i = 0; i < admin->changes_n; i++) {
        free(admin->changes[i].key);
        free(admin->changes[i].old_value);
        free(admin->changes[i].new_value);
    }
    free(admin->changes);
    admin->changes = NULL;
    admin->changes_n = 0;
}

void node_admin_destroy(struct node_admin **admin)
{
    if (*admin != NULL) {
        drop_changes(*admin);
        audit_close(&(*admin)->audit);
        free(*admin);
        *admin = NULL;
    }
}

/* ---- the audit log ---- */

/* What changes something and cannot be told of is not done. */
static enum tx_error tell(struct node_admin *admin, const struct audit_entry *entry,
                          struct tx_why *why)
{
    enum tx_error error = audit_write(admin->audit, entry, why);

    if (error != TX_OK)
        LOG_ERROR("the audit log cannot be written", "action=%s why=%s", entry->action,
                  LOG_Q(tx_bytes_str(why->text)));
    return error;
}

/* What has happened already stays so. */
static void tell_event(struct node_admin *admin, struct audit_entry entry)
{
    struct tx_why why = {""};

    if (tell(admin, &entry, &why) != TX_OK)
        return;
}

void node_admin_started(struct node_admin *admin)
{
    snprintf(admin->text, sizeof admin->text, "version %s", daemon_version());
    tell_event(admin, (struct audit_entry){.action = "start",
                                           .operator_name = "",
                                           .from = "daemon",
                                           .outcome = tx_error_name(TX_OK),
                                           .text = admin->text});
}

void node_admin_stopped(struct node_admin *admin, enum tx_error error, const char *why)
{
    tell_event(admin, (struct audit_entry){.action = "stop",
                                           .operator_name = "",
                                           .from = error == TX_OK ? "signal" : "daemon",
                                           .outcome = tx_error_name(error),
                                           .text = error != TX_OK ? why : ""});
}

void node_admin_backed_up(struct node_admin *admin, const char *operator_name, struct tx_bytes into,
                          enum tx_error error, const char *text)
{
    tell_event(admin, (struct audit_entry){.action = "backup",
                                           .operator_name = operator_name,
                                           .from = "daemon",
                                           .argument = into,
                                           .outcome = tx_error_name(error),
                                           .text = text});
}

void node_admin_stopping(struct node_admin *admin)
{
    admin->stopping = true;
}

/* ---- what is asked for ---- */

/* What a call comes to, and the sentence for who asked, in admin->text. */
static enum tx_error result(struct node_admin *admin, enum tx_error error, const char *format, ...)
    TX_PRINTF(3, 4);
static enum tx_error result(struct node_admin *admin, enum tx_error error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(admin->text, sizeof admin->text, format, args);
    va_end(args);
    return error;
}

static void fill_answer(struct node_admin *admin, uint64_t req, enum tx_error error,
                        struct tx_msg *answer)
{
    *answer = (struct tx_msg){.type = TX_MSG_ERROR};
    answer->error =
        (struct tx_msg_error){.req = req, .error = error, .text = tx_bytes_str(admin->text)};
}

static enum tx_error refused_unwritten(struct node_admin *admin, enum tx_error error,
                                       const struct tx_why *why)
{
    return result(admin, error, "nothing was done: %s", why->text);
}

static enum tx_error foresee_readmission(struct node_admin *admin, struct tx_bytes name)
{
    struct tx_why text = {""};
    enum tx_error error;

    if (admin->options.readmit == NULL)
        return result(admin, TX_EINVAL, "%s is no coordinator: these let participants in again",
                      admin->options.node);
    error = admin->options.readmit(admin->options.arg, name, false, &text);
    return result(admin, error, "%s", text.text);
}

/* Says what the call will come to, and changes nothing yet. */
static enum tx_error foresee(struct node_admin *admin, const struct tx_msg_admin_request *request,
                             enum log_level *level)
{
    const char *rest =
        admin->options.idle(admin->options.arg) ? "nothing is open" : "what is open goes on";

    switch (request->verb) {
    case TX_ADMIN_DRAIN:
        return result(admin, TX_OK, "%s takes no new transactions%s; %s", admin->options.node,
                      admin->stopping  ? ", and is about to stop"
                      : admin->drained ? ", as before"
                                       : "",
                      rest);
    case TX_ADMIN_UNDRAIN:
        if (admin->stopping)
            return result(admin, TX_ESTATE, "%s is about to stop; start it again instead",
                          admin->options.node);
        return result(admin, TX_OK, "%s takes new transactions%s", admin->options.node,
                      admin->drained ? " again" : ", as before");
    case TX_ADMIN_LOG_LEVEL:
        if (log_level_parse(request->text, level) != TX_OK)
            return result(admin, TX_EINVAL,
                          "%s is no log level; there are debug, info, warn, error",
                          LOG_Q(request->text));
        return result(admin, TX_OK, "%s", log_level_name(*level));
    case TX_ADMIN_LOSS:
    case TX_ADMIN_READMIT:
        return foresee_readmission(admin, request->text);
    case TX_ADMIN_RELOAD:
    case TX_ADMIN_VERBS_N:
        break;
    }
    TX_ASSERT(request->verb == TX_ADMIN_RELOAD);
    return TX_OK;
}

static void carry_out(struct node_admin *admin, const struct tx_msg_admin_request *request,
                      enum log_level level)
{
    const enum tx_admin_verb verb = request->verb;
    struct tx_why text = {""};

    if (verb == TX_ADMIN_READMIT) {
        /* As was foreseen: nothing has happened in between. */
        TX_ASSERT(admin->options.readmit(admin->options.arg, request->text, true, &text) == TX_OK);
    } else if (verb == TX_ADMIN_LOG_LEVEL) {
        admin->options.config->log_level = level;
        log_level_set(level);
    } else if (!admin->stopping) {
        admin->drained = verb == TX_ADMIN_DRAIN;
        admin->options.drain(admin->options.arg, admin->drained);
    }
}

static const char *label_of(const struct tx_envelope *envelope)
{
    return envelope->name.s[0] != '\0' ? envelope->name.s : "client";
}

static enum tx_error reload(struct node_admin *admin, const char *operator_name, const char *from);

static enum tx_error administer(struct node_admin *admin, const struct tx_envelope *envelope,
                                const struct tx_msg_admin_request *request)
{
    enum log_level level = LOG_INFO_LEVEL;
    struct tx_why why = {""};
    enum tx_error foreseen, error;

    if (request->verb == TX_ADMIN_RELOAD)
        return reload(admin, request->operator_name.s, label_of(envelope));
    if (request->verb == TX_ADMIN_LOG_LEVEL && request->text.len == 0)
        return result(admin, TX_OK, "%s", log_level_name(admin->options.config->log_level));
    foreseen = foresee(admin, request, &level);
    if (request->verb == TX_ADMIN_LOSS)
        return foreseen; /* which changes nothing */
    error = tell(admin,
                 &(struct audit_entry){.action = tx_admin_verb_name(request->verb),
                                       .operator_name = request->operator_name.s,
                                       .from = label_of(envelope),
                                       .argument = request->text,
                                       .outcome = tx_error_name(foreseen),
                                       .text = admin->text},
                 &why);
    if (error != TX_OK)
        return refused_unwritten(admin, error, &why);
    log_line(LOG_INFO_LEVEL, NULL, admin->text, "asked=%s operator=%s outcome=%s",
             tx_admin_verb_name(request->verb), request->operator_name.s, tx_error_name(foreseen));
    if (foreseen == TX_OK)
        carry_out(admin, request, level);
    return foreseen;
}

/* ---- decisions of an operator ---- */

/* A decision, or the word that its consequences have been seen to: written before the core hears of
 * it, and again with what the core has said. False: it goes to the core. */
static bool decision_asked(struct node_admin *admin, const struct tx_envelope *envelope,
                           const struct asked *decision, struct tx_msg *answer)
{
    struct asked *asked = &admin->asked[admin->asked_next];
    struct tx_why why = {""};
    enum tx_error error = tell(admin,
                               &(struct audit_entry){.action = decision->action,
                                                     .operator_name = decision->operator_name.s,
                                                     .from = label_of(envelope),
                                                     .tx = decision->tx,
                                                     .argument = tx_bytes_str(decision->argument),
                                                     .outcome = "asked",
                                                     .text = ""},
                               &why);

    if (error != TX_OK) {
        fill_answer(admin, decision->req, refused_unwritten(admin, error, &why), answer);
        return true;
    }
    admin->asked_next = (admin->asked_next + 1) % ASKED_MAX;
    *asked = *decision;
    snprintf(asked->from, sizeof asked->from, "%s", label_of(envelope));
    return false;
}

static struct asked resolve_of(transport_client from, const struct tx_msg_resolve *resolve)
{
    return (struct asked){.client = from,
                          .req = resolve->req,
                          .tx = resolve->id,
                          .action = "resolve",
                          .argument = resolve->commit ? "commit" : "abort",
                          .operator_name = resolve->operator_name};
}

static struct asked put_aside_of(transport_client from, const struct tx_msg_put_aside *aside)
{
    return (struct asked){.client = from,
                          .req = aside->req,
                          .tx = aside->id,
                          .action = "forget",
                          .argument = aside->force ? "force" : "",
                          .operator_name = aside->operator_name};
}

void node_admin_answered(struct node_admin *admin, transport_client to,
                         const struct tx_msg_error *answer)
{
    for (size_t i = 0; i < ASKED_MAX; i++) {
        struct asked *asked = &admin->asked[i];

        if (asked->client != to || asked->client == 0 || asked->req != answer->req)
            continue;
        (void)result(admin, TX_OK, "%.*s", (int)answer->text.len, (const char *)answer->text.data);
        tell_event(admin, (struct audit_entry){.action = asked->action,
                                               .operator_name = asked->operator_name.s,
                                               .from = asked->from,
                                               .tx = asked->tx,
                                               .argument = tx_bytes_str(asked->argument),
                                               .outcome = tx_error_name(answer->error),
                                               .text = admin->text});
        *asked = (struct asked){0};
    }
}

bool node_admin_takes(struct node_admin *admin, transport_client from,
                      const struct tx_envelope *envelope, const struct tx_msg *msg,
                      struct tx_msg *answer)
{
    if (msg->type == TX_MSG_RESOLVE || msg->type == TX_MSG_PUT_ASIDE) {
        struct asked decision = msg->type == TX_MSG_RESOLVE ? resolve_of(from, &msg->resolve)
                                                            : put_aside_of(from, &msg->put_aside);
        return decision_asked(admin, envelope, &decision, answer);
    }
    if (msg->type != TX_MSG_ADMIN_REQUEST)
        return false;
    fill_answer(admin, msg->admin_request.req, administer(admin, envelope, &msg->admin_request),
                answer);
    return true;
}

/* ---- reload ---- */

static void changed(void *arg, const char *section, const char *name, const char *old_value,
                    const char *new_value, bool taken)
{
    struct node_admin *admin = arg;
    struct audit_change *grown =
        reallocarray(admin->changes, admin->changes_n + 1, sizeof *admin->changes);
    struct audit_change *change;
    int len;

    TX_ASSERT(grown != NULL);
    admin->changes = grown;
    change = &grown[admin->changes_n++];
    *change = (struct audit_change){
        .old_value = strdup(old_value), .new_value = strdup(new_value), .taken = taken};
    len = asprintf(&change->key, "%s.%s", section, name);
    TX_ASSERT(len >= 0 && change->old_value != NULL && change->new_value != NULL);
}

/* "log.level: info -> debug", as much as fits. */
static void add_changes(struct node_admin *admin, bool taken)
{
    size_t used = strlen(admin->text);

    for (size_t i = 0; i < admin->changes_n && used < sizeof admin->text; i++) {
        const struct audit_change *change = &admin->changes[i];

        if (change->taken != taken)
            continue;
        used += (size_t)snprintf(admin->text + used, sizeof admin->text - used, "%s%s",
                                 taken ? "; " : " ", change->key);
        if (taken && used < sizeof admin->text)
            used += (size_t)snprintf(admin->text + used, sizeof admin->text - used, " %s -> %s",
                                     change->old_value, change->new_value);
    }
}

static size_t count_changes(const struct node_admin *admin, bool taken)
{
    size_t n = 0;

    for (size_t i = 0; i < admin->changes_n; i++)
        n += admin->changes[i].taken == taken;
    return n;
}

static void summarize(struct node_admin *admin)
{
    size_t used;

    (void)result(admin, TX_OK, "%s",
                 count_changes(admin, true) > 0 ? "reloaded" : "nothing to take");
    add_changes(admin, true);
    used = strlen(admin->text);
    if (count_changes(admin, false) > 0 && used + 1 < sizeof admin->text) {
        snprintf(admin->text + used, sizeof admin->text - used, "; not before a restart:");
        add_changes(admin, false);
    }
}

static void log_changes(const struct node_admin *admin)
{
    for (size_t i = 0; i < admin->changes_n; i++) {
        const struct audit_change *change = &admin->changes[i];

        if (change->taken)
            LOG_INFO("a configuration key was reloaded", "key=%s old=%s new=%s", change->key,
                     LOG_Q(tx_bytes_str(change->old_value)),
                     LOG_Q(tx_bytes_str(change->new_value)));
        else
            LOG_WARN("a changed configuration key needs a restart; the old value stays in force",
                     "key=%s", change->key);
    }
}

/* Reads the file into the configuration, tells the audit log, and takes it back if that fails. */
static enum tx_error read_again(struct node_admin *admin, struct audit_entry *entry)
{
    struct node_config *config = admin->options.config;
    const struct daemon_program *program = config->program;
    struct config_reload options = {.file = config->file,
                                    .schema = program->schema,
                                    .config_size = program->config_size,
                                    .check = program->check,
                                    .changed = changed,
                                    .arg = admin};
    struct tx_why why = {""};
    void *before = malloc(program->config_size);
    enum tx_error error, written;

    TX_ASSERT(before != NULL);
    memcpy(before, config, program->config_size);
    error = config_reload(&options, config, &why);
    if (error == TX_OK)
        summarize(admin);
    else
        (void)result(admin, error, "nothing changes: %s", why.text);
    entry->outcome = tx_error_name(error);
    entry->text = admin->text;
    entry->changes = admin->changes;
    entry->changes_n = admin->changes_n;
    written = tell(admin, entry, &why);
    if (written != TX_OK) {
        memcpy(config, before, program->config_size);
        error = refused_unwritten(admin, written, &why);
    }
    free(before);
    return error;
}

static enum tx_error reload(struct node_admin *admin, const char *operator_name, const char *from)
{
    struct audit_entry entry = {.action = "reload", .operator_name = operator_name, .from = from};
    struct tx_why why = {""};
    enum tx_error error;

    if (admin->options.config->program == NULL)
        return result(admin, TX_ESTATE, "this daemon has no configuration file");
    if (audit_reopen(admin->audit, &why) != TX_OK)
        LOG_WARN("the audit log goes on in the old file", "why=%s", LOG_Q(tx_bytes_str(why.text)));
    error = read_again(admin, &entry);
    if (error == TX_OK) {
        log_changes(admin);
        LOG_INFO("the configuration was read again", "from=%s changes=%zu", from, admin->changes_n);
        log_level_set(admin->options.config->log_level);
        admin->options.reloaded(admin->options.arg);
    } else {
        log_line(LOG_ERROR_LEVEL, NULL, admin->text, "from=%s error=%s", from,
                 tx_error_name(error));
    }
    drop_changes(admin);
    return error;
}

void node_admin_reload(struct node_admin *admin)
{
    (void)reload(admin, "", "signal");
}
