/* As in loop/steer.c the mark is looked for at every fourth byte: of its first seven characters,
 * four that start none to three characters into it lie where it looks, and the next four follow. */
#include "loop/sift.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "loop/filter.h"

#define UDP_HEADER 8u /* RFC 768: what a socket's filter sees begins with it */
#define FIRST      (UDP_HEADER + 32u)
#define BLOCK      16u
#define BLOCKS     (SIFT_REACH / (BLOCK * STEP))
#define STEP       4u
#define WINDOWS    4u
#define TAKE       0xffffffffu /* bytes of the datagram */
#define DROP       0u

/* Goes on at found, with the place in X, when a window lies at one of the places. */
static void emit_block(struct filter *f, const char *mark, unsigned from, unsigned found)
{
    filter_add(f, BPF_LD | BPF_W | BPF_LEN, 0);
    filter_add(f, BPF_JMP | BPF_JGE | BPF_K, from + BLOCK * STEP + STEP);
    f->code[f->length - 1].jt = 1;
    filter_add(f, BPF_RET | BPF_K, TAKE);
    unsigned leave = f->length + BLOCK * (1 + WINDOWS) + 1;
    for (unsigned i = 0; i < BLOCK; i++) {
        filter_add(f, BPF_LD | BPF_W | BPF_ABS, from + i * STEP);
        for (unsigned w = 0; w < WINDOWS; w++)
            filter_jump_if(f, filter_word(mark + w), leave + 2 * i);
    }
    filter_add(f, BPF_JMP | BPF_JA, 2 * BLOCK);
    for (unsigned i = 0; i < BLOCK; i++) {
        filter_add(f, BPF_LDX | BPF_W | BPF_IMM, from + i * STEP);
        filter_add(f, BPF_JMP | BPF_JA, found - (f->length + 1));
    }
}

/* X: the place of a window. Dropped if the one after it follows. */
static void emit_found(struct filter *f, const char *mark)
{
    unsigned chosen = f->length + 1 + WINDOWS + 1;
    filter_add(f, BPF_LD | BPF_W | BPF_IND, 0);
    for (unsigned w = 0; w < WINDOWS; w++)
        filter_jump_if(f, filter_word(mark + w), chosen + 4 * w);
    filter_add(f, BPF_RET | BPF_K, TAKE);
    for (unsigned w = 0; w < WINDOWS; w++) {
        filter_add(f, BPF_LD | BPF_W | BPF_IND, STEP);
        filter_jump_if(f, filter_word(mark + w + STEP), f->length + 2);
        filter_add(f, BPF_RET | BPF_K, TAKE);
        filter_add(f, BPF_RET | BPF_K, DROP);
    }
}

static void emit_thinned(struct filter *f, uint32_t share)
{
    filter_add(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM));
    filter_add(f, BPF_ALU | BPF_AND | BPF_K, SIFT_ALL - 1);
    filter_add(f, BPF_JMP | BPF_JGE | BPF_K, share);
    f->code[f->length - 1].jt = 1;
    filter_add(f, BPF_RET | BPF_K, DROP);
    filter_add(f, BPF_RET | BPF_K, TAKE);
}

#define THINNED 5u /* instructions of emit_thinned */

int sift_attach(int fd, const struct sift *sift)
{
    assert(strlen(sift->mark) == SIFT_MARK && strlen(sift->marked) == 4 &&
           strlen(sift->thinned) == 4);
    static const unsigned block = 3 + BLOCK * (1 + WINDOWS) + 1 + 2 * BLOCK;
    struct filter f;
    f.length = 0;
    filter_add(&f, BPF_LD | BPF_W | BPF_LEN, 0);
    filter_add(&f, BPF_JMP | BPF_JGE | BPF_K, UDP_HEADER + 4);
    f.code[f.length - 1].jt = 1;
    filter_add(&f, BPF_RET | BPF_K, TAKE);
    filter_add(&f, BPF_LD | BPF_W | BPF_ABS, UDP_HEADER);
    filter_jump_if(&f, filter_word(sift->marked), f.length + 3 + THINNED);
    filter_jump_if(&f, filter_word(sift->thinned), f.length + 2);
    filter_add(&f, BPF_RET | BPF_K, TAKE);
    emit_thinned(&f, sift->share);
    unsigned found = f.length + BLOCKS * block + 1;
    for (unsigned i = 0; i < BLOCKS; i++)
        emit_block(&f, sift->mark, FIRST + i * BLOCK * STEP, found);
    filter_add(&f, BPF_RET | BPF_K, TAKE);
    emit_found(&f, sift->mark);
    struct sock_fprog program = {.len = (uint16_t)f.length, .filter = f.code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0
               ? 0
               : ERR_UNSUPPORTED;
}

void sift_detach(int fd)
{
    int none = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
}
