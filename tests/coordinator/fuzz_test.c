/* 100,000 random, mostly hostile messages: whatever comes, the invariants hold after each, and
 * nobody hears both outcomes of one transaction. */
#include "coord_driver.h"

#include <string.h>

#define RUNS  20
#define STEPS 5000
#define SEQS  4096

static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % n;
}

/* What was said of each transaction of this epoch. */
static bool commit_said[SEQS];
static bool abort_said[SEQS];
static unsigned commits, aborts; /* of all runs */
static uint64_t by_members, prevented;

static struct tx_id random_id(const struct driver *d)
{
    uint64_t next = next_id(d).seq;
    uint64_t back = random_below(random_below(8) == 0 ? next + 2 : 6);
    struct tx_id id = {1, d->options.epoch, next + 1 > back ? next + 1 - back : 1};
    if (random_below(40) == 0) {
        id.epoch = random_below(d->options.epoch + 1);
    }
    if (random_below(60) == 0) {
        id.coordinator = (uint32_t)random_below(3);
    }
    return id;
}

static void random_participant(struct driver *d)
{
    char who = (char)('a' + random_below(NODES_N));
    struct tx_id id = random_id(d);
    d->members_decide = random_below(2) == 0;
    switch (random_below(12)) {
    case 0:
        join(d, who, id);
        break;
    case 1:
    case 2:
    case 3:
    case 4:
        vote(d, who, id, (enum tx_vote)(random_below(2) ? 0 : random_below(TX_VOTES_N)),
             random_below(3));
        break;
    case 5:
    case 6:
        ack(d, who, id);
        break;
    case 7:
        inquire(d, who, id);
        break;
    case 8:
        state(d, who, id, (enum tx_state)random_below(TX_STATES_N));
        break;
    case 9:
        vote_no(d, who, id, (enum tx_reason)random_below(TX_REASONS_N));
        break;
    case 10:
        if (random_below(20) == 0) {
            d->incarnation[who - 'a'] += random_below(3) - 1;
            d->lsn[who - 'a'] -= random_below(4) == 0 ? 1 : 0;
        }
        d->unsettled[who - 'a'] = random_below(4) == 0 ? random_below(d->options.epoch + 2) : 0;
        driver_welcome(d, who);
        break;
    case 11: {
        struct tx_msg msg = {.type = (enum tx_msg_type)random_below(TX_MSG_TYPES_N)};
        if (msg.type != TX_MSG_FENCED || random_below(50) == 0) {
            msg.fenced.known.start = 0;
            driver_participant(d, who, &msg);
        }
        break;
    }
    }
}

static void random_client(struct driver *d)
{
    static const char *const members[] = {"", "a", "ab", "Ab", "AB", "abc", "A", "abcd", "bb"};
    static const char *const keys[] = {"", "", "", "x", "y", "z"};
    const char *some = members[random_below(9)];
    d->mode = (enum tx_commit_mode)random_below(TX_COMMIT_MODES_N);
    switch (random_below(10)) {
    case 0:
    case 1: {
        struct tx_msg msg = {.type = TX_MSG_BEGIN, .begin = {.req = ++d->req}};
        driver_client(d, CLIENT, &msg);
        break;
    }
    case 2:
    case 3:
    case 4:
        submit(d, random_below(2) ? "ab" : "a", keys[random_below(6)]);
        break;
    case 5:
    case 6:
        commit_request(d, random_id(d), some);
        break;
    case 7:
        finish(d, random_below(4) ? TX_MSG_OUTCOME_REQUEST : TX_MSG_ABORT_REQUEST, random_id(d),
               some);
        break;
    case 8:
        outcome_ack(d, random_id(d));
        break;
    case 9: {
        struct tx_msg msg = {.type = (enum tx_msg_type)random_below(TX_MSG_TYPES_N)};
        driver_client(d, CLIENT, &msg);
        break;
    }
    }
}

