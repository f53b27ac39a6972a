/* What the tests of the store share: a directory of their own, a store in it, bindings and what is
 * read back. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <stdatomic.h>

#include "store/store.h"

#define T0 1700000000000 /* the present of the tests, in Unix milliseconds */

struct store_fixture {
    char directory[64];
    char path[96]; /* of the database */
    struct log log;
    int log_fd; /* a file that holds what was logged */
    struct store *store;
    _Atomic int64_t committed; /* highest ticket reported durable */
    _Atomic int64_t failed;    /* highest ticket reported failed */
};

void store_fixture_init(struct store_fixture *f);
/* Closes the store and removes the directory. */
void store_fixture_done(struct store_fixture *f);
/* Opens; with a writer unless linger_ms is negative. */
int store_fixture_open(struct store_fixture *f, int linger_ms);
void store_fixture_close(struct store_fixture *f);
/* Waits until the ticket is durable, or reported failed. */
void store_fixture_wait(struct store_fixture *f, int64_t ticket);
void store_fixture_wait_failed(struct store_fixture *f, int64_t ticket);
/* Does the log hold the text? */
bool store_fixture_logged(const struct store_fixture *f, const char *text);

/* A binding of "sip:uN@example.com" with all fields set, different for each n. */
void store_binding_make(struct store_binding *binding, unsigned n, uint32_t cseq);
/* Writes one binding; returns its place. */
int64_t store_fixture_put(struct store_fixture *f, unsigned n, uint32_t cseq, int64_t old_place);
int64_t store_fixture_remove(struct store_fixture *f, int64_t old_place);

#define READ_MAX 100000

/* What store_bindings_each gave: CSeq and place by number, 0 where there was none. */
struct store_read {
    unsigned count;
    unsigned twice; /* bindings that came more than once */
    uint32_t cseq[READ_MAX];
    int64_t place[READ_MAX];
};

/* Reads everything with two threads; the store has no writer yet. */
const struct store_read *store_fixture_read(struct store_fixture *f, int64_t now_ms);

#endif
