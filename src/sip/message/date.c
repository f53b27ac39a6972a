#include "sip/message/date.h"

#include "base/error.h"
#include "sip/message/chars.h"

#define LENGTH      29 /* SIP-date = wkday "," SP 2DIGIT SP month SP 4DIGIT SP time SP "GMT" */
#define DAY_SECONDS 86400
#define FIRST       INT64_C(-62167219200) /* 1 Jan 0000 */
#define LAST        INT64_C(253402300799) /* 31 Dec 9999 23:59:59 */

static const char weekdays[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct date {
    int64_t year;
    unsigned month; /* 0 to 11 */
    unsigned day;   /* 1 to 31 */
};

/* Days since 1 Jan 1970 of the Gregorian calendar. Years are counted from March, so that the leap
 * day is the last of its year, in cycles of 400 years (146,097 days). */
static int64_t days_of(struct date date)
{
    int64_t year = date.month < 2 ? date.year - 1 : date.year;
    int64_t cycle = (year >= 0 ? year : year - 399) / 400;
    int64_t of_cycle = year - cycle * 400;
    int64_t month = (date.month + 10) % 12;
    int64_t of_year = (153 * month + 2) / 5 + date.day - 1;
    return cycle * 146097 + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - 719468;
}

static struct date date_of(int64_t days)
{
    days += 719468;
    int64_t cycle = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_cycle = days - cycle * 146097;
    int64_t year = (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146096) / 365;
    int64_t of_year = of_cycle - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    struct date date = {.year = year + cycle * 400,
                        .month = (unsigned)((month + 2) % 12),
                        .day = (unsigned)(of_year - (153 * month + 2) / 5 + 1)};
    date.year += date.month < 2;
    return date;
}

static unsigned weekday_of(int64_t days)
{
    return (unsigned)(((days + 4) % 7 + 7) % 7); /* 1 Jan 1970 was a Thursday */
}

static bool read_digits(const char *at, size_t count, unsigned *ret_value)
{
    unsigned value = 0;
    for (size_t i = 0; i < count; i++) {
        if (!sip_char_is(at[i], SIP_CHAR_DIGIT)) {
            return false;
        }
        value = value * 10 + (unsigned)(at[i] - '0');
    }
    *ret_value = value;
    return true;
}

/* "An RFC 1123 date is case-sensitive." */
static bool read_name(const char *at, const char names[][4], unsigned count, unsigned *ret_index)
{
    for (unsigned i = 0; i < count; i++) {
        if (memcmp(at, names[i], 3) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool separators_right(const char *text)
{
    return text[3] == ',' && text[4] == ' ' && text[7] == ' ' && text[11] == ' ' &&
           text[16] == ' ' && text[19] == ':' && text[22] == ':' &&
           memcmp(text + 25, " GMT", 4) == 0;
}

int sip_date_parse(struct slice value, int64_t *ret_seconds)
{
    struct slice s = slice_trim(value);
    unsigned weekday, year, hour, minute, second;
    struct date date;
    if (s.len != LENGTH || !separators_right(s.ptr) || !read_name(s.ptr, weekdays, 7, &weekday) ||
        !read_digits(s.ptr + 5, 2, &date.day) || !read_name(s.ptr + 8, months, 12, &date.month) ||
        !read_digits(s.ptr + 12, 4, &year) || !read_digits(s.ptr + 17, 2, &hour) ||
        !read_digits(s.ptr + 20, 2, &minute) || !read_digits(s.ptr + 23, 2, &second)) {
        return ERR_SYNTAX;
    }
    date.year = year;
    int64_t days = days_of(date);
    struct date same = date_of(days);
    /* A day that its month does not have comes back as another. */
    if (hour > 23 || minute > 59 || second > 59 || same.day != date.day ||
        same.month != date.month || weekday_of(days) != weekday) {
        return ERR_SYNTAX;
    }
    *ret_seconds = days * DAY_SECONDS + hour * 3600 + minute * 60 + second;
    return 0;
}

static void write_digits(struct writer *w, unsigned value, unsigned count, char after)
{
    char text[5];
    text[count] = after;
    for (unsigned i = count; i-- > 0; value /= 10) {
        text[i] = (char)('0' + value % 10);
    }
    writer_bytes(w, text, count + 1);
}

void sip_date_write(struct writer *w, int64_t seconds)
{
    seconds = seconds < FIRST ? FIRST : seconds > LAST ? LAST : seconds;
    int64_t of_day = (seconds % DAY_SECONDS + DAY_SECONDS) % DAY_SECONDS;
    int64_t days = (seconds - of_day) / DAY_SECONDS;
    unsigned second = (unsigned)of_day;
    struct date date = date_of(days);
    writer_bytes(w, weekdays[weekday_of(days)], 3);
    writer_literal(w, ", ");
    write_digits(w, date.day, 2, ' ');
    writer_bytes(w, months[date.month], 3);
    writer_char(w, ' ');
    write_digits(w, (unsigned)date.year, 4, ' ');
    write_digits(w, second / 3600, 2, ':');
    write_digits(w, second / 60 % 60, 2, ':');
    write_digits(w, second % 60, 2, ' ');
    writer_literal(w, "GMT");
}
