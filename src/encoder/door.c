#include "encoder/door.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/plugin.h"
#include "encoder/torch_facts.h"

/* The outcome of the first call, for all later ones: libtorch cannot be loaded twice nor unloaded. */
static struct {
    pthread_mutex_t lock;
    const radz_door *door;
} opened = {.lock = PTHREAD_MUTEX_INITIALIZER};

static radz_status load(radz_error *err)
{
    static const radz_plugin plugin = {
        .file = "libradz_torch.so",
        .env = "RADZ_TORCH_PLUGIN",
        .use = "encoding and training need",
        .built_by = "It is built where CMake finds libtorch (RADZ_TORCH=ON)",
    };
    char path[RADZ_PLUGIN_PATH_SIZE];
    const void *table;
    radz_status status = radz_plugin_open(&plugin, RADZ_DOOR_SYMBOL, path, &table, err);
    if (status)
        return status;
    const radz_door *door = table;
    if (door->abi != RADZ_DOOR_ABI)
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "'%s' is of another build: its interface has number %u, this program's %d; build both together",
                         path, (unsigned)door->abi, RADZ_DOOR_ABI);
    if (strcmp(door->torch_version(), radz_torch_version()) != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "'%s' was built with libtorch %s, this program with %s (which is written into its results); build "
                         "both together", path, door->torch_version(), radz_torch_version());
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

radz_status radz_door_check_device(const char *device, radz_error *err)
{
    const radz_door *door;
    if (strcmp(device, "cpu") == 0)
        return RADZ_OK;
    radz_status status = radz_door_open(&door, err);
    return status == RADZ_OK ? door->check_device(device, err) : status;
}

bool radz_door_is_open(void)
{
    pthread_mutex_lock(&opened.lock);
    bool is_open = opened.door != NULL;
    pthread_mutex_unlock(&opened.lock);
    return is_open;
}
