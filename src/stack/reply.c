/* Responses of our own. */
#include "base/error.h"
#include "stack/endpoint_private.h"

/* Of a request that may not even have what transactions are told apart by. */
static uint64_t hash_of_refused(const struct endpoint *endpoint,
                                const struct endpoint_request *request)
{
    const struct sip_message *msg = request->msg;
    struct hash_state hash;
    hash_begin(&hash, &endpoint->tag_key);
    hash_add(&hash, sip_message_value(msg, SIP_HEADER_CALL_ID));
    hash_add_u64(&hash, msg->parts.cseq.number);
    hash_add_nocase(&hash, request->via.branch);
    return hash_end(&hash);
}

static void write_tag(uint64_t hash, char tag[ENDPOINT_TAG_LENGTH])
{
    struct writer w;
    writer_init(&w, tag, ENDPOINT_TAG_LENGTH);
    writer_hex(&w, hash, ENDPOINT_TAG_LENGTH);
}

/* What sip_transactions_expect made is the same for INVITE, CANCEL and ACK; it is hashed again so
 * that nobody learns it. */
static bool is_expected(const struct sip_message *msg)
{
    return (msg->transaction[0] | msg->transaction[1]) != 0;
}

void endpoint_tag(struct endpoint *endpoint, const struct endpoint_request *request,
                  char tag[ENDPOINT_TAG_LENGTH])
{
    const uint64_t *transaction = request->msg->transaction;
    if (!is_expected(request->msg))
        write_tag(hash_of_refused(endpoint, request), tag);
    else
        write_tag(hash_slice(&endpoint->tag_key, slice_of((const char *)transaction,
                                                          sizeof(request->msg->transaction))),
                  tag);
}

void endpoint_busy_tag(const struct endpoint *endpoint, const struct sip_message *msg,
                       char tag[ENDPOINT_TAG_LENGTH])
{
    uint64_t hash = hash_slice(&endpoint->tag_key, sip_message_value(msg, SIP_HEADER_CALL_ID));
    struct writer w;
    writer_init(&w, tag, ENDPOINT_TAG_LENGTH);
    writer_put(&w, slice_of(endpoint->sifting.mark, SIFT_MARK));
    writer_hex(&w, hash >> 44, ENDPOINT_TAG_LENGTH - SIFT_MARK);
}

static bool is_busy_tag(const struct endpoint *endpoint, const struct sip_message *msg,
                        struct slice tag)
{
    char own[ENDPOINT_TAG_LENGTH];
    if (tag.len != sizeof(own) || tag.ptr[0] != endpoint->sifting.mark[0])
        return false;
    endpoint_busy_tag(endpoint, msg, own);
    return slice_equal(tag, slice_of(own, sizeof(own)));
}

/* The tag is looked for where we put it: at the end. What is elsewhere is found when all is read.
 */
bool endpoint_acknowledges_busy(const struct endpoint *endpoint, const struct sip_message *msg)
{
    struct slice to = sip_message_value(msg, SIP_HEADER_TO);
    if (msg->method != SIP_ACK || to.len < ENDPOINT_TAG_LENGTH)
        return false;
    return is_busy_tag(endpoint, msg, slice_from(to, to.len - ENDPOINT_TAG_LENGTH));
}

bool endpoint_tag_is_ours(struct endpoint *endpoint, const struct endpoint_request *request,
                          struct slice tag)
{
    char own[ENDPOINT_TAG_LENGTH];
    if (tag.len != sizeof(own))
        return false;
    endpoint_tag(endpoint, request, own);
    if (slice_equal(tag, slice_of(own, sizeof(own))) || is_busy_tag(endpoint, request->msg, tag))
        return true;
    /* The INVITE may have been refused for what its ACK does not have. */
    write_tag(hash_of_refused(endpoint, request), own);
    return slice_equal(tag, slice_of(own, sizeof(own)));
}

struct slice endpoint_write_response(const struct endpoint_request *request,
                                     const struct sip_response *response)
{
    struct endpoint *endpoint = request->endpoint;
    struct sip_response full = *response;
    char tag[ENDPOINT_TAG_LENGTH];
    if (full.to_tag.len == 0) {
        endpoint_tag(endpoint, request, tag);
        full.to_tag = slice_of(tag, sizeof(tag));
    }
    full.source = &request->flow.remote;
    full.server = slice_from_string(endpoint->config->server);
    struct writer w;
    writer_init(&w, endpoint->scratch, sizeof(endpoint->scratch));
    if (sip_response_write(&w, request->msg, &full) < 0) {
        log_debug(loop_log(endpoint->loop), LOG_SIP, "no answer %u: the request cannot be answered",
                  full.status);
        return SLICE_NULL;
    }
    endpoint_count(endpoint, ENDPOINT_REPLIES);
    return writer_slice(&w);
}

void endpoint_reply(const struct endpoint_request *request, const struct sip_response *response)
{
    if (request->msg->method == SIP_ACK)
        return;
    struct slice bytes = endpoint_write_response(request, response);
    if (bytes.len > 0)
        endpoint_tx_send(request->endpoint, &request->reply, bytes);
}

void endpoint_answer(const struct endpoint_request *request, const struct sip_response *response)
{
    struct endpoint *endpoint = request->endpoint;
    struct sip_server_tx *tx;
    if (request->msg->method == SIP_ACK)
        return;
    struct slice bytes = endpoint_write_response(request, response);
    if (bytes.len == 0)
        return;
    static const struct sip_server_tx_user nobody = {0};
    if (sip_server_tx_new(&endpoint->transactions, request->msg, &request->reply, &nobody, NULL,
                          &tx) < 0) {
        endpoint_tx_send(endpoint, &request->reply, bytes);
        return;
    }
    sip_server_tx_respond(tx, response->status, bytes);
    sip_server_tx_abandon(tx);
}
