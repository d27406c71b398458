/* The coordinator and the participants. */
#include "tests/bench/skeleton/skeleton.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define ROUND_MAX      (SKELETON_FRAME_MAX / 4) /* taken in one pass: no frame gets too full */
#define SLOTS          65536u
#define PREPARE_RECORD 200u
#define DECISION       64u
#define PEER_MAX       8u

static const char record[PREPARE_RECORD];
static struct message incoming[SKELETON_FRAME_MAX];

/* Reads the peer's name, which a ROUTER puts in front of a frame. 0: nothing has come. */
static size_t receive_from(void *router, unsigned char peer[PEER_MAX], size_t *peer_len, bool wait)
{
    int len;
    do {
        len = zmq_recv(router, peer, PEER_MAX, wait ? 0 : ZMQ_DONTWAIT);
    } while (len < 0 && zmq_errno() == EINTR);
    if (len < 0 && zmq_errno() == EAGAIN) {
        return 0;
    }
    if (len < 0 || (unsigned)len > PEER_MAX) {
        skeleton_fail("receive", len < 0 ? zmq_strerror(zmq_errno()) : "a peer with a long name");
    }
    *peer_len = (size_t)len;
    return skeleton_receive(router, incoming, true);
}

/* ---- participant ---- */

struct participant {
    struct store store;
    unsigned number;
    int64_t *balances; /* as written: transfers that are open together touch the same account,
                          without locks */
    bool must_force, dirty, stop;
    struct frame out;
};

static void fill_accounts(struct participant *p, unsigned accounts)
{
    p->balances = calloc(accounts, sizeof *p->balances);
    if (p->balances == NULL) {
        skeleton_fail("accounts", "no memory");
    }
    for (unsigned i = 0; i < accounts; i++) {
        struct store_key key = store_key('a', i);
        p->balances[i] = SKELETON_BALANCE;
        rocksdb_writebatch_put(p->store.batch, key.text, sizeof key.text,
                               (const char *)&p->balances[i], sizeof p->balances[i]);
        if (i % 1000 == 999 || i + 1 == accounts) {
            store_write(&p->store, false);
        }
    }
}

static void on_prepare(struct participant *p, const struct message *message)
{
    int64_t balance;
    store_read(&p->store, store_key('a', message->accounts[p->number]), &balance, sizeof balance);
    if (balance < 0) {
        skeleton_fail("prepare", "an account is overdrawn");
    }
    struct store_key key = store_key('p', message->tx);
    rocksdb_writebatch_put(p->store.batch, key.text, sizeof key.text, record, sizeof record);
    p->must_force = true;
    skeleton_add(&p->out, message, VOTE);
}

static void on_commit(struct participant *p, const struct message *message)
{
    unsigned account = message->accounts[p->number];
    struct store_key key = store_key('a', account);
    p->balances[account] += p->number == 0 ? -message->amount : message->amount;
    rocksdb_writebatch_put(p->store.batch, key.text, sizeof key.text,
                           (const char *)&p->balances[account], sizeof p->balances[account]);
    key = store_key('p', message->tx);
    rocksdb_writebatch_delete(p->store.batch, key.text, sizeof key.text);
    skeleton_add(&p->out, message, ACK);
}

static void participant_on(struct participant *p, const struct message *message)
{
    if (message->type == PREPARE) {
        on_prepare(p, message);
        p->dirty = true;
    } else if (message->type == COMMIT) {
        on_commit(p, message);
        p->dirty = true;
    } else if (message->type == STOP) {
        p->stop = true;
    } else {
        skeleton_fail("participant", "a message of a strange type");
    }
}

static int64_t sum_of_accounts(struct participant *p, unsigned accounts)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < accounts; i++) {
        int64_t balance;
        store_read(&p->store, store_key('a', i), &balance, sizeof balance);
        sum += balance;
    }
    return sum;
}

void skeleton_participant(struct skeleton *run, unsigned number)
{
    static struct participant p;
    unsigned char peer[PEER_MAX];
    size_t peer_len = 0;
    p.number = number;
    store_open(&p.store, run->directory, number == 0 ? "first" : "second");
    fill_accounts(&p, run->accounts);
    void *context = zmq_ctx_new();
    void *socket = skeleton_listen(context, ZMQ_ROUTER, run->participant_at[number]);
    (void)sem_post(&run->participants_listen);
    while (!p.stop) {
        size_t n;
        for (bool wait = true; p.out.n < ROUND_MAX; wait = false) {
            n = receive_from(socket, peer, &peer_len, wait);
            if (n == 0) {
                break;
            }
            for (size_t i = 0; i < n; i++) {
                participant_on(&p, &incoming[i]);
            }
        }
        if (p.dirty) {
            store_write(&p.store, p.must_force);
        }
        p.dirty = p.must_force = false;
        skeleton_send(socket, &p.out, peer, peer_len);
    }
    run->sums[number] = sum_of_accounts(&p, run->accounts);
    free(p.balances);
    store_close(&p.store);
    (void)zmq_close(socket);
    (void)zmq_ctx_term(context);
}

/* ---- coordinator ---- */

struct slot {
    unsigned char peer[PEER_MAX];
    size_t peer_len;
    unsigned votes, acks;
    bool open;
};

