/* The hosts file: addresses by name (hosts(5)). */
#ifndef LOOP_DNS_HOSTS_H
#define LOOP_DNS_HOSTS_H

#include <sys/stat.h>

#include "loop/dns_answer.h"

#define DNS_HOSTS_FILE_MAX (4 * 1024 * 1024) /* a longer file counts as empty */
#define DNS_HOSTS_MAX      65536             /* names; those after are left out */

struct dns_host;

struct dns_hosts {
    const char *path;       /* borrowed; "": none */
    struct stat seen;       /* when it was read */
    char *text;             /* owned: the file */
    struct table table;     /* by name: the first entry of each */
    struct dns_host *hosts; /* owned */
    size_t count;
    struct hash_key key;
    unsigned skipped; /* lines and names that make no sense, or are too many */
};

/* Nothing is read yet. ERR_NO_MEMORY. */
int dns_hosts_init(struct dns_hosts *hosts, struct hash_key key);
void dns_hosts_done(struct dns_hosts *hosts);
/* Reads the file when it is not the one that was read last; a missing one is empty. 1: it was read;
 * 0: no change. Errors: ERR_NO_MEMORY, ERR_LIMIT (too long), ERR_IO; it counts as empty
 * then. */
int dns_hosts_refresh(struct dns_hosts *hosts);
/* Takes text as the file. ERR_NO_MEMORY. */
int dns_hosts_parse(struct dns_hosts *hosts, struct slice text);
bool dns_hosts_have(const struct dns_hosts *hosts, struct slice name);
/* The answer for a name that is there: ERR_NOT_FOUND in it when it has none of that kind. type is
 * DNS_A or DNS_AAAA. Errors: ERR_NOT_FOUND: no such name, ERR_NO_MEMORY. */
int dns_hosts_answer(const struct dns_hosts *hosts, struct slice name, enum dns_type type,
                     struct dns_block **ret_block);

#endif
