#include "base/error.h"

const char *error_text(int code)
{
    switch (code) {
#define ERROR_TEXT(name, number, text)                                                             \
    case name: return text;
        ERROR_LIST(ERROR_TEXT)
#undef ERROR_TEXT
    default: return "unknown error";
    }
}
