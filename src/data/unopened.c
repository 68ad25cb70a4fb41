/* Archives in a data set's folders that nothing here reads: what they hold counts as missing until somebody unpacks them. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/dataset.h"
#include "data/folders.h"

static const struct {
    const char *ending, *unpack;
} kinds[] = {{".tar.gz", "tar -xf"}, {".tgz", "tar -xf"}, {".tar", "tar -xf"}, {".tar.bz2", "tar -xf"}, {".tar.xz", "tar -xf"},
             {".zip", "unzip -qn"}};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* A zip file that is read as it is: an archive of images that the card names, or a packed table. */
static bool is_read(const radz_dataset_card *card, const char *archive)
{
    static const char *const tables[] = {".csv.zip", ".txt.zip", ".json.zip"};
    char pattern[512];
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (radz_str_ends(archive, tables[i]))
            return true;
    for (size_t i = 0; i < card->images->folders_count; i++) {
        const char *folder = card->images->folders[i], *mark = strstr(folder, ".zip!");
        size_t length = mark != NULL ? (size_t)(mark - folder) + strlen(".zip") : 0;
        if (length == 0 || length >= sizeof pattern)
            continue;
        memcpy(pattern, folder, length);
        pattern[length] = '\0';
        if (fnmatch(pattern, archive, FNM_PATHNAME) == 0)
            return true;
    }
    return false;
}

/* A word of a shell command. */
static radz_status put_word(radz_strbuf *out, const char *word, radz_error *err)
{
    if (strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+-") == strlen(word) && word[0] != '-')
        return radz_strbuf_puts(out, word, err);
    radz_status st = radz_strbuf_puts(out, word[0] == '-' ? "./'" : "'", err);
    for (const char *p = word; st == RADZ_OK && *p != '\0'; p++)
        st = *p == '\'' ? radz_strbuf_puts(out, "'\\''", err) : radz_strbuf_append(out, p, 1, err);
    return st == RADZ_OK ? radz_strbuf_puts(out, "'", err) : st;
}

static radz_status put_command(radz_strbuf *out, const char *folder, size_t kind, const radz_strlist *archives, size_t first,
                               radz_error *err)
{
    const char *unpack = kinds[kind].unpack;
    radz_status st = out->length > 0 ? radz_strbuf_puts(out, " && ", err) : RADZ_OK;
    if (archives->count == first + 1) {
        if (st == RADZ_OK)
            st = radz_strbuf_printf(out, err, "%s ", unpack);
        return st == RADZ_OK ? put_word(out, archives->items[first], err) : st;
    }
    if (st == RADZ_OK)
        st = radz_strbuf_puts(out, "for f in ", err);
    if (st == RADZ_OK && folder[0] != '\0')
        st = put_word(out, folder, err);
    return st == RADZ_OK ? radz_strbuf_printf(out, err, "%s*%s; do %s \"$f\"; done", folder[0] != '\0' ? "/" : "", kinds[kind].ending,
                                              unpack)
                         : st;
}

/* Adds those of one kind in one folder ("" for the root). */
static radz_status look_into(const radz_dataset_card *card, const char *root, const char *folder, size_t kind,
                             radz_unopened *out, radz_strbuf *command, radz_error *err)
{
    radz_strlist names = {0};
    size_t first = out->archives.count;
    char *path = radz_path_join(root, folder, err);
    radz_status st = path != NULL ? radz_dir_list(path, kinds[kind].ending, &names, err) : RADZ_E_NOMEM;
    for (size_t i = 0; st == RADZ_OK && i < names.count; i++) {
        char *name = folder[0] != '\0' ? radz_path_join(folder, names.items[i], err) : radz_strdup(names.items[i], err);
        if (name == NULL)
            st = RADZ_E_NOMEM;
        else if (strcmp(kinds[kind].ending, ".zip") != 0 || !is_read(card, name))
            st = radz_strlist_add(&out->archives, name, err);
        free(name);
    }
    if (st == RADZ_OK && out->archives.count > first)
        st = put_command(command, folder, kind, &out->archives, first, err);
    radz_strlist_free(&names);
    free(path);
    return st;
}

radz_status radz_unopened_find(const radz_dataset_card *card, const char *root, radz_unopened *out, radz_error *err)
{
    radz_name_table folders = {0};
    radz_arena arena = {0};
    radz_strbuf command = {0};
    uint32_t number;
    *out = (radz_unopened){0};
    radz_status st = radz_name_add(&folders, &arena, "", &number, NULL, err); /* the root, whatever the card says */
    if (st == RADZ_OK)
        st = radz_image_folders(card, root, &folders, &arena, err);
    for (uint32_t f = 0; st == RADZ_OK && f < folders.count; f++) {
        const char *inside;
        if (radz_path_in_archive(folders.names[f], &inside) > 0)
            continue;
        for (size_t k = 0; st == RADZ_OK && k < KINDS; k++)
            st = look_into(card, root, folders.names[f], k, out, &command, err);
    }
    if (st == RADZ_OK && out->archives.count > 0)
        st = radz_strbuf_printf(&out->text, err, "%zu archive%s there, inside which images are not read; if not done yet, unpack in the data set's "
                                "folder: %s", out->archives.count, out->archives.count == 1 ? " is" : "s are", command.text);
    radz_strbuf_free(&command);
    radz_name_table_free(&folders);
    radz_arena_free(&arena);
    if (st != RADZ_OK)
        radz_unopened_free(out);
    return st;
}

void radz_unopened_free(radz_unopened *unopened)
{
    radz_strlist_free(&unopened->archives);
    radz_strbuf_free(&unopened->text);
}
