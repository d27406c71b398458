#include "tests/runtime/scratch.h"

#include "common/clock.h"
#include "common/loop.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct world {
    struct loop *loop;
    int fd;
    unsigned fired, ready, signals, passes;
    uint64_t at_us, fired_us;
    int last_signal;
};

struct second {
    const struct world *w;
    unsigned passes;
    bool first_was_called;
};

static int set_up(void **state)
{
    static struct world w;
    struct tx_why why;

    w = (struct world){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    assert_true(w.fd >= 0);
    assert_int_equal(loop_new(&w.loop, &why), TX_OK);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    loop_destroy(&w->loop);
    assert_null(w->loop);
    loop_destroy(&w->loop); /* nothing happens */
    return close(w->fd);
}

static void fire_and_stop(void *arg)
{
    struct world *w = arg;

    w->fired_us = clock_now_us();
    w->fired++;
    loop_stop(w->loop);
}

static void test_timer_is_never_early(void **state)
{
    struct world *w = *state;

    for (uint64_t wait = 0; wait < 5000; wait += 333) {
        const uint64_t at = clock_now_us() + wait;

        w->fired = 0;
        loop_timer(w->loop, at, fire_and_stop, w);
        loop_run(w->loop);
        assert_int_equal(w->fired, 1);
        assert_true(w->fired_us >= at);
    }
}

static void test_timer_in_the_past_fires_at_once(void **state)
{
    struct world *w = *state;

    loop_timer(w->loop, clock_now_us() - 1, fire_and_stop, w);
    loop_run(w->loop);
    loop_timer(w->loop, 0, fire_and_stop, w);
    loop_run(w->loop);
    assert_int_equal(w->fired, 2);
}

static void wrong(void *arg)
{
    (void)arg;
    fail_msg("a timer that was moved has fired");
}

static void test_latest_call_counts(void **state)
{
    struct world *w = *state;
    const uint64_t now = clock_now_us();

    loop_timer(w->loop, now, wrong, w);            /* moved later */
    loop_timer(w->loop, now + 5000, wrong, w);     /* moved earlier */
    loop_timer(w->loop, UINT64_MAX - 1, wrong, w); /* far away */
    loop_timer(w->loop, UINT64_MAX, NULL, NULL);   /* disarmed */
    loop_timer(w->loop, now + 20000, fire_and_stop, w);
    loop_run(w->loop);
    assert_true(w->fired_us >= now + 20000);
    loop_timer(w->loop, UINT64_MAX - 1, wrong, w);
    loop_timer(w->loop, clock_now_us() + 1000, fire_and_stop, w);
    loop_run(w->loop);
    assert_int_equal(w->fired, 2);
}

static void rearm(void *arg)
{
    struct world *w = arg;

    assert_true(clock_now_us() >= w->at_us);
    if (++w->fired == 50) {
        loop_stop(w->loop);
        return;
    }
    w->at_us = clock_now_us() + 100;
    loop_timer(w->loop, w->at_us, rearm, w);
}

static void test_timer_set_again_from_its_callback(void **state)
{
    struct world *w = *state;

    w->at_us = clock_now_us();
    loop_timer(w->loop, w->at_us, rearm, w);
    loop_run(w->loop);
    assert_int_equal(w->fired, 50);
}

static void disarm_once_ready(void *arg)
{
    struct world *w = arg;
    uint64_t n;

    w->ready += read(w->fd, &n, sizeof(n)) == (ssize_t)sizeof(n);
    loop_timer(w->loop, UINT64_MAX, NULL, NULL);
    loop_stop(w->loop);
}

static void test_descriptor(void **state)
{
    struct world *w = *state;
    const uint64_t one = 1;

    assert_int_equal(loop_add_fd(w->loop, w->fd, disarm_once_ready, w), TX_OK);
    for (int i = 0; i < 3; i++) {
        loop_timer(w->loop, clock_now_us() + 10 * 1000 * 1000, wrong, w);
        assert_int_equal(write(w->fd, &one, sizeof(one)), sizeof(one));
        loop_run(w->loop);
    }
    assert_int_equal(w->ready, 3);
}

static void read_one(void *arg)
{
    struct world *w = arg;
    uint64_t n;

    w->ready += read(w->fd, &n, sizeof(n)) == (ssize_t)sizeof(n);
}

static void fire(void *arg)
{
    struct world *w = arg;

    w->fired++;
}

static void end_of_pass(void *arg)
{
    struct world *w = arg;

    w->passes++;
    if (w->ready > 0 && w->fired > 0) {
        loop_stop(w->loop);
    }
}

static void second_after(void *arg)
{
    struct second *second = arg;

    second->first_was_called = second->w->passes > second->passes;
    second->passes = second->w->passes;
}

/* Waits until the loop's timer is due: until its descriptor, the only one of its kind here, is
 * ready. */
static void await_timer(void)
{
    for (int fd = 3; fd < 1024; fd++) {
        char path[64], kind[64] = "";
        struct pollfd timer = {.fd = fd, .events = POLLIN};

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (readlink(path, kind, sizeof(kind) - 1) > 0 && strstr(kind, "[timerfd]") != NULL) {
            assert_int_equal(poll(&timer, 1, 60000), 1);
            return;
        }
    }
    fail_msg("the loop has no timer");
}

/* A descriptor and the timer, ready at once, are one pass; what waits for its end comes after both,
 * once each, in order. */
static void test_after_all_of_a_pass(void **state)
{
    struct world *w = *state;
    struct second second = {.w = w};
    const uint64_t one = 1, now = clock_now_us();

    assert_int_equal(loop_add_fd(w->loop, w->fd, read_one, w), TX_OK);
    assert_int_equal(loop_add_after(w->loop, end_of_pass, w), TX_OK);
    assert_int_equal(loop_add_after(w->loop, second_after, &second), TX_OK);
    loop_timer(w->loop, now, fire, w);
    await_timer();
    assert_int_equal(write(w->fd, &one, sizeof(one)), sizeof(one));
    loop_run(w->loop);
    assert_int_equal(w->ready, 1);
    assert_int_equal(w->fired, 1);
    assert_int_equal(w->passes, 1);
    assert_int_equal(second.passes, 1);
    assert_true(second.first_was_called);
    loop_remove_after(w->loop, w);
    loop_timer(w->loop, clock_now_us(), fire_and_stop, w);
    loop_run(w->loop);
    assert_int_equal(w->passes, 1);
    assert_false(second.first_was_called);
}

static void got_signal(void *arg, int signal_number)
{
    struct world *w = arg;

    w->last_signal = signal_number;
    w->signals++;
    loop_stop(w->loop);
}

static void test_signals(void **state)
{
    static const int each[] = {SIGTERM, SIGINT, SIGHUP};
    struct world *w = *state;

    assert_int_equal(loop_on_signal(w->loop, got_signal, w), TX_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kill(getpid(), each[i]), 0);
        loop_run(w->loop);
        assert_int_equal(w->last_signal, each[i]);
    }
    assert_int_equal(w->signals, 3);
}

static void test_sigpipe_is_ignored(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(write(ends[1], "x", 1), -1);
    assert_int_equal(close(ends[1]), 0);
}

#define LOOP_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(test_timer_is_never_early),
        LOOP_TEST(test_timer_in_the_past_fires_at_once),
        LOOP_TEST(test_latest_call_counts),
        LOOP_TEST(test_timer_set_again_from_its_callback),
        LOOP_TEST(test_descriptor),
        LOOP_TEST(test_after_all_of_a_pass),
        LOOP_TEST(test_signals),
        cmocka_unit_test(test_sigpipe_is_ignored),
    };

    loop_prepare_process();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
