/* Responses of our own. */
#include "base/error.h"
#include "stack/endpoint_private.h"

void endpoint_tag(struct endpoint *endpoint, const struct endpoint_request *request,
                  char tag[ENDPOINT_TAG_LENGTH])
{
    const struct sip_message *msg = request->msg;
    struct hash_state hash;
    hash_begin(&hash, &endpoint->tag_key);
    hash_add(&hash, sip_message_value(msg, SIP_HEADER_CALL_ID));
    hash_add_u64(&hash, msg->parts.cseq.number);
    hash_add_nocase(&hash, request->via.branch);
    struct writer w;
    writer_init(&w, tag, ENDPOINT_TAG_LENGTH);
    writer_hex(&w, hash_end(&hash), ENDPOINT_TAG_LENGTH);
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
