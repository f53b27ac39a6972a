#include "app/text/age.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char *age_text(int64_t seconds, char *buf)
{
    long long s = seconds < 0 ? 0 : seconds;
    if (s < 120)
        (void)snprintf(buf, AGE_TEXT_MAX, "%lld s", s);
    else if (s < 7200)
        (void)snprintf(buf, AGE_TEXT_MAX, "%lld min", s / 60);
    else if (s < 172800)
        (void)snprintf(buf, AGE_TEXT_MAX, "%lld h %lld min", s / 3600, s % 3600 / 60);
    else
        (void)snprintf(buf, AGE_TEXT_MAX, "%lld d %lld h", s / 86400, s % 86400 / 3600);
    return buf;
}

int64_t age_parse_time(const char *text)
{
    struct tm tm;
    memset(&tm, 0, sizeof tm);
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return end == NULL || *end != '\0' ? 0 : (int64_t)timegm(&tm);
}
