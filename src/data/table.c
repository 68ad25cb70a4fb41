#include "data/table.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/packed.h"

static const radz_table_ops *const formats[RADZ_READER_KIND_COUNT] = {
    [RADZ_READER_CSV] = &radz_table_csv,       [RADZ_READER_WORDS] = &radz_table_words,
    [RADZ_READER_FOLDER] = &radz_table_folder, [RADZ_READER_XML] = &radz_table_xml,
    [RADZ_READER_JSON] = &radz_table_json,
};

radz_status radz_table_open(const radz_table_source *source, radz_table *out, radz_error *err)
{
    *out = (radz_table){.ops = formats[source->card->reader],
                        .file = source->n_files > 0 ? source->files[0] : source->root};
    return out->ops->open(source, &out->state, err);
}

void radz_table_close(radz_table *table)
{
    if (table->ops != NULL)
        table->ops->close(table->state);
    radz_strbuf_free(&table->where);
    *table = (radz_table){0};
}

radz_status radz_table_column(const radz_table *table, const char *name, size_t *at, radz_error *err)
{
    size_t columns = table->ops->columns(table->state);
    for (size_t i = 0; i < columns; i++) {
        if (strcmp(table->ops->column_name(table->state, i), name) == 0) {
            *at = i;
            return RADZ_OK;
        }
    }
    char found[600];
    size_t used = 0;
    found[0] = '\0';
    for (size_t i = 0; i < columns && used + 70 < sizeof found; i++)
        used += (size_t)snprintf(found + used, sizeof found - used, "%s'%.60s'", i > 0 ? ", " : "",
                                 table->ops->column_name(table->state, i));
    return radz_fail(err, RADZ_E_MISSING, "'%.250s': no column '%.80s'; found %s", table->file, name, found);
}

radz_status radz_table_next(radz_table *table, const char *const **fields, bool *more, radz_error *err)
{
    return table->ops->next(table->state, fields, more, err);
}

const char *radz_table_place(radz_table *table)
{
    table->where.length = 0;
    table->ops->place(table->state, &table->where);
    return table->where.text != NULL ? table->where.text : "";
}

size_t radz_table_line(const radz_table *table)
{
    return table->ops->line(table->state);
}

/* ---- for the formats ---- */

static radz_status match_below(const char *folder, const char *pattern, radz_strlist *out, radz_error *err)
{
    size_t length = strcspn(pattern, "/");
    bool last = pattern[length] == '\0';
    char part[256];
    if (length >= sizeof part)
        return radz_fail(err, RADZ_E_VALUE, "the file pattern '%.100s...' has a part of %zu bytes", pattern, length);
    memcpy(part, pattern, length);
    part[length] = '\0';
    radz_strlist names = {0};
    radz_status st = RADZ_OK;
    if (strpbrk(part, "*?[") != NULL)
        st = radz_file_is_dir(folder) ? radz_dir_list(folder, "", &names, err) : RADZ_OK;
    else
        st = radz_strlist_add(&names, part, err);
    for (size_t i = 0; i < names.count && st == RADZ_OK; i++) {
        if (strcmp(part, names.items[i]) != 0 && fnmatch(part, names.items[i], FNM_PERIOD) != 0)
            continue;
        char *path = radz_path_join(folder, names.items[i], err), *found = NULL;
        if (path == NULL)
            st = RADZ_E_NOMEM;
        else if (!last)
            st = match_below(path, pattern + length + 1, out, err);
        else
            st = radz_packed_find(path, &found, err);
        if (st == RADZ_OK && found != NULL)
            st = radz_strlist_add(out, found, err);
        free(found);
        free(path);
    }
    radz_strlist_free(&names);
    return st;
}

radz_status radz_match_files(const char *root, const char *pattern, radz_strlist *out, radz_error *err)
{
    return match_below(root, pattern, out, err);
}

radz_status radz_check_text(const char *text, size_t size, const char *place, radz_error *err)
{
    if (radz_is_utf16(text, size))
        return radz_fail(err, RADZ_E_FORMAT, "%s: UTF-16; wanted UTF-8: convert it: iconv -f UTF-16 -t UTF-8", place);
    if (memchr(text, '\0', size) != NULL)
        return radz_fail(err, RADZ_E_FORMAT, "%s: a NUL byte; the file is damaged or not UTF-8 text", place);
    size_t fault = radz_utf8_fault(text, size);
    if (fault < size)
        return radz_fail(err, RADZ_E_FORMAT, "%s: the byte 0x%02X is not UTF-8; a Latin-1 or Windows-1252 file? convert it:"
                         " iconv -f WINDOWS-1252 -t UTF-8", place, (unsigned)(unsigned char)text[fault]);
    return RADZ_OK;
}
