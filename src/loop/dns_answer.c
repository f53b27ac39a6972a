#include "loop/dns_answer.h"

#include <assert.h>

#include "base/memory.h"

struct dns_block *dns_block_new(struct slice name, enum dns_type type, size_t records, size_t text)
{
    assert(name.len <= DNS_NAME_MAX);
    size_t at_records = sizeof(struct dns_block);
    size_t at_name = at_records + records * sizeof(struct dns_record);
    size_t size = at_name + name.len + text;
    struct dns_block *block = memory_alloc(size);
    if (block == NULL)
        return NULL;
    memset(block, 0, sizeof(*block));
    char *bytes = (char *)block;
    block->answer.type = type;
    block->refs = 1;
    block->size = size;
    block->records = (struct dns_record *)(void *)(bytes + at_records);
    block->answer.records = block->records;
    block->name = bytes + at_name;
    block->name_len = (uint8_t)name.len;
    if (name.len > 0)
        memcpy(bytes + at_name, name.ptr, name.len);
    block->text = bytes + at_name + name.len;
    return block;
}

struct dns_block *dns_block_of(const struct dns_answer *answer)
{
    /* Answers are const to their users only. */
    const union {
        const struct dns_answer *given;
        struct dns_answer *mine;
    } pointer = {answer};
    return container_of(pointer.mine, struct dns_block, answer);
}

const struct dns_answer *dns_answer_ref(const struct dns_answer *answer)
{
    dns_block_of(answer)->refs++;
    return answer;
}

void dns_answer_unref(const struct dns_answer *answer)
{
    if (answer == NULL)
        return;
    struct dns_block *block = dns_block_of(answer);
    assert(block->refs > 0);
    if (--block->refs == 0)
        memory_free(block);
}
