/* The library: one socket for each listener, one to many (RFC 6458 section 3), no threads of its
 * own that do anything, time from our wheel, checksums by us. The address of both ends is the
 * struct assocs; peers are told apart by port. */
#include <errno.h>
#include <string.h>
#include <usrsctp.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/sctp_private.h"

#define TICK_MS      20   /* while there are associations */
#define TICK_IDLE_MS 1000 /* for the endpoints' own timers: fresh secrets for cookies */
#define STREAMS_OUT  1    /* RFC 4168 section 5.1: everything on stream 0 */
#define STREAMS_IN   256  /* and from any: so many are granted */
#define INIT_TRIES   8    /* RFC 9260 section 16: Max.Init.Retransmits; connect_ms ends it sooner */
#define TRIES        5 /* Association.Max.Retrans: about 20 s of silence with something to send */
#define RTO_MS       1000 /* RTO.Initial and RTO.Min of RFC 9260 section 16 */
#define RTO_MAX_MS   5000 /* a SIP transaction lives 32 s: more silence is no use to it */
/* Packets fit the least MTU of IPv6 with IPv6 and UDP headers; there is no path MTU discovery (RFC
 * 6951 section 5.6). Without the SCTP header: the library adds it. */
#define PACKET_BYTES  (1280 - 40 - 8 - 12)
#define END_TICKS     200 /* of END_TICK_MS: the library's longest timer at its end is 2 s */
#define END_TICK_MS   100
#define RECEIVE_BYTES (224 << 10) /* about the most that the library allows */

static struct sockaddr_conn address_of(struct assocs *assocs, uint16_t port)
{
    struct sockaddr_conn a;
    memset(&a, 0, sizeof(a));
    a.sconn_family = AF_CONN;
    a.sconn_port = htons(port);
    a.sconn_addr = assocs;
    return a;
}

/* ---- what it tells us ---- */

static void on_change(struct assoc *assoc, const struct sctp_assoc_change *change)
{
    switch (change->sac_state) {
    case SCTP_COMM_UP:
        assoc->id = change->sac_assoc_id;
        assoc->local_tag = assoc->owner->input_tag;
        assoc_opened(assoc);
        break;
    case SCTP_RESTART: /* RFC 9260 section 5.2 */
        assoc->id = change->sac_assoc_id;
        assoc->local_tag = assoc->owner->input_tag;
        assoc_push(assoc, ASSOC_EVENT_RESTART, NULL, 0);
        break;
    case SCTP_SHUTDOWN_COMP: assoc_end(assoc, STREAM_CLOSED_BY_PEER); break;
    case SCTP_COMM_LOST: assoc_end(assoc, STREAM_IO_ERROR); break;
    case SCTP_CANT_STR_ASSOC: assoc_end(assoc, STREAM_CONNECT_FAILED); break;
    default: break;
    }
}

static void on_notification(struct assoc *assoc, const union sctp_notification *n, size_t length)
{
    if (length < sizeof(n->sn_header) || length < n->sn_header.sn_length)
        return;
    switch (n->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE: on_change(assoc, &n->sn_assoc_change); break;
    case SCTP_SHUTDOWN_EVENT: assoc_peer_shuts(assoc); break;
    case SCTP_PARTIAL_DELIVERY_EVENT: assoc->partial_length = 0; break;
    default: break;
    }
}

/* The library hands out long messages in parts. */
static bool add_part(struct assoc *assoc, const char *data, size_t length)
{
    uint32_t limit = assoc->path.listener->options.limits.message;
    if (length > limit - assoc->partial_length)
        return false;
    char *grown = memory_realloc(assoc->partial, assoc->partial_length + length + 1);
    if (grown == NULL)
        return false;
    memcpy(grown + assoc->partial_length, data, length);
    assoc->partial = grown;
    assoc->partial_length += (uint32_t)length;
    return true;
}

/* data becomes ours. */
static void on_data(struct assoc *assoc, char *data, size_t length, bool whole)
{
    if (whole && assoc->partial_length == 0 &&
        length <= assoc->path.listener->options.limits.message) {
        assoc_push(assoc, ASSOC_EVENT_MESSAGE, data, length);
        return;
    }
    bool taken = add_part(assoc, data, length);
    memory_free(data);
    if (!taken) {
        assoc_push(assoc, ASSOC_EVENT_TOO_LONG, NULL, 0);
    } else if (whole) {
        assoc_push(assoc, ASSOC_EVENT_MESSAGE, assoc->partial, assoc->partial_length);
        assoc->partial = NULL;
        assoc->partial_length = 0;
    }
}

