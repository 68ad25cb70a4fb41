#include "base/plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

typedef struct search {
    char *path; /* the first place that has the file */
    char tried[RADZ_ERROR_MESSAGE_SIZE / 2];
} search;

/* Looks at FOLDER/BETWEEN/FILE, where FOLDER is the folder of the file `beside`. */
static bool look(search *s, const char *beside, const char *between, const char *file)
{
    const char *slash = strrchr(beside, '/');
    const int length = slash != NULL ? (int)(slash - beside) : 0;
    const int n = snprintf(s->path, RADZ_PLUGIN_PATH_SIZE, "%.*s%s%s%s", length, beside, slash != NULL ? "/" : "",
                           between, file);
    if (n < 0 || n >= RADZ_PLUGIN_PATH_SIZE)
        return false;
    if (radz_file_exists(s->path))
        return true;
    const size_t used = strlen(s->tried);
    if (strstr(s->tried, s->path) == NULL)
        snprintf(s->tried + used, sizeof s->tried - used, "%s'%s'", used > 0 ? ", " : "", s->path);
    return false;
}

radz_status radz_plugin_find(const radz_plugin *plugin, char path[RADZ_PLUGIN_PATH_SIZE], radz_error *err)
{
    search s = {.path = path};
    const char *named = getenv(plugin->env);
    if (named != NULL && *named != '\0') {
        if (!radz_file_exists(named) || strlen(named) >= RADZ_PLUGIN_PATH_SIZE)
            return radz_fail(err, RADZ_E_MISSING, "%s names '%s', which is not there", plugin->env, named);
        memcpy(path, named, strlen(named) + 1);
        return RADZ_OK;
    }
    static const char anchor; /* lies in this program's own library */
    Dl_info here;
    if (dladdr(&anchor, &here) != 0 && here.dli_fname != NULL && look(&s, here.dli_fname, "", plugin->file))
        return RADZ_OK;
    char program[RADZ_PLUGIN_PATH_SIZE];
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n > 0) {
        program[n] = '\0';
        if (look(&s, program, "", plugin->file) || look(&s, program, "../lib/radz-bench/", plugin->file) ||
            look(&s, program, "../" RADZ_LIBDIR "/radz-bench/", plugin->file))
            return RADZ_OK;
    }
    return radz_fail(err, RADZ_E_MISSING, "%s %s, which is in none of its places: %s. %s; %s can name it", plugin->use,
                     plugin->file, s.tried, plugin->built_by, plugin->env);
}

radz_status radz_plugin_open(const radz_plugin *plugin, const char *symbol, char path[RADZ_PLUGIN_PATH_SIZE],
                             const void **table, radz_error *err)
{
    *table = NULL;
    const radz_status status = radz_plugin_find(plugin, path, err);
    if (status != RADZ_OK)
        return status;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return radz_fail(err, RADZ_E_BACKEND, "cannot load '%s': %s", path, dlerror());
    /* POSIX's way round the missing conversion from object to function pointer */
    const void *(*get)(void) = NULL;
    void *found = dlsym(library, symbol);
    memcpy(&get, &found, sizeof get);
    *table = get != NULL ? get() : NULL;
    if (*table == NULL)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s' has no %s: it is not a plugin of radz-bench", path, symbol);
    return RADZ_OK;
}
