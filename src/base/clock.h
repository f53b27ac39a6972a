/* The system's clocks, for the event loop and the application only: everything else is told the
 * time. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Microseconds since an unknown moment; never goes back. */
uint64_t clock_monotonic_us(void);
/* Milliseconds since 1970-01-01T00:00:00Z; jumps when the system's time is set. */
uint64_t clock_wall_ms(void);

#endif
