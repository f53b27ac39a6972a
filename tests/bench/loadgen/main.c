/* loadgen: SIP load from one thread, both sides of each call, every message checked. See
 * docs/bench.md. */
#include <errno.h>
#include <sched.h>

#include "clock.h"
#include "engine.h"

static const struct mode *const modes[] = {
    &mode_register, &mode_register_auth, &mode_options, &mode_call,
    &mode_flood,    &mode_hold,          &mode_echo,
};

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        die("cannot run on CPU %d: %s", core, strerror(errno));
}

int main(int argc, char **argv)
{
    static struct engine engine;
    static struct options options;
    options_read(argc, argv, &options);
    engine.options = &options;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(modes[i]->name, options.mode) == 0)
            engine.mode = modes[i];
    }
    if (!engine.mode)
        die("unknown mode %s (see --help)", options.mode);
    if (options.core >= 0)
        pin(options.core);
    return engine_run(&engine);
}
