#include "base/memory.h"

#ifdef TZ_FAULT_ALLOC

/* The one place with thread state: it exists in test builds only. */
static _Thread_local struct {
    bool armed;
    bool hit;
    size_t left;
} fault;

void memory_fail_after(size_t n)
{
    fault.armed = true;
    fault.hit = false;
    fault.left = n;
}

bool memory_fail_hit(void)
{
    bool hit = fault.hit;
    fault.armed = fault.hit = false;
    return hit;
}

bool memory_fail_now(void)
{
    if (!fault.armed)
        return false;
    if (fault.left > 0) {
        fault.left--;
        return false;
    }
    fault.armed = false;
    fault.hit = true;
    return true;
}

#else

/* ISO C wants a declaration in every file. */
typedef int memory_has_no_faults;

#endif
