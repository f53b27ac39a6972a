#include "app/outside/binding.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "stun/write.h"

#define SERVERS_MAX 16
#define HEAD_START  500 /* ms that a server has before the next one is asked */
#define LAST_WAIT   1000
#define POLL_MS     50

/* RFC 8489 section 6.2.1 with an RTO of 500 ms; what waits at a start cannot have all of Rc. */
static const unsigned sends[] = {0, 500, 1500};
#define SENDS (sizeof sends / sizeof *sends)

struct asking {
    int fd;
    const struct binding_ask *ask;
    char request[128];
    size_t length;
    uint8_t id[STUN_ID_SIZE];
    unsigned sent[SERVERS_MAX]; /* how often */
};

static int write_request(struct asking *asking)
{
    static const uint8_t cookie[] = {0x21, 0x12, 0xa4, 0x42};
    struct stun_writer w;
    int status = random_secret(asking->id, sizeof asking->id);
    if (status < 0)
        return status;
    memcpy(asking->id, cookie, sizeof cookie);
    stun_write_begin(&w, asking->request, sizeof asking->request,
                     stun_type(STUN_REQUEST, STUN_BINDING), asking->id);
    stun_write_fingerprint(&w);
    asking->length = stun_write_end(&w).len;
    return 0;
}

static void send_due(struct asking *asking, unsigned elapsed_ms)
{
    for (unsigned i = 0; i < asking->ask->server_count; i++) {
        const struct address *to = &asking->ask->servers[i];
        if (asking->sent[i] < SENDS && elapsed_ms >= i * HEAD_START + sends[asking->sent[i]]) {
            asking->sent[i]++;
            (void)sendto(asking->fd, asking->request, asking->length, MSG_DONTWAIT, &to->sa,
                         address_length(to));
        }
    }
}

static bool read_mapped(const struct asking *asking, struct slice data, struct address *ret)
{
    struct stun_message message;
    if (stun_parse(data, &message) < 0 || message.class != STUN_SUCCESS ||
        message.method != STUN_BINDING || memcmp(stun_id(&message), asking->id, STUN_ID_SIZE) != 0)
        return false;
    return stun_get_address(&message, STUN_XOR_MAPPED_ADDRESS, ret) == 0 ||
           stun_get_address(&message, STUN_MAPPED_ADDRESS, ret) == 0;
}

/* Reads all that is there. */
static bool receive(const struct asking *asking, struct binding_answer *ret_answer)
{
    char buf[1500];
    struct address from;
    socklen_t length = sizeof from;
    ssize_t got;
    while ((got = recvfrom(asking->fd, buf, sizeof buf, MSG_DONTWAIT, &from.sa, &length)) >= 0) {
        length = sizeof from;
        for (unsigned i = 0; i < asking->ask->server_count; i++) {
            if (address_equal(&from, &asking->ask->servers[i]) &&
                read_mapped(asking, slice_of(buf, (size_t)got), &ret_answer->mapped)) {
                ret_answer->server = i;
                return true;
            }
        }
    }
    return false;
}

static int wait_for_answer(struct asking *asking, struct binding_answer *ret_answer)
{
    uint64_t began_us = clock_monotonic_us();
    unsigned last_ms = (asking->ask->server_count - 1) * HEAD_START + sends[SENDS - 1] + LAST_WAIT;
    for (;;) {
        unsigned elapsed_ms = (unsigned)((clock_monotonic_us() - began_us) / 1000);
        bool cancelled = asking->ask->cancel != NULL && atomic_load(asking->ask->cancel);
        if (elapsed_ms > last_ms || cancelled)
            return ERR_TIMEOUT;
        send_due(asking, elapsed_ms);
        struct pollfd poll_fd = {.fd = asking->fd, .events = POLLIN};
        if (poll(&poll_fd, 1, POLL_MS) < 0 && errno != EINTR)
            return ERR_IO;
        if (receive(asking, ret_answer))
            return 0;
    }
}

int binding_ask(const struct binding_ask *ask, struct binding_answer *ret_answer)
{
    struct asking asking = {.ask = ask};
    struct binding_answer answer = {.local = ask->local};
    socklen_t length = sizeof answer.local;
    if (ask->server_count == 0 || ask->server_count > SERVERS_MAX)
        return ERR_IO;
    asking.fd = socket(ask->local.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (asking.fd < 0)
        return ERR_IO;
    int status = bind(asking.fd, &ask->local.sa, address_length(&ask->local)) < 0 ? ERR_IO : 0;
    if (status == 0)
        status = write_request(&asking);
    if (status == 0 && getsockname(asking.fd, &answer.local.sa, &length) < 0)
        status = ERR_IO;
    if (status == 0)
        status = wait_for_answer(&asking, &answer);
    (void)close(asking.fd);
    if (status == 0)
        *ret_answer = answer;
    return status;
}