/* NOLINTNEXTLINE(readability-function-size): the library's parameters */
static int on_receive(struct socket *socket, union sctp_sockstore address, void *data,
                      size_t length, struct sctp_rcvinfo info, int flags, void *user)
{
    struct assoc_listener *listener = user;
    (void)socket;
    (void)info;
    if (data == NULL)
        return 1;
    struct assoc *assoc = listener->owner->slots[ntohs(address.sconn.sconn_port)];
    if (assoc == NULL || assoc->path.listener != listener || assoc->state == ASSOC_ENDED) {
        memory_free(data);
    } else if ((flags & MSG_NOTIFICATION) != 0) {
        on_notification(assoc, data, length);
        memory_free(data);
    } else {
        on_data(assoc, data, length, (flags & MSG_EOR) != 0);
    }
    return 1;
}

/* ---- time ---- */

static void arm(struct assocs *assocs)
{
    wheel_start(&assocs->loop->wheel, &assocs->tick, assocs->used > 0 ? TICK_MS : TICK_IDLE_MS);
}

static void tick(struct assocs *assocs)
{
    uint64_t now = assocs_now(assocs), elapsed = now - assocs->ticked_ms;
    assocs->ticked_ms = now;
    if (elapsed > 0)
        usrsctp_handle_timers(elapsed > INT32_MAX ? INT32_MAX : (uint32_t)elapsed);
}

/* The first association ends the long ticks of an idle stack. */
void assoc_stack_advance(struct assocs *assocs)
{
    uint64_t now = assocs_now(assocs);
    if (now - assocs->ticked_ms > TICK_MS)
        tick(assocs);
    if (assocs->tick.due_ms > now + TICK_MS)
        wheel_start(&assocs->loop->wheel, &assocs->tick, TICK_MS);
}

static void on_tick(struct timer *timer)
{
    struct assocs *assocs = container_of(timer, struct assocs, tick);
    tick(assocs);
    assocs_deliver(assocs);
    arm(assocs);
}

/* ---- start and end ---- */

int assoc_stack_start(struct assocs *assocs)
{
    if (assocs->started)
        return 0;
    usrsctp_init_nothreads(0, assoc_output, NULL);
    usrsctp_enable_crc32c_offload(); /* we rewrite ports, so the checksum is ours */
    /* What SIP does not need, strangers need not reach. */
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_pr_enable(0);
    usrsctp_sysctl_set_sctp_reconfig_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_ecn_enable(0); /* its marks are in the IP header, which we do not see */
    usrsctp_register_address(assocs);
    assocs->ticked_ms = assocs_now(assocs);
    timer_init(&assocs->tick, on_tick);
    assocs->started = true;
    arm(assocs);
    return 0;
}

/* Its memory goes once its own timers have let go of the sockets. */
void assoc_stack_end(struct assocs *assocs)
{
    if (!assocs->started)
        return;
    wheel_stop(&assocs->loop->wheel, &assocs->tick);
    usrsctp_deregister_address(assocs);
    for (unsigned i = 0; i < END_TICKS && usrsctp_finish() != 0; i++)
        usrsctp_handle_timers(END_TICK_MS);
    assocs->started = false;
}

/* ---- sockets ---- */

static bool set(struct socket *socket, int option, const void *value, size_t size)
{
    return usrsctp_setsockopt(socket, IPPROTO_SCTP, option, value, (socklen_t)size) == 0;
}

static bool set_events(struct socket *socket)
{
    static const uint16_t types[] = {SCTP_ASSOC_CHANGE, SCTP_SHUTDOWN_EVENT,
                                     SCTP_PARTIAL_DELIVERY_EVENT};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        struct sctp_event event = {
            .se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = types[i], .se_on = 1};
        if (!set(socket, SCTP_EVENT, &event, sizeof(event)))
            return false;
    }
    return true;
}

static bool set_limits(struct socket *socket, const struct assoc_limits *limits)
{
    int receive = RECEIVE_BYTES, send = (int)limits->send_queue;
    struct sctp_paddrparams path = {.spp_hbinterval = limits->heartbeat_ms,
                                    .spp_pathmtu = PACKET_BYTES,
                                    .spp_pathmaxrxt = TRIES,
                                    .spp_flags = SPP_HB_ENABLE | SPP_PMTUD_DISABLE};
    return usrsctp_setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive)) == 0 &&
           usrsctp_setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &send, sizeof(send)) == 0 &&
           set(socket, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path));
}

