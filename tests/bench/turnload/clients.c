/* Setting up: Allocate, challenge, Allocate, then ChannelBind or CreatePermission. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum state { STATE_NEW, STATE_CHALLENGED, STATE_ALLOCATED, STATE_UP };
enum { UNDER_WAY = 32, RETRY_US = 500000, TRIES = 20 };

uint64_t clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void die(const char *what, unsigned client)
{
    fprintf(stderr, "turnload: client %u: %s\n", client, what);
    exit(1);
}

static void ask(struct load *load, unsigned index)
{
    struct client *client = &load->list[index];
    struct stun_out out;
    uint8_t id[12] = {0};
    memcpy(id, load->seed, sizeof load->seed);
    id[4] = client->state;
    stun_put32(id + 8, index);
    char *buffer = net_next(&load->clients);
    if (client->state < STATE_ALLOCATED) {
        static const uint8_t udp[4] = {17};
        stun_begin(&out, buffer, STUN_ALLOCATE, id);
        stun_add(&out, 0x0019, udp, sizeof udp);
    } else {
        int channel = load->options.mode == MODE_CHANNEL || load->options.mode == MODE_IDLE;
        static const uint8_t number[4] = {0x40, 0x00};
        stun_begin(&out, buffer, channel ? STUN_CHANNEL_BIND : STUN_CREATE_PERMISSION, id);
        if (channel)
            stun_add(&out, 0x000c, number, sizeof number);
        stun_add_address(&out, 0x0012, peer_host(index), load->peers.port);
    }
    if (client->state > STATE_NEW)
        stun_sign(&out, client->credentials);
    net_send(&load->clients, client_host(index), &load->options.server, out.length);
    client->sent_us = load->now_us;
    if (client->tries++ > TRIES)
        die("no answer", index);
}

static void copy_text(char *to, size_t size, const uint8_t *from, size_t length, unsigned index)
{
    if (!from || length >= size)
        die("no REALM or NONCE", index);
    memcpy(to, from, length);
    to[length] = 0;
}

static void take_challenge(struct load *load, unsigned index, const char *message, size_t length)
{
    struct client *client = &load->list[index];
    size_t size = 0;
    client->credentials = calloc(1, sizeof *client->credentials);
    if (!client->credentials)
        die("no memory", index);
    client->credentials->user = load->options.user;
    client->credentials->password = load->options.password;
    const uint8_t *value = stun_find(message, length, 0x0014, &size);
    copy_text(client->credentials->realm, sizeof client->credentials->realm, value, size, index);
    value = stun_find(message, length, 0x0015, &size);
    copy_text(client->credentials->nonce, sizeof client->credentials->nonce, value, size, index);
    stun_make_key(client->credentials);
    client->state = STATE_CHALLENGED;
}

/* True: the client has what it wants. */
static int take_answer(struct load *load, unsigned index, const char *message, size_t length)
{
    struct client *client = &load->list[index];
    uint16_t type = stun_u16(message);
    size_t size;
    if (memcmp(message + 8, load->seed, sizeof load->seed) != 0 ||
        (uint8_t)message[12] != client->state)
        return 0; /* a late answer */
    const uint8_t *code = stun_find(message, length, 0x0009, &size);
    unsigned error = code && size >= 4 ? code[2] * 100u + code[3] : 0;
    client->tries = 0;
    if (client->state == STATE_NEW && error == 401) {
        take_challenge(load, index, message, length);
    } else if (client->state == STATE_CHALLENGED && type == (STUN_ALLOCATE | STUN_SUCCESS)) {
        if (!stun_find_address(message, length, 0x0016, &client->relay))
            die("no XOR-RELAYED-ADDRESS", index);
        client->state = STATE_ALLOCATED;
    } else if (client->state == STATE_ALLOCATED && (type & STUN_ERROR) == STUN_SUCCESS) {
        client->state = STATE_UP;
        return 1;
    } else {
        char text[80];
        snprintf(text, sizeof text, "state %u: answer %04x, error %u", client->state, type, error);
        die(text, index);
    }
    ask(load, index);
    return 0;
}

void clients_set_up(struct load *load)
{
    unsigned first = 0, next = 0, up = 0, under_way = 0;
    while (up < load->options.allocations) {
        load->now_us = clock_us();
        for (; next < load->options.allocations && under_way < UNDER_WAY; next++, under_way++)
            ask(load, next);
        unsigned n = net_receive(&load->clients);
        for (unsigned i = 0; i < n; i++) {
            unsigned index = net_host(&load->clients, i) - client_host(0);
            unsigned length = load->clients.in.messages[i].msg_len;
            if (index < next && length >= 20 &&
                take_answer(load, index, load->clients.in.buffers[i], length)) {
                up++;
                under_way--;
            }
        }
        while (first < next && load->list[first].state == STATE_UP)
            first++;
        for (unsigned i = first; n == 0 && i < next; i++) {
            struct client *client = &load->list[i];
            if (client->state != STATE_UP && load->now_us - client->sent_us > RETRY_US)
                ask(load, i);
        }
        net_flush(&load->clients);
        if (n == 0)
            usleep(50);
    }
}

/* Refresh with LIFETIME 0, without waiting for the answers. */
void clients_end(struct load *load)
{
    static const uint8_t zero[4];
    for (unsigned i = 0; i < load->options.allocations; i++) {
        struct stun_out out;
        uint8_t id[12] = {0};
        stun_put32(id + 8, i);
        stun_begin(&out, net_next(&load->clients), STUN_REFRESH, id);
        stun_add(&out, 0x000d, zero, sizeof zero);
        stun_sign(&out, load->list[i].credentials);
        net_send(&load->clients, client_host(i), &load->options.server, out.length);
        if (i % NET_BATCH == NET_BATCH - 1) {
            net_flush(&load->clients);
            usleep(500);
        }
    }
    net_flush(&load->clients);
}
