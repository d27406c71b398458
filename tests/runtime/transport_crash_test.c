/* A process that dies at "send:...": before, nothing of the frame leaves; after, all of it has
 * left. */
#include "tests/runtime/scratch.h"

#include "common/clock.h"
#include "common/transport.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef ASSENT_CRASH_POINTS
#define VALUE (400u * 1024u)

struct receiver {
    struct loop *loop;
    unsigned votes, prepares;
    size_t bytes;
};

static void on_message(void *arg, transport_client from, const struct tx_envelope *envelope,
                       const struct tx_msg *msg)
{
    struct receiver *r = arg;

    (void)from;
    (void)envelope;
    if (msg->type == TX_MSG_PREPARE) {
        r->prepares++;
        r->bytes += msg->prepare.ops[0].value.len;
    }
}

static void stop(void *arg)
{
    loop_stop(((struct receiver *)arg)->loop);
}

static void open_transport(struct loop **loop, enum tx_role role, const char *listen,
                           struct receiver *r, struct transport **transport)
{
    struct transport_options options = {.listen = listen};
    struct tx_why why = {.text = ""};

    loop_prepare_process();
    assert_int_equal(loop_new(loop, &why), TX_OK);
    (void)snprintf(options.envelope.cluster, sizeof(options.envelope.cluster), "test");
    options.envelope.role = role;
    options.envelope.coordinator = role == TX_ROLE_COORDINATOR;
    options.envelope.start = 1;
    if (role == TX_ROLE_PARTICIPANT) {
        (void)snprintf(options.envelope.name.s, sizeof(options.envelope.name.s), "a");
    }
    assert_int_equal(transport_new(&options, *loop, on_message, NULL, r, transport, &why), TX_OK);
}

/* The child: sends one large PREPARE to `address` and dies at the place on the way. */
static _Noreturn void send_and_die(const char *place, const char *address)
{
    static uint8_t value[VALUE];
    struct tx_op op = {.type = TX_OP_PUT,
                       .participant = {"a"},
                       .space = tx_bytes_str("s"),
                       .key = tx_bytes_str("k"),
                       .value = tx_bytes(value, sizeof(value))};
    struct tx_member member = {.name = {"a"}};
    const struct tx_position nothing = {0};
    struct tx_msg msg = {.type = TX_MSG_PREPARE,
                         .prepare = {.id = {1, 1, 1},
                                     .age = {.counter = 1, .coordinator = 1},
                                     .one_shot = true,
                                     .members = &member,
                                     .members_n = 1,
                                     .known = &nothing,
                                     .ops = &op,
                                     .ops_n = 1}};
    struct transport *transport;
    struct receiver nobody;
    struct tx_address to;
    struct loop *loop;

    (void)setenv("ASSENT_CRASH_POINT", place, 1);
    (void)snprintf(to.s, sizeof(to.s), "%s", address);
    member.address = to;
    open_transport(&loop, TX_ROLE_COORDINATOR, "tcp://127.0.0.1:*", &nobody, &transport);
    transport_send(transport, &to, &msg);
    transport_flush(transport);
    _exit(1);
}

/* What arrives within this time at a participant of a frame whose sender dies at `place`. */
static struct receiver run(const char *place, const char *listen, uint64_t wait_us)
{
    struct receiver r = {.prepares = 0};
    struct transport *transport;
    char address[128] = "";
    int to_child[2], status;
    uint64_t until;
    pid_t child;

    assert_int_equal(pipe(to_child), 0);
    child = fork(); /* before there is any thread here */
    if (child == 0) {
        if (read(to_child[0], address, sizeof(address) - 1) > 0) {
            send_and_die(place, address);
        }
        _exit(2);
    }
    open_transport(&r.loop, TX_ROLE_PARTICIPANT, listen, &r, &transport);
    assert_true(write(to_child[1], transport_endpoint(transport),
                      strlen(transport_endpoint(transport))) > 0);
    /* The receiver reads nothing before its sender is dead. */
    status = scratch_wait(child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    until = clock_now_us() + wait_us;
    while (clock_now_us() < until && r.prepares == 0) {
        loop_timer(r.loop, clock_now_us() + 5000, stop, &r);
        loop_run(r.loop);
    }
    transport_destroy(&transport);
    loop_destroy(&r.loop);
    assert_int_equal(close(to_child[0]), 0);
    assert_int_equal(close(to_child[1]), 0);
    return r;
}

/* A run in a process of its own, as each makes threads; 0 when it went as expected. */
static void assert_arrives(const char *place, const char *listen, unsigned expected)
{
    const pid_t child = fork();
    int status;

    if (child == 0) {
        /* That nothing arrives can only be watched for a while. */
        const struct receiver r = run(place, listen, expected > 0 ? 50000000 : 500000);

        _exit(r.prepares == expected && r.bytes == (size_t)expected * VALUE ? 0 : 1);
    }
    assert_true(child > 0);
    status = scratch_wait(child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_before(void **state)
{
    (void)state;
    assert_arrives("send:PREPARE:before", "tcp://127.0.0.1:*", 0);
}

static void test_after(void **state)
{
    struct scratch scratch;
    char path[256], listen[300];

    (void)state;
    scratch_make(&scratch);
    (void)snprintf(listen, sizeof(listen), "ipc://%s", scratch_path(&scratch, "s", path));
    for (int i = 0; i < 5; i++) {
        assert_arrives("send:PREPARE:after", "tcp://127.0.0.1:*", 1);
        assert_arrives("send:PREPARE:after", listen, 1);
    }
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_before), cmocka_unit_test(test_after)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
    return 0; /* a build without crash points has nothing to show */
}
#endif
