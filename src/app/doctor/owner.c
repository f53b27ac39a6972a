#include "app/doctor/owner.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "app/doctor/doctor.h"

#define TCP_STATE_LISTEN 0x0a

/* The next field of a line; fields are separated by any number of blanks. */
static struct slice field(struct slice *rest)
{
    while (rest->len > 0 && rest->ptr[0] == ' ')
        *rest = slice_from(*rest, 1);
    return slice_cut(rest, ' ');
}

/* Words of 8 hexadecimal digits, each as the machine has it in memory. */
static bool parse_host(struct slice hex, struct address *ret)
{
    uint32_t words[4];
    if (hex.len != 8 && hex.len != 32)
        return false;
    for (size_t i = 0; i < hex.len / 8; i++) {
        uint64_t word;
        if (slice_hex_to_u64(slice_of(hex.ptr + i * 8, 8), &word) < 0)
            return false;
        words[i] = (uint32_t)word;
    }
    *ret = (struct address){0};
    if (hex.len == 8) {
        ret->in4.sin_family = AF_INET;
        memcpy(&ret->in4.sin_addr, words, 4);
    } else {
        ret->in6.sin6_family = AF_INET6;
        memcpy(&ret->in6.sin6_addr, words, 16);
    }
    return true;
}

static bool meet(const struct address *a, const struct address *b)
{
    return address_is_wildcard(a) || address_is_wildcard(b) || address_equal_host(a, b);
}

bool port_owner_line(const char *line, const struct address *local, bool tcp, uint64_t *ret_inode)
{
    struct slice rest = slice_from_string(line);
    uint64_t port, state, inode;
    struct address address;
    (void)field(&rest); /* the number of the line */
    struct slice port_text = field(&rest);
    struct slice host = slice_cut(&port_text, ':');
    (void)field(&rest); /* the other end */
    struct slice state_text = field(&rest);
    if (!parse_host(host, &address) || slice_hex_to_u64(port_text, &port) < 0 ||
        slice_hex_to_u64(state_text, &state) < 0 || port != address_port(local) ||
        (tcp && state != TCP_STATE_LISTEN) || !meet(&address, local))
        return false;
    for (int i = 0; i < 5; i++) /* queues, timer, retransmissions, user, timeout */
        (void)field(&rest);
    if (slice_to_u64(field(&rest), UINT64_MAX, &inode) < 0)
        return false;
    *ret_inode = inode;
    return true;
}

static bool find_inode(const struct address *local, bool tcp, uint64_t *ret_inode)
{
    char path[32], line[512];
    bool found = false;
    (void)snprintf(path, sizeof path, "/proc/net/%s%s", tcp ? "tcp" : "udp",
                   address_is_v6(local) ? "6" : "");
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof line, file) != NULL)
        found = port_owner_line(line, local, tcp, ret_inode);
    (void)fclose(file);
    return found;
}

/* Has that process the socket? */
static bool has_socket(const char *pid, const char *socket)
{
    char path[600], target[64];
    bool has = false;
    (void)snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *directory = opendir(path);
    const struct dirent *entry;
    while (directory != NULL && !has && (entry = readdir(directory)) != NULL) {
        (void)snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, entry->d_name);
        ssize_t len = readlink(path, target, sizeof target - 1);
        has = len > 0 && slice_equal(slice_of(target, (size_t)len), slice_from_string(socket));
    }
    if (directory != NULL)
        (void)closedir(directory);
    return has;
}

static void find_process(uint64_t inode, struct port_owner *owner)
{
    char socket[64], path[600];
    (void)snprintf(socket, sizeof socket, "socket:[%llu]", (unsigned long long)inode);
    DIR *directory = opendir("/proc");
    const struct dirent *entry;
    while (directory != NULL && owner->pid == 0 && (entry = readdir(directory)) != NULL) {
        uint64_t pid;
        if (slice_to_u64(slice_from_string(entry->d_name), INT32_MAX, &pid) < 0 ||
            !has_socket(entry->d_name, socket))
            continue;
        owner->pid = (long)pid;
        (void)snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        if (!doctor_read(path, owner->name, sizeof owner->name))
            owner->name[0] = '\0';
    }
    if (directory != NULL)
        (void)closedir(directory);
}

bool port_owner_find(const struct address *local, bool tcp, struct port_owner *ret_owner)
{
    uint64_t inode;
    *ret_owner = (struct port_owner){0};
    if (!find_inode(local, tcp, &inode))
        return false;
    find_process(inode, ret_owner);
    return true;
}
