/* Participants as the coordinator sees them: introduced, up, down, quarantined. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>
#include <string.h>

#define PEER_SLOTS_FIRST 16u

/* ---- the table ---- */

/* A name as numbers: behind its text all is zero. */
struct name_words {
    uint64_t w[4];
};

static struct name_words words_of(const struct tx_name *name)
{
    struct name_words words;
    _Static_assert(sizeof words == sizeof *name, "a name is four words");
    memcpy(&words, name->s, sizeof words);
    return words;
}

static uint64_t hash_words(const struct name_words *words)
{
    return tx_hash_fold(words->w[0] ^ UINT64_C(0x9e3779b97f4a7c15),
                        words->w[1] ^ UINT64_C(0xbb67ae8584caa73b)) +
           tx_hash_fold(words->w[2] ^ UINT64_C(0x3c6ef372fe94f82b), words->w[3] + 1);
}

static bool same_words(const struct name_words *a, const struct name_words *b)
{
    return ((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]) | (a->w[2] ^ b->w[2]) |
            (a->w[3] ^ b->w[3])) == 0;
}

/* Where it is, or the free slot where it belongs. */
static inline struct coord_peer_slot *find_slot(const struct coord_core *core, uint64_t hash,
                                                const struct name_words *words)
{
    for (size_t at = (size_t)hash;; at++) {
        struct coord_peer_slot *slot = &core->peers_by_name[at & core->peers_mask];
        if (slot->peer == NULL) {
            return slot;
        }
        const struct name_words other = words_of(&slot->peer->name);
        if (slot->hash == hash && same_words(words, &other)) {
            return slot;
        }
    }
}

struct coord_peer *coord_peer_find(const struct coord_core *core, const struct tx_name *name)
{
    if (core->peers_n == 0) {
        return NULL;
    }
    const struct name_words words = words_of(name);
    return find_slot(core, hash_words(&words), &words)->peer;
}

static void add_by_name(struct coord_core *core, struct coord_peer *peer)
{
    const struct name_words words = words_of(&peer->name);
    const uint64_t hash = hash_words(&words);
    *find_slot(core, hash, &words) = (struct coord_peer_slot){.hash = hash, .peer = peer};
}

/* Room for another one, the table at most half full. */
static void grow_by_name(struct coord_core *core)
{
    if (core->peers_by_name != NULL && (core->peers_n + 1) * 2 <= core->peers_mask + 1) {
        return;
    }
    size_t slots = core->peers_by_name != NULL ? (core->peers_mask + 1) * 2 : PEER_SLOTS_FIRST;
    free(core->peers_by_name);
    core->peers_by_name = tx_xcalloc(slots, sizeof *core->peers_by_name);
    core->peers_mask = slots - 1;
    for (size_t i = 0; i < core->peers_n; i++) {
        add_by_name(core, core->peers[i]);
    }
}

struct coord_peer *coord_peer_configured(const struct coord_core *core, const struct tx_name *name)
{
    struct coord_peer *peer = coord_peer_find(core, name);
    return peer != NULL && peer->configured ? peer : NULL;
}

struct coord_peer *coord_peer_add(struct coord_core *core, const struct tx_name *name,
                                  const struct tx_address *address, bool configured)
{
    TX_ASSERT(coord_peer_find(core, name) == NULL);
    struct coord_peer *peer = tx_xcalloc(1, sizeof *peer);
    peer->name = *name;
    peer->address = *address;
    peer->configured = configured;
    peer->hello = (struct coord_timer){.kind = COORD_TIMER_HELLO, .owner = peer};
    peer->down = (struct coord_timer){.kind = COORD_TIMER_DOWN, .owner = peer};
    core->peers = tx_xrealloc(core->peers, (core->peers_n + 1) * sizeof(struct coord_peer *));
    grow_by_name(core);
    add_by_name(core, peer);
    core->peers[core->peers_n++] = peer;
    return peer;
}

void coord_peer_known(struct coord_peer *peer, struct tx_position position)
{
    if (position.start < peer->known.start) {
        return; /* of an earlier start, and perhaps of a part of its log that is lost by now */
    }
    if (position.start > peer->known.start) {
        peer->known.start = position.start;
        peer->known.life = position.life;
    }
    if (position.lsn.n > peer->known.lsn.n) {
        peer->known.lsn = position.lsn;
    }
}

