#include "app/control/contact_nat.h"

static const char *const kinds[] = {
    [MAPPING_NONE] = "none",
    [MAPPING_UNKNOWN] = "unknown",
    [MAPPING_CONE] = "endpoint-independent",
    [MAPPING_SYMMETRIC] = "symmetric",
};

static void write_kind(struct writer *w, const struct binding *binding, enum mapping_kind kind)
{
    switch (kind) {
    case MAPPING_NONE:
        writer_string(w, binding->path.len > 0 ? "not known: it came through another server"
                                               : "none that shows");
        break;
    case MAPPING_UNKNOWN:
        writer_string(w, mapping_keeps_port(binding)
                             ? "behind a NAT that keeps its port"
                             : "behind a NAT: its packets do not come from its contact");
        break;
    case MAPPING_CONE:
        writer_string(w, "behind a NAT with one mapping for all of our ports (no symmetric one)");
        break;
    case MAPPING_SYMMETRIC:
        writer_string(w, "behind a symmetric NAT: another port towards each of ours");
        break;
    }
}

static void write_life(struct writer *w, const struct binding_keep *keep)
{
    if (keep->changes > 0)
        writer_format(w, "; mapping changed %u times", keep->changes);
    if (keep->lived_s > 0)
        writer_format(w, "; has lived %u s of silence", keep->lived_s);
    if (keep->died_s > 0)
        writer_format(w, "; was gone after %u s", keep->died_s);
    writer_format(w, "; pinged every %u s", keep->interval_s);
    if (!keep->answers && keep->missed > 0)
        writer_string(w, ", which it does not answer");
    else if (keep->missed > 0)
        writer_format(w, ", the last %u not answered", keep->missed);
}

/* 0: not known. */
static void set_number(json_t *object, const char *key, unsigned value)
{
    json_object_set_new(object, key, value > 0 ? json_integer(value) : json_null());
}

json_t *contact_nat_json(const struct binding *binding, const struct binding *const *others,
                         unsigned count)
{
    char text[320];
    struct writer w;
    const struct binding_keep *keep = &binding->keep;
    enum mapping_kind kind = mapping_of(binding, others, count);
    bool pinged = keep->due_s != 0;
    writer_init(&w, text, sizeof text);
    write_kind(&w, binding, kind);
    if (pinged)
        write_life(&w, keep);
    json_t *nat = json_pack("{s:b, s:s, s:s%, s:b, s:b}", "behind", binding->behind_nat, "kind",
                            kinds[kind], "text", text, writer_length(&w), "pinged", pinged,
                            "unreachable", binding_unreachable(binding));
    if (nat == NULL || !pinged)
        return nat;
    json_object_set_new(nat, "changes", json_integer(keep->changes));
    json_object_set_new(nat, "missed", json_integer(keep->missed));
    json_object_set_new(nat, "answers", json_boolean(keep->answers));
    set_number(nat, "interval_s", keep->interval_s);
    set_number(nat, "lived_s", keep->lived_s);
    set_number(nat, "died_s", keep->died_s);
    return nat;
}
