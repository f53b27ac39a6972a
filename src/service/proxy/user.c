/* Users of ours as a Request-URI names them: escaped, or as a number that is written to be read. */
#include "base/error.h"
#include "service/proxy/proxy_private.h"

/* What makes a number readable means nothing (RFC 3966 section 5.1.1). */
static const struct slice visual = SLICE_LITERAL("-.()");

bool proxy_user_known(struct proxy *proxy, struct slice user, struct slice domain)
{
    char text[AUTHENTICATOR_AOR_MAX];
    struct writer w;
    writer_init(&w, text, sizeof(text));
    sip_unescape_write(&w, user);
    return writer_status(&w) == 0 && accounts_known(proxy->accounts, writer_slice(&w), domain);
}

bool proxy_user_has_bindings(struct proxy *proxy, const struct sip_uri *uri)
{
    char text[AUTHENTICATOR_AOR_MAX];
    struct writer w;
    writer_init(&w, text, sizeof(text));
    if (domains_aor(proxy->domains, uri, &w) < 0)
        return false;
    int64_t now = loop_wall_ms(endpoint_loop(proxy->endpoint));
    return location_find(proxy->location, writer_slice(&w), now, &proxy->arena, &proxy->bindings) ==
               0 &&
           proxy->bindings.count > 0;
}

/* Digits alone, as people dial them. */
static bool is_number(struct slice user)
{
    static const struct slice others = SLICE_LITERAL("+*#-.()");
    bool digit = false;
    for (size_t i = 0; i < user.len; i++) {
        bool is_digit = user.ptr[i] >= '0' && user.ptr[i] <= '9';
        if (!is_digit && slice_index(others, user.ptr[i]) == others.len)
            return false;
        digit = digit || is_digit;
    }
    return digit;
}

void proxy_number_write(struct writer *w, struct slice number)
{
    for (size_t i = 0; i < number.len; i++) {
        if (slice_index(visual, number.ptr[i]) == visual.len)
            writer_char(w, number.ptr[i]);
    }
}

static int write_plain(struct proxy *proxy, struct slice number, struct slice *ret_plain)
{
    char text[AUTHENTICATOR_AOR_MAX];
    struct writer w;
    writer_init(&w, text, sizeof(text));
    proxy_number_write(&w, number);
    int status = writer_status(&w);
    return status < 0 ? status : arena_copy(&proxy->arena, writer_slice(&w), ret_plain);
}

/* RFC 3261 section 19.1.6: user=phone says that the user is the text of a tel URI; its parameters
 * stand in the user part then. A user who is known as he is written stays. */
static void read_phone(struct proxy *proxy, struct proxy_route_info *info)
{
    struct slice params = info->uri.user, number = slice_cut(&params, ';');
    bool readable = number.len < info->uri.user.len;
    for (size_t i = 0; i < number.len && !readable; i++)
        readable = slice_index(visual, number.ptr[i]) < visual.len;
    if (!readable || !is_number(number) || proxy_user_known(proxy, info->uri.user, info->domain) ||
        proxy_user_has_bindings(proxy, &info->uri))
        return;
    (void)write_plain(proxy, number, &info->uri.user);
}

int proxy_user_examine(struct proxy *proxy, struct proxy_route_info *info)
{
    struct slice context;
    if (info->uri.scheme != SIP_URI_TEL) {
        if (info->ours && info->uri.user_phone)
            read_phone(proxy, info);
        return 0;
    }
    /* RFC 3966 section 5.1.5: a number of one of our domains; of others, the first one's. */
    if (sip_uri_param(&info->uri, SLICE("phone-context"), &context))
        (void)domains_local(proxy->domains, context, 0, &info->domain);
    return write_plain(proxy, info->uri.user, &info->number);
}
