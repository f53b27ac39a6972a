#include "app/nat/run.h"

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

void run_tell(const struct run *run, enum discovery_test test)
{
    const struct discovery_result *r = &run->discovery.results[test];
    char text[ADDRESS_TEXT_MAX];
    const char *question = words[test].question;
    if (r->refused && r->status != 0)
        run_say(run, "%s: refused (%u)", question, r->status);
    else if (r->refused)
        run_say(run, "%s: the server answers from its first one", question);
    else if (!r->answered)
        run_say(run, "%s: %s", question, words[test].no);
    else if (words[test].yes != NULL)
        run_say(run, "%s: %s", question, words[test].yes);
    else
        run_say(run, "%s: outside address %s", question, address_text(&r->mapped, text));
}
