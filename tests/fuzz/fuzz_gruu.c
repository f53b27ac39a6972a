/* GRUUs: a URI that claims to be one; or, after a line feed, a user and an instance that get one
 * each. RFC 5627 section 5.4. */
#include "fuzz/check.h"
#include "service/gruu/gruu.h"

static struct gruu *gruu;
static struct random source;

static void read_strange(struct slice text, struct arena *arena)
{
    struct sip_uri uri;
    struct gruu_name name;
    if (sip_uri_parse(text, &uri) < 0 || !gruu_is(&uri) ||
        gruu_read(gruu, &uri, SLICE("example.com"), arena, &name) < 0)
        return;
    FUZZ_CHECK(slice_starts_with(name.aor, SLICE("sip:")));
    FUZZ_CHECK(!name.temporary); /* nobody makes one without the key */
}

static void read_written(struct writer *w, struct slice aor, struct slice instance,
                         struct arena *arena)
{
    struct sip_uri uri;
    struct gruu_name name;
    FUZZ_CHECK(sip_uri_parse(writer_slice(w), &uri) == 0 && gruu_is(&uri));
    FUZZ_CHECK(gruu_read(gruu, &uri, SLICE("example.com"), arena, &name) == 0);
    FUZZ_CHECK(slice_equal(name.aor, aor));
    FUZZ_CHECK(!name.temporary || slice_equal(name.instance, instance));
    const struct binding binding = {.instance = instance};
    FUZZ_CHECK(gruu_leads_to(&name, &binding));
}

static void write_both(struct slice user, struct slice instance, struct arena *arena)
{
    char aor_text[512], text[4096]; /* as long as one that can be registered */
    struct writer aor, w;
    writer_init(&aor, aor_text, sizeof(aor_text));
    writer_init(&w, text, sizeof(text));
    writer_literal(&aor, "sip:");
    sip_uri_write_user(&aor, user);
    writer_literal(&aor, "@example.com");
    if (writer_status(&aor) < 0 || user.len == 0 || instance.len < 3 || instance.len > 200)
        return;
    gruu_write_public(&w, writer_slice(&aor), instance);
    read_written(&w, writer_slice(&aor), instance, arena);
    writer_rewind(&w, 0);
    if (gruu_write_temporary(gruu, &w, writer_slice(&aor), instance, 1, &source) == 0)
        read_written(&w, writer_slice(&aor), instance, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[GRUU_KEY] = {7};
    struct slice rest = slice_of((const char *)data, size);
    struct arena arena;
    if (gruu == NULL && gruu_new(key, &gruu) < 0)
        abort();
    arena_init(&arena, 4096, 1 << 20);
    read_strange(slice_cut(&rest, '\n'), &arena);
    struct slice user = slice_cut(&rest, '\n');
    write_both(user, rest, &arena);
    arena_done(&arena);
    return 0;
}
