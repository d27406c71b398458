/* Transactions of one etcd, which keeps both stores: "a/..." and "b/...". Nothing is distributed
 * but the client.
 *
 * Spoken to by JSON over HTTP/1.1 with connections that are kept open, as C has no gRPC client
 * here; a client with gRPC would cost both sides less. Two ways: etcd        read both accounts,
 * then write both where neither has changed: a transfer etcd-blind  one transaction that writes
 * both keys without a look at them: no transfer, as the money of two at once would be lost, but the
 * least that an etcd transaction costs */
#include "tests/bench/peers/peer.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILL_KEYS 500u /* in one transaction; run starts etcd with --max-txn-ops for it */
#define READ_KEYS 5000u
#define KEY64_MAX 40
#define VAL64_MAX 40

struct text {
    char *data;
    size_t len, cap;
};

struct session {
    CURL *curl;
    struct curl_slist *headers;
    char server[64];
    struct text answer;
};

static struct peer_place where;
static struct peer_books before;
static uint64_t writes_before, writes_now; /* how often keys have been written, added up */

/* ---- base64 and JSON, as much as is needed ---- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* `out` has room for 4 letters for each 3 bytes begun, and a NUL. */
static void encode(const char *text, char *out)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)(unsigned char)text[i] << 16;
        bits |= i + 1 < len ? (uint32_t)(unsigned char)text[i + 1] << 8 : 0;
        bits |= i + 2 < len ? (uint32_t)(unsigned char)text[i + 2] : 0;
        *out++ = letters[bits >> 18];
        *out++ = letters[bits >> 12 & 63];
        *out++ = i + 1 < len ? letters[bits >> 6 & 63] : '=';
        *out++ = i + 2 < len ? letters[bits & 63] : '=';
    }
    *out = '\0';
}

/* The number whose decimal text is encoded at `text`, up to its quote. */
static int64_t decode_number(const char *text)
{
    char out[VAL64_MAX];
    size_t n = 0;
    uint32_t bits = 0;
    unsigned have = 0;
    for (const char *place; *text != '"' && *text != '=' && *text != '\0' && n + 1 < sizeof out &&
                            (place = strchr(letters, *text)) != NULL;
         text++) {
        bits = bits << 6 | (uint32_t)(place - letters);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 255);
        }
    }
    out[n] = '\0';
    return strtoll(out, NULL, 10);
}

static void make_key(unsigned store, unsigned account, char key64[KEY64_MAX])
{
    char key[24];
    (void)snprintf(key, sizeof key, "%c/%08u", store == 0 ? 'a' : 'b', account);
    encode(key, key64);
}

static void make_value(int64_t balance, char value64[VAL64_MAX])
{
    char value[24];
    (void)snprintf(value, sizeof value, "%018" PRId64, balance);
    encode(value, value64);
}

/* The text behind `"name":"` in what follows `from`; NULL: there is none. */
static const char *member(const char *from, const char *name)
{
    char quoted[40];
    (void)snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
    const char *place = from == NULL ? NULL : strstr(from, quoted);
    return place == NULL ? NULL : place + strlen(quoted);
}

/* ---- requests ---- */

static size_t take(char *data, size_t size, size_t n, void *arg)
{
    struct text *text = arg;
    size_t len = size * n;
    if (text->len + len >= text->cap) {
        size_t cap = 2 * (text->len + len) + 4096;
        char *grown = realloc(text->data, cap);
        if (grown == NULL) {
            return 0;
        }
        text->data = grown;
        text->cap = cap;
    }
    (void)memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = '\0';
    return len;
}

static bool ask(struct session *s, const char *path, const char *body)
{
    char url[128];
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;
    (void)snprintf(url, sizeof url, "%s%s", s->server, path);
    s->answer.len = 0;
    (void)curl_easy_setopt(s->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, why);
    CURLcode code = curl_easy_perform(s->curl);
    (void)curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, NULL);
    if (code != CURLE_OK || status != 200 || s->answer.len == 0) {
        (void)fprintf(stderr, "peer_load: etcd: %s: %s; status %ld: %.200s\n", path, why, status,
                      s->answer.len > 0 ? s->answer.data : "");
        return false;
    }
    return true;
}

