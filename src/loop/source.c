/* Which of our addresses the system would send from. */
#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/bind.h"
#include "loop/loop_private.h"
#include "loop/udp.h"

#define SOURCES        256u /* remembered; a newer one takes the place of an older */
#define SOURCE_KEEP_MS 5000 /* routes may change */

struct source_entry {
    struct address remote;
    struct address local;
    uint64_t until_ms;
};

struct sources {
    uint64_t seed;
    struct source_entry entries[SOURCES];
};

void sources_free(struct sources *sources)
{
    memory_free(sources);
}

/* Connecting a UDP socket sends nothing, but makes the system choose. */
static int ask_system(const struct address *remote, struct address *ret_local)
{
    int fd = socket(remote->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return bind_error(errno);
    struct address to = *remote, local;
    if (address_port(&to) == 0)
        address_set_port(&to, 9);
    memset(&local, 0, sizeof(local));
    socklen_t length = sizeof(local);
    int err = 0;
    if (connect(fd, &to.sa, address_length(&to)) != 0 || getsockname(fd, &local.sa, &length) != 0)
        err = ERR_UNREACHABLE;
    (void)close(fd);
    if (err == 0) {
        address_set_port(&local, 0);
        *ret_local = local;
    }
    return err;
}

int loop_source_address(struct loop *loop, const struct address *remote, struct address *ret_local)
{
    if (loop->sources == NULL) {
        loop->sources = memory_zalloc(1, sizeof(*loop->sources));
        if (loop->sources == NULL)
            return ask_system(remote, ret_local);
        loop->sources->seed = random_u64(&loop->random);
    }
    uint64_t hash = address_hash_host(loop->sources->seed, remote);
    struct source_entry *entry = &loop->sources->entries[hash % SOURCES];
    if (entry->until_ms > loop->now_ms && address_equal_host(&entry->remote, remote)) {
        *ret_local = entry->local;
        return 0;
    }
    struct address local;
    int err = ask_system(remote, &local);
    if (err != 0)
        return err;
    *entry = (struct source_entry){*remote, local, loop->now_ms + SOURCE_KEEP_MS};
    *ret_local = local;
    return 0;
}
