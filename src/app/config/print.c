#include "app/config/config.h"

#include "app/config/value.h"
#include "base/error.h"

#define COMMENT_WIDTH 100

/* Words, broken into lines of COMMENT_WIDTH that begin with indent and "# ". */
static void write_comment(struct slice text, unsigned indent, struct writer *w)
{
    size_t column = 0;
    while (!slice_empty(text)) {
        struct slice word = slice_cut(&text, ' ');
        if (column == 0 || column + 1 + word.len > COMMENT_WIDTH) {
            writer_format(w, "%s%*s#", column == 0 ? "" : "\n", (int)indent, "");
            column = indent + 1;
        }
        writer_char(w, ' ');
        writer_put(w, word);
        column += word.len + 1;
    }
    writer_char(w, '\n');
}

/* "Help. Takes this; default that (automatic); a restart is needed." */
static void write_about(const struct config_key *key, struct writer *w)
{
    writer_string(w, key->help);
    writer_literal(w, " Takes ");
    config_value_describe(key, w);
    if (key->automatic != NULL)
        writer_format(w, "; when %s: %s", key->type == CONFIG_UINT ? "0" : "empty", key->automatic);
    writer_string(w, key->live ? "." : "; a change needs a restart.");
}

/* What stands before the first dot; empty when there is none. */
static struct slice section_of(struct slice name)
{
    size_t dot = slice_index(name, '.');
    return dot < name.len ? slice_of(name.ptr, dot) : SLICE_NULL;
}

/* A secret list that is not empty. */
static bool is_hidden(const struct app_config *config, const struct config_key *key)
{
    const struct config_strings *strings = config_field_const(config, key);
    return key->secret && strings->count > 0;
}

static void print_key(const struct app_config *config, const struct config_key *key,
                      struct slice *section, struct writer *w)
{
    char about[1024];
    struct writer text;
    struct slice name = slice_from_string(key->name);
    struct slice mine = section_of(name);
    if (!slice_equal(mine, *section)) {
        *section = mine;
        if (!slice_empty(mine)) {
            writer_char(w, '\n');
            writer_put(w, mine);
            writer_literal(w, ":\n");
        }
    }
    unsigned indent = slice_empty(mine) ? 0 : 2;
    writer_init(&text, about, sizeof about);
    write_about(key, &text);
    if (indent == 0)
        writer_char(w, '\n');
    write_comment(writer_slice(&text), indent, w);
    if (is_hidden(config, key)) {
        writer_format(w, "%*s# %s: given, not shown\n", (int)indent, "", key->name);
        return;
    }
    writer_format(w, "%*s", (int)indent, "");
    writer_put(w, slice_empty(mine) ? name : slice_from(name, mine.len + 1));
    writer_char(w, ':');
    config_value_write(config, key, indent, w);
    writer_char(w, '\n');
}

int config_print(const struct app_config *config, struct writer *w)
{
    struct slice section = SLICE_NULL;
    writer_literal(w, "# Trapezoid: every key with its present value.\n");
    const struct config_key *key;
    for (unsigned i = 0; (key = config_key_at(i)) != NULL; i++)
        print_key(config, key, &section, w);
    return writer_status(w);
}

/* ---- The reference page ---- */

/* '|' ends a cell of a Markdown table. */
static void write_cell(const char *text, struct writer *w)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            writer_char(w, '\\');
        writer_char(w, *text);
    }
}

static void markdown_row(const struct config_key *key, struct writer *w)
{
    writer_format(w, "| `%s` | ", key->name);
    config_value_describe(key, w);
    writer_literal(w, " | ");
    if (key->automatic != NULL) {
        write_cell(key->automatic, w);
    } else if (key->standard[0] == '\0') {
        writer_literal(w, "none");
    } else {
        writer_char(w, '`');
        write_cell(key->standard, w);
        writer_char(w, '`');
    }
    writer_format(w, " | %s | ", key->live ? "yes" : "no");
    write_cell(key->help, w);
    writer_literal(w, " |\n");
}

static const char page_head[] =
    "# Configuration\n"
    "\n"
    "Made by `trapezoid config docs` from the schema in src/app/config/schema: do not edit.\n"
    "\n"
    "`trapezoid serve -c FILE` reads YAML; every key can be given as `--set KEY=VALUE` too, which\n"
    "goes over the file. A list is a YAML list or one text with commas (in --set always the\n"
    "latter). Keys with dots are written as they are, or as groups: `auth.call: off`, or\n"
    "\n"
    "```yaml\n"
    "auth:\n"
    "  call: off\n"
    "```\n"
    "\n"
    "Durations: `500ms`, `5s`, `15m`, `1h`, `1d`. Sizes are bytes: `65535`, `64K`, `1M`, `4G` "
    "(times 1,024). On and off: also true, false, yes,\n"
    "no. A route is `PREFIX=NEXT_HOP`, `@DOMAIN=NEXT_HOP` or `PREFIX@DOMAIN=NEXT_HOP`, or in YAML\n"
    "a group of `prefix`, `domain` and `next_hop`.\n"
    "\n"
    "Keys that say yes under Live are taken over by `trapezoid reload` (or SIGHUP, or `systemctl\n"
    "reload`); a reload that changes any other key is refused as a whole and the old "
    "configuration\n"
    "stays. `trapezoid config check -c FILE` says all that is wrong with a file, `trapezoid "
    "config\n"
    "print` shows every key with its present value.\n";

int config_markdown(struct writer *w)
{
    struct slice section = SLICE("?");
    const struct config_key *key;
    writer_bytes(w, page_head, sizeof page_head - 1);
    for (unsigned i = 0; (key = config_key_at(i)) != NULL; i++) {
        struct slice mine = section_of(slice_from_string(key->name));
        if (!slice_equal(mine, section)) {
            section = mine;
            writer_literal(w, "\n## ");
            writer_put(w, slice_empty(mine) ? SLICE("General") : mine);
            writer_literal(w, "\n\n| Key | Takes | Default | Live | |\n|---|---|---|---|---|\n");
        }
        markdown_row(key, w);
    }
    return writer_status(w);
}

/* ---- Changes ---- */

static bool key_differs(const struct app_config *a, const struct app_config *b,
                        const struct config_key *key, struct writer *scratch_a,
                        struct writer *scratch_b)
{
    writer_rewind(scratch_a, 0);
    writer_rewind(scratch_b, 0);
    config_value_write(a, key, 0, scratch_a);
    config_value_write(b, key, 0, scratch_b);
    return writer_status(scratch_a) < 0 || writer_status(scratch_b) < 0 ||
           !slice_equal(writer_slice(scratch_a), writer_slice(scratch_b));
}

/* Two values are equal when they are written equally. */
unsigned config_fixed_changes(const struct app_config *from, const struct app_config *to,
                              struct writer *names)
{
    unsigned count = 0;
    enum { FIELD_MAX = 16384 }; /* no list of a fixed key is longer */
    char text_from[FIELD_MAX];
    char text_to[FIELD_MAX];
    struct writer a;
    struct writer b;
    writer_init(&a, text_from, sizeof text_from);
    writer_init(&b, text_to, sizeof text_to);
    const struct config_key *key;
    for (unsigned i = 0; (key = config_key_at(i)) != NULL; i++) {
        if (key->live || !key_differs(from, to, key, &a, &b))
            continue;
        if (count++ > 0)
            writer_literal(names, ", ");
        writer_string(names, key->name);
    }
    return count;
}
