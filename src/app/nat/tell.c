#include <stdarg.h>
#include <stdio.h>

#include "app/nat/run.h"

#define TELL_MAX 256

/* Each test in words: its question, the answer when it was answered, and when not. */
static const struct {
    const char *question;
    const char *yes;
    const char *no;
} words[DISCOVERY_TESTS] = {
    [DISCOVERY_PLAIN] = {"test I, asking the server", NULL, "no answer"},
    [DISCOVERY_BOTH] = {"test II, from the server's other address and port", "gets in",
                        "does not get in"},
    [DISCOVERY_PORT] = {"test III, from the server's other port", "gets in", "does not get in"},
    [DISCOVERY_SECOND] = {"test I from another port", NULL, "no answer"},
    [DISCOVERY_HAIRPIN] = {"hairpinning, to our own outside address", "comes back",
                           "does not come back"},
    [DISCOVERY_PADDED] = {"padding", "understood", "no answer"},
    [DISCOVERY_FRAGMENTS] = {"fragments", "pass", "do not pass"},
    [DISCOVERY_AGAIN] = {"test I once more", NULL, "no answer"},
    [DISCOVERY_OTHER_IP] = {"test I to the server's other address", NULL, "no answer"},
    [DISCOVERY_OTHER] = {"test I to the server's other address and port", NULL, "no answer"},
};

void run_say(const struct run *run, const char *format, ...)
{
    char text[TELL_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    run->order->progress(text);
}

void run_tell(const struct run *run, enum discovery_test test)
{
    const struct discovery_result *r = &run->discovery.results[test];
    char address[ADDRESS_TEXT_MAX], code[16], line[TELL_MAX];
    const char *answer = words[test].no, *more = "";
    (void)snprintf(code, sizeof code, "%u", r->status);
    if (r->refused && r->status != 0) {
        answer = "refused, ";
        more = code;
    } else if (r->refused) {
        answer = "the server answers from its first one";
    } else if (r->answered && words[test].yes != NULL) {
        answer = words[test].yes;
    } else if (r->answered) {
        answer = "outside address ";
        more = address_text(&r->mapped, address);
    }
    (void)snprintf(line, sizeof line, "%s: %s%s", words[test].question, answer, more);
    run->order->progress(line);
}
