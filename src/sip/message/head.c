#include "sip/message/head.h"

int sip_head_parse(struct slice value, struct slice *ret_head, struct slice *ret_params)
{
    value = slice_trim(value);
    size_t end = slice_index(value, ';');
    struct slice params = slice_from(value, end);
    int rc = sip_params_check(params);
    if (rc < 0) {
        return rc;
    }
    *ret_head = slice_trim(slice_of(value.ptr, end));
    *ret_params = params;
    return 0;
}
