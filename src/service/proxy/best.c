/* Choosing the response that goes upstream (RFC 3261 section 16.7 steps 6 and 7). */
#include "base/error.h"
#include "service/proxy/proxy_private.h"
#include "sip/message/edit.h"

/* Lower is better. 6xx first, then the lowest class; within 4xx those that help the caller to try
 * again. */
static unsigned rank(unsigned status)
{
    if (status >= 600)
        return 0;
    if (status >= 500)
        return status == 503 ? 599 : 500; /* a 503 says the least about the request */
    if (status >= 400) {
        switch (status) {
        case 401:
        case 407: return 400;
        case 415:
        case 420:
        case 484: return 401;
        case 408: /* made up here as often as received */
        case 430:
        case 487: return 499;
        default: return 450;
        }
    }
    return 300;
}

bool proxy_best_replaces(unsigned stored, unsigned status)
{
    return stored == 0 || rank(status) < rank(stored);
}

static void gather(struct proxy_context *context, const struct sip_message *response,
                   enum sip_header_id id)
{
    for (const struct sip_header *h = sip_message_first(response, id); h != NULL;
         h = sip_message_next(response, h)) {
        struct slice line = sip_header_line(h);
        if (context->challenges_len + line.len > PROXY_CHALLENGES_MAX)
            return;
        memcpy(context->challenges + context->challenges_len, line.ptr, line.len);
        context->challenges_len += line.len;
    }
}

/* 16.7 step 7: the caller gets the challenges of all branches at once. */
static void gather_challenges(struct proxy_context *context, const struct sip_message *response)
{
    if (context->challenges == NULL)
        context->challenges = blocks_get(&context->proxy->blocks, PROXY_CHALLENGES_MAX);
    if (context->challenges == NULL)
        return;
    gather(context, response, SIP_HEADER_WWW_AUTHENTICATE);
    gather(context, response, SIP_HEADER_PROXY_AUTHENTICATE);
}

void proxy_best_offer(struct proxy_context *context, unsigned status,
                      const struct sip_message *response, struct slice bytes)
{
    struct blocks *blocks = &context->proxy->blocks;
    if (response != NULL && (status == 401 || status == 407))
        gather_challenges(context, response);
    if (!proxy_best_replaces(context->best_status, status))
        return;
    char *copy = bytes.len > 0 ? blocks_get(blocks, bytes.len) : NULL;
    if (copy != NULL)
        memcpy(copy, bytes.ptr, bytes.len);
    blocks_put(blocks, context->best, context->best_len);
    context->best = copy;
    context->best_len = copy ? bytes.len : 0;
    context->best_status = (uint16_t)status;
}

static void put_all_challenges(struct proxy_context *context, struct sip_edit *edit)
{
    sip_edit_remove_all(edit, SIP_HEADER_WWW_AUTHENTICATE);
    sip_edit_remove_all(edit, SIP_HEADER_PROXY_AUTHENTICATE);
    sip_edit_insert(edit, sip_edit_headers_end(edit->msg),
                    slice_of(context->challenges, context->challenges_len));
}

struct slice proxy_best_take(struct proxy_context *context, unsigned *ret_status)
{
    struct proxy *proxy = context->proxy;
    struct slice stored = slice_of(context->best, context->best_len);
    struct sip_fault fault;
    struct sip_edit edit;
    struct writer w;
    unsigned status = context->best_status ? context->best_status : 408;
    bool challenge = (status == 401 || status == 407) && context->challenges_len > 0;
    /* 16.7 step 6: a 503 from one server does not mean that we are out of service. */
    *ret_status = status == 503 ? 500 : status;
    /* RFC 5626 section 11.5: no caller learns of flows; all of his phone's have failed. */
    if (status == 430 && (context->responsible || context->cancelled)) {
        *ret_status = context->cancelled ? 487 : 480;
        return SLICE_NULL;
    }
    if (stored.len == 0 || (!challenge && status != 503))
        return stored;
    if (sip_message_parse(stored, &proxy->unlimited, &proxy->message, &fault) < 0)
        return stored;
    sip_edit_init(&edit, &proxy->message);
    if (challenge)
        put_all_challenges(context, &edit);
    if (status == 503) {
        sip_edit_replace(&edit, proxy->message.start_line,
                         SLICE("SIP/2.0 500 Server Internal Error"));
        sip_edit_remove_all(&edit, SIP_HEADER_RETRY_AFTER);
    }
    writer_init(&w, proxy->out, proxy->out_size);
    return sip_edit_write(&edit, &w) == 0 ? writer_slice(&w) : stored;
}
