#include "peer_parser.h"

#include <dlfcn.h>
#include <stdio.h>
#include <sys/types.h>

/* The few functions of each library, declared here so that no headers of theirs are needed. */

static bool find(const char *library, const char *const *names, void **functions)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        return false;
    }
    for (; *names != NULL; names++, functions++) {
        *functions = dlsym(handle, *names);
        if (*functions == NULL) {
            return false;
        }
    }
    return true;
}

/* libosip2: parses every known header into structures. */
static union {
    void *found[4];
    struct {
        int (*parser_init)(void);
        int (*message_init)(void **message);
        int (*message_parse)(void *message, const char *data, size_t length);
        void (*message_free)(void *message);
    };
} osip;

static bool osip_load(void)
{
    static const char *const names[] = {"parser_init", "osip_message_init", "osip_message_parse",
                                        "osip_message_free", NULL};
    if (!find("libosipparser2.so.15", names, osip.found)) {
        return false;
    }
    osip.parser_init();
    return true;
}

static bool osip_parse(struct slice message)
{
    void *parsed;
    if (osip.message_init(&parsed) != 0) {
        return false;
    }
    bool good = osip.message_parse(parsed, message.ptr, message.len) == 0;
    osip.message_free(parsed);
    return good;
}

/* sofia-sip: msg_make copies the bytes and parses every known header. */
static union {
    void *found[3];
    struct {
        const void *(*default_class)(void);
        void *(*make)(const void *class, int flags, const void *data, ssize_t length);
        void (*destroy)(void *message);
    };
} sofia;

static bool sofia_load(void)
{
    static const char *const names[] = {"sip_default_mclass", "msg_make", "msg_destroy", NULL};
    return find("libsofia-sip-ua.so.0", names, sofia.found);
}

static bool sofia_parse(struct slice message)
{
    void *parsed = sofia.make(sofia.default_class(), 0, message.ptr, (ssize_t)message.len);
    if (parsed == NULL) {
        return false;
    }
    sofia.destroy(parsed);
    return true;
}

/* libre: header table, Via, From, To, CSeq and the like. */
struct re_buffer {
    unsigned char *buf;
    size_t size, pos, end;
};

static union {
    void *found[4];
    struct {
        struct re_buffer *(*buffer_alloc)(size_t size);
        int (*buffer_write)(struct re_buffer *buffer, const void *data, size_t length);
        int (*decode)(void **message, struct re_buffer *buffer);
        void *(*release)(void *object);
    };
} re;

static bool re_load(void)
{
    static const char *const names[] = {"mbuf_alloc", "mbuf_write_mem", "sip_msg_decode",
                                        "mem_deref", NULL};
    return find("libre.so.0", names, re.found);
}

static bool re_parse(struct slice message)
{
    static struct re_buffer *buffer;
    if (buffer == NULL) {
        buffer = re.buffer_alloc(65536);
    }
    void *parsed;
    buffer->pos = buffer->end = 0;
    if (re.buffer_write(buffer, message.ptr, message.len) != 0) {
        return false;
    }
    buffer->pos = 0;
    if (re.decode(&parsed, buffer) != 0) {
        return false;
    }
    re.release(parsed);
    return true;
}

const struct peer_parser peer_parsers[] = {
    {"sofia-sip msg_make", sofia_load, sofia_parse},
    {"libosip2 osip_message_parse", osip_load, osip_parse},
    {"libre sip_msg_decode", re_load, re_parse},
};

const unsigned peer_parser_count = sizeof(peer_parsers) / sizeof(peer_parsers[0]);
