#include "data/folders.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

typedef struct search {
    const char *root;
    radz_name_table *folders;
    radz_arena *arena;
    radz_open_archives *archives;
} search;

static const char wildcards[] = "*?[";

/* The names of an archive that begin with "FOLDER/" (all for ""): the first of them, and how many. */
static void names_below(const char *const *names, size_t count, const char *folder, size_t *first, size_t *n)
{
    size_t length = strlen(folder), low = 0, high = count;
    while (low < high) { /* the first that is not before "FOLDER/" */
        size_t middle = low + (high - low) / 2;
        int order = strncmp(names[middle], folder, length);
        if (order < 0 || (order == 0 && length > 0 && (unsigned char)names[middle][length] < '/'))
            low = middle + 1;
        else
            high = middle;
    }
    *first = low;
    while (high < count && strncmp(names[high], folder, length) == 0 && (length == 0 || names[high][length] == '/'))
        high++;
    *n = high - low;
}

/* Adds the folders that match `pattern` inside an archive; `archive` is "images.zip!", below the root. */
static radz_status expand_archive(const search *s, const char *archive, const char *pattern, radz_error *err)
{
    const char *member;
    char *path = radz_path_join(s->root, archive, err), *below = NULL;
    radz_archive *a;
    const char *const *names;
    size_t count = 0, length = strlen(pattern);
    radz_strlist found = {0};
    radz_name_table seen = {0};
    radz_arena arena = {0};
    radz_status st = path != NULL ? RADZ_OK : RADZ_E_NOMEM;
    if (st == RADZ_OK)
        path[radz_path_in_archive(path, &member)] = '\0';
    if (st == RADZ_OK)
        st = radz_archives_get(s->archives, path, &a, err);
    if (st == RADZ_OK)
        st = radz_archive_names(a, &names, &count, err);
    while (length > 0 && pattern[length - 1] == '/')
        length--;
    below = st == RADZ_OK ? radz_strndup(pattern, length, err) : NULL;
    if (st == RADZ_OK && below == NULL)
        st = RADZ_E_NOMEM;
    if (st == RADZ_OK && strpbrk(below, wildcards) == NULL) {
        size_t first, n;
        names_below(names, count, below, &first, &n);
        if (n > 0)
            st = radz_strlist_add(&found, below, err);
    }
    for (size_t i = 0; i < count && st == RADZ_OK && strpbrk(below, wildcards) != NULL; i++) {
        for (const char *slash = strchr(names[i], '/'); slash != NULL && st == RADZ_OK; slash = strchr(slash + 1, '/')) {
            uint32_t number;
            bool is_new;
            char *folder = radz_strndup(names[i], (size_t)(slash - names[i]), err);
            st = folder != NULL ? radz_name_add(&seen, &arena, folder, &number, &is_new, err) : RADZ_E_NOMEM;
            if (st == RADZ_OK && is_new && fnmatch(below, folder, FNM_PATHNAME | FNM_PERIOD) == 0)
                st = radz_strlist_add(&found, folder, err);
            free(folder);
        }
    }
    radz_strlist_sort(&found);
    for (size_t i = 0; i < found.count && st == RADZ_OK; i++) {
        uint32_t number;
        char *name = found.items[i][0] != '\0' ? radz_path_join(archive, found.items[i], err) : radz_strdup(archive, err);
        st = name != NULL ? radz_name_add(s->folders, s->arena, name, &number, NULL, err) : RADZ_E_NOMEM;
        free(name);
    }
    radz_strlist_free(&found);
    radz_name_table_free(&seen);
    radz_arena_free(&arena);
    free(below);
    free(path);
    return st;
}

