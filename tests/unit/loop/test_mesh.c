/* label: threads */
#include "unit/loop/loop_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/mesh.h"

struct inbox {
    struct loop *loop;
    unsigned count;
    unsigned expected;
    unsigned from;
    size_t length;
    uint64_t sum;
};

static void keep_mail(void *user, unsigned from, struct slice data)
{
    struct inbox *inbox = user;
    inbox->from = from;
    inbox->length = data.len;
    for (size_t i = 0; i < data.len; i++)
        inbox->sum += (unsigned char)data.ptr[i];
    inbox->count++;
}

static int post(struct mesh *mesh, unsigned from, unsigned to, struct slice data)
{
    return mesh_post(mesh, from, to, MAIL_CONTROL, &data, 1);
}

static void a_worker_may_mail_itself(void **state)
{
    (void)state;
    struct mesh *mesh;
    struct inbox inbox = {0};
    assert_int_equal(mesh_new(1, 0, 0, &mesh), 0);
    struct loop *loop = new_mesh_loop(mesh, 0);
    mesh_on_mail(loop, MAIL_CONTROL, keep_mail, &inbox);
    assert_int_equal(post(mesh, 0, 0, SLICE("abc")), 0);
    assert_int_equal(inbox.count, 0);
    assert_true(run_until(loop, not_zero, &inbox.count, WAIT_MS));
    assert_int_equal(inbox.length, 3);
    assert_int_equal(inbox.sum, 'a' + 'b' + 'c');
    loop_free(loop);
    mesh_free(mesh);
}

static void large_mails_arrive_whole(void **state)
{
    (void)state;
    struct mesh *mesh;
    struct inbox inbox = {0};
    size_t size = 70000;
    char *data = malloc(size);
    memset(data, 1, size);
    assert_int_equal(mesh_new(2, 1, 0, &mesh), 0);
    struct loop *loop = new_mesh_loop(mesh, 1);
    mesh_on_mail(loop, MAIL_CONTROL, keep_mail, &inbox);
    /* The third place is that of a thread which only sends. */
    for (int i = 0; i < 200; i++) {
        inbox.count = 0;
        inbox.sum = 0;
        assert_int_equal(post(mesh, 2, 1, slice_of(data, size)), 0);
        mesh_flush(mesh, 2);
        assert_true(run_until(loop, not_zero, &inbox.count, WAIT_MS));
        assert_int_equal(inbox.from, 2);
        assert_int_equal(inbox.sum, size);
    }
    free(data);
    loop_free(loop);
    mesh_free(mesh);
}

static void a_full_ring_refuses_and_counts(void **state)
{
    (void)state;
    struct mesh *mesh;
    assert_int_equal(mesh_new(2, 0, 4096, &mesh), 0);
    unsigned sent = 0;
    while (post(mesh, 0, 1, SLICE("0123456789")) == 0)
        sent++;
    assert_in_range(sent, 100, 4096 / 16);
    assert_int_equal(post(mesh, 0, 1, SLICE("0123456789")), ERR_LIMIT);
    assert_int_equal(mesh_refused(mesh), 2);
    /* The other pairs have their own room. */
    assert_int_equal(post(mesh, 1, 0, SLICE("0123456789")), 0);
    mesh_free(mesh);
}

static void mail_without_a_handler_is_dropped(void **state)
{
    (void)state;
    struct mesh *mesh;
    struct inbox inbox = {0};
    assert_int_equal(mesh_new(1, 0, 4096, &mesh), 0);
    struct loop *loop = new_mesh_loop(mesh, 0);
    mesh_on_mail(loop, MAIL_CONTROL, keep_mail, &inbox);
    struct slice data = SLICE("x");
    assert_int_equal(mesh_post(mesh, 0, 0, MAIL_STORE, &data, 1), 0);
    assert_int_equal(post(mesh, 0, 0, SLICE("y")), 0);
    assert_true(run_until(loop, not_zero, &inbox.count, WAIT_MS));
    assert_int_equal(inbox.count, 1);
    loop_free(loop);
    mesh_free(mesh);
}

/* ---- real threads ---- */

#define WORKERS      3
#define MAILS        6000u /* of each worker to each */
#define THREAD_MAILS (MAILS * (WORKERS + 1))

struct mail {
    unsigned from;
    unsigned number;
    unsigned length;
    char fill[64];
};

struct worker {
    struct timer timer;
    struct mesh *mesh;
    struct loop *loop;
    unsigned id;
    unsigned next[WORKERS + 1]; /* expected number, by sender */
    unsigned posted[WORKERS];   /* by receiver */
    _Atomic unsigned wrong;
    unsigned received;
    uint64_t give_up;
};

static void check_mail(void *user, unsigned from, struct slice data)
{
    struct worker *worker = user;
    struct mail mail;
    if (data.len < offsetof(struct mail, fill) || data.len > sizeof(mail)) {
        worker->wrong++;
        return;
    }
    memcpy(&mail, data.ptr, data.len);
    if (mail.from != from || mail.number != worker->next[from]++ || mail.length != data.len)
        worker->wrong++;
    worker->received++;
}

