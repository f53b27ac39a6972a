#include "unit/store/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

void store_fixture_init(struct store_fixture *f)
{
    memset(f, 0, sizeof *f);
    snprintf(f->directory, sizeof f->directory, "/tmp/trapezoid-store-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->path, sizeof f->path, "%s/store.db", f->directory);
    char log_path[96];
    snprintf(log_path, sizeof log_path, "%s/log", f->directory);
    f->log_fd = open(log_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(f->log_fd >= 0);
    log_init(&f->log, f->log_fd, false, LOG_DEBUG);
}

void store_fixture_done(struct store_fixture *f)
{
    store_fixture_close(f);
    DIR *directory = opendir(f->directory);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    assert_int_equal(rmdir(f->directory), 0);
    close(f->log_fd);
}

static void on_commit(void *user, int64_t ticket, int status)
{
    struct store_fixture *f = user;
    atomic_store(status == 0 ? &f->committed : &f->failed, ticket);
}

int store_fixture_open(struct store_fixture *f, int linger_ms)
{
    struct store_options options = {.path = f->path, .log = &f->log};
    int status = store_open(&options, &f->store);
    if (status < 0 || linger_ms < 0)
        return status;
    struct store_writer_options writer = {
        .linger_ms = (unsigned)linger_ms, .on_commit = on_commit, .user = f};
    return store_writer_start(f->store, &writer);
}

void store_fixture_close(struct store_fixture *f)
{
    store_close(f->store);
    f->store = NULL;
}

static void wait_for(const _Atomic int64_t *value, int64_t ticket)
{
    for (unsigned i = 0; atomic_load(value) < ticket; i++) {
        assert_true(i < 30000);
        usleep(1000);
    }
}

void store_fixture_wait(struct store_fixture *f, int64_t ticket)
{
    wait_for(&f->committed, ticket);
}

void store_fixture_wait_failed(struct store_fixture *f, int64_t ticket)
{
    wait_for(&f->failed, ticket);
}

bool store_fixture_logged(const struct store_fixture *f, const char *text)
{
    char buf[8192];
    ssize_t length = pread(f->log_fd, buf, sizeof buf - 1, 0);
    assert_true(length >= 0);
    buf[length] = '\0';
    return strstr(buf, text) != NULL;
}

void store_binding_make(struct store_binding *binding, unsigned n, uint32_t cseq)
{
    static _Thread_local char texts[4][64];
    snprintf(texts[0], sizeof texts[0], "sip:u%u@example.com", n);
    snprintf(texts[1], sizeof texts[1], "sip:u%u@192.0.2.1:5060;transport=tcp", n);
    snprintf(texts[2], sizeof texts[2], "call-%u-%u", n, cseq);
    snprintf(texts[3], sizeof texts[3], "<urn:uuid:%08x>;%u", n, n % 3);
    *binding = (struct store_binding){.aor = slice_from_string(texts[0]),
                                      .key = slice_from_string(texts[n % 2 == 0 ? 1 : 3]),
                                      .contact = slice_from_string(texts[1]),
                                      .call_id = slice_from_string(texts[2]),
                                      .cseq = cseq,
                                      .q = (uint16_t)(n % 1001),
                                      .reg_id = n % 3,
                                      .expires_ms = T0 + 3600000,
                                      .since_ms = T0 - n,
                                      .updated_ms = T0 + cseq,
                                      .path = SLICE("<sip:edge;lr>"),
                                      .params = SLICE(";audio"),
                                      .user_agent = SLICE("phone/1 (\xc3\xa4)"),
                                      .behind_nat = n % 2 == 0,
                                      .gruu = n % 3 == 0};
    if (n % 2 == 1)
        binding->instance = slice_of(texts[3], strlen("<urn:uuid:00000000>"));
    binding->flow.transport = TRANSPORT_TCP;
    binding->flow.listener = 3;
    const char *remote = n % 2 == 0 ? "192.0.2.1:5060" : "[2001:db8::1]:5060";
    assert_int_equal(address_parse(slice_from_string(remote), &binding->flow.remote), 0);
    assert_int_equal(address_parse(SLICE("192.0.2.200:5060"), &binding->flow.local), 0);
}

int64_t store_fixture_put(struct store_fixture *f, unsigned n, uint32_t cseq, int64_t old_place)
{
    struct store_binding binding;
    store_binding_make(&binding, n, cseq);
    struct store_change change = {.binding = &binding, .old_place = old_place};
    return store_bindings_write(f->store, &change, 1);
}

int64_t store_fixture_remove(struct store_fixture *f, int64_t old_place)
{
    struct store_change change = {.old_place = old_place};
    return store_bindings_write(f->store, &change, 1);
}

static struct store_read read_back;
static pthread_mutex_t read_lock = PTHREAD_MUTEX_INITIALIZER;

static int take(void *user, int64_t place, const struct store_binding *binding)
{
    (void)user;
    unsigned n = (unsigned)strtoul(binding->aor.ptr + strlen("sip:u"), NULL, 10);
    assert_true(n < READ_MAX);
    struct store_binding wanted;
    store_binding_make(&wanted, n, binding->cseq);
    assert_true(slice_equal(binding->aor, wanted.aor) && slice_equal(binding->key, wanted.key));
    assert_true(slice_equal(binding->contact, wanted.contact));
    assert_true(slice_equal(binding->call_id, wanted.call_id));
    assert_true(slice_equal(binding->instance, wanted.instance));
    assert_true(slice_equal(binding->path, wanted.path));
    assert_true(slice_equal(binding->params, wanted.params));
    assert_true(slice_equal(binding->user_agent, wanted.user_agent));
    assert_true(binding->q == wanted.q && binding->reg_id == wanted.reg_id);
    assert_true(binding->since_ms == wanted.since_ms && binding->updated_ms == wanted.updated_ms);
    assert_true(binding->behind_nat == wanted.behind_nat);
    assert_true(binding->gruu == wanted.gruu);
    assert_int_equal(binding->flow.transport, wanted.flow.transport);
    assert_int_equal(binding->flow.listener, wanted.flow.listener);
    assert_true(address_equal(&binding->flow.remote, &wanted.flow.remote));
    assert_true(address_equal(&binding->flow.local, &wanted.flow.local));
    pthread_mutex_lock(&read_lock);
    read_back.twice += read_back.place[n] != 0;
    read_back.count++;
    read_back.cseq[n] = binding->cseq;
    read_back.place[n] = place;
    pthread_mutex_unlock(&read_lock);
    return 0;
}

const struct store_read *store_fixture_read(struct store_fixture *f, int64_t now_ms)
{
    void *users[2] = {NULL, NULL};
    memset(&read_back, 0, sizeof read_back);
    assert_int_equal(store_bindings_each(f->store, now_ms, 2, take, users), 0);
    return &read_back;
}