static void session_destroy(void **session)
{
    struct session *s = *session;
    curl_easy_cleanup(s->curl);
    curl_slist_free_all(s->headers);
    free(s->answer.data);
    free(s);
    *session = NULL;
}

static void *session_new(void)
{
    struct session *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->curl = curl_easy_init();
    s->headers = curl_slist_append(NULL, "Content-Type: application/json");
    (void)snprintf(s->server, sizeof s->server, "http://127.0.0.1:%s", where.where[0]);
    (void)curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->headers);
    (void)curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, &s->answer);
    (void)curl_easy_setopt(s->curl, CURLOPT_TCP_NODELAY, 1L);
    (void)curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(s->curl, CURLOPT_PROXY, "");
    return s;
}

/* ---- the books ---- */

static bool create_accounts(struct session *s, unsigned store)
{
    static char body[FILL_KEYS * 160];
    char key[KEY64_MAX];
    char value[VAL64_MAX];
    make_value(PEER_BALANCE, value);
    for (unsigned i = 0; i < where.accounts;) {
        size_t n = (size_t)snprintf(body, sizeof body, "{\"success\":[");
        for (unsigned in = 0; in < FILL_KEYS && i < where.accounts; in++, i++) {
            make_key(store, i, key);
            n += (size_t)snprintf(body + n, sizeof body - n,
                                  "%s{\"request_put\":{\"key\":\"%s\",\"value\":\"%s\"}}",
                                  in > 0 ? "," : "", key, value);
        }
        (void)snprintf(body + n, sizeof body - n, "]}");
        if (!ask(s, "/v3/kv/txn", body)) {
            return false;
        }
    }
    return true;
}

/* Adds up what an answer holds. How many keys. */
static unsigned add_up(const char *answer, unsigned store, struct peer_books *books)
{
    unsigned n = 0;
    for (const char *at = answer; (at = member(at, "version")) != NULL; n++) {
        writes_now += strtoull(at, NULL, 10);
        const char *value = member(at, "value");
        books->sums[store] += value == NULL ? 0 : decode_number(value);
    }
    books->accounts[store] += n;
    return n;
}

static bool read_books(struct session *s, struct peer_books *books)
{
    char body[256];
    char from[KEY64_MAX];
    char to[KEY64_MAX];
    *books = (struct peer_books){0};
    writes_now = 0;
    for (unsigned store = 0; store < 2; store++) {
        unsigned n = READ_KEYS;
        encode(store == 0 ? "a0" : "b0", to); /* '0' comes after '/' */
        for (unsigned i = 0; n == READ_KEYS; i += n) {
            make_key(store, i, from);
            (void)snprintf(body, sizeof body,
                           "{\"key\":\"%s\",\"range_end\":\"%s\",\"limit\":\"%u\"}", from, to,
                           READ_KEYS);
            if (!ask(s, "/v3/kv/range", body)) {
                return false;
            }
            n = add_up(s->answer.data, store, books);
        }
    }
    return true;
}

static bool open_stores(const struct peer_place *place)
{
    where = *place;
    (void)curl_global_init(CURL_GLOBAL_ALL);
    void *session = session_new();
    if (session == NULL) {
        return false;
    }
    bool done = read_books(session, &before);
    if (done && before.accounts[0] == 0) {
        done = create_accounts(session, 0) && create_accounts(session, 1) &&
               read_books(session, &before);
    }
    writes_before = writes_now;
    session_destroy(&session);
    return done;
}

static bool open_for_transfers(const struct peer_place *place)
{
    return open_stores(place) && peer_books_sound(&before, place);
}

static bool check(const struct load_result *done)
{
    struct peer_books after;
    void *session = session_new();
    bool read = session != NULL && read_books(session, &after);
    session_destroy(&session);
    return read && peer_books_agree(&before, &after, done);
}