static void check_said(const struct driver *d, bool strict)
{
    for (size_t i = 0; i < d->actions.n; i++) {
        const struct coord_action *action = &d->actions.items[i];
        if (action->tx.epoch != d->options.epoch || action->tx.seq >= SEQS) {
            continue;
        }
        bool commit = action->type == COORD_ACTION_SEND && action->msg.type == TX_MSG_COMMIT;
        if (action->type == COORD_ACTION_REPLY && action->msg.type == TX_MSG_OUTCOME) {
            commit = action->msg.outcome.outcome == TX_OUTCOME_COMMITTED;
            bool abort = action->msg.outcome.outcome == TX_OUTCOME_ABORTED;
            aborts += abort && !abort_said[action->tx.seq];
            abort_said[action->tx.seq] |= abort;
        }
        commits += commit && !commit_said[action->tx.seq];
        commit_said[action->tx.seq] |= commit;
        assert_true(!strict || !commit_said[action->tx.seq] || !abort_said[action->tx.seq]);
    }
}

static void step(struct driver *d)
{
    uint64_t kind = random_below(20);
    if (kind < 11) {
        random_participant(d);
    } else if (kind < 17) {
        random_client(d);
    } else if (kind < 19) {
        uint64_t back = random_below(3);
        driver_durable_to(d, d->log_n > back ? d->log_n - back : 0);
    } else {
        driver_pass(d, random_below(random_below(20) == 0 ? 40 * SECOND_US : SECOND_US));
    }
}

/* `strict`: nothing is evicted and nothing restarts, so that no lie of a participant can be told as
 * an outcome. */
static void run(uint64_t number, bool strict)
{
    struct driver d;
    seed = 0x9e3779b97f4a7c15u * (number + 1);
    memset(commit_said, 0, sizeof commit_said);
    memset(abort_said, 0, sizeof abort_said);
    driver_init(&d);
    d.options.txs_max = 20;
    d.options.mode = number % 4 < 2 ? TX_COMMIT_PARTICIPANTS : TX_COMMIT_COORDINATOR;
    d.options.results_max = number % 3 == 0 ? 20 : 0; /* what two members give, not three */
    if (strict) {
        d.options.retained_max = 100000;
        d.options.retention_us = 1000000 * SECOND_US;
    } else {
        d.options.retained_max = 15;
        d.options.snapshot_records = 40;
        d.options.retain_records = 0;
        d.options.retention_us = 20 * SECOND_US;
    }
    driver_start(&d);
    driver_welcome_all(&d);
    for (int i = 0; i < STEPS; i++) {
        step(&d);
        check_said(&d, strict);
        driver_ignore(&d);
        struct coord_stats stats = driver_stats(&d);
        bool fenced = stats.fenced;
        if (!strict && (random_below(500) == 0 || fenced)) {
            driver_durable(&d);
            by_members += stats.members_committed;
            prevented += stats.prevented;
            driver_restart_all(&d);
            assert_int_equal(driver_stats(&d).fenced, fenced);
            if (fenced) { /* for good: its directory is given up, with its last record */
                driver_restart(&d, d.log_n - 2);
            }
            driver_welcome_all(&d);
            memset(commit_said, 0, sizeof commit_said);
            memset(abort_said, 0, sizeof abort_said);
        }
    }
    by_members += driver_stats(&d).members_committed;
    prevented += driver_stats(&d).prevented;
    driver_deinit(&d);
}

static void random_messages_keep_the_invariants(void **unused)
{
    (void)unused;
    for (uint64_t i = 0; i < RUNS; i++) {
        run(i, i % 2 == 0);
    }
    print_message("%u commits, %u aborts; %u found, %u prevented\n", commits, aborts,
                  (unsigned)by_members, (unsigned)prevented);
    /* Or the messages would not reach what they are meant to reach. */
    assert_true(commits > 100 && aborts > 1000);
    assert_true(by_members > 30 && prevented > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_messages_keep_the_invariants)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
