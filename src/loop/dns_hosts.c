#include "loop/dns_hosts.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

#define HOSTS_BUCKETS 64 /* to begin with */

/* One name with one address. */
struct dns_host {
    struct table_node node;
    struct dns_host *next; /* of the same name */
    struct dns_host *last; /* of the same name; of the first only */
    struct slice name;
    struct address address;
};

static bool match(const struct table_node *node, const void *key)
{
    const struct dns_host *host = container_of_const(node, struct dns_host, node);
    return slice_equal_nocase(host->name, *(const struct slice *)key);
}

static struct dns_host *find(const struct dns_hosts *hosts, struct slice name)
{
    struct table_node *node =
        table_find(&hosts->table, hash_slice_nocase(&hosts->key, name), match, &name);
    return node != NULL ? container_of(node, struct dns_host, node) : NULL;
}

int dns_hosts_init(struct dns_hosts *hosts, struct hash_key key)
{
    memset(hosts, 0, sizeof(*hosts));
    hosts->path = "";
    hosts->key = key;
    return table_init(&hosts->table, HOSTS_BUCKETS);
}

void dns_hosts_done(struct dns_hosts *hosts)
{
    table_done(&hosts->table);
    memory_free(hosts->hosts);
    memory_free(hosts->text);
    hosts->hosts = NULL;
    hosts->text = NULL;
}

/* ---- parsing ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct slice take_word(struct slice *line)
{
    while (line->len > 0 && is_blank(line->ptr[0]))
        *line = slice_from(*line, 1);
    size_t len = 0;
    while (len < line->len && !is_blank(line->ptr[len]))
        len++;
    struct slice word = slice_of(line->ptr, len);
    *line = slice_from(*line, len);
    return word;
}

static struct slice take_line(struct slice *text)
{
    struct slice line = slice_cut(text, '\n');
    return slice_cut(&line, '#');
}

/* As many as there can be names at most. */
static size_t count_words(struct slice text)
{
    size_t count = 0;
    while (text.len > 0) {
        struct slice line = take_line(&text);
        while (take_word(&line).len > 0)
            count++;
    }
    return count;
}

static void add_name(struct dns_hosts *hosts, struct slice name, const struct address *address)
{
    struct dns_host *first = find(hosts, name);
    struct dns_host *host = &hosts->hosts[hosts->count++];
    *host = (struct dns_host){.name = name, .address = *address, .last = host};
    if (first == NULL) {
        table_add(&hosts->table, &host->node, hash_slice_nocase(&hosts->key, name));
        return;
    }
    first->last->next = host;
    first->last = host;
}

static void parse_line(struct dns_hosts *hosts, struct slice line, size_t room)
{
    struct address address;
    struct slice word = take_word(&line);
    if (word.len == 0)
        return;
    if (address_parse_host(word, 0, &address) < 0) {
        hosts->skipped++;
        return;
    }
    while ((word = take_word(&line)).len > 0) {
        struct slice name;
        if (hosts->count < room && dns_name_check(word, &name) == 0)
            add_name(hosts, name, &address);
        else
            hosts->skipped++;
    }
}

static int make_empty(struct dns_hosts *hosts)
{
    struct table fresh;
    int status = table_init(&fresh, HOSTS_BUCKETS);
    if (status < 0)
        return status;
    dns_hosts_done(hosts);
    hosts->table = fresh;
    hosts->count = 0;
    hosts->skipped = 0;
    return 0;
}

/* Takes text over. */
static int parse(struct dns_hosts *hosts, char *text, size_t len)
{
    struct slice rest = slice_of(text, len);
    size_t room = count_words(rest);
    int status = make_empty(hosts);
    if (status < 0) {
        memory_free(text);
        return status;
    }
    hosts->text = text;
    if (room == 0)
        return 0;
    room = room < DNS_HOSTS_MAX ? room : DNS_HOSTS_MAX;
    hosts->hosts = memory_zalloc(room, sizeof(*hosts->hosts));
    if (hosts->hosts == NULL)
        return ERR_NO_MEMORY;
    while (rest.len > 0)
        parse_line(hosts, take_line(&rest), room);
    return 0;
}

int dns_hosts_parse(struct dns_hosts *hosts, struct slice text)
{
    char *copy = memory_alloc(text.len + 1);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return parse(hosts, copy, text.len);
}

/* ---- the file ---- */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int read_file(struct dns_hosts *hosts, int fd, size_t size)
{
    char *text = memory_alloc(size + 1);
    size_t len = 0;
    ssize_t got = 0;
    if (text == NULL)
        return ERR_NO_MEMORY;
    while (len < size && (got = read(fd, text + len, size - len)) > 0)
        len += (size_t)got;
    if (got < 0) {
        memory_free(text);
        return ERR_IO;
    }
    return parse(hosts, text, len);
}

int dns_hosts_refresh(struct dns_hosts *hosts)
{
    struct stat now = {0};
    bool there = hosts->path[0] != '\0' && stat(hosts->path, &now) == 0 && S_ISREG(now.st_mode);
    if (!there)
        memset(&now, 0, sizeof(now));
    if (same_file(&now, &hosts->seen))
        return 0;
    hosts->seen = now;
    int status = make_empty(hosts);
    if (status < 0 || !there)
        return status < 0 ? status : 1;
    if (now.st_size > DNS_HOSTS_FILE_MAX)
        return ERR_LIMIT;
    int fd = open(hosts->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return ERR_IO;
    status = read_file(hosts, fd, (size_t)now.st_size);
    (void)close(fd);
    return status < 0 ? status : 1;
}

/* ---- asking ---- */

bool dns_hosts_have(const struct dns_hosts *hosts, struct slice name)
{
    return find(hosts, name) != NULL;
}

int dns_hosts_answer(const struct dns_hosts *hosts, struct slice name, enum dns_type type,
                     struct dns_block **ret_block)
{
    struct dns_host *first = find(hosts, name);
    size_t count = 0;
    if (first == NULL)
        return ERR_NOT_FOUND;
    for (struct dns_host *host = first; host != NULL; host = host->next)
        count += address_is_v6(&host->address) == (type == DNS_AAAA);
    struct dns_block *block =
        dns_block_new(name, type, count < DNS_RECORDS_MAX ? count : DNS_RECORDS_MAX, 0);
    if (block == NULL)
        return ERR_NO_MEMORY;
    for (struct dns_host *host = first; host != NULL; host = host->next) {
        if (address_is_v6(&host->address) != (type == DNS_AAAA))
            continue;
        if (block->answer.count == DNS_RECORDS_MAX) {
            block->answer.left_out++;
            continue;
        }
        struct dns_record *record = &block->records[block->answer.count++];
        memset(record, 0, sizeof(*record));
        record->address = host->address;
    }
    if (count == 0)
        block->answer.status = ERR_NOT_FOUND;
    *ret_block = block;
    return 0;
}
