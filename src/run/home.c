#include "run/home.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

static bool holds_manifests(const char *folder, radz_error *err)
{
    char *path = radz_path_join(folder, "manifests", err);
    bool there = path != NULL && radz_file_is_dir(path);
    free(path);
    return there;
}

/* The folder of the running program; the caller frees it. */
static char *program_folder(radz_error *err)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0) {
        radz_fail(err, RADZ_E_IO, "cannot find the folder of the program: /proc/self/exe is not readable");
        return NULL;
    }
    path[length] = '\0';
    return radz_path_dir(path, err);
}

/* First line of the file radz-home.txt in `folder`, or NULL (no error) when there is none. */
static char *home_of_build_tree(const char *folder, radz_error *err)
{
    char *path = radz_path_join(folder, "radz-home.txt", err);
    char *text = NULL;
    size_t size;
    if (path != NULL && radz_file_exists(path) && radz_file_read(path, 4096, &text, &size, err) == RADZ_OK)
        text[strcspn(text, "\n")] = '\0';
    free(path);
    return text;
}

static radz_status find_share(char **out, radz_error *err)
{
    const char *named = getenv("RADZ_HOME");
    if (named != NULL && *named != '\0') {
        if (!holds_manifests(named, err))
            return radz_fail(err, RADZ_E_MISSING, "RADZ_HOME is '%s', which has no folder 'manifests'", named);
        *out = radz_strdup(named, err);
        return *out == NULL ? RADZ_E_NOMEM : RADZ_OK;
    }
    char *folder = program_folder(err);
    if (folder == NULL)
        return RADZ_E_IO;
    char *candidates[2] = {radz_path_join(folder, "../share/radz-bench", err), home_of_build_tree(folder, err)};
    for (int i = 0; i < 2 && *out == NULL; i++)
        if (candidates[i] != NULL && holds_manifests(candidates[i], err))
            *out = realpath(candidates[i], NULL);
    radz_status st = RADZ_OK;
    if (*out == NULL)
        st = radz_fail(err, RADZ_E_MISSING,
                       "the program's files (manifests, models) are neither at '%s/../share/radz-bench' nor where a "
                       "build tree would have them; set RADZ_HOME to the folder that holds 'manifests'", folder);
    free(candidates[0]);
    free(candidates[1]);
    free(folder);
    return st;
}

static radz_status find_cache(const char *option, char **out, radz_error *err)
{
    const char *own = getenv("RADZ_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *user = getenv("HOME");
    if (option != NULL)
        *out = radz_strdup(option, err);
    else if (own != NULL && *own != '\0')
        *out = radz_strdup(own, err);
    else if (xdg != NULL && *xdg == '/')
        *out = radz_path_join(xdg, "radz-bench", err);
    else if (user != NULL && *user != '\0')
        *out = radz_path_join(user, ".cache/radz-bench", err);
    else
        return radz_fail(err, RADZ_E_USAGE, "no place for the cache: HOME is not set; use --cache DIR or RADZ_CACHE");
    return *out == NULL ? RADZ_E_NOMEM : RADZ_OK;
}

radz_status radz_home_open(const char *cache_option, const radz_strlist *extra, radz_home *out, radz_error *err)
{
    *out = (radz_home){0};
    radz_status st = find_share(&out->share, err);
    if (st == RADZ_OK)
        st = find_cache(cache_option, &out->cache, err);
    for (size_t i = 0; st == RADZ_OK && extra != NULL && i < extra->count; i++) {
        if (!radz_file_is_dir(extra->items[i]))
            st = radz_fail(err, RADZ_E_USAGE, "--manifests '%s': no such folder", extra->items[i]);
        else
            st = radz_strlist_add(&out->manifests, extra->items[i], err);
    }
    char *own = st == RADZ_OK ? radz_path_join(out->share, "manifests", err) : NULL;
    if (st == RADZ_OK)
        st = own == NULL ? RADZ_E_NOMEM : radz_strlist_add(&out->manifests, own, err);
    free(own);
    out->places.folders = (const char *const *)out->manifests.items;
    out->places.count = out->manifests.count;
    if (st != RADZ_OK)
        radz_home_close(out);
    return st;
}

void radz_home_close(radz_home *home)
{
    free(home->share);
    free(home->cache);
    radz_strlist_free(&home->manifests);
    *home = (radz_home){0};
}

char *radz_home_generated_root(const radz_home *home, const radz_dataset_card *card, radz_error *err)
{
    radz_strbuf path = {0};
    if (radz_strbuf_printf(&path, err, "%s/data/%s-n%" PRIu32 "-s%" PRIu64, home->cache, card->base.name,
                           card->generated->patients, card->generated->seed) != RADZ_OK)
        radz_strbuf_free(&path);
    return path.text;
}
