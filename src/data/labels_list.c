/* Forms "list" and "python-list": one column names the findings present, "Mass|Nodule" or "['mass', 'nodule']". */
#include <string.h>

#include "data/labels.h"

static radz_status prepare(radz_labeler *l, radz_find_column find, void *context, radz_error *err)
{
    (void)find;
    (void)context;
    return radz_labels_learn(l, err);
}

static void trim(const char **begin, const char **end)
{
    while (*begin < *end && (**begin == ' ' || **begin == '\t' || **begin == '\n' || **begin == '\r'))
        ++*begin;
    while (*end > *begin && strchr(" \t\r\n", (*end)[-1]) != NULL)
        --*end;
}

static radz_status read_list(radz_labeler *l, const char *const *row, const char *(*place)(void *), void *context,
                             int8_t *labels, radz_error *err)
{
    const char *text = radz_field_get(&l->column, row, err);
    if (text == NULL)
        return RADZ_E_NOMEM;
    memset(labels, 0, l->n_classes);
    bool none = false, some = false;
    for (const char *at = text;;) {
        const char *stop = strchr(at, l->card->labels->separator[0]), *begin = at, *end = stop != NULL ? stop : at + strlen(at);
        trim(&begin, &end);
        radz_status st = radz_labels_name(l, begin, (size_t)(end - begin), place, context, labels, &none, &some, err);
        if (st != RADZ_OK)
            return st;
        if (stop == NULL)
            break;
        at = stop + 1;
    }
    return radz_labels_conclude(l, text, none, some, place, context, err);
}

/* One Python string literal at `*at`, in l->scratch, without blanks around; false: not one. Escapes as Python's repr writes
 * them. */
static bool python_string(radz_labeler *l, const char **at, radz_status *st, radz_error *err)
{
    char quote = **at;
    if (quote != '\'' && quote != '"')
        return false;
    l->scratch.length = 0;
    *st = radz_strbuf_puts(&l->scratch, "", err);
    const char *p = *at + 1;
    while (*p != '\0' && *p != quote && *st == RADZ_OK) {
        char c = *p++;
        if (c == '\\') {
            if (*p == '\0')
                return false;
            c = *p == 'n' ? '\n' : *p == 't' ? '\t' : *p;
            p++;
        }
        *st = radz_strbuf_append(&l->scratch, &c, 1, err);
    }
    if (*st != RADZ_OK || *p != quote)
        return false;
    *at = p + 1;
    return true;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static radz_status fail_python(radz_labeler *l, const char *text, const char *(*place)(void *), void *context,
                               radz_error *err)
{
    if (l->note != NULL)
        return l->note(context, RADZ_FAULT_UNKNOWN_LABEL, text, err);
    return radz_fail(err, RADZ_E_VALUE, "%.350s column '%s': '%.200s' is no list of strings as Python writes it (['a', 'b'])",
                     place(context), l->column.text, text);
}

static radz_status read_python_list(radz_labeler *l, const char *const *row, const char *(*place)(void *), void *context,
                                    int8_t *labels, radz_error *err)
{
    const char *text = radz_field_get(&l->column, row, err);
    if (text == NULL)
        return RADZ_E_NOMEM;
    memset(labels, 0, l->n_classes);
    bool none = false, some = false;
    const char *at = skip_blanks(text);
    if (*at != '[')
        return fail_python(l, text, place, context, err);
    at = skip_blanks(at + 1);
    while (*at != ']') {
        radz_status built = RADZ_OK;
        if (!python_string(l, &at, &built, err))
            return built != RADZ_OK ? built : fail_python(l, text, place, context, err);
        const char *begin = l->scratch.text, *end = begin + l->scratch.length;
        trim(&begin, &end);
        radz_status st = radz_labels_name(l, begin, (size_t)(end - begin), place, context, labels, &none, &some, err);
        if (st != RADZ_OK)
            return st;
        at = skip_blanks(at);
        if (*at == ',')
            at = skip_blanks(at + 1);
        else if (*at != ']')
            return fail_python(l, text, place, context, err);
    }
    if (*skip_blanks(at + 1) != '\0')
        return fail_python(l, text, place, context, err);
    return radz_labels_conclude(l, text, none, some, place, context, err);
}

const radz_label_ops radz_labels_list = {prepare, read_list};
const radz_label_ops radz_labels_python_list = {prepare, read_python_list};
