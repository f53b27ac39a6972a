/* Location and store together: restarts, clean ones and by SIGKILL. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "service/location/journal.h"
#include "unit/service/location/fixture.h"

#include <cmocka.h>

#define USERS 300

static char directory[64], path[96];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/trapezoid-journal-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/store.db", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (unsigned i = 0; i < 3; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
    return rmdir(directory);
}

struct server {
    struct store *store;
    struct location *location;
};

/* Opens and restores. Returns how many bindings came back. */
static int64_t server_start(struct server *server)
{
    struct store_options options = {.path = path};
    assert_int_equal(store_open(&options, &server->store), 0);
    struct location_config config = {.journal = location_journal_of(server->store), .key = {1, 2}};
    assert_int_equal(location_new(&config, &server->location), 0);
    uint64_t left_out = 99;
    int64_t count = location_restore(server->location, server->store, T0, 2, &left_out);
    assert_true(left_out == 0);
    return count;
}

static void server_stop(struct server *server)
{
    location_free(server->location);
    store_close(server->store);
}

/* What the store must hold, in a form that can be compared. */
struct snapshot {
    unsigned count;
    uint32_t cseq[USERS][4]; /* by user and phone; 0: none */
    int64_t since[USERS][4], expires[USERS][4];
};

static void note(void *user, struct slice aor, const struct binding *binding)
{
    struct snapshot *snapshot = user;
    unsigned number = (unsigned)strtoul(aor.ptr + strlen("sip:u"), NULL, 10);
    unsigned phone = (unsigned)(binding->contact.ptr[strlen("sip:p")] - '0');
    assert_true(number < USERS && phone < 4);
    assert_true(snapshot->cseq[number][phone] == 0);
    assert_true(slice_equal(binding->user_agent, SLICE("phone/1")));
    assert_true(slice_equal(binding->instance, phone == 3 ? SLICE("<urn:x>") : SLICE_NULL));
    snapshot->count++;
    snapshot->cseq[number][phone] = binding->cseq;
    snapshot->since[number][phone] = binding->since_ms;
    snapshot->expires[number][phone] = binding->expires_ms;
}

static void take_snapshot(struct location *location, struct snapshot *snapshot)
{
    memset(snapshot, 0, sizeof *snapshot);
    uint64_t cursor = 0;
    do
        cursor = location_each(location, cursor, note, snapshot);
    while (cursor != 0);
}

static const char *const contacts[4] = {"sip:p0@192.0.2.1", "sip:p1@192.0.2.1", "sip:p2@192.0.2.1",
                                        "sip:p3@192.0.2.1"};

/* A change of some phones of one user. Returns the ticket, or an error. */
static int64_t change_user(struct server *server, struct random *random, unsigned number,
                           uint32_t cseq, uint32_t expires_s)
{
    char aor[32];
    struct location_update update;
    struct location_bindings bindings;
    struct arena arena;
    int64_t ticket;
    snprintf(aor, sizeof aor, "sip:u%u@example.com", number);
    update_init(&update, aor, "call", cseq);
    update.user_agent = SLICE("phone/1");
    unsigned phones = 1 + (unsigned)random_below(random, 15);
    for (unsigned phone = 0; phone < 4; phone++) {
        if ((phones >> phone & 1) == 0)
            continue;
        bool goes = random_below(random, 6) == 0;
        struct location_change *change = update_add(&update, contacts[phone], goes ? 0 : expires_s);
        if (phone == 3) {
            change->binding.instance = SLICE("<urn:x>");
            change->binding.reg_id = 1;
            change->key = SLICE("<urn:x>;1");
        }
    }
    arena_init(&arena, 4096, 1 << 20);
    int status = location_update(server->location, &update, T0, &arena, &bindings, &ticket);
    arena_done(&arena);
    return status < 0 ? status : ticket;
}

static void every_restart_brings_back_what_was_there(void **state)
{
    (void)state;
    static struct snapshot before, after;
    struct server server;
    struct random random;
    struct store_writer_options options = {0};
    uint32_t cseq = 0;
    random_seed(&random, 3);
    assert_true(server_start(&server) == 0);
    for (unsigned restart = 0; restart < 8; restart++) {
        options.linger_ms = restart % 2 == 0 ? 0 : 5;
        assert_int_equal(store_writer_start(server.store, &options), 0);
        for (unsigned i = 0; i < 2000; i++) {
            unsigned number = (unsigned)random_below(&random, USERS);
            uint32_t expires_s = 1 + (uint32_t)random_below(&random, 1000);
            assert_true(change_user(&server, &random, number, ++cseq, expires_s) >= 0);
            if (i % 400 == 399)
                location_sweep(server.location, T0 + 300000, 100000);
            if (i % 500 == 499)
                assert_true(location_kick(server.location, SLICE("sip:u7@example.com")) >= 0);
        }
        take_snapshot(server.location, &before);
        server_stop(&server);
        assert_true(server_start(&server) >= before.count);
        /* For the one who reads, the time of what the sweep took is not over yet: it comes back,
         * but never in the place of what was written later. */
        location_sweep(server.location, T0 + 300000, 100000);
        location_sweep(server.location, T0 + 300000, 100000);
        take_snapshot(server.location, &after);
        for (unsigned n = 0; n < USERS; n++) {
            for (unsigned p = 0; p < 4; p++) {
                if (before.expires[n][p] <= T0 + 300000)
                    continue;
                assert_int_equal(before.cseq[n][p], after.cseq[n][p]);
                assert_true(before.since[n][p] == after.since[n][p]);
                assert_true(before.expires[n][p] == after.expires[n][p]);
            }
        }
        for (unsigned n = 0; n < USERS; n++) {
            for (unsigned p = 0; p < 4; p++)
                assert_true(after.cseq[n][p] == 0 || after.cseq[n][p] == before.cseq[n][p]);
        }
    }
    server_stop(&server);
}

