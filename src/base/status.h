/* Status codes and the error value that every fallible function of the program fills in. */
#ifndef RADZ_BASE_STATUS_H
#define RADZ_BASE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum radz_status {
    RADZ_OK = 0,
    RADZ_E_USAGE,       /* the caller asked for something that cannot be: unknown name, bad option value */
    RADZ_E_NOMEM,       /* out of memory */
    RADZ_E_IO,          /* the operating system said no: open, read, write, rename, disk full */
    RADZ_E_MISSING,     /* a named thing is not there: file, column, tensor, key */
    RADZ_E_FORMAT,      /* a file is not what it says it is: truncated, malformed, wrong header */
    RADZ_E_VALUE,       /* well-formed, but a value is outside its range: label, NaN weight, shape */
    RADZ_E_UNSUPPORTED, /* valid, but this build or version does not handle it */
    RADZ_E_CORRUPT,     /* something we wrote ourselves no longer matches its checksum */
    RADZ_E_INTERRUPTED, /* Ctrl-C or SIGTERM; what was done is kept */
    RADZ_E_BACKEND,     /* libtorch or another heavy library reported an error */
    RADZ_E_INTERNAL     /* a bug of ours */
} radz_status;

#define RADZ_MUST_USE __attribute__((warn_unused_result))
#define RADZ_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))

enum { RADZ_ERROR_MESSAGE_SIZE = 1024 };

/* A stack value: no allocation happens on an error path. The first error set stays; callers may prefix it.
 * Zero-initialise it (`radz_error err = {0};`). Every function that takes one accepts NULL. */
typedef struct radz_error {
    radz_status code;
    int line;             /* source line that failed, for bug reports */
    const char *function; /* static storage */
    char message[RADZ_ERROR_MESSAGE_SIZE];
} radz_error;

/* Records an error unless `err` already holds one, and returns `code`, so that one can write
 * `return radz_fail(err, RADZ_E_IO, "'%s': %s", path, strerror(errno));`. Messages name the thing, the value found
 * and the value wanted. A too long message is cut with "...". */
#define radz_fail(err, code, ...) radz_error_set((err), (code), __func__, __LINE__, __VA_ARGS__)
radz_status radz_error_set(radz_error *err, radz_status code, const char *function, int line, const char *format, ...)
    RADZ_PRINTF(5, 6);
radz_status radz_error_vset(radz_error *err, radz_status code, const char *function, int line, const char *format,
                            va_list args);

/* Puts "text: " in front of a recorded error and returns its code: `return radz_prefix(err, "manifest '%s'", path);` */
radz_status radz_prefix(radz_error *err, const char *format, ...) RADZ_PRINTF(2, 3);

/* Forgets a recorded error (used where an error is policy, e.g. a skipped sample). */
void radz_error_clear(radz_error *err);

/* Short lower-case name of a status ("io", "format", ...); static storage. */
const char *radz_status_name(radz_status code);

#ifdef __cplusplus
}
#endif
#endif
