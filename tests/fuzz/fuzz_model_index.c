/* model.safetensors.index.json beside one real shard: whatever it says, either an error or all its tensors. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/radz_fuzz_index_XXXXXX", index_path[128], shard_path[128];

static void remove_all(void)
{
    remove(index_path);
    remove(shard_path);
    rmdir(folder);
}

static void make_folder(void)
{
    static const char shard[] = "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
                                "\"b\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[2,3]}}";
    char bytes[256] = {(char)(sizeof shard - 1)};
    memcpy(bytes + 8, shard, sizeof shard - 1);
    memcpy(bytes + 8 + sizeof shard - 1, "xyz", 3);
    radz_error err = {0};
    if (mkdtemp(folder) == NULL)
        abort();
    snprintf(index_path, sizeof index_path, "%s/model.safetensors.index.json", folder);
    snprintf(shard_path, sizeof shard_path, "%s/s", folder);
    if (radz_file_write(shard_path, bytes, 8 + sizeof shard - 1 + 3, &err) != RADZ_OK)
        abort();
    atexit(remove_all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (index_path[0] == '\0')
        make_folder();
    FILE *file = fopen(index_path, "wb");
    if (file == NULL)
        abort();
    fwrite(data, 1, size, file);
    fclose(file);
    radz_error err = {0};
    safetensors *st;
    if (safetensors_open(index_path, &st, &err) != RADZ_OK) {
        if (st != NULL || err.code == RADZ_OK || err.message[0] == '\0')
            abort();
        return 0;
    }
    if (safetensors_count(st) != 0 && (safetensors_count(st) != 2 || safetensors_find(st, "a") == NULL))
        abort();
    safetensors_free(st);
    return 0;
}
