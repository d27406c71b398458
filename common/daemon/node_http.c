#include "common/daemon/node_http.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/daemon/http.h"
#include "common/daemon/node_archive.h"
#include "common/daemon/page.h"
#include "common/json.h"
#include "common/log.h"

#include <string.h>

#define OK          200u
#define UNAVAILABLE 503u

/* ---- health ---- */

static unsigned healthz(void *arg, FILE *out, const char *nonce)
{
    (void)arg;
    (void)nonce;
    fputs("ok\n", out);
    return OK;
}

static void find_reasons(struct node_shell *shell, struct node_ready *ready)
{
    *ready = (struct node_ready){.reasons_n = 0};
    if (!shell->serving) {
        node_ready_reason(ready, "recovering", "the log is being read");
        return;
    }
    shell->calls->ready(shell->arg, ready);
    node_archive_ready(shell, ready);
}

static void list(struct json *json, const char *name, const struct node_ready_item *items, size_t n)
{
    json_member_array_begin(json, name);
    for (size_t i = 0; i < n; i++) {
        json_object_begin(json);
        json_member(json, "code", items[i].code);
        json_member(json, "text", items[i].text);
        json_object_end(json);
    }
    json_array_end(json);
}

/* {"ready":false,"reasons":[{"code":"draining","text":"..."}],"warnings":[]} */
static void write_ready(struct json *json, const struct node_ready *ready)
{
    json_object_begin(json);
    json_member_bool(json, "ready", ready->reasons_n == 0);
    list(json, "reasons", ready->reasons, ready->reasons_n);
    list(json, "warnings", ready->warnings, ready->warnings_n);
    json_object_end(json);
}

static unsigned readyz(void *arg, FILE *out, const char *nonce)
{
    struct node_ready ready;
    struct json json;

    (void)nonce;
    find_reasons(arg, &ready);
    json_init(&json, out);
    write_ready(&json, &ready);
    fputc('\n', out);
    return ready.reasons_n == 0 ? OK : UNAVAILABLE;
}

static unsigned metrics(void *arg, FILE *out, const char *nonce)
{
    struct node_shell *shell = arg;

    (void)nonce;
    if (!shell->serving) {
        fputs("# recovering: the log is being read; there are no figures yet\n", out);
        return UNAVAILABLE;
    }
    shell->calls->metrics(shell->arg, out);
    return OK;
}

/* ---- the state, for the page ---- */

static void write_fields(struct json *json, const struct tx_msg_status *status)
{
    json_member_object_begin(json, "fields");
    for (size_t i = 0; i < status->fields_n; i++) {
        char name[64];
        const struct tx_bytes *text = &status->fields[i].name;

        if (text->len >= sizeof name)
            continue;
        memcpy(name, text->data, text->len);
        name[text->len] = '\0';
        json_member_bytes(json, name, status->fields[i].text.data, status->fields[i].text.len);
    }
    json_object_end(json);
}

