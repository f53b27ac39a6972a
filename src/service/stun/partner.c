#include "service/stun/partner.h"

#include "base/error.h"
#include "base/memory.h"
#include "loop/udp.h"

#define COMPLAIN_MS 60000u /* between two complaints of the same */

struct partner {
    struct loop *loop; /* borrowed */
    struct partner_config config;
    struct link_corners corners;
    struct partner_handler handler;
    struct udp *asking;    /* owned; a port of its own */
    struct udp *answering; /* owned */
    struct stun_integrity integrity;
    struct link_key key;
    struct link_asker asker;
    struct link_answerer answerer;
    struct timer hello;
    bool said_alive; /* in the log */
    uint64_t complained_ms;
    uint8_t out[LINK_DATAGRAM_MAX];
};

static bool talks(const struct partner *partner)
{
    return loop_worker(partner->loop) == 0; /* one of them is enough in the log */
}

static void say_state(struct partner *partner)
{
    char text[ADDRESS_TEXT_MAX];
    bool alive = partner_alive(partner);
    if (alive == partner->said_alive)
        return;
    partner->said_alive = alive;
    (void)address_text(&partner->config.address, text);
    if (talks(partner) && alive)
        log_info(loop_log(partner->loop), LOG_TRANSPORT,
                 "stun: the partner %s is there: both addresses are served", text);
    else if (talks(partner))
        log_warn(loop_log(partner->loop), LOG_TRANSPORT,
                 "stun: the partner %s does not answer: change requests are answered 420", text);
}

static void refuse(struct partner *partner)
{
    if (partner->handler.on_refused != NULL)
        partner->handler.on_refused(partner->handler.user);
}

static void complain_of_corners(struct partner *partner, const struct link_corners *theirs)
{
    char own[ADDRESS_TEXT_MAX], other[ADDRESS_TEXT_MAX];
    uint64_t now = loop_now_ms(partner->loop);
    if (partner->complained_ms != 0 && now - partner->complained_ms < COMPLAIN_MS)
        return;
    partner->complained_ms = now;
    log_warn(loop_log(partner->loop), LOG_TRANSPORT,
             "stun: the partner serves %s with stun.alternate %s, which does not fit: its address "
             "must be that of stun.alternate here, its stun.alternate our address, the two ports "
             "the same",
             address_text(&theirs->own, own), address_text(&theirs->other, other));
}

/* ---- Asking ---- */

static int put(struct partner *partner, struct udp *udp, const struct address *local,
               const struct address *remote, const struct link_message *message)
{
    int length = link_write(message, &partner->integrity, &partner->key, partner->out);
    if (length < 0)
        return length;
    return udp_send(udp, local, remote, slice_of((const char *)partner->out, (size_t)length));
}

static void on_hello_due(struct timer *timer)
{
    struct partner *partner = container_of(timer, struct partner, hello);
    struct link_message hello;
    say_state(partner);
    link_ask(&partner->asker, &hello);
    hello.corners = partner->corners;
    (void)put(partner, partner->asking, NULL, &partner->config.address, &hello);
    wheel_start(loop_wheel(partner->loop), timer, LINK_HELLO_MS);
}

static void on_answer(void *user, const struct flow *flow, struct slice data)
{
    struct partner *partner = user;
    struct link_message welcome;
    if (!address_equal(&flow->remote, &partner->config.address) ||
        link_parse(data, &partner->integrity, &partner->key, &welcome) < 0 ||
        welcome.kind != LINK_WELCOME) {
        refuse(partner);
        return;
    }
    if (!link_corners_agree(&partner->corners, &welcome.corners)) {
        complain_of_corners(partner, &welcome.corners);
        return;
    }
    if (link_on_welcome(&partner->asker, &welcome, loop_now_ms(partner->loop)) < 0)
        refuse(partner);
    say_state(partner);
}

bool partner_alive(const struct partner *partner)
{
    return link_alive(&partner->asker, loop_now_ms(partner->loop));
}

