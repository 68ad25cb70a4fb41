/* Reader "folder": the image files themselves are the rows, for sets whose labels are in the file names (Shenzhen,
 * Montgomery). Columns "file", "stem" (without the ending) and "folder" (below the root). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/folders.h"
#include "data/table.h"

enum { FILE_COLUMN, STEM_COLUMN, FOLDER_COLUMN, COLUMN_COUNT };
static const char *const names[COLUMN_COUNT] = {"file", "stem", "folder"};

typedef struct folder_table {
    const radz_dataset_card *card;
    const char *root;
    radz_name_table folders;
    radz_arena arena;
    radz_open_archives archives;
    radz_strlist files; /* of the current folder */
    size_t folder, at;  /* the next of both */
    radz_strbuf stem;
    const char *fields[COLUMN_COUNT];
} folder_table;

static void close_table(void *state)
{
    folder_table *t = state;
    if (t == NULL)
        return;
    radz_name_table_free(&t->folders);
    radz_arena_free(&t->arena);
    radz_strlist_free(&t->files);
    radz_archives_close(&t->archives);
    radz_strbuf_free(&t->stem);
    free(t);
}

static radz_status open_table(const radz_table_source *source, void **state, radz_error *err)
{
    folder_table *t = radz_calloc(1, sizeof *t, err);
    *state = t;
    if (t == NULL)
        return RADZ_E_NOMEM;
    t->card = source->card;
    t->root = source->root;
    return radz_image_folders(source->card, source->root, &t->folders, &t->arena, err);
}

static size_t columns(const void *state)
{
    (void)state;
    return COLUMN_COUNT;
}

static const char *column_name(const void *state, size_t i)
{
    (void)state;
    return names[i];
}

/* The length of an image file's name without its ending; 0: no image. */
static size_t stem_length(const folder_table *t, const char *file)
{
    static const char *const usual[] = {".png", ".jpg", ".jpeg", ".dcm"};
    const radz_images_spec *images = t->card->images;
    size_t count = images->extensions_count > 0 ? images->extensions_count : sizeof usual / sizeof *usual;
    size_t length = strlen(file);
    for (size_t i = 0; i < count; i++) {
        const char *ending = images->extensions_count > 0 ? images->extensions[i] : usual[i];
        size_t n = strlen(ending);
        if (length > n && strcasecmp(file + length - n, ending) == 0)
            return length - n;
    }
    return 0;
}

static radz_status add_file(void *context, const char *name, radz_error *err)
{
    return radz_strlist_add(context, name, err);
}

static radz_status next(void *state, const char *const **fields, bool *more, radz_error *err)
{
    folder_table *t = state;
    *fields = t->fields;
    *more = false;
    for (;;) {
        while (t->at < t->files.count) {
            const char *file = t->files.items[t->at++];
            size_t length = stem_length(t, file);
            if (length == 0)
                continue;
            t->stem.length = 0;
            t->fields[FILE_COLUMN] = file;
            t->fields[FOLDER_COLUMN] = t->folders.names[t->folder - 1];
            radz_status st = radz_strbuf_append(&t->stem, file, length, err);
            t->fields[STEM_COLUMN] = t->stem.text;
            *more = st == RADZ_OK;
            return st;
        }
        radz_strlist_free(&t->files);
        t->files = (radz_strlist){0};
        t->at = 0;
        if (t->folder == t->folders.count)
            return RADZ_OK;
        radz_status st = radz_folder_each(&t->archives, t->root, t->folders.names[t->folder++], add_file, &t->files, err);
        if (st != RADZ_OK)
            return st;
        radz_strlist_sort(&t->files);
    }
}

static void place(const void *state, radz_strbuf *out)
{
    const folder_table *t = state;
    const char *folder = t->folder > 0 ? t->folders.names[t->folder - 1] : "", *file = t->fields[FILE_COLUMN];
    (void)(radz_strbuf_printf(out, NULL, "'%.200s/%.100s%s%.100s'", t->root, folder, folder[0] != '\0' ? "/" : "",
                              file != NULL ? file : "") == RADZ_OK);
}

static size_t line(const void *state)
{
    (void)state;
    return 0;
}

const radz_table_ops radz_table_folder = {open_table, columns, column_name, next, place, line, close_table};
