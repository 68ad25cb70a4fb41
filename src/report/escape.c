#include "report/escape.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/json.h"

void radz_put_csv(FILE *out, const char *text)
{
    size_t length = strlen(text);
    bool quote = strpbrk(text, ",\"\r\n") != NULL || (length > 0 && (isspace((unsigned char)text[0]) ||
                                                                     isspace((unsigned char)text[length - 1])));
    const char *mark = length > 0 && strchr("=+-@\t\r", text[0]) != NULL ? "'" : "";
    if (!quote) {
        fprintf(out, "%s%s", mark, text);
        return;
    }
    fprintf(out, "\"%s", mark);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"')
            putc('"', out);
        putc(*p, out);
    }
    putc('"', out);
}

void radz_put_latex(FILE *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        switch (*p) {
        case '\\': fputs("\\textbackslash{}", out); break;
        case '~': fputs("\\textasciitilde{}", out); break;
        case '^': fputs("\\textasciicircum{}", out); break;
        case '<': fputs("\\textless{}", out); break;
        case '>': fputs("\\textgreater{}", out); break;
        case '|': fputs("\\textbar{}", out); break;
        case '"': fputs("\\textquotedbl{}", out); break;
        case '[':
        case '*': fprintf(out, p == text ? "{%c}" : "%c", *p); break; /* first in a row they would belong to \\ */
        case '\n':
        case '\t': putc(' ', out); break;
        case '#': case '$': case '%': case '&': case '_': case '{': case '}':
            putc('\\', out);
            putc(*p, out);
            break;
        default: putc(*p, out);
        }
    }
}

void radz_put_markdown(FILE *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\n' || *p == '\t') {
            putc(' ', out);
            continue;
        }
        /* an underscore inside a word is plain text in every dialect */
        bool inside = *p == '_' && p > text && isalnum((unsigned char)p[-1]) && isalnum((unsigned char)p[1]);
        if (*p == '&')
            fputs("&amp;", out);
        else if (*p == '<')
            fputs("&lt;", out);
        else if ((strchr("\\`*_|>~", *p) != NULL && !inside) || (*p == ']' && strchr("([:", p[1]) != NULL && p[1] != '\0'))
            fprintf(out, "\\%c", *p);
        else
            putc(*p, out);
    }
}

void radz_put_xml(FILE *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        switch (*p) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&apos;", out); break;
        case '\n': fputs("&#10;", out); break;
        case '\t': fputs("&#9;", out); break;
        default: putc((unsigned char)*p < 0x20 ? '?' : *p, out);
        }
    }
}

void radz_put_html(FILE *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        switch (*p) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: putc(*p, out);
        }
    }
}

void radz_put_base64(FILE *out, const unsigned char *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned long v = (unsigned long)data[i] << 16 | (left > 1 ? (unsigned long)data[i + 1] << 8 : 0) |
                          (left > 2 ? data[i + 2] : 0);
        char group[4] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
                         left > 2 ? digits[v & 63] : '='};
        fwrite(group, 1, 4, out);
    }
}

void radz_put_gnuplot(FILE *out, const char *text)
{
    putc('"', out);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p == '`')
            putc('\'', out); /* would run a command */
        else
            putc((unsigned char)*p < 0x20 ? ' ' : *p, out);
    }
    putc('"', out);
}

void radz_put_number(FILE *out, double value)
{
    char text[32];
    if (value == floor(value) && fabs(value) < 1e15) /* counts: 30, not 3e+01 */
        snprintf(text, sizeof text, "%.0f", value);
    else
        radz_double_text(value, text);
    fputs(isnan(value) ? "NA" : text, out);
}

size_t radz_text_width(const char *text)
{
    size_t width = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if ((*p & 0xc0) == 0x80)
            continue;
        unsigned code = *p;
        if (*p >= 0xf0)
            code = (*p & 7u) << 18 | (p[1] & 63u) << 12;
        else if (*p >= 0xe0)
            code = (*p & 15u) << 12 | (p[1] & 63u) << 6 | (p[2] & 63u);
        else if (*p >= 0xc0)
            code = (*p & 31u) << 6 | (p[1] & 63u);
        bool mark = (code >= 0x300 && code < 0x370) || (code >= 0x200b && code < 0x2010) || code == 0xfe0f;
        bool wide = (code >= 0x1100 && code < 0x1160) || (code >= 0x2e80 && code < 0xa4d0) ||
                    (code >= 0xac00 && code < 0xd7a4) || (code >= 0xf900 && code < 0xfb00) ||
                    (code >= 0xfe30 && code < 0xfe70) || (code >= 0xff00 && code < 0xff61) || code >= 0x1f300;
        width += mark ? 0 : wide ? 2 : 1;
    }
    return width;
}

radz_status radz_put_file_part(radz_strbuf *out, const char *text, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (const char *p = text; *p != '\0' && st == RADZ_OK; p++) {
        bool plain = isalnum((unsigned char)*p) || (strchr("._-", *p) != NULL && (p > text || *p == '_'));
        st = radz_strbuf_append(out, plain ? p : "_", 1, err);
    }
    return st;
}
