/* Error codes: every function that can fail returns 0 (or a count) or one of these, negative. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#define ERROR_LIST(X)                                                                              \
    X(ERR_NO_MEMORY, -1, "out of memory")                                                          \
    X(ERR_SYNTAX, -2, "syntax error")                                                              \
    X(ERR_RANGE, -3, "value out of range")                                                         \
    X(ERR_LIMIT, -4, "limit reached")                                                              \
    X(ERR_NOT_FOUND, -5, "not found")                                                              \
    X(ERR_EXISTS, -6, "already exists")                                                            \
    X(ERR_AGAIN, -7, "more is needed")                                                             \
    X(ERR_CLOSED, -8, "closed")                                                                    \
    X(ERR_IO, -9, "input/output error")                                                            \
    X(ERR_UNSUPPORTED, -10, "not supported")                                                       \
    X(ERR_DENIED, -11, "not permitted")                                                            \
    X(ERR_TIMEOUT, -12, "timed out")                                                               \
    X(ERR_UNREACHABLE, -13, "unreachable")                                                         \
    X(ERR_INVALID, -14, "invalid")                                                                 \
    X(ERR_STALE, -15, "stale")                                                                     \
    X(ERR_BUSY, -16, "busy")                                                                       \
    X(ERR_CONFLICT, -17, "conflict")

enum error {
#define ERROR_ENUM(name, code, text) name = (code),
    ERROR_LIST(ERROR_ENUM)
#undef ERROR_ENUM
};

/* The text of a code; "unknown error" for a code that is not in the list. Static string. */
const char *error_text(int code);

#endif
