#include "encoder/door.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "encoder/torch_facts.h"

#define PLUGIN_NAME "libradz_torch.so"

enum { PATH_SIZE = 4096 };

/* The outcome of the first call, for all later ones: libtorch cannot be loaded twice nor unloaded. */
static struct {
    pthread_mutex_t lock;
    const radz_door *door;
} opened = {.lock = PTHREAD_MUTEX_INITIALIZER};

typedef struct search {
    char path[PATH_SIZE];            /* the first place that has the file */
    char tried[RADZ_ERROR_MESSAGE_SIZE / 2];
} search;

/* Looks at FOLDER/REST, where FOLDER is the folder of the file `beside`. */
static bool look(search *s, const char *beside, const char *rest)
{
    const char *slash = strrchr(beside, '/');
    int length = slash != NULL ? (int)(slash - beside) : 0;
    int n = snprintf(s->path, sizeof s->path, "%.*s%s%s", length, beside, slash != NULL ? "/" : "", rest);
    if (n < 0 || (size_t)n >= sizeof s->path)
        return false;
    if (radz_file_exists(s->path))
        return true;
    size_t used = strlen(s->tried);
    if (strstr(s->tried, s->path) == NULL)
        snprintf(s->tried + used, sizeof s->tried - used, "%s'%s'", used > 0 ? ", " : "", s->path);
    return false;
}

static radz_status find_plugin(search *s, radz_error *err)
{
    const char *named = getenv("RADZ_TORCH_PLUGIN");
    if (named != NULL && *named != '\0') {
        if (!radz_file_exists(named) || strlen(named) >= sizeof s->path)
            return radz_fail(err, RADZ_E_MISSING, "RADZ_TORCH_PLUGIN names '%s', which is not there", named);
        memcpy(s->path, named, strlen(named) + 1);
        return RADZ_OK;
    }
    Dl_info here;
    if (dladdr(&opened, &here) != 0 && here.dli_fname != NULL && look(s, here.dli_fname, PLUGIN_NAME))
        return RADZ_OK;
    char program[PATH_SIZE];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n > 0) {
        program[n] = '\0';
        if (look(s, program, PLUGIN_NAME) || look(s, program, "../lib/radz-bench/" PLUGIN_NAME) ||
            look(s, program, "../" RADZ_LIBDIR "/radz-bench/" PLUGIN_NAME))
            return RADZ_OK;
    }
    return radz_fail(err, RADZ_E_MISSING,
                     "encoding and training need " PLUGIN_NAME ", which is in none of its places: %s. It is built where "
                     "CMake finds libtorch (RADZ_TORCH=ON); RADZ_TORCH_PLUGIN can name it", s->tried);
}

static radz_status load(radz_error *err)
{
    search s = {.tried = ""};
    radz_status status = find_plugin(&s, err);
    if (status)
        return status;
    void *library = dlopen(s.path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return radz_fail(err, RADZ_E_BACKEND, "cannot load '%s': %s", s.path, dlerror());
    /* POSIX's way round the missing conversion from object to function pointer */
    const radz_door *(*get)(void) = NULL;
    void *symbol = dlsym(library, RADZ_DOOR_SYMBOL);
    memcpy(&get, &symbol, sizeof get);
    const radz_door *door = get != NULL ? get() : NULL;
    if (door == NULL)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s' has no %s: it is not a plugin of radz-bench", s.path, RADZ_DOOR_SYMBOL);
    if (door->abi != RADZ_DOOR_ABI)
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "'%s' is of another build: its interface has number %u, this program's %d; build both together",
                         s.path, (unsigned)door->abi, RADZ_DOOR_ABI);
    if (strcmp(door->torch_version(), radz_torch_version()) != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "'%s' was built with libtorch %s, this program with %s (which is written into its results); build "
                         "both together", s.path, door->torch_version(), radz_torch_version());
    opened.door = door;
    return RADZ_OK;
}

void radz_door_prepare(void)
{
    if (getenv("OMP_WAIT_POLICY") != NULL || getenv("GOMP_SPINCOUNT") != NULL)
        return;
    setenv("OMP_WAIT_POLICY", "PASSIVE", 0);
    setenv("GOMP_SPINCOUNT", "1000", 0); /* about a microsecond: for operations that follow each other closely */
}

radz_status radz_door_open(const radz_door **out, radz_error *err)
{
    *out = NULL;
    pthread_mutex_lock(&opened.lock);
    radz_status status = opened.door != NULL ? RADZ_OK : load(err);
    *out = opened.door;
    pthread_mutex_unlock(&opened.lock);
    return status;
}

bool radz_door_is_open(void)
{
    pthread_mutex_lock(&opened.lock);
    bool is_open = opened.door != NULL;
    pthread_mutex_unlock(&opened.lock);
    return is_open;
}