struct tx_bytes coord_peer_names(struct coord_core *core)
{
    struct tx_buf buf = {0};
    for (size_t i = 0; i < core->peers_n; i++) {
        if (core->peers[i]->configured) {
            tx_buf_append(&buf, tx_bytes_str(buf.len > 0 ? ", " : ""));
            tx_buf_append(&buf, tx_bytes_str(core->peers[i]->name.s));
        }
    }
    TX_NEED_MEMORY(!buf.failed);
    struct tx_bytes names = coord_copy(core, tx_buf_view(&buf));
    tx_buf_deinit(&buf);
    return names;
}

struct tx_member *coord_peer_members(struct coord_core *core, size_t *n)
{
    struct tx_member *members = coord_alloc(core, core->peers_n, sizeof *members);
    *n = 0;
    for (size_t i = 0; i < core->peers_n; i++) {
        const struct coord_peer *peer = core->peers[i];
        if (peer->configured) {
            members[(*n)++] = (struct tx_member){
                .name = peer->name,
                .address = peer->address,
                .incarnation = peer->state == COORD_PEER_UP ? peer->incarnation : 0,
            };
        }
    }
    return members;
}

const char *coord_peer_state_text(const struct coord_peer *peer)
{
    switch (peer->state) {
    case COORD_PEER_NEW:
        return "not introduced";
    case COORD_PEER_UP:
        return peer->refusing ? "up, refusing new work" : "up";
    case COORD_PEER_DOWN:
        return "down";
    case COORD_PEER_QUARANTINED:
        return "quarantined";
    }
    return "?";
}

/* ---- HELLO and silence ---- */

/* A start of a participant is told once where all the others are, in as many HELLOs as that
 * takes: what goes with one number is the same every time. */
static void tell_more(const struct coord_core *core, struct coord_peer *peer)
{
    size_t left = core->options.nodes_n - peer->told_n;
    TX_ASSERT(peer->told_n <= core->options.nodes_n);
    peer->telling_n = left < TX_HELLO_NODES_MAX ? left : TX_HELLO_NODES_MAX;
}

/* This start has answered the HELLO at hand. One that was a part of the list for an earlier start
 * counts for nothing. */
static void has_been_told(struct coord_peer *peer, uint64_t incarnation)
{
    bool first = peer->told_n == 0;
    if (peer->told != incarnation && !first) {
        peer->told_n = 0;
    } else {
        peer->told_n += peer->telling_n;
    }
    peer->told = incarnation;
    peer->telling_n = 0;
}

/* The next WELCOME was written after this point, so it cannot be below what is known now. A HELLO
 * that is sent again keeps its number: an answer that takes longer than the interval counts, too.
 */
static void number_hello(const struct coord_core *core, struct coord_peer *peer)
{
    if (!peer->hello_answered) {
        return;
    }
    peer->hello_number++;
    peer->hello_answered = false;
    peer->asked = peer->known;
    tell_more(core, peer);
}

void coord_peer_hello(struct coord_core *core, struct coord_peer *peer)
{
    number_hello(core, peer);
    size_t nodes_n = 0;
    const struct tx_member *nodes =
        peer->telling_n > 0 ? coord_peer_members(core, &nodes_n) + peer->told_n : NULL;
    TX_ASSERT(peer->telling_n == 0 || peer->told_n + peer->telling_n <= nodes_n);
    struct tx_msg msg = {
        .type = TX_MSG_HELLO,
        .hello = {.lsn = core->durable,
                  .age_counter = core->age_counter,
                  .number = peer->hello_number,
                  .starts = coord_starts(core),
                  .starts_n = core->lineage.n,
                  .nodes = nodes,
                  .nodes_n = peer->telling_n},
    };
    coord_send(core, peer, &msg);
    peer->hello_sent_us = core->now;
    coord_timer_arm(&core->timers, &peer->hello, core->now + core->options.hello_us);
}

void coord_peer_hello_soon(struct coord_core *core, struct coord_peer *peer)
{
    if (core->now >= peer->hello_sent_us + core->options.resend_us) {
        coord_peer_hello(core, peer);
    }
}

static void watch(struct coord_core *core, struct coord_peer *peer)
{
    const uint64_t silent_us = core->served_us - peer->heard_served_us;
    const uint64_t left_us =
        silent_us < core->options.peer_down_us ? core->options.peer_down_us - silent_us : 0;
    coord_timer_arm(&core->timers, &peer->down, core->now + left_us);
}

static void heard(struct coord_core *core, struct coord_peer *peer)
{
    peer->heard_us = core->now;
    peer->heard_served_us = core->served_us;
}

void coord_peers_watch(struct coord_core *core)
{
    for (size_t i = 0; i < core->peers_n; i++) {
        if (core->peers[i]->down.slot > 0) {
            watch(core, core->peers[i]);
        }
    }
}

