/* The filter is classic BPF, which needs no privilege and knows no loops: it is written out for
 * each place where the mark may stand. It looks at every fourth byte only: of eight characters at
 * any place, four that start one to four characters into the mark lie where it looks. */
#include "loop/steer.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "loop/filter.h"

#define FIRST     32u /* where it begins to look: no line but the first starts earlier */
#define BLOCK     16u /* places between two looks at the length; jumps reach 255 instructions */
#define BLOCKS    32u
#define STEP      4u          /* bytes from one place to the next */
#define WINDOWS   4u          /* of the mark, one of which lies at a place */
#define BY_HASH   0xffffffffu /* no socket has that number: the system chooses by addresses */
#define PER_BYTE  7u
#define TEXT_FROM (1u + STEER_MARK) /* from the line feed before the mark */

enum { HASH, PLACE }; /* words of the filter's memory */

/* Goes on at found, with the place in X, when a window lies at one of the places. */
static void emit_block(struct filter *p, const char *mark, unsigned from, unsigned found)
{
    filter_add(p, BPF_LD | BPF_W | BPF_LEN, 0);
    filter_add(p, BPF_JMP | BPF_JGE | BPF_K, from + BLOCK * STEP);
    p->code[p->length - 1].jt = 1;
    filter_add(p, BPF_RET | BPF_K, BY_HASH);
    unsigned places = p->length, leave = places + BLOCK * (1 + WINDOWS) + 1;
    for (unsigned i = 0; i < BLOCK; i++) {
        filter_add(p, BPF_LD | BPF_W | BPF_ABS, from + i * STEP);
        for (unsigned w = 0; w < WINDOWS; w++)
            filter_jump_if(p, filter_word(mark + 1 + w), leave + 2 * i);
    }
    filter_add(p, BPF_JMP | BPF_JA, 2 * BLOCK);
    for (unsigned i = 0; i < BLOCK; i++) {
        filter_add(p, BPF_LDX | BPF_W | BPF_IMM, from + i * STEP);
        filter_add(p, BPF_JMP | BPF_JA, found - (p->length + 1));
    }
}

/* X: the place of a window. Afterwards: of the line feed before the mark, or one more if a blank is
 * behind it. */
static void emit_text(struct filter *p, const char *mark)
{
    unsigned chosen = p->length + 1 + WINDOWS + 1, done = chosen + 2 * WINDOWS;
    filter_add(p, BPF_LD | BPF_W | BPF_IND, 0);
    for (unsigned w = 0; w < WINDOWS; w++)
        filter_jump_if(p, filter_word(mark + 1 + w), chosen + 2 * w);
    filter_add(p, BPF_RET | BPF_K, BY_HASH);
    for (unsigned w = 0; w < WINDOWS; w++) {
        filter_add(p, BPF_LD | BPF_IMM, 0u - (2 + w));
        filter_add(p, BPF_JMP | BPF_JA, done - (p->length + 1));
    }
    filter_add(p, BPF_ALU | BPF_ADD | BPF_X, 0);
    filter_add(p, BPF_MISC | BPF_TAX, 0);
    filter_add(p, BPF_LD | BPF_B | BPF_IND, 0);
    filter_jump_if(p, '\n', p->length + 2);
    filter_add(p, BPF_RET | BPF_K, BY_HASH); /* the mark's letters within a line */
    filter_add(p, BPF_LD | BPF_B | BPF_IND, TEXT_FROM);
    filter_jump_if(p, ' ', p->length + 2);
    filter_add(p, BPF_JMP | BPF_JA, 3);
    filter_add(p, BPF_MISC | BPF_TXA, 0);
    filter_add(p, BPF_ALU | BPF_ADD | BPF_K, 1);
    filter_add(p, BPF_MISC | BPF_TAX, 0);
}

/* As steer_worker. */
static void emit_worker(struct filter *p, unsigned workers)
{
    filter_add(p, BPF_STX, PLACE);
    filter_add(p, BPF_LD | BPF_IMM, STEER_BASIS);
    filter_add(p, BPF_ST, HASH);
    unsigned end = p->length + STEER_BYTES * PER_BYTE;
    for (unsigned i = 0; i < STEER_BYTES; i++) {
        filter_add(p, BPF_LD | BPF_B | BPF_IND, TEXT_FROM + i);
        filter_jump_if(p, '\r', end);
        filter_add(p, BPF_LDX | BPF_MEM, HASH);
        filter_add(p, BPF_ALU | BPF_XOR | BPF_X, 0);
        filter_add(p, BPF_ALU | BPF_MUL | BPF_K, STEER_PRIME);
        filter_add(p, BPF_ST, HASH);
        filter_add(p, BPF_LDX | BPF_MEM, PLACE);
    }
    filter_add(p, BPF_LDX | BPF_MEM, HASH);
    filter_add(p, BPF_LD | BPF_MEM, HASH);
    filter_add(p, BPF_ALU | BPF_RSH | BPF_K, 15);
    filter_add(p, BPF_ALU | BPF_XOR | BPF_X, 0);
    filter_add(p, BPF_ALU | BPF_MOD | BPF_K, workers);
    filter_add(p, BPF_RET | BPF_A, 0);
}

int steer_attach(int fd, const char *mark, unsigned workers)
{
    assert(strlen(mark) == STEER_MARK && workers > 0);
    static const unsigned block = 3 + BLOCK * (1 + WINDOWS) + 1 + 2 * BLOCK;
    struct filter p;
    p.length = 0;
    for (unsigned i = 0; i < BLOCKS; i++)
        emit_block(&p, mark, FIRST + i * BLOCK * STEP, BLOCKS * block + 1);
    filter_add(&p, BPF_RET | BPF_K, BY_HASH);
    emit_text(&p, mark);
    emit_worker(&p, workers);
    struct sock_fprog filter = {.len = (uint16_t)p.length, .filter = p.code};
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof(filter)) != 0)
        return ERR_UNSUPPORTED;
    return 0;
}