int partner_pass(struct partner *partner, uint16_t port, const struct address *client,
                 struct slice request)
{
    struct link_message message;
    if (!partner_alive(partner))
        return ERR_CLOSED;
    link_request(&partner->asker, &message);
    message.port = port;
    message.client = *client;
    message.request = request;
    return put(partner, partner->asking, NULL, &partner->config.address, &message);
}

/* ---- Being asked ---- */

static void welcome(struct partner *partner, const struct flow *flow,
                    const struct link_message *hello)
{
    struct link_message answer;
    if (!link_corners_agree(&partner->corners, &hello->corners)) {
        complain_of_corners(partner, &hello->corners);
        return;
    }
    link_on_hello(&partner->answerer, hello, loop_random(partner->loop), loop_now_ms(partner->loop),
                  &answer);
    answer.corners = partner->corners;
    (void)put(partner, partner->answering, &flow->local, &flow->remote, &answer);
}

/* Only the partner's host is listened to, and answered. */
static void on_question(void *user, const struct flow *flow, struct slice data)
{
    struct partner *partner = user;
    struct link_message message;
    if (!address_equal_host(&flow->remote, &partner->config.address) ||
        link_parse(data, &partner->integrity, &partner->key, &message) < 0 ||
        message.kind == LINK_WELCOME) {
        refuse(partner);
        return;
    }
    if (message.kind == LINK_HELLO)
        welcome(partner, flow, &message);
    else if (link_on_request(&partner->answerer, &message, loop_now_ms(partner->loop)) < 0)
        refuse(partner);
    else
        partner->handler.on_request(partner->handler.user, message.port, &message.client,
                                    message.request);
}

/* ---- Making ---- */

static int open_socket(struct partner *partner, const struct address *local, udp_datagram_fn *fn,
                       struct udp **ret_udp, struct address *ret_failed)
{
    struct udp_options options = {
        .local = *local, .v6_only = true, .on_datagram = fn, .user = partner};
    int status = udp_open(partner->loop, &options, ret_udp);
    if (status < 0)
        *ret_failed = *local;
    return status;
}

static int equip(struct partner *partner, struct address *ret_failed)
{
    struct address from = partner->config.listen;
    address_set_port(&from, 0);
    int status = stun_integrity_init(&partner->integrity);
    if (status == 0)
        status = open_socket(partner, &partner->config.listen, on_question, &partner->answering,
                             ret_failed);
    if (status == 0)
        status = open_socket(partner, &from, on_answer, &partner->asking, ret_failed);
    return status;
}

int partner_new(struct loop *loop, const struct partner_config *config,
                const struct link_corners *corners, const struct partner_handler *handler,
                struct address *ret_failed, struct partner **ret_partner)
{
    struct partner *partner = memory_zalloc(1, sizeof *partner);
    if (partner == NULL)
        return ERR_NO_MEMORY;
    partner->loop = loop;
    partner->config = *config;
    partner->config.secret = NULL; /* belongs to a configuration that may go */
    partner->corners = *corners;
    partner->handler = *handler;
    partner->key.length = strnlen(config->secret, LINK_SECRET_MAX);
    memcpy(partner->key.secret, config->secret, partner->key.length);
    timer_init(&partner->hello, on_hello_due);
    link_asker_init(&partner->asker, loop_random(loop));
    int status = equip(partner, ret_failed);
    if (status < 0) {
        partner_free(partner);
        return status;
    }
    wheel_start(loop_wheel(loop), &partner->hello, 0);
    *ret_partner = partner;
    return 0;
}

void partner_free(struct partner *partner)
{
    if (partner == NULL)
        return;
    wheel_stop(loop_wheel(partner->loop), &partner->hello);
    udp_close(partner->asking);
    udp_close(partner->answering);
    stun_integrity_done(&partner->integrity);
    memory_free(partner);
}
