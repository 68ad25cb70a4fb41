/* Reader "words": COVIDx's lists. No header line; words between blanks; the card names the columns, one of them "file". The
 * word that is an image file's name divides a line: what stands before it belongs to the columns before "file", and the
 * first of them takes all blanks ("COVID 70 COVID(70).png positive sirm"); of the columns after it the last ones may be
 * missing (older lists have no source). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "data/lines.h"
#include "data/table.h"

typedef struct words_table {
    radz_lines *lines;
    char *const *header; /* [n], the card's */
    size_t n, file_column;
    const char **fields; /* [n] */
} words_table;

static void close_table(void *state)
{
    words_table *t = state;
    if (t == NULL)
        return;
    radz_lines_close(t->lines);
    free(t->fields);
    free(t);
}

static radz_status open_table(const radz_table_source *source, void **state, radz_error *err)
{
    const radz_labels_spec *labels = source->card->labels;
    words_table *t = radz_calloc(1, sizeof *t, err);
    *state = t;
    if (t == NULL)
        return RADZ_E_NOMEM;
    t->header = labels->header;
    t->n = labels->header_count;
    t->fields = radz_calloc(t->n, sizeof *t->fields, err);
    if (t->fields == NULL)
        return RADZ_E_NOMEM;
    while (t->file_column < t->n && strcmp(t->header[t->file_column], "file") != 0)
        t->file_column++;
    if (t->file_column == t->n)
        return radz_fail(err, RADZ_E_VALUE, "data set '%s': labels.header names no column 'file'", source->card->base.name);
    return radz_lines_open(source->files[0], &t->lines, err);
}

static size_t columns(const void *state)
{
    return ((const words_table *)state)->n;
}

static const char *column_name(const void *state, size_t i)
{
    return ((const words_table *)state)->header[i];
}

static bool is_image_name(const char *word, size_t length)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".dcm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (length > ending && strncasecmp(word + length - ending, endings[i], ending) == 0)
            return true;
    }
    return false;
}

static size_t word_length(const char *at)
{
    return strcspn(at, " \t");
}

static char *next_word(char *at)
{
    at += word_length(at);
    return at + strspn(at, " \t");
}

static radz_status fail_line(const words_table *t, const char *what, radz_error *err)
{
    return radz_fail(err, RADZ_E_FORMAT, "'%.300s' line %zu: %s", radz_lines_file(t->lines), radz_lines_number(t->lines), what);
}

/* The words before the file's name, from its left: one per column, the rest to the first. */
static radz_status take_before(words_table *t, char *line, char *file, radz_error *err)
{
    char *end = file;
    for (size_t c = t->file_column; c-- > 0;) {
        while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        if (end == line)
            return fail_line(t, "no patient id before the file name", err);
        *end = '\0';
        char *begin = line;
        if (c > 0) {
            begin = end;
            while (begin > line && begin[-1] != ' ' && begin[-1] != '\t')
                begin--;
        }
        t->fields[c] = begin;
        end = begin;
    }
    return end == line ? RADZ_OK : fail_line(t, "more words before the file name than columns", err);
}

static radz_status next(void *state, const char *const **fields, bool *more, radz_error *err)
{
    words_table *t = state;
    char *line, *file = NULL;
    radz_status st = radz_lines_next(t->lines, &line, err);
    *more = line != NULL;
    *fields = t->fields;
    if (st != RADZ_OK || line == NULL)
        return st;
    for (char *word = line; *word != '\0'; word = next_word(word))
        if (is_image_name(word, word_length(word)))
            file = word;
    if (file == NULL)
        return fail_line(t, "no word is the name of an image file (.png, .jpg, .jpeg, .dcm)", err);
    char *at = next_word(file);
    for (size_t c = t->file_column + 1; c < t->n; c++) {
        size_t length = word_length(at);
        char *following = next_word(at);
        t->fields[c] = at;
        at[length] = '\0'; /* at worst the NUL that is there */
        at = following;
    }
    if (*at != '\0')
        return fail_line(t, "more words after the file name than columns", err);
    file[word_length(file)] = '\0';
    t->fields[t->file_column] = file;
    return take_before(t, line, file, err);
}

static void place(const void *state, radz_strbuf *out)
{
    const words_table *t = state;
    (void)(radz_strbuf_printf(out, NULL, "'%.300s' line %zu", radz_lines_file(t->lines), radz_lines_number(t->lines)) == RADZ_OK);
}

static size_t line_number(const void *state)
{
    return radz_lines_number(((const words_table *)state)->lines);
}

const radz_table_ops radz_table_words = {open_table, columns, column_name, next, place, line_number, close_table};