static void write_txs(struct json *json, const struct tx_msg_status *status)
{
    json_member_array_begin(json, "transactions");
    for (size_t i = 0; i < status->txs_n; i++) {
        const struct tx_status_tx *tx = &status->txs[i];
        char id[TX_ID_TEXT];

        json_object_begin(json);
        json_member(json, "id", tx_id_print(tx->id, id));
        json_member_bytes(json, "state", tx->state.data, tx->state.len);
        json_member_u64(json, "age_ms", tx->age_ms);
        json_member_bytes(json, "detail", tx->detail.data, tx->detail.len);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_peers(struct json *json, const struct tx_msg_status *status)
{
    json_member_array_begin(json, "peers");
    for (size_t i = 0; i < status->peers_n; i++) {
        const struct tx_status_peer *peer = &status->peers[i];

        json_object_begin(json);
        json_member_bytes(json, "name", peer->name.data, peer->name.len);
        json_member_bytes(json, "address", peer->address.data, peer->address.len);
        json_member_bytes(json, "state", peer->state.data, peer->state.len);
        json_member_u64(json, "start", peer->start);
        json_member_u64(json, "silent_ms", peer->silent_ms);
        json_object_end(json);
    }
    json_array_end(json);
}

/* A histogram as the pairs [end in microseconds, how many] of the powers of two that hold any. */
static void write_times(struct json *json, const char *name, const struct tx_times *times)
{
    json_object_begin(json);
    json_member(json, "name", name);
    json_member_u64(json, "count", times->total);
    json_member_u64(json, "sum_us", times->sum);
    json_member_u64(json, "max_us", times->max_us);
    json_member_array_begin(json, "steps");
    for (size_t i = 0; i < TX_TIMES_STEPS; i++) {
        if (times->counts[i] == 0)
            continue;
        json_array_begin(json);
        json_u64(json, tx_times_step_end(i));
        json_u64(json, times->counts[i]);
        json_array_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

static void write_phases(struct json *json, struct node_shell *shell)
{
    struct log_writer_stats writer = log_writer_stats(shell->log.writer);
    struct node_phases phases = {.n = 0};

    shell->calls->phases(shell->arg, &phases);
    json_member_array_begin(json, "phases");
    for (size_t i = 0; i < phases.n; i++)
        write_times(json, phases.items[i].name, phases.items[i].times);
    write_times(json, "log sync", &writer.sync_times);
    json_array_end(json);
}

void node_http_take_status(struct node_shell *shell, const struct tx_msg_status *status)
{
    struct json *json = shell->status_json;

    if (json == NULL)
        return;
    write_fields(json, status);
    write_txs(json, status);
    write_peers(json, status);
}

/* As if a client asked that is nobody. */
static void ask_status(struct node_shell *shell)
{
    static const struct tx_envelope nobody = {.role = TX_ROLE_CLIENT};
    static const struct tx_msg ask = {.type = TX_MSG_STATUS_REQUEST};

    shell->calls->received(shell->arg, 0, &nobody, &ask);
}

static unsigned status(void *arg, FILE *out, const char *nonce)
{
    struct node_shell *shell = arg;
    struct node_ready ready;
    struct json json;

    (void)nonce;
    json_init(&json, out);
    json_object_begin(&json);
    json_member(&json, "role", tx_role_name(shell->identity.role));
    json_member(&json, "name", node_shell_name(shell));
    json_member(&json, "cluster", shell->config->cluster);
    json_member(&json, "version", daemon_version());
    json_member_u64(&json, "time_ms", clock_wall_ms());
    json_member_u64(&json, "clock_us", clock_now_us());
    find_reasons(shell, &ready);
    json_key(&json, "health");
    write_ready(&json, &ready);
    if (shell->serving) {
        json_member_u64(&json, "disk_reserve_bytes", shell->config->disk_reserve);
        json_member_u64(&json, "log_first_lsn", node_log_extent(&shell->log).first.n);
        json_member_u64(&json, "log_kept_bytes", node_log_extent(&shell->log).bytes);
        write_phases(&json, shell);
        shell->status_json = &json;
        ask_status(shell);
        shell->status_json = NULL;
    }
    json_object_end(&json);
    fputc('\n', out);
    return OK;
}

/* ---- the page ---- */

/* The page, with the nonce of this answer in the places that are left for it. */
static unsigned page(void *arg, FILE *out, const char *nonce)
{
    static const char place[] = "@NONCE@";
    const char *at = (const char *)node_page;
    const char *end = at + node_page_size;
    const char *next;

    (void)arg;
    while ((next = memmem(at, (size_t)(end - at), place, sizeof place - 1)) != NULL) {
        fwrite(at, 1, (size_t)(next - at), out);
        fputs(nonce, out);
        at = next + sizeof place - 1;
    }
    fwrite(at, 1, (size_t)(end - at), out);
    return OK;
}

static const struct http_resource resources[] = {
    {"/", "text/html; charset=utf-8", page},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", metrics},
    {"/healthz", "text/plain; charset=utf-8", healthz},
    {"/readyz", "application/json", readyz},
    {"/status.json", "application/json", status},
};

enum tx_error node_http_open(struct node_shell *shell, struct tx_why *why)
{
    struct http_address at;
    enum tx_error error =
        http_address_parse(shell->config->http_listen, shell->config->listen.s, &at, why);

    if (error != TX_OK || at.host[0] == '\0')
        return error;
    error = http_new(&at, shell->loop, resources, sizeof resources / sizeof resources[0], shell,
                     &shell->http, why);
    if (error == TX_OK)
        LOG_INFO("health, metrics and a page over HTTP", "http=%s", http_endpoint(shell->http));
    return error;
}
