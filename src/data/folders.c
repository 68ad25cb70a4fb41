#include "data/folders.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

typedef struct search {
    const char *root;
    radz_name_table *folders;
    radz_arena *arena;
} search;

/* Adds the folders that match the parts of `pattern` below `folder` ("" for the root), in byte order. */
static radz_status expand_folder(const search *s, const char *folder, const char *pattern, radz_error *err)
{
    while (*pattern == '/')
        pattern++;
    char *absolute = radz_path_join(s->root, folder, err);
    if (absolute == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    radz_strlist names = {0};
    if (!radz_file_is_dir(absolute))
        goto done;
    if (*pattern == '\0') {
        uint32_t number;
        st = radz_name_add(s->folders, s->arena, folder, &number, NULL, err);
        goto done;
    }
    size_t length = strcspn(pattern, "/");
    char part[256];
    if (length >= sizeof part) {
        st = radz_fail(err, RADZ_E_VALUE, "images.folders: a folder name of %zu bytes", length);
        goto done;
    }
    memcpy(part, pattern, length);
    part[length] = '\0';
    if (strpbrk(part, "*?[") != NULL)
        st = radz_dir_list(absolute, "", &names, err);
    else
        st = radz_strlist_add(&names, part, err);
    for (size_t i = 0; i < names.count && st == RADZ_OK; i++) {
        if (fnmatch(part, names.items[i], FNM_PERIOD) != 0 && strcmp(part, names.items[i]) != 0)
            continue;
        char *below = strcmp(names.items[i], ".") == 0 ? radz_strdup(folder, err)
                                                        : radz_path_join(folder, names.items[i], err);
        st = below != NULL ? expand_folder(s, below, pattern + length, err) : RADZ_E_NOMEM;
        free(below);
    }
done:
    radz_strlist_free(&names);
    free(absolute);
    return st;
}

radz_status radz_image_folders(const radz_dataset_card *card, const char *root, radz_name_table *folders, radz_arena *arena,
                               radz_error *err)
{
    const search s = {root, folders, arena};
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < card->images->folders_count && st == RADZ_OK; i++)
        st = expand_folder(&s, "", card->images->folders[i], err);
    return st;
}
