#include "data/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/packed.h"
#include "data/table.h"

struct radz_lines {
    char *path;
    radz_packed *stream;
    char *buffer; /* [RADZ_LINE_LIMIT + 1] */
    size_t begin, end;
    size_t number;
    bool ended;
};

radz_status radz_lines_open(const char *path, radz_lines **out, radz_error *err)
{
    *out = NULL;
    radz_lines *lines = radz_calloc(1, sizeof *lines, err);
    if (lines == NULL)
        return RADZ_E_NOMEM;
    lines->path = radz_strdup(path, err);
    lines->buffer = radz_calloc(RADZ_LINE_LIMIT + 1, 1, err);
    radz_status st = lines->path != NULL && lines->buffer != NULL ? radz_packed_open(path, &lines->stream, err) : RADZ_E_NOMEM;
    if (st == RADZ_OK)
        *out = lines;
    else
        radz_lines_close(lines);
    return st;
}

/* Reads on until the buffer holds a line break or the end. */
static radz_status fill(radz_lines *lines, char **stop, radz_error *err)
{
    size_t seen = 0;
    for (;;) {
        *stop = memchr(lines->buffer + lines->begin + seen, '\n', lines->end - lines->begin - seen);
        if (*stop != NULL || lines->ended)
            return RADZ_OK;
        seen = lines->end - lines->begin;
        if (lines->begin > 0) {
            memmove(lines->buffer, lines->buffer + lines->begin, seen);
            lines->begin = 0;
            lines->end = seen;
        }
        if (seen == RADZ_LINE_LIMIT)
            return radz_fail(err, RADZ_E_FORMAT, "'%.300s' line %zu: a line of more than %d bytes; not a text file?", lines->path,
                             lines->number + 1, (int)RADZ_LINE_LIMIT);
        size_t got;
        radz_status st = radz_packed_read(lines->stream, lines->buffer + lines->end, RADZ_LINE_LIMIT - lines->end, &got, err);
        if (st != RADZ_OK)
            return st;
        lines->end += got;
        lines->ended = got == 0;
    }
}

radz_status radz_lines_next(radz_lines *lines, char **line, radz_error *err)
{
    *line = NULL;
    for (;;) {
        char *stop;
        radz_status st = fill(lines, &stop, err);
        if (st != RADZ_OK || (stop == NULL && lines->begin == lines->end))
            return st;
        char *at = lines->buffer + lines->begin, *last = stop != NULL ? stop : lines->buffer + lines->end;
        lines->begin = (size_t)(last - lines->buffer) + (stop != NULL);
        lines->number++;
        if (lines->number == 1 && last - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
            at += 3;
        char place[400];
        snprintf(place, sizeof place, "'%.300s' line %zu", lines->path, lines->number);
        st = radz_check_text(at, (size_t)(last - at), place, err);
        if (st != RADZ_OK)
            return st;
        while (at < last && (*at == ' ' || *at == '\t'))
            at++;
        while (last > at && strchr(" \t\r", last[-1]) != NULL)
            last--;
        if (last == at)
            continue;
        *last = '\0'; /* at worst the byte behind the buffer's limit */
        *line = at;
        return RADZ_OK;
    }
}

size_t radz_lines_number(const radz_lines *lines)
{
    return lines->number;
}

const char *radz_lines_file(const radz_lines *lines)
{
    return lines->path;
}

void radz_lines_close(radz_lines *lines)
{
    if (lines == NULL)
        return;
    radz_packed_close(lines->stream);
    free(lines->path);
    free(lines->buffer);
    free(lines);
}