/* Each transaction has written two keys, which etcd counts. */
static bool check_writes(const struct load_result *done)
{
    struct peer_books after;
    void *session = session_new();
    bool read = session != NULL && read_books(session, &after);
    session_destroy(&session);
    if (read && writes_now != writes_before + 2 * done->committed) {
        (void)fprintf(stderr,
                      "peer_load: etcd-blind: %" PRIu64 " writes, but %" PRIu64
                      " transactions of two\n",
                      writes_now - writes_before, done->committed);
        return false;
    }
    return read;
}

static void close_stores(void)
{
    curl_global_cleanup();
}

/* ---- transactions ---- */

static enum peer_outcome write_both(struct session *s, const char *compare, char keys[2][KEY64_MAX],
                                    const int64_t balances[2])
{
    char body[1024];
    char values[2][VAL64_MAX];
    make_value(balances[0], values[0]);
    make_value(balances[1], values[1]);
    (void)snprintf(body, sizeof body,
                   "{%s\"success\":[{\"request_put\":{\"key\":\"%s\",\"value\":\"%s\"}},"
                   "{\"request_put\":{\"key\":\"%s\",\"value\":\"%s\"}}]}",
                   compare, keys[0], values[0], keys[1], values[1]);
    if (!ask(s, "/v3/kv/txn", body)) {
        return PEER_BROKEN;
    }
    return strstr(s->answer.data, "\"succeeded\":true") != NULL ? PEER_COMMITTED : PEER_ABORTED;
}

static enum peer_outcome transfer_money(void *session, const struct peer_transfer *transfer)
{
    struct session *s = session;
    char keys[2][KEY64_MAX];
    char body[1024];
    int64_t balances[2];
    uint64_t revisions[2];
    make_key(0, transfer->from, keys[0]);
    make_key(1, transfer->to, keys[1]);
    (void)snprintf(body, sizeof body,
                   "{\"success\":[{\"request_range\":{\"key\":\"%s\"}},"
                   "{\"request_range\":{\"key\":\"%s\"}}]}",
                   keys[0], keys[1]);
    if (!ask(s, "/v3/kv/txn", body)) {
        return PEER_BROKEN;
    }
    for (unsigned i = 0; i < 2; i++) {
        const char *entry = strstr(s->answer.data, keys[i]);
        const char *revision = member(entry, "mod_revision");
        const char *value = member(entry, "value");
        if (revision == NULL || value == NULL) {
            (void)fprintf(stderr, "peer_load: etcd: no account in: %.300s\n", s->answer.data);
            return PEER_BROKEN;
        }
        revisions[i] = strtoull(revision, NULL, 10);
        balances[i] = decode_number(value);
    }
    balances[0] -= transfer->amount;
    balances[1] += transfer->amount;
    if (balances[0] < 0) {
        return PEER_ABORTED;
    }
    (void)snprintf(body, sizeof body,
                   "\"compare\":[{\"key\":\"%s\",\"target\":\"MOD\",\"mod_revision\":\"%" PRIu64
                   "\"},{\"key\":\"%s\",\"target\":\"MOD\",\"mod_revision\":\"%" PRIu64 "\"}],",
                   keys[0], revisions[0], keys[1], revisions[1]);
    return write_both(s, body, keys, balances);
}

static enum peer_outcome write_blindly(void *session, const struct peer_transfer *transfer)
{
    char keys[2][KEY64_MAX];
    const int64_t balances[2] = {PEER_BALANCE - transfer->amount, PEER_BALANCE + transfer->amount};
    make_key(0, transfer->from, keys[0]);
    make_key(1, transfer->to, keys[1]);
    return write_both(session, "", keys, balances);
}

const struct peer_kind peer_etcd = {"etcd",       false,       open_for_transfers, check,
                                    close_stores, session_new, transfer_money,     session_destroy};
const struct peer_kind peer_etcd_blind = {"etcd-blind",  false,          open_stores,
                                          check_writes,  close_stores,   session_new,
                                          write_blindly, session_destroy};
