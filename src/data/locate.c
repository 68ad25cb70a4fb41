/* Where a data set is on this machine. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/dataset.h"
#include "data/folders.h"
#include "data/labels.h"
#include "data/table.h"

/* "siim:row-wise" and "siim" share RADZ_DATA_SIIM. */
static char *dataset_variable(const radz_dataset_card *card, radz_error *err)
{
    static const char prefix[] = "RADZ_DATA_";
    const char *name = card->folder_of != NULL ? card->folder_of : card->base.name;
    char *text = radz_calloc(sizeof prefix + strlen(name), 1, err);
    if (text == NULL)
        return NULL;
    memcpy(text, prefix, sizeof prefix);
    char *end = text + strlen(prefix);
    for (const char *p = name; *p != '\0' && *p != ':'; p++)
        if (isalnum((unsigned char)*p))
            *end++ = (char)toupper((unsigned char)*p);
    return text;
}

radz_status radz_dataset_files(const radz_dataset_card *card, const char *root, const radz_split_spec *split,
                               radz_strlist *out, radz_error *err)
{
    bool own = split != NULL && split->files_count > 0;
    char *const *files = own ? split->files : card->labels->files;
    size_t count = own ? split->files_count : card->labels->files_count, before = out->count;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < count && out->count == before && st == RADZ_OK; i++)
        st = radz_match_files(root, files[i], out, err);
    return st;
}

/* Whether something of the set can be read: the label files of a split, or an image folder where there are none. */
static radz_status has_labels(const radz_dataset_card *card, const char *root, bool *found, radz_error *err)
{
    radz_strlist files = {0};
    radz_status st = RADZ_OK;
    if (card->reader == RADZ_READER_FOLDER) {
        radz_name_table folders = {0};
        radz_arena arena = {0};
        st = radz_image_folders(card, root, &folders, &arena, err);
        *found = folders.count > 0;
        radz_name_table_free(&folders);
        radz_arena_free(&arena);
        return st;
    }
    for (size_t i = 0; i < card->splits_count && files.count == 0 && st == RADZ_OK; i++)
        st = radz_dataset_files(card, root, &card->splits[i], &files, err);
    *found = files.count > 0;
    radz_strlist_free(&files);
    return st;
}

/* Whether the generator had written the whole of the card's split when it was last interrupted or done. */
static bool is_complete(const radz_dataset_card *card, const char *root)
{
    if (card->generated == NULL || card->generated->complete == NULL)
        return true;
    radz_error why = {0};
    char *text = NULL, *path = radz_path_join(root, card->generated->complete, &why);
    size_t size = 0;
    bool found = false;
    if (path != NULL && radz_file_read(path, 1 << 16, &text, &size, &why) == RADZ_OK) {
        char *rest = NULL;
        for (char *line = strtok_r(text, "\r\n", &rest); line != NULL && !found; line = strtok_r(NULL, "\r\n", &rest))
            found = strcmp(line, card->split) == 0;
    }
    free(text);
    free(path);
    return found;
}

/* What a person looks for in the folder: the label files of the evaluated split, or the image folders. */
static void wanted_names(const radz_dataset_card *card, char *text, size_t size)
{
    const radz_split_spec *split = radz_dataset_card_split(card, card->split);
    if (card->reader == RADZ_READER_FOLDER)
        radz_join_names(card->images->folders, card->images->folders_count, text, size);
    else if (split->files_count > 0)
        radz_join_names(split->files, split->files_count, text, size);
    else
        radz_join_names(card->labels->files, card->labels->files_count, text, size);
}

radz_status radz_dataset_locate(const radz_dataset_card *card, const char *override, const char *fallback,
                                radz_dataset_location *out, radz_error *err)
{
    *out = (radz_dataset_location){.presence = RADZ_DATASET_NOT_HERE};
    radz_strbuf hint = {0};
    radz_status st = RADZ_E_NOMEM;
    out->variable = dataset_variable(card, err);
    if (out->variable == NULL)
        goto done;
    const char *set = getenv(out->variable), *from = "the command line";
    bool chosen = true; /* by a person, who then wants to hear when it is wrong */
    if (override != NULL) {
        out->root = radz_strdup(override, err);
    } else if (set != NULL && set[0] != '\0') {
        out->root = radz_strdup(set, err);
        from = out->variable;
    } else if (card->root != NULL) {
        out->root = radz_path_join(card->base.folder, card->root, err);
        from = card->base.file;
    } else {
        chosen = false;
        out->root = fallback != NULL ? radz_strdup(fallback, err) : NULL;
    }
    if (out->root == NULL && (chosen || fallback != NULL))
        goto done;

    bool found = false;
    st = out->root != NULL ? has_labels(card, out->root, &found, err) : RADZ_OK;
    if (st != RADZ_OK)
        goto done;
    if (found && (chosen || is_complete(card, out->root))) {
        out->presence = RADZ_DATASET_HERE;
    } else if (!chosen && card->generated != NULL) {
        out->presence = RADZ_DATASET_GENERATED;
        st = radz_strbuf_printf(&hint, err, "not made yet; %s", card->provide);
    } else if (!chosen) {
        st = radz_strbuf_printf(&hint, err, "%s", card->provide);
    } else if (!radz_file_is_dir(out->root)) {
        st = radz_strbuf_printf(&hint, err, "there is no folder '%s' (from %s); %s", out->root, from, card->provide);
    } else {
        char names[300];
        radz_unopened unopened;
        wanted_names(card, names, sizeof names);
        st = radz_unopened_find(card, out->root, &unopened, err);
        if (st != RADZ_OK)
            goto done;
        bool any = unopened.archives.count > 0;
        st = radz_strbuf_printf(&hint, err, "'%s' (from %s) does not hold %s; %s%s%s", out->root, from, names,
                                any ? unopened.text.text : "", any ? "; " : "", card->provide);
        radz_unopened_free(&unopened);
    }
done:
    out->hint = hint.text;
    if (st != RADZ_OK)
        radz_dataset_location_free(out);
    return st;
}

void radz_dataset_location_free(radz_dataset_location *location)
{
    free(location->root);
    free(location->hint);
    free(location->variable);
    *location = (radz_dataset_location){.presence = RADZ_DATASET_NOT_HERE};
}
