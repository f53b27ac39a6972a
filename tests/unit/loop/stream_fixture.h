/* A user of streams that writes down what happens to it. Messages end with a line feed. */
#ifndef UNIT_STREAM_FIXTURE_H
#define UNIT_STREAM_FIXTURE_H

#include "loop/stream.h"
#include "unit/loop/loop_fixture.h"

struct user {
    struct loop *loop;
    struct stream_listener *listener;
    struct stream_options options;
    struct address local;
    unsigned opened;
    unsigned accepted;
    unsigned closed;
    unsigned messages;
    unsigned texts; /* messages that were not empty */
    size_t bytes;
    unsigned want;    /* for user_has_messages, user_has_opened, user_has_closed */
    char last[64];    /* the start of the last message, without its line feed */
    struct flow flow; /* of the last event */
    enum stream_reason reason;
    bool echo;
    bool close_on_message;
    bool close_on_open;
    bool refuse; /* says that the input is bad */
};

/* Sets handler and loop; limits zero. */
void user_init(struct user *user, struct loop *loop);
/* On 127.0.0.1, port chosen. */
void user_listen(struct user *user);
/* Listens and takes one connection of a plain socket, which is returned. */
int user_accept_one(struct user *user);
condition_fn user_has_messages;
condition_fn user_has_opened;
condition_fn user_has_closed;

/* Reads until the end or for at most ms, while the loop runs; returns bytes read; *ret_end tells
 * whether the end (0) or an error (negative errno) came, or 1 when neither. */
size_t peer_read_all(struct loop *loop, int fd, char *buf, size_t size, int *ret_end);

#endif
