/* A proxy on a loop that never runs: for the files of src/service/proxy that only read and write
 * messages. It answers for example.com and for 192.0.2.1:5060. */
#ifndef TESTS_UNIT_SERVICE_PROXY_FIXTURE_H
#define TESTS_UNIT_SERVICE_PROXY_FIXTURE_H

#include "service/proxy/proxy_private.h"

struct proxy_fixture {
    struct log log;
    struct endpoint_config endpoint_config;
    struct loop *loop;
    struct endpoint *endpoint;
    struct domains *domains;
    struct proxy *proxy;
    struct sip_message in;
    struct sip_message out;
    char text[8192];  /* of in */
    char sent[65535]; /* of out */
    struct proxy_fault fault;
    struct proxy_route_info info;
};

void proxy_fixture_open(struct proxy_fixture *f, const struct proxy_config *config);
void proxy_fixture_close(struct proxy_fixture *f);

/* Reads "METHOD URI SIP/2.0", then lines (each with CRLF), then Via, From, To, Call-ID and CSeq
 * that are always the same, into f->in, and examines its routing. Returns proxy_route_examine's
 * status. */
int proxy_fixture_take(struct proxy_fixture *f, const char *method, const char *uri,
                       const char *lines);
/* What leaves towards target after that, in f->out. */
void proxy_fixture_forward(struct proxy_fixture *f, const struct proxy_target *target);
/* All values of a header of f->out, joined by ", ". */
const char *proxy_fixture_values(struct proxy_fixture *f, enum sip_header_id id);

#endif
