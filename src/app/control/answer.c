#include "app/control/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "base/writer.h"

json_t *answer_good(void)
{
    return json_pack("{s:b}", "ok", true);
}

json_t *answer_bad(int code, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_t *message = answer_text(slice_from_string(len < 0 ? "" : text));
    return message == NULL
               ? NULL
               : json_pack("{s:b, s:i, s:o}", "ok", false, "code", code, "message", message);
}

json_t *answer_text(struct slice s)
{
    size_t room = s.len * 3 + 1; /* a byte may become three */
    char *text = memory_alloc(room);
    if (text == NULL)
        return NULL;
    struct writer w;
    writer_init(&w, text, room);
    while (!slice_empty(s)) {
        uint32_t code_point;
        size_t len = utf8_decode(s, &code_point);
        if (len > 0 && code_point != 0)
            writer_bytes(&w, s.ptr, len);
        else
            writer_literal(&w, "\xef\xbf\xbd");
        s = slice_from(s, len > 0 ? len : 1);
    }
    json_t *string = json_stringn(text, writer_length(&w));
    memory_free(text);
    return string;
}

json_t *answer_time(int64_t unix_ms)
{
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(unix_ms / 1000);
    if (gmtime_r(&seconds, &tm) == NULL || strftime(text, sizeof text, "%FT%TZ", &tm) == 0)
        return json_null();
    return json_string(text);
}

const char *answer_string(const json_t *request, const char *key)
{
    return json_string_value(json_object_get(request, key));
}
