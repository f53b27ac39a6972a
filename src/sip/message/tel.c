/* tel URIs. RFC 3966 sections 3 and 4. */
#include "base/error.h"
#include "sip/message/chars.h"
#include "sip/message/uri_part.h"

static bool is_global(struct slice number)
{
    return number.len > 0 && number.ptr[0] == '+';
}

/* global-number-digits: '+', digits and separators, at least one digit. */
static bool check_global(struct slice number)
{
    bool digit = false;
    for (size_t i = 1; i < number.len; i++) {
        if (!sip_char_is(number.ptr[i], SIP_CHAR_DIGIT | SIP_CHAR_VISUAL)) {
            return false;
        }
        digit = digit || sip_char_is(number.ptr[i], SIP_CHAR_DIGIT);
    }
    return digit;
}

/* local-number-digits: hexadecimal digits, '*', '#' and separators, at least one that is no
 * separator. */
static bool check_local(struct slice number)
{
    bool digit = false;
    for (size_t i = 0; i < number.len; i++) {
        if (!sip_char_is(number.ptr[i], SIP_CHAR_PHONE | SIP_CHAR_VISUAL)) {
            return false;
        }
        digit = digit || sip_char_is(number.ptr[i], SIP_CHAR_PHONE);
    }
    return digit;
}

static bool check_escaped(struct slice s, unsigned classes)
{
    return s.len > 0 && sip_span_escaped(s.ptr, s.ptr + s.len, classes) == s.ptr + s.len;
}

static bool check_param(const struct sip_uri_part *param)
{
    if (!check_escaped(param->name, SIP_CHAR_PARAM)) {
        return false;
    }
    if (slice_equal_nocase(param->name, SLICE("phone-context"))) {
        return is_global(param->value) ? check_global(param->value)
                                       : sip_host_check(param->value) == 0;
    }
    if (slice_equal_nocase(param->name, SLICE("ext"))) {
        return param->value.len > 0 && sip_all(param->value, SIP_CHAR_DIGIT | SIP_CHAR_VISUAL);
    }
    if (slice_equal_nocase(param->name, SLICE("isub"))) {
        return check_escaped(param->value, SIP_CHAR_URIC);
    }
    return !param->has_value || check_escaped(param->value, SIP_CHAR_PARAM);
}

static bool find_param(struct slice params, struct slice name, struct sip_uri_part *ret_part)
{
    struct sip_uri_part part;
    while (sip_uri_param_next(&params, &part)) {
        if (sip_escaped_equal_nocase(part.name, name)) {
            *ret_part = part;
            return true;
        }
    }
    return false;
}

static int check_params(struct slice params)
{
    struct slice rest = params;
    struct sip_uri_part param, first;
    for (unsigned count = 0; sip_uri_param_next(&rest, &param); count++) {
        if (count == SIP_URI_PARTS_MAX) {
            return ERR_LIMIT;
        }
        if (!check_param(&param)) {
            return ERR_SYNTAX;
        }
        /* Section 3: no parameter name more than once. */
        if (find_param(params, param.name, &first) && first.name.ptr != param.name.ptr) {
            return ERR_SYNTAX;
        }
    }
    return 0;
}

int sip_tel_parse(struct slice text, struct sip_uri *uri)
{
    size_t end = slice_index(text, ';');
    uri->user = slice_of(text.ptr, end);
    uri->params = slice_of(text.ptr + end, text.len - end);
    if (is_global(uri->user) ? !check_global(uri->user) : !check_local(uri->user)) {
        return ERR_SYNTAX;
    }
    return check_params(uri->params);
}

/* Digit by digit, separators left out, case ignored. */
static bool digits_equal(struct slice a, struct slice b)
{
    size_t i = 0, k = 0;
    for (;;) {
        while (i < a.len && sip_char_is(a.ptr[i], SIP_CHAR_VISUAL)) {
            i++;
        }
        while (k < b.len && sip_char_is(b.ptr[k], SIP_CHAR_VISUAL)) {
            k++;
        }
        if (i == a.len || k == b.len) {
            return i == a.len && k == b.len;
        }
        if (sip_lower(a.ptr[i++]) != sip_lower(b.ptr[k++])) {
            return false;
        }
    }
}

static bool param_equal(const struct sip_uri_part *a, const struct sip_uri_part *b)
{
    if (a->has_value != b->has_value) {
        return false;
    }
    bool digits = sip_escaped_equal_nocase(a->name, SLICE("ext")) ||
                  (sip_escaped_equal_nocase(a->name, SLICE("phone-context")) &&
                   is_global(a->value) && is_global(b->value));
    return digits ? digits_equal(a->value, b->value) : sip_escaped_equal_nocase(a->value, b->value);
}

/* "If one URI has a parameter name not found in the other, the two URIs are not equal." */
static bool params_fit(struct slice a, struct slice b)
{
    struct sip_uri_part mine, other;
    while (sip_uri_param_next(&a, &mine)) {
        if (!find_param(b, mine.name, &other) || !param_equal(&mine, &other)) {
            return false;
        }
    }
    return true;
}

bool sip_tel_equal(const struct sip_uri *a, const struct sip_uri *b)
{
    return is_global(a->user) == is_global(b->user) && digits_equal(a->user, b->user) &&
           params_fit(a->params, b->params) && params_fit(b->params, a->params);
}
