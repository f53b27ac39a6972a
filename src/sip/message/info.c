#include "sip/message/info.h"

#include "base/error.h"
#include "sip/message/address.h"

int sip_info_parse(struct slice value, struct sip_info *ret_info)
{
    struct sip_address address;
    struct sip_param purpose;
    if (sip_address_parse(value, false, &address) < 0 || !address.brackets ||
        address.display.len > 0) {
        return ERR_SYNTAX;
    }
    *ret_info = (struct sip_info){.uri = address.uri, .params = address.params};
    if (sip_param_find(address.params, SLICE("purpose"), &purpose)) {
        ret_info->purpose = purpose.value;
    }
    return 0;
}

void sip_info_write(struct writer *w, const struct sip_info *info)
{
    writer_char(w, '<');
    writer_put(w, info->uri);
    writer_char(w, '>');
    writer_put(w, info->params);
}
