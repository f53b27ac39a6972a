/* The filter is classic BPF, which needs no privilege and knows no loops: it is written out for
 * each place where the mark may stand. It looks at every fourth byte only: of eight characters at
 * any place, four that start one to four characters into the mark lie where it looks. */
#include "loop/steer.h"

#include <assert.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"

#define FIRST     32u /* where it begins to look: no line but the first starts earlier */
#define BLOCK     16u /* places between two looks at the length; jumps reach 255 instructions */
#define BLOCKS    32u
#define STEP      4u          /* bytes from one place to the next */
#define WINDOWS   4u          /* of the mark, one of which lies at a place */
#define BY_HASH   0xffffffffu /* no socket has that number: the system chooses by addresses */
#define PER_BYTE  7u
#define TEXT_FROM (1u + STEER_MARK) /* from the line feed before the mark */

enum { HASH, PLACE }; /* words of the filter's memory */

struct program {
    struct sock_filter code[BPF_MAXINSNS];
    unsigned length;
};

static void emit(struct program *p, unsigned code, uint32_t k)
{
    assert(p->length < BPF_MAXINSNS);
    p->code[p->length++] = (struct sock_filter){.code = (uint16_t)code, .k = k};
}

/* Jumps on to instruction target when the accumulator is k, else goes on. */
static void emit_if(struct program *p, uint32_t k, unsigned target)
{
    unsigned distance = target - (p->length + 1);
    assert(distance <= UINT8_MAX);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, k);
    p->code[p->length - 1].jt = (uint8_t)distance;
}

/* As the filter loads it. */
static uint32_t window(const char *mark, unsigned i)
{
    const uint8_t *b = (const uint8_t *)mark + 1 + i;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Goes on at found, with the place in X, when a window lies at one of the places. */
static void emit_block(struct program *p, const char *mark, unsigned from, unsigned found)
{
    emit(p, BPF_LD | BPF_W | BPF_LEN, 0);
    emit(p, BPF_JMP | BPF_JGE | BPF_K, from + BLOCK * STEP);
    p->code[p->length - 1].jt = 1;
    emit(p, BPF_RET | BPF_K, BY_HASH);
    unsigned places = p->length, leave = places + BLOCK * (1 + WINDOWS) + 1;
    for (unsigned i = 0; i < BLOCK; i++) {
        emit(p, BPF_LD | BPF_W | BPF_ABS, from + i * STEP);
        for (unsigned w = 0; w < WINDOWS; w++)
            emit_if(p, window(mark, w), leave + 2 * i);
    }
    emit(p, BPF_JMP | BPF_JA, 2 * BLOCK);
    for (unsigned i = 0; i < BLOCK; i++) {
        emit(p, BPF_LDX | BPF_W | BPF_IMM, from + i * STEP);
        emit(p, BPF_JMP | BPF_JA, found - (p->length + 1));
    }
}

/* X: the place of a window. Afterwards: of the line feed before the mark, or one more if a blank is
 * behind it. */
static void emit_text(struct program *p, const char *mark)
{
    unsigned chosen = p->length + 1 + WINDOWS + 1, done = chosen + 2 * WINDOWS;
    emit(p, BPF_LD | BPF_W | BPF_IND, 0);
    for (unsigned w = 0; w < WINDOWS; w++)
        emit_if(p, window(mark, w), chosen + 2 * w);
    emit(p, BPF_RET | BPF_K, BY_HASH);
    for (unsigned w = 0; w < WINDOWS; w++) {
        emit(p, BPF_LD | BPF_IMM, 0u - (2 + w));
        emit(p, BPF_JMP | BPF_JA, done - (p->length + 1));
    }
    emit(p, BPF_ALU | BPF_ADD | BPF_X, 0);
    emit(p, BPF_MISC | BPF_TAX, 0);
    emit(p, BPF_LD | BPF_B | BPF_IND, 0);
    emit_if(p, '\n', p->length + 2);
    emit(p, BPF_RET | BPF_K, BY_HASH); /* the mark's letters within a line */
    emit(p, BPF_LD | BPF_B | BPF_IND, TEXT_FROM);
    emit_if(p, ' ', p->length + 2);
    emit(p, BPF_JMP | BPF_JA, 3);
    emit(p, BPF_MISC | BPF_TXA, 0);
    emit(p, BPF_ALU | BPF_ADD | BPF_K, 1);
    emit(p, BPF_MISC | BPF_TAX, 0);
}

/* As steer_worker. */
static void emit_worker(struct program *p, unsigned workers)
{
    emit(p, BPF_STX, PLACE);
    emit(p, BPF_LD | BPF_IMM, STEER_BASIS);
    emit(p, BPF_ST, HASH);
    unsigned end = p->length + STEER_BYTES * PER_BYTE;
    for (unsigned i = 0; i < STEER_BYTES; i++) {
        emit(p, BPF_LD | BPF_B | BPF_IND, TEXT_FROM + i);
        emit_if(p, '\r', end);
        emit(p, BPF_LDX | BPF_MEM, HASH);
        emit(p, BPF_ALU | BPF_XOR | BPF_X, 0);
        emit(p, BPF_ALU | BPF_MUL | BPF_K, STEER_PRIME);
        emit(p, BPF_ST, HASH);
        emit(p, BPF_LDX | BPF_MEM, PLACE);
    }
    emit(p, BPF_LDX | BPF_MEM, HASH);
    emit(p, BPF_LD | BPF_MEM, HASH);
    emit(p, BPF_ALU | BPF_RSH | BPF_K, 15);
    emit(p, BPF_ALU | BPF_XOR | BPF_X, 0);
    emit(p, BPF_ALU | BPF_MOD | BPF_K, workers);
    emit(p, BPF_RET | BPF_A, 0);
}

int steer_attach(int fd, const char *mark, unsigned workers)
{
    assert(strlen(mark) == STEER_MARK && workers > 0);
    static const unsigned block = 3 + BLOCK * (1 + WINDOWS) + 1 + 2 * BLOCK;
    struct program p;
    p.length = 0;
    for (unsigned i = 0; i < BLOCKS; i++)
        emit_block(&p, mark, FIRST + i * BLOCK * STEP, BLOCKS * block + 1);
    emit(&p, BPF_RET | BPF_K, BY_HASH);
    emit_text(&p, mark);
    emit_worker(&p, workers);
    struct sock_fprog filter = {.len = (uint16_t)p.length, .filter = p.code};
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof(filter)) != 0)
        return ERR_UNSUPPORTED;
    return 0;
}
