#include "app/doctor/ruleset.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 16

static bool has_text(const json_t *object, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL && strcmp(value, text) == 0;
}

static bool same_chain(const json_t *chain, const json_t *rule)
{
    const char *table = json_string_value(json_object_get(chain, "table"));
    const char *name = json_string_value(json_object_get(chain, "name"));
    const char *family = json_string_value(json_object_get(chain, "family"));
    return table != NULL && name != NULL && family != NULL && has_text(rule, "table", table) &&
           has_text(rule, "chain", name) && has_text(rule, "family", family);
}

/* A rule without a condition that drops: all that comes to it. */
static bool drops_all(const json_t *rule)
{
    const json_t *expressions = json_object_get(rule, "expr");
    size_t i;
    const json_t *one;
    bool drops = false;
    json_array_foreach(expressions, i, one)
    {
        if (json_object_get(one, "match") != NULL || json_object_get(one, "xt") != NULL ||
            json_object_get(one, "limit") != NULL || json_object_get(one, "vmap") != NULL)
            return false;
        drops =
            drops || json_object_get(one, "drop") != NULL || json_object_get(one, "reject") != NULL;
    }
    return drops;
}

static bool has_dropping_rule(const json_t *items, const json_t *chain)
{
    size_t i;
    const json_t *item;
    json_array_foreach(items, i, item)
    {
        const json_t *rule = json_object_get(item, "rule");
        if (rule != NULL && same_chain(chain, rule) && drops_all(rule))
            return true;
    }
    return false;
}

void ruleset_read(const json_t *ruleset, struct ruleset_verdict *ret_verdict)
{
    const json_t *items = json_object_get(ruleset, "nftables");
    size_t i;
    const json_t *item;
    *ret_verdict = (struct ruleset_verdict){.closed = false};
    json_array_foreach(items, i, item)
    {
        const json_t *chain = json_object_get(item, "chain");
        if (!has_text(chain, "hook", "input") ||
            (!has_text(chain, "policy", "drop") && !has_dropping_rule(items, chain)))
            continue;
        ret_verdict->closed = true;
        (void)snprintf(ret_verdict->chain, sizeof ret_verdict->chain, "%s %s %s",
                       json_string_value(json_object_get(chain, "family")),
                       json_string_value(json_object_get(chain, "table")),
                       json_string_value(json_object_get(chain, "name")));
        return;
    }
}

/* Is the port in the right side of a match: a number, a set, a range? */
static bool holds(const json_t *value, unsigned port, unsigned depth)
{
    size_t i;
    const json_t *one;
    const json_t *range = json_object_get(value, "range");
    if (depth == DEPTH_MAX)
        return false;
    if (json_is_integer(value))
        return json_integer_value(value) == (json_int_t)port;
    if (range != NULL)
        return json_integer_value(json_array_get(range, 0)) <= (json_int_t)port &&
               json_integer_value(json_array_get(range, 1)) >= (json_int_t)port;
    if (json_is_object(value))
        value = json_object_get(value, "set");
    json_array_foreach(value, i, one)
    {
        if (holds(one, port, depth + 1))
            return true;
    }
    return false;
}

static bool rule_names_port(const json_t *rule, unsigned port)
{
    const json_t *expressions = json_object_get(rule, "expr");
    size_t i;
    const json_t *one;
    json_array_foreach(expressions, i, one)
    {
        const json_t *match = json_object_get(one, "match");
        const json_t *left = json_object_get(json_object_get(match, "left"), "payload");
        if (has_text(left, "field", "dport") && holds(json_object_get(match, "right"), port, 0))
            return true;
    }
    return false;
}

bool ruleset_names_port(const json_t *ruleset, unsigned port)
{
    const json_t *items = json_object_get(ruleset, "nftables");
    size_t i;
    const json_t *item;
    json_array_foreach(items, i, item)
    {
        if (rule_names_port(json_object_get(item, "rule"), port))
            return true;
    }
    return false;
}