/* FOLDER/NAME, where it is there: `pattern` is what follows it on the card. */
static radz_status look_into_archive(const search *s, const char *folder, const char *name, const char *pattern, radz_error *err)
{
    radz_strbuf below = {0};
    char *path = NULL;
    radz_status st = radz_strbuf_printf(&below, err, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
    if (st == RADZ_OK && (path = radz_path_join(s->root, below.text, err)) == NULL)
        st = RADZ_E_NOMEM;
    if (st == RADZ_OK && radz_file_exists(path) && !radz_file_is_dir(path)) {
        st = radz_strbuf_puts(&below, "!", err);
        if (st == RADZ_OK)
            st = expand_archive(s, below.text, pattern + strspn(pattern, "/"), err);
    }
    free(path);
    radz_strbuf_free(&below);
    return st;
}

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
    bool archive = length > 5 && strcmp(part + length - 5, ".zip!") == 0;
    if (archive)
        part[length - 1] = '\0';
    if (strpbrk(part, wildcards) != NULL)
        st = radz_dir_list(absolute, "", &names, err);
    else
        st = radz_strlist_add(&names, part, err);
    for (size_t i = 0; i < names.count && st == RADZ_OK; i++) {
        if (fnmatch(part, names.items[i], FNM_PERIOD) != 0 && strcmp(part, names.items[i]) != 0)
            continue;
        if (archive) {
            st = look_into_archive(s, folder, names.items[i], pattern + length, err);
            continue;
        }
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
    radz_open_archives archives = {0};
    const search s = {root, folders, arena, &archives};
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < card->images->folders_count && st == RADZ_OK; i++)
        st = expand_folder(&s, "", card->images->folders[i], err);
    radz_archives_close(&archives);
    return st;
}

static radz_status each_member(radz_open_archives *archives, const char *path, size_t length, const char *folder,
                               radz_file_seen seen, void *context, radz_error *err)
{
    radz_archive *a;
    const char *const *names;
    size_t count = 0, first, n, skip = strlen(folder) + (folder[0] != '\0');
    char *archive = radz_strndup(path, length, err);
    radz_status st = archive != NULL ? radz_archives_get(archives, archive, &a, err) : RADZ_E_NOMEM;
    free(archive);
    if (st == RADZ_OK)
        st = radz_archive_names(a, &names, &count, err);
    if (st != RADZ_OK)
        return st;
    names_below(names, count, folder, &first, &n);
    for (size_t i = first; i < first + n && st == RADZ_OK; i++)
        if (strchr(names[i] + skip, '/') == NULL)
            st = seen(context, names[i] + skip, err);
    return st;
}

radz_status radz_folder_each(radz_open_archives *archives, const char *root, const char *folder, radz_file_seen seen,
                             void *context, radz_error *err)
{
    const char *inside;
    char *path = radz_path_join(root, folder, err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    size_t length = radz_path_in_archive(path, &inside);
    radz_status st = RADZ_OK;
    DIR *dir = NULL;
    if (length > 0)
        st = each_member(archives, path, length, inside, seen, context, err);
    else if ((dir = opendir(path)) == NULL)
        st = radz_fail(err, RADZ_E_IO, "cannot list the folder '%s': %s", path, strerror(errno));
    for (struct dirent *entry; st == RADZ_OK && dir != NULL && (entry = readdir(dir)) != NULL;)
        if (entry->d_type != DT_DIR)
            st = seen(context, entry->d_name, err);
    if (dir != NULL)
        closedir(dir);
    free(path);
    return st;
}

radz_status radz_image_exists(radz_open_archives *archives, const char *path, bool *found, radz_error *err)
{
    const char *member;
    size_t length = radz_path_in_archive(path, &member);
    if (length == 0) {
        *found = access(path, F_OK) == 0;
        return RADZ_OK;
    }
    radz_archive *a = NULL;
    char *archive = radz_strndup(path, length, err);
    radz_status st = archive != NULL ? radz_archives_get(archives, archive, &a, err) : RADZ_E_NOMEM;
    *found = st == RADZ_OK && radz_archive_has(a, member);
    free(archive);
    return st;
}
