/* reflector IP:PORT: receives and sends UDP datagrams in batches and does nothing else. What a
 * datagram costs here, it costs every server on this machine: the floor under the other figures.
 * Driven by loadgen's mode echo. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, SIZE = 2048 };

/* As loadgen's mode echo writes it. */
struct head {
    uint32_t slot;
    uint32_t generation;
    uint16_t answers[2];
};

static struct mmsghdr in[BATCH], out[2 * BATCH];
static struct iovec in_parts[BATCH], out_parts[2 * BATCH];
static struct sockaddr_in from[BATCH];
static char buffers[BATCH][SIZE];

static int socket_open(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN] = "";
    const char *colon = strrchr(text, ':');
    int size = 4 << 20;
    if (colon && (size_t)(colon - text) < sizeof host)
        memcpy(host, text, (size_t)(colon - text));
    if (!colon || inet_pton(AF_INET, host, &address.sin_addr) != 1)
        return -1;
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    return bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ? -1 : fd;
}

/* Queues the answers to datagram i behind the n that are queued; returns the new n. */
static unsigned answer(unsigned i, unsigned n)
{
    struct head head;
    if (in[i].msg_len < sizeof head)
        return n;
    memcpy(&head, buffers[i], sizeof head);
    for (unsigned k = 0; k < 2 && head.answers[k] && head.answers[k] <= SIZE; k++, n++) {
        out_parts[n] = (struct iovec){buffers[i], head.answers[k]};
        out[n].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                         .msg_namelen = sizeof from[i],
                                         .msg_iov = &out_parts[n],
                                         .msg_iovlen = 1};
    }
    return n;
}

static void turn(int fd)
{
    int received = recvmmsg(fd, in, BATCH, MSG_DONTWAIT, NULL);
    unsigned queued = 0, sent = 0;
    if (received <= 0) {
        poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
        return;
    }
    for (int i = 0; i < received; i++)
        queued = answer((unsigned)i, queued);
    while (sent < queued) {
        int n = sendmmsg(fd, out + sent, queued - sent, 0);
        if (n > 0)
            sent += (unsigned)n;
        else if (errno != EINTR)
            sent++;
    }
}

int main(int argc, char **argv)
{
    int fd = argc == 2 ? socket_open(argv[1]) : -1;
    if (fd < 0) {
        fprintf(stderr, "reflector IP:PORT (a port that is free)\n");
        return 2;
    }
    for (unsigned i = 0; i < BATCH; i++) {
        in_parts[i] = (struct iovec){buffers[i], SIZE};
        in[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                        .msg_namelen = sizeof from[i],
                                        .msg_iov = &in_parts[i],
                                        .msg_iovlen = 1};
    }
    fputs("ready\n", stderr);
    for (;;)
        turn(fd);
}
