#include "app/config/number.h"

#include "base/error.h"

struct unit {
    const char *suffix;
    uint64_t factor; /* in the finest unit of its table */
};

/* The largest first: writing takes the first that divides. */
static const struct unit durations[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000},
                                        {"s", 1000},     {"ms", 1},      {NULL, 0}};
static const struct unit sizes[] = {
    {"G", 1024 * 1024 * 1024}, {"M", 1024 * 1024}, {"K", 1024}, {NULL, 0}};
static const struct unit none[] = {{NULL, 0}};

static const struct unit *units_of(enum config_type type)
{
    if (type == CONFIG_MILLISECONDS || type == CONFIG_SECONDS)
        return durations;
    return type == CONFIG_SIZE ? sizes : none;
}

/* What one of the kept number is in the finest unit. */
static uint64_t grain_of(enum config_type type)
{
    return type == CONFIG_SECONDS ? 1000 : 1;
}

int config_number_parse(enum config_type type, struct slice text, uint64_t *ret_number)
{
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    uint64_t number;
    int status = slice_to_u64(slice_of(text.ptr, digits), UINT64_MAX, &number);
    if (status < 0)
        return status;
    struct slice suffix = slice_from(text, digits);
    if (slice_empty(suffix)) {
        *ret_number = number;
        return 0;
    }
    for (const struct unit *u = units_of(type); u->suffix != NULL; u++) {
        if (!slice_equal(slice_from_string(u->suffix), suffix))
            continue;
        uint64_t grain = grain_of(type);
        if (number > UINT64_MAX / u->factor || number * u->factor % grain != 0)
            return ERR_RANGE;
        *ret_number = number * u->factor / grain;
        return 0;
    }
    return ERR_SYNTAX;
}

void config_number_write(enum config_type type, uint64_t number, struct writer *w)
{
    /* Zero and seconds stay seconds: "0s", "3600s". */
    uint64_t finest = number * grain_of(type);
    for (const struct unit *u = units_of(type); u->suffix != NULL; u++) {
        bool keep =
            type == CONFIG_SECONDS ? u->factor == 1000 : finest != 0 && finest % u->factor == 0;
        if (keep) {
            writer_u64(w, finest / u->factor);
            writer_string(w, u->suffix);
            return;
        }
    }
    writer_u64(w, number);
}
