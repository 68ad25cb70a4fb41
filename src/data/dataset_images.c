/* Which image files of a data set are there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/folders.h"
#include "data/loader.h"

static size_t n_extensions(const radz_loader *l)
{
    return l->card->images->extensions_count > 0 ? l->card->images->extensions_count : 1;
}

static const char *extension_at(const radz_loader *l, size_t i)
{
    return l->card->images->extensions_count > 0 ? l->card->images->extensions[i] : "";
}

typedef struct listing {
    radz_loader *loader;
    uint32_t folder;
} listing;

/* Marks a wanted file; the first folder that has it wins, in it the first ending. */
static radz_status see_file(void *context, const char *name, radz_error *err)
{
    const listing *in = context;
    radz_loader *l = in->loader;
    size_t length = strlen(name);
    (void)err;
    for (uint32_t e = 0; e < n_extensions(l); e++) {
        size_t extra = strlen(extension_at(l, e));
        if (length <= extra || memcmp(name + length - extra, extension_at(l, e), extra) != 0)
            continue;
        uint32_t file = radz_name_find_n(l->files, name, length - extra);
        if (file == RADZ_NAME_NONE)
            continue;
        radz_file_place *place = &l->places[file];
        if (place->folder == RADZ_NAME_NONE || (place->folder == in->folder && e < place->extension))
            *place = (radz_file_place){in->folder, e};
    }
    return RADZ_OK;
}

static char *file_path(const radz_loader *l, uint32_t file, radz_file_place place, radz_arena *arena, radz_error *err)
{
    const char *below = l->folders.names[place.folder];
    return radz_arena_printf(arena, err, "%s%s%s%s%s%s", l->root, radz_str_ends(l->root, "/") ? "" : "/", below,
                             below[0] != '\0' ? "/" : "", l->files->names[file], extension_at(l, place.extension));
}

/* Names that are paths themselves are looked for one by one. */
static radz_status look_for_path(radz_loader *l, radz_open_archives *archives, uint32_t file, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (uint32_t f = 0; f < l->folders.count && l->places[file].folder == RADZ_NAME_NONE && st == RADZ_OK; f++) {
        for (uint32_t e = 0; e < n_extensions(l) && l->places[file].folder == RADZ_NAME_NONE && st == RADZ_OK; e++) {
            radz_arena place = {0};
            bool found = false;
            char *path = file_path(l, file, (radz_file_place){f, e}, &place, err);
            st = path != NULL ? radz_image_exists(archives, path, &found, err) : RADZ_E_NOMEM;
            if (found)
                l->places[file] = (radz_file_place){f, e};
            radz_arena_free(&place);
        }
    }
    return st;
}

radz_status radz_find_images(radz_loader *l, radz_error *err)
{
    l->places = radz_calloc(l->files->count, sizeof *l->places, err);
    if (l->places == NULL)
        return RADZ_E_NOMEM;
    for (uint32_t i = 0; i < l->files->count; i++)
        l->places[i].folder = RADZ_NAME_NONE;
    radz_status st = radz_image_folders(l->card, l->root, &l->folders, &l->d->arena, err);
    radz_open_archives archives = {0};
    for (uint32_t i = 0; i < l->folders.count && st == RADZ_OK && l->files->count > 0; i++)
        st = radz_folder_each(&archives, l->root, l->folders.names[i], see_file, &(listing){l, i}, err);
    for (uint32_t i = 0; i < l->files->count && st == RADZ_OK; i++)
        if (strchr(l->files->names[i], '/') != NULL)
            st = look_for_path(l, &archives, i, err);
    radz_archives_close(&archives);
    return st;
}

bool radz_has_file(const radz_loader *l, uint32_t image)
{
    return l->places[l->rows[image].file].folder != RADZ_NAME_NONE;
}

char *radz_image_path(const radz_loader *l, uint32_t image, radz_arena *arena, radz_error *err)
{
    uint32_t file = l->rows[image].file;
    return file_path(l, file, l->places[file], arena, err);
}
