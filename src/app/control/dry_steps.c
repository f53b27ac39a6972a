#include "app/control/dry_steps.h"

#include "app/control/answer.h"
#include "base/error.h"

static void say(void *user, const char *section, const char *text)
{
    struct dry_steps *steps = user;
    if (json_array_size(steps->list) >= DRY_STEPS_MAX)
        return;
    json_array_append_new(steps->list, json_pack("{s:s, s:o}", "section", section, "text",
                                                 answer_text(slice_from_string(text))));
}

int dry_steps_init(struct dry_steps *steps)
{
    steps->list = json_array();
    steps->trace = (struct locate_trace){.say = say, .user = steps};
    return steps->list != NULL ? 0 : ERR_NO_MEMORY;
}

json_t *dry_steps_take(struct dry_steps *steps)
{
    json_t *list = steps->list;
    steps->list = NULL;
    return list;
}