/* ---- SIGKILL ---- */

#define TICKETS_MAX 2000000

/* What the child tells the parent, after the commit and never before. */
struct acknowledgement {
    uint32_t user, cseq;
};

static _Atomic uint64_t *sent; /* by ticket, in the child: user and CSeq */
static _Atomic int64_t told;

static void tell(void *user, int64_t ticket, int status)
{
    int fd = *(int *)user;
    struct acknowledgement batch[512];
    size_t count = 0;
    if (status < 0)
        _exit(3);
    for (int64_t t = atomic_load(&told) + 1; t <= ticket; t++) {
        uint64_t both = atomic_load(&sent[t % TICKETS_MAX]);
        if (both != 0)
            batch[count++] = (struct acknowledgement){(uint32_t)(both >> 32), (uint32_t)both};
        if (count == 512 || (t == ticket && count > 0)) {
            if (write(fd, batch, count * sizeof *batch) < 0)
                _exit(4);
            count = 0;
        }
    }
    atomic_store(&told, ticket);
}

/* Registers both phones of one user after the other until it is killed. */
static void run_child(int fd, uint64_t seed, uint32_t cseq)
{
    struct server server;
    struct random random;
    struct arena arena;
    struct location_update update;
    struct location_bindings bindings;
    struct store_writer_options options = {.on_commit = tell, .user = &fd};
    random_seed(&random, seed);
    arena_init(&arena, 4096, 1 << 20);
    sent = calloc(TICKETS_MAX, sizeof *sent);
    server_start(&server);
    if (store_writer_start(server.store, &options) < 0)
        _exit(1);
    for (;;) {
        char aor[32];
        int64_t ticket;
        unsigned user = (unsigned)random_below(&random, USERS);
        snprintf(aor, sizeof aor, "sip:u%u@example.com", user);
        update_init(&update, aor, "call", ++cseq);
        update.user_agent = SLICE("phone/1");
        /* Odd users come and go. */
        uint32_t expires_s = user % 2 == 1 && random_below(&random, 3) == 0 ? 0 : 3600;
        update_add(&update, contacts[0], expires_s);
        update_add(&update, contacts[1], expires_s);
        int status = location_update(server.location, &update, T0, &arena, &bindings, &ticket);
        arena_reset(&arena);
        if (status == 0 && ticket > 0)
            /* Not too late: the writer may only be quicker by not telling this one at all. */
            atomic_store(&sent[ticket % TICKETS_MAX], (uint64_t)user << 32 | cseq);
        if (status == ERR_BUSY)
            usleep(1000);
        else if (status != 0)
            _exit(2);
        if (cseq % 64 == 0)
            usleep((useconds_t)random_below(&random, 300));
    }
}

/* Reads what the child says for some milliseconds, from its first word if one is waited for, kills
 * it, reads the rest. */
static uint32_t listen_and_kill(pid_t child, int fd, bool hear_it, unsigned ms,
                                uint32_t *acknowledged)
{
    struct pollfd first = {.fd = fd, .events = POLLIN};
    if (hear_it)
        assert_int_equal(poll(&first, 1, 60000), 1);
    uint64_t end_us = clock_monotonic_us() + (uint64_t)ms * 1000;
    struct acknowledgement batch[512];
    uint32_t highest = 0;
    bool alive = true;
    for (;;) {
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        poll(&poller, 1, 1);
        if (alive && clock_monotonic_us() >= end_us) {
            assert_int_equal(kill(child, SIGKILL), 0);
            alive = false;
        }
        if (poller.revents == 0)
            continue;
        ssize_t length = read(fd, batch, sizeof batch);
        assert_true(length >= 0 && length % (ssize_t)sizeof *batch == 0);
        if (length == 0)
            break;
        for (size_t i = 0; i < (size_t)length / sizeof *batch; i++) {
            acknowledged[batch[i].user] = batch[i].cseq;
            highest = batch[i].cseq > highest ? batch[i].cseq : highest;
        }
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return highest;
}

static void nothing_acknowledged_is_lost_when_the_process_is_killed(void **state)
{
    (void)state;
    static struct snapshot snapshot;
    static uint32_t acknowledged[USERS];
    struct random random;
    uint32_t cseq = 1, killed_in_load = 0;
    uint64_t seed = 3261; /* the moments of death are chance enough */
    random_seed(&random, seed);
    for (unsigned round = 0; round < 25; round++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(pipes[0]);
            run_child(pipes[1], seed + round, cseq);
        }
        close(pipes[1]);
        uint32_t highest = listen_and_kill(child, pipes[0], round % 3 != 0,
                                           (unsigned)random_below(&random, 80), acknowledged);
        close(pipes[0]);
        killed_in_load += highest > 0;
        struct server server;
        server_start(&server);
        take_snapshot(server.location, &snapshot);
        for (unsigned n = 0; n < USERS; n++) {
            uint32_t found = snapshot.cseq[n][0];
            /* Both phones of a request or none. */
            assert_int_equal(found, snapshot.cseq[n][1]);
            if (n % 2 == 0)
                assert_true(found >= acknowledged[n]);
            else
                assert_true(found == 0 || found >= acknowledged[n]);
            cseq = found > cseq ? found : cseq;
        }
        server_stop(&server);
        cseq = (highest > cseq ? highest : cseq) + 1000000;
    }
    assert_true(killed_in_load > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_restart_brings_back_what_was_there, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(nothing_acknowledged_is_lost_when_the_process_is_killed,
                                        make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