void coord_peers_start(struct coord_core *core)
{
    for (size_t i = 0; i < core->peers_n; i++) {
        struct coord_peer *peer = core->peers[i];
        heard(core, peer);
        peer->hello_number = core->options.life; /* no answer to an earlier start fits */
        peer->hello_answered = true;
        coord_peer_hello(core, peer);
        watch(core, peer);
    }
}

/* Tells every open transaction that has this member; any of them may be finished by it. */
static void lost(struct coord_core *core, const struct coord_peer *peer)
{
    struct coord_tx *next = NULL;
    for (struct coord_tx *tx = TAILQ_FIRST(&core->open); tx != NULL; tx = next) {
        next = TAILQ_NEXT(tx, in_open);
        if (tx->state == COORD_COLLECTING) {
            coord_collect_peer_lost(core, tx, peer);
        }
    }
}

static void back(struct coord_core *core, const struct coord_peer *peer)
{
    struct coord_tx *next = NULL;
    for (struct coord_tx *tx = TAILQ_FIRST(&core->open); tx != NULL; tx = next) {
        next = TAILQ_NEXT(tx, in_open);
        if (tx->state == COORD_COLLECTING) {
            coord_collect_peer_back(core, tx, peer);
        } else if (tx->state == COORD_COMMITTED) {
            coord_committed_peer_back(core, tx, peer);
        }
    }
}

/* What an interactive transaction has done there is lost with the start that did it: JOIN is heard
 * from a welcomed start only, so whoever has joined has done so at an earlier one. */
static void restarted(struct coord_core *core, const struct coord_peer *peer)
{
    struct coord_tx *next = NULL;
    for (struct coord_tx *tx = TAILQ_FIRST(&core->open); tx != NULL; tx = next) {
        next = TAILQ_NEXT(tx, in_open);
        if (tx->state == COORD_ACTIVE && coord_tx_joined(tx, peer)) {
            coord_active_restarted(core, tx, peer);
        }
    }
}

void coord_peer_silent(struct coord_core *core, struct coord_peer *peer)
{
    TX_ASSERT(peer->state == COORD_PEER_NEW || peer->state == COORD_PEER_UP);
    if (core->served_us - peer->heard_served_us < core->options.peer_down_us) {
        watch(core, peer);
        return;
    }
    peer->state = COORD_PEER_DOWN;
    coord_note(core, (struct tx_id){0},
               coord_print(core, "participant %s is down: no word from %s for %" PRIu64 " ms",
                           peer->name.s, peer->address.s, core->options.peer_down_us / 1000));
    lost(core, peer);
    coord_presume_waiting(core);
}

static void come_up(struct coord_core *core, struct coord_peer *peer)
{
    peer->state = COORD_PEER_UP;
    peer->mark_sent = 0; /* what it was sent before may not have arrived */
    peer->old_mark_sent = 0;
    watch(core, peer);
    coord_note(core, (struct tx_id){0},
               coord_print(core, "participant %s is up, incarnation %" PRIu64, peer->name.s,
                           peer->incarnation));
    back(core, peer);
    coord_presume_waiting(core);
}

bool coord_peer_heard(struct coord_core *core, struct coord_peer *peer,
                      const struct tx_envelope *from)
{
    bool twin = from->start == peer->incarnation && from->life != peer->life &&
                !TX_SEEDED_BUG(LIFE_NOT_CHECKED);
    if (peer->state == COORD_PEER_QUARANTINED || peer->state == COORD_PEER_NEW ||
        from->start != peer->incarnation || twin) {
        core->stats.stale++;
        /* A start that has not introduced itself, or an old copy that has come to the same number:
         * do not let it wait for the next HELLO. */
        if (from->start > peer->incarnation || twin) {
            coord_peer_hello_soon(core, peer);
        }
        return false;
    }
    heard(core, peer);
    if (peer->state == COORD_PEER_DOWN) {
        come_up(core, peer);
    }
    return true;
}

/* ---- WELCOME ---- */