/* Posts until the ring is full or a handful has gone; true when all has gone. */
static bool post_some(struct mesh *mesh, unsigned from, unsigned *posted)
{
    bool all = true;
    for (unsigned to = 0; to < WORKERS; to++) {
        for (int i = 0; i < 50 && posted[to] < MAILS; i++) {
            struct mail mail = {.from = from, .number = posted[to]};
            mail.length = (unsigned)offsetof(struct mail, fill) + posted[to] % 64;
            struct slice data = slice_of((const char *)&mail, mail.length);
            if (mesh_post(mesh, from, to, MAIL_DATAGRAM, &data, 1) != 0)
                break;
            posted[to]++;
        }
        all &= posted[to] == MAILS;
    }
    return all;
}

static void nudge(struct timer *timer)
{
    (void)timer;
}

static void work(void *user)
{
    struct worker *worker = user;
    bool all = post_some(worker->mesh, worker->id, worker->posted);
    if ((all && worker->received == THREAD_MAILS) || clock_ms() > worker->give_up)
        loop_stop(worker->loop);
    else if (!timer_running(&worker->timer))
        wheel_start(loop_wheel(worker->loop), &worker->timer, 1);
}

static void *run_worker(void *user)
{
    struct worker *worker = user;
    /* So that the loop turns while its own mails wait for room. */
    timer_init(&worker->timer, nudge);
    worker->give_up = clock_ms() + 40000;
    wheel_start(loop_wheel(worker->loop), &worker->timer, 1);
    loop_on_turn_end(worker->loop, work, worker);
    loop_run(worker->loop);
    return NULL;
}

static void *run_sender(void *user)
{
    struct mesh *mesh = user;
    unsigned posted[WORKERS] = {0};
    uint64_t give_up = clock_ms() + 40000;
    while (!post_some(mesh, WORKERS, posted) && clock_ms() < give_up) {
        mesh_flush(mesh, WORKERS);
        usleep(50);
    }
    mesh_flush(mesh, WORKERS);
    return NULL;
}

static void all_mail_between_threads_arrives_once_and_in_order(void **state)
{
    (void)state;
    struct mesh *mesh;
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS + 1];
    assert_int_equal(mesh_new(WORKERS, 1, 16384, &mesh), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.mesh = mesh, .id = i};
        workers[i].loop = new_mesh_loop(mesh, i);
        mesh_on_mail(workers[i].loop, MAIL_DATAGRAM, check_mail, &workers[i]);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_create(&threads[i], NULL, run_worker, &workers[i]);
    pthread_create(&threads[WORKERS], NULL, run_sender, mesh);
    for (unsigned i = 0; i <= WORKERS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(workers[i].wrong, 0);
        assert_int_equal(workers[i].received, THREAD_MAILS);
        loop_free(workers[i].loop);
    }
    mesh_free(mesh);
}

/* A lost wake-up would leave both asleep. */
struct player {
    struct mesh *mesh;
    struct loop *loop;
    unsigned id;
    unsigned count;
};

#define VOLLEYS 2000u

static void hit(void *user, unsigned from, struct slice data)
{
    struct player *player = user;
    player->count++;
    if (player->count < VOLLEYS || player->id == 1)
        (void)mesh_post(player->mesh, player->id, from, MAIL_CONTROL, &data, 1);
    if (player->count == VOLLEYS)
        loop_stop(player->loop);
}

static void *play(void *user)
{
    loop_run(((struct player *)user)->loop);
    return NULL;
}

static void no_wake_up_is_lost(void **state)
{
    (void)state;
    struct mesh *mesh;
    struct player players[2];
    pthread_t threads[2];
    assert_int_equal(mesh_new(2, 0, 4096, &mesh), 0);
    for (unsigned i = 0; i < 2; i++) {
        players[i] = (struct player){.mesh = mesh, .id = i, .loop = new_mesh_loop(mesh, i)};
        mesh_on_mail(players[i].loop, MAIL_CONTROL, hit, &players[i]);
    }
    assert_int_equal(post(mesh, 0, 1, SLICE("ball")), 0);
    mesh_flush(mesh, 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, play, &players[i]);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(players[0].count, VOLLEYS);
    assert_int_equal(players[1].count, VOLLEYS);
    loop_free(players[0].loop);
    loop_free(players[1].loop);
    mesh_free(mesh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_may_mail_itself),
        cmocka_unit_test(large_mails_arrive_whole),
        cmocka_unit_test(a_full_ring_refuses_and_counts),
        cmocka_unit_test(mail_without_a_handler_is_dropped),
        cmocka_unit_test(all_mail_between_threads_arrives_once_and_in_order),
        cmocka_unit_test(no_wake_up_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
