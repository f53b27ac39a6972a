/* Tells AddressSanitizer which bytes of our own allocators nobody may touch; nothing in other
 * builds. */
#ifndef BASE_POISON_H
#define BASE_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define POISON_ON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_ON 1
#endif
#endif

#ifdef POISON_ON
#include <sanitizer/asan_interface.h>
#define poison(ptr, size)   __asan_poison_memory_region((ptr), (size))
#define unpoison(ptr, size) __asan_unpoison_memory_region((ptr), (size))
#define poisoned(ptr)       (__asan_address_is_poisoned(ptr) != 0)
#else
#define poison(ptr, size)   ((void)(ptr), (void)(size))
#define unpoison(ptr, size) ((void)(ptr), (void)(size))
#define poisoned(ptr)       ((void)(ptr), 0)
#endif

#endif