static bool set_options(struct socket *socket, const struct assoc_limits *limits)
{
    int on = 1;
    struct linger abort = {.l_onoff = 1}; /* closing aborts what is left, in any state */
    struct sctp_initmsg init = {.sinit_num_ostreams = STREAMS_OUT,
                                .sinit_max_instreams = STREAMS_IN,
                                .sinit_max_attempts = INIT_TRIES,
                                .sinit_max_init_timeo = RTO_MAX_MS};
    struct sctp_rtoinfo rto = {.srto_initial = RTO_MS, .srto_max = RTO_MAX_MS, .srto_min = RTO_MS};
    struct sctp_assocparams tries = {.sasoc_asocmaxrxt = TRIES};
    return usrsctp_set_non_blocking(socket, 1) == 0 &&
           usrsctp_setsockopt(socket, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)) == 0 &&
           set(socket, SCTP_NODELAY, &on, sizeof(on)) &&
           set(socket, SCTP_INITMSG, &init, sizeof(init)) &&
           set(socket, SCTP_RTOINFO, &rto, sizeof(rto)) &&
           set(socket, SCTP_ASSOCINFO, &tries, sizeof(tries)) && set_limits(socket, limits) &&
           set_events(socket);
}

void assoc_stack_set_limits(struct assoc_listener *listener)
{
    if (!set_limits(listener->socket, &listener->options.limits))
        log_warn(listener->owner->loop->config.log, LOG_LOOP,
                 "sctp: the queue and the heartbeats stay as they were");
}

int assoc_stack_open(struct assoc_listener *listener)
{
    struct sockaddr_conn local = address_of(listener->owner, listener->number);
    listener->socket =
        usrsctp_socket(AF_CONN, SOCK_SEQPACKET, IPPROTO_SCTP, on_receive, NULL, 0, listener);
    if (listener->socket == NULL)
        return ERR_NO_MEMORY;
    if (!set_options(listener->socket, &listener->options.limits) ||
        usrsctp_bind(listener->socket, (struct sockaddr *)&local, sizeof(local)) != 0 ||
        usrsctp_listen(listener->socket, 1) != 0)
        return ERR_IO;
    return 0;
}

void assoc_stack_close(struct assoc_listener *listener)
{
    if (listener->socket != NULL)
        usrsctp_close(listener->socket);
    listener->socket = NULL;
}

/* ---- associations ---- */

void assoc_stack_input(struct assoc_listener *listener, uint16_t slot, size_t length)
{
    struct assocs *assocs = listener->owner;
    assoc_packet_set_ports(assocs->scratch, slot, listener->number);
    usrsctp_conninput(assocs, assocs->scratch, length, 0);
}

int assoc_stack_connect(struct assoc *assoc)
{
    struct sockaddr_conn remote = address_of(assoc->owner, assoc->slot);
    struct socket *socket = assoc->path.listener->socket;
    assoc_stack_advance(assoc->owner);
    if (usrsctp_connect(socket, (struct sockaddr *)&remote, sizeof(remote)) != 0 &&
        errno != EINPROGRESS)
        return ERR_IO;
    assoc->id = usrsctp_getassocid(socket, (struct sockaddr *)&remote);
    return assoc->id != 0 ? 0 : ERR_IO;
}

/* RFC 4168 section 5: payload protocol identifier 0; section 5.1: stream 0, unordered. */
static int put(struct assoc *assoc, struct slice data, uint16_t flags)
{
    struct sctp_sndinfo info = {.snd_flags = flags, .snd_assoc_id = assoc->id};
    if (usrsctp_sendv(assoc->path.listener->socket, data.ptr, data.len, NULL, 0, &info,
                      sizeof(info), SCTP_SENDV_SNDINFO, 0) >= 0)
        return 0;
    return errno == EWOULDBLOCK || errno == EMSGSIZE || errno == ENOBUFS || errno == ENOMEM
               ? ERR_LIMIT
               : ERR_CLOSED;
}

int assoc_stack_send(struct assoc *assoc, struct slice data)
{
    return put(assoc, data, SCTP_UNORDERED);
}

void assoc_stack_shut_down(struct assoc *assoc)
{
    (void)put(assoc, SLICE(""), SCTP_EOF);
}

void assoc_stack_abort(struct assoc *assoc)
{
    (void)put(assoc, SLICE(""), SCTP_ABORT);
}

uint32_t assoc_stack_waiting(struct assoc *assoc)
{
    struct sctp_status status;
    socklen_t size = sizeof(status);
    memset(&status, 0, sizeof(status));
    status.sstat_assoc_id = assoc->id;
    if (usrsctp_getsockopt(assoc->path.listener->socket, IPPROTO_SCTP, SCTP_STATUS, &status,
                           &size) != 0)
        return 0;
    return (uint32_t)status.sstat_unackdata + status.sstat_penddata;
}