static void quarantine(struct coord_core *core, struct coord_peer *peer,
                       const struct tx_lineage *lineage, const struct tx_msg_welcome *welcome)
{
    struct tx_position offer = {0};
    if (tx_loss_explains(&welcome->loss, lineage, peer->known)) {
        offer = (struct tx_position){welcome->incarnation, lineage->starts[lineage->n - 1].life,
                                     welcome->lsn};
    }
    bool offered = peer->offer.start == offer.start;
    peer->loss = welcome->loss;
    peer->offer = offer;
    peer->refusing = welcome->refusing;
    peer->unsettled = welcome->unsettled;
    if (peer->state == COORD_PEER_QUARANTINED) {
        if (!offered && offer.start > 0) {
            coord_note(core, (struct tx_id){0}, coord_readmit_hint(core, peer));
        }
        return;
    }
    peer->state = COORD_PEER_QUARANTINED;
    coord_timer_disarm(&core->timers, &peer->down);
    struct tx_bytes hint = coord_readmit_hint(core, peer);
    struct tx_bytes text = coord_print(
        core,
        "participant %s came back with incarnation %" PRIu64 " and log position %" PRIu64
        "; it had reached %" PRIu64 " and %" PRIu64 " in a log that this one does not come "
        "from: an old disk or a cut log. %.*s",
        peer->name.s, welcome->incarnation, welcome->lsn.n, peer->known.start, peer->known.lsn.n,
        (int)hint.len, (const char *)hint.data);
    coord_alarm(core, (struct tx_id){0}, text);
    lost(core, peer);
    coord_presume_waiting(core);
}

/* Is it another log than the one that was known, or less of it? Of a start that has spoken already,
 * a WELCOME may come after younger acknowledgements; of a later start, it is the first word. */
static bool regressed(const struct coord_peer *peer, const struct tx_lineage *lineage,
                      const struct tx_msg_welcome *welcome)
{
    if (welcome->incarnation > peer->incarnation) {
        return tx_lineage_denies(lineage, peer->known) || welcome->lsn.n < peer->known.lsn.n ||
               tx_loss_explains(&welcome->loss, lineage, peer->known);
    }
    if (welcome->incarnation == peer->incarnation &&
        lineage->starts[lineage->n - 1].life != peer->life) {
        return true;
    }
    return welcome->incarnation < peer->asked.start || welcome->lsn.n < peer->asked.lsn.n;
}

/* The first word of a start. The record is not forced: it is durable before any COMMIT record that
 * rests on a vote of this start, and from then on an older copy is recognised. */
static void take_start(struct coord_core *core, struct coord_peer *peer,
                       struct tx_position position)
{
    coord_peer_known(peer, position);
    struct txlog_record record = {.type = TXLOG_PEER,
                                  .peer = {.name = peer->name, .known = peer->known}};
    (void)coord_append(core, &record, false);
    peer->incarnation = position.start;
    peer->life = position.life;
}

void coord_on_welcome(struct coord_core *core, struct coord_peer *peer,
                      const struct tx_envelope *from, const struct tx_msg_welcome *welcome)
{
    struct tx_lineage lineage;
    if (welcome->incarnation == 0 || welcome->incarnation != from->start ||
        !tx_lineage_set(&lineage, welcome->starts, welcome->starts_n) ||
        lineage.starts[lineage.n - 1].start != from->start ||
        lineage.starts[lineage.n - 1].life != from->life) {
        core->stats.violations++;
        return;
    }
    if (welcome->number != peer->hello_number && !TX_SEEDED_BUG(LATE_WELCOME_BELIEVED)) {
        core->stats.stale++; /* overtaken by what it has said since, or to an earlier start */
        return;
    }
    peer->hello_answered = true;
    if (regressed(peer, &lineage, welcome) && !TX_SEEDED_BUG(REGRESSION_UNNOTICED)) {
        quarantine(core, peer, &lineage, welcome);
        return;
    }
    if (welcome->incarnation < peer->incarnation) {
        core->stats.stale++; /* late, from before its restart */
        return;
    }
    has_been_told(peer, welcome->incarnation);
    bool same = peer->state == COORD_PEER_UP && welcome->incarnation == peer->incarnation;
    struct tx_position position = {from->start, from->life, welcome->lsn};
    if (welcome->incarnation > peer->incarnation) {
        take_start(core, peer, position);
        restarted(core, peer);
    } else {
        coord_peer_known(peer, position); /* logged with the next record that says how far it is */
    }
    peer->refusing = welcome->refusing;
    peer->unsettled = welcome->unsettled;
    peer->loss = welcome->loss;
    heard(core, peer);
    coord_age_learn(core, welcome->age_counter);
    if (!same) {
        come_up(core, peer);
    }
}

void coord_peer_return(struct coord_core *core, struct coord_peer *peer)
{
    TX_ASSERT(peer->state == COORD_PEER_QUARANTINED && peer->offer.start > 0);
    peer->incarnation = peer->offer.start;
    peer->life = peer->offer.life;
    peer->asked = peer->known = peer->offer;
    peer->offer = (struct tx_position){0};
    heard(core, peer);
    restarted(core, peer);
    come_up(core, peer);
}