struct coordinator {
    struct store store;
    bool forced;
    void *clients, *participants[2];
    struct slot slots[SLOTS];
    uint64_t last_tx;
    unsigned open;
    bool dirty, stop;
    struct frame to_participants[2], to_client;
    struct message decided[SKELETON_FRAME_MAX];
    size_t decided_n;
};

static void on_submit(struct coordinator *c, const struct message *message,
                      const unsigned char *peer, size_t peer_len)
{
    if (message->type == STOP) {
        c->stop = true;
        return;
    }
    struct message prepare = *message;
    prepare.tx = ++c->last_tx;
    struct slot *slot = &c->slots[prepare.tx % SLOTS];
    if (slot->open || message->type != SUBMIT) {
        skeleton_fail("coordinator", "too many transactions, or a message of a strange type");
    }
    *slot = (struct slot){.peer_len = peer_len, .open = true};
    (void)memcpy(slot->peer, peer, peer_len);
    c->open++;
    for (unsigned i = 0; i < 2; i++) {
        skeleton_add(&c->to_participants[i], &prepare, PREPARE);
    }
}

static void coordinator_on(struct coordinator *c, const struct message *message)
{
    struct slot *slot = &c->slots[message->tx % SLOTS];
    struct store_key key = store_key('d', message->tx);
    if (!slot->open || (message->type != VOTE && message->type != ACK)) {
        skeleton_fail("coordinator", "a message of a strange type, or of nobody's transaction");
    }
    if (message->type == VOTE && ++slot->votes == 2) {
        rocksdb_writebatch_put(c->store.batch, key.text, sizeof key.text, record, DECISION);
        c->decided[c->decided_n++] = *message;
        c->dirty = true;
    } else if (message->type == ACK && ++slot->acks == 2) {
        rocksdb_writebatch_delete(c->store.batch, key.text, sizeof key.text);
        slot->open = false;
        c->open--;
    }
}

static void flush_participants(struct coordinator *c)
{
    for (unsigned i = 0; i < 2; i++) {
        skeleton_send(c->participants[i], &c->to_participants[i], NULL, 0);
    }
}

/* Answers that follow each other for the same client share a frame. */
static void tell(struct coordinator *c)
{
    const struct slot *last = NULL;
    for (size_t i = 0; i < c->decided_n; i++) {
        const struct slot *slot = &c->slots[c->decided[i].tx % SLOTS];
        if (last != NULL && (last->peer_len != slot->peer_len ||
                             memcmp(last->peer, slot->peer, slot->peer_len) != 0)) {
            skeleton_send(c->clients, &c->to_client, last->peer, last->peer_len);
        }
        skeleton_add(&c->to_client, &c->decided[i], DONE);
        last = slot;
        for (unsigned p = 0; p < 2; p++) {
            skeleton_add(&c->to_participants[p], &c->decided[i], COMMIT);
        }
    }
    if (last != NULL) {
        skeleton_send(c->clients, &c->to_client, last->peer, last->peer_len);
    }
    flush_participants(c);
    c->decided_n = 0;
}

/* What was deleted since waits for the next decision. */
static void decide(struct coordinator *c)
{
    if (c->dirty && c->forced) {
        store_write(&c->store, true);
    }
    tell(c);
    if (c->dirty && !c->forced) {
        store_write(&c->store, false);
    }
    c->dirty = false;
}

static void take_all(struct coordinator *c)
{
    unsigned char peer[PEER_MAX];
    size_t peer_len;
    size_t n;
    while (c->to_participants[0].n < ROUND_MAX &&
           (n = receive_from(c->clients, peer, &peer_len, false)) > 0) {
        for (size_t i = 0; i < n; i++) {
            on_submit(c, &incoming[i], peer, peer_len);
        }
    }
    flush_participants(c);
    for (unsigned p = 0; p < 2; p++) {
        while (c->decided_n < ROUND_MAX &&
               (n = skeleton_receive(c->participants[p], incoming, false)) > 0) {
            for (size_t i = 0; i < n; i++) {
                coordinator_on(c, &incoming[i]);
            }
        }
    }
}

void skeleton_coordinator(struct skeleton *run)
{
    static struct coordinator c;
    static const struct message stop;
    void *context = zmq_ctx_new();
    c.forced = run->forced_decision;
    store_open(&c.store, run->directory, "coordinator");
    for (unsigned i = 0; i < 2; i++) {
        c.participants[i] = skeleton_connect(context, run->participant_at[i]);
    }
    c.clients = skeleton_listen(context, ZMQ_ROUTER, run->coordinator_at);
    (void)sem_post(&run->coordinator_listens);
    zmq_pollitem_t items[3] = {{.socket = c.clients, .events = ZMQ_POLLIN},
                               {.socket = c.participants[0], .events = ZMQ_POLLIN},
                               {.socket = c.participants[1], .events = ZMQ_POLLIN}};
    while (!c.stop || c.open > 0) {
        (void)zmq_poll(items, 3, -1);
        take_all(&c);
        decide(&c);
    }
    for (unsigned i = 0; i < 2; i++) {
        skeleton_add(&c.to_participants[i], &stop, STOP);
    }
    flush_participants(&c);
    (void)zmq_close(c.clients);
    (void)zmq_close(c.participants[0]);
    (void)zmq_close(c.participants[1]);
    (void)zmq_ctx_term(context);
    store_close(&c.store);
}
