#include "base/status.h"

#include <stdio.h>
#include <string.h>

static void mark_cut(char *message, int wanted)
{
    if (wanted >= RADZ_ERROR_MESSAGE_SIZE)
        memcpy(message + RADZ_ERROR_MESSAGE_SIZE - 4, "...", 4);
}

radz_status radz_error_vset(radz_error *err, radz_status code, const char *function, int line, const char *format,
                            va_list args)
{
    if (err == NULL || err->code != RADZ_OK)
        return code;
    err->code = code;
    err->function = function;
    err->line = line;
    mark_cut(err->message, vsnprintf(err->message, sizeof err->message, format, args));
    return code;
}

radz_status radz_error_set(radz_error *err, radz_status code, const char *function, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    radz_error_vset(err, code, function, line, format, args);
    va_end(args);
    return code;
}

radz_status radz_prefix(radz_error *err, const char *format, ...)
{
    if (err == NULL)
        return RADZ_E_INTERNAL;
    char text[RADZ_ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    size_t head = strlen(text);
    size_t tail = strlen(err->message);
    size_t room = RADZ_ERROR_MESSAGE_SIZE - 1;
    if (head + 2 > room)
        return err->code;
    size_t kept = head + 2 + tail > room ? room - head - 2 : tail;
    memmove(err->message + head + 2, err->message, kept);
    memcpy(err->message, text, head);
    memcpy(err->message + head, ": ", 2);
    err->message[head + 2 + kept] = '\0';
    if (kept < tail)
        mark_cut(err->message, RADZ_ERROR_MESSAGE_SIZE);
    return err->code;
}

void radz_error_clear(radz_error *err)
{
    if (err != NULL)
        *err = (radz_error){0};
}

const char *radz_status_name(radz_status code)
{
    static const char *const names[] = {
        [RADZ_OK] = "ok",           [RADZ_E_USAGE] = "usage",
        [RADZ_E_NOMEM] = "memory",  [RADZ_E_IO] = "io",
        [RADZ_E_MISSING] = "missing", [RADZ_E_FORMAT] = "format",
        [RADZ_E_VALUE] = "value",   [RADZ_E_UNSUPPORTED] = "unsupported",
        [RADZ_E_CORRUPT] = "corrupt", [RADZ_E_INTERRUPTED] = "interrupted",
        [RADZ_E_BACKEND] = "backend", [RADZ_E_INTERNAL] = "internal",
    };
    size_t count = sizeof names / sizeof names[0];
    return (size_t)code < count && names[code] != NULL ? names[code] : "unknown";
}
