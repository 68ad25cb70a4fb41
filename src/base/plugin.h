/* Parts of the program that cost too much to load at every start (libtorch, GDCM) live in files of their own, shared objects
 * or programs, which are looked for when they are first needed. */
#ifndef RADZ_BASE_PLUGIN_H
#define RADZ_BASE_PLUGIN_H

#include "base/status.h"

typedef struct radz_plugin {
    const char *file;     /* "libradz_torch.so" */
    const char *env;      /* environment variable that names another place of it, and wins */
    const char *use;      /* for messages: "encoding and training need" */
    const char *built_by; /* for messages: "It is built where CMake finds libtorch" */
} radz_plugin;

enum { RADZ_PLUGIN_PATH_SIZE = 4096 };

/* Where it is: beside this program's own library, beside the program, or where `cmake --install` puts it.
 * RADZ_E_MISSING lists the places. */
radz_status radz_plugin_find(const radz_plugin *plugin, char path[RADZ_PLUGIN_PATH_SIZE], radz_error *err) RADZ_MUST_USE;

/* Finds a shared object, opens it and calls its one function, const void *symbol(void), for the table of what it offers. It
 * stays loaded until the program ends. Callers keep `*table`, which is never NULL on success, and call this once.
 * RADZ_E_MISSING as above; RADZ_E_BACKEND: the loader's own words; RADZ_E_UNSUPPORTED: not a plugin of ours. */
radz_status radz_plugin_open(const radz_plugin *plugin, const char *symbol, char path[RADZ_PLUGIN_PATH_SIZE],
                             const void **table, radz_error *err) RADZ_MUST_USE;

#endif
