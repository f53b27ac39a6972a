/* Programs of classic BPF, written one instruction after the other. Inside src/loop only. */
#ifndef LOOP_FILTER_H
#define LOOP_FILTER_H

#include <assert.h>
#include <linux/filter.h>
#include <stdint.h>
#include <sys/socket.h>

struct filter {
    struct sock_filter code[BPF_MAXINSNS];
    unsigned length;
};

static inline void filter_add(struct filter *f, unsigned code, uint32_t k)
{
    assert(f->length < BPF_MAXINSNS);
    f->code[f->length++] = (struct sock_filter){.code = (uint16_t)code, .k = k};
}

/* Jumps on to instruction target when the accumulator is k, else goes on. */
static inline void filter_jump_if(struct filter *f, uint32_t k, unsigned target)
{
    unsigned distance = target - (f->length + 1);
    assert(distance <= UINT8_MAX);
    filter_add(f, BPF_JMP | BPF_JEQ | BPF_K, k);
    f->code[f->length - 1].jt = (uint8_t)distance;
}

/* Four characters as a program loads them. */
static inline uint32_t filter_word(const char *text)
{
    const uint8_t *b = (const uint8_t *)text;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

#endif
