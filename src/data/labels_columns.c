/* Form "columns": one column per class, with values that mean present, absent or uncertain. */
#include <stdio.h>
#include <string.h>

#include "data/labels.h"

static radz_status prepare(radz_labeler *l, radz_find_column find, void *context, radz_error *err)
{
    l->class_columns = radz_arena_alloc(&l->arena, l->n_classes, sizeof *l->class_columns, err);
    if (l->class_columns == NULL)
        return RADZ_E_NOMEM;
    size_t found = 0;
    radz_error first = {0};
    for (size_t i = 0; i < l->n_classes; i++) {
        const radz_class_spec *c = &l->card->classes[i];
        radz_status st = RADZ_E_MISSING;
        radz_error why = {0};
        /* the column may be called by any spelling of the class */
        for (size_t s = 0; st == RADZ_E_MISSING && s <= c->synonyms_count; s++) {
            radz_error other = {0};
            st = radz_field_compile(s == 0 ? c->column : c->synonyms[s - 1], find, context, &l->arena, &l->class_columns[i],
                                    s == 0 ? &why : &other);
            if (st != RADZ_OK)
                l->class_columns[i].n_parts = 0;
        }
        if (st == RADZ_OK)
            found++;
        else if (st != RADZ_E_MISSING || !l->card->labels->optional_columns)
            return radz_fail(err, st, "%s", why.message);
        else if (first.code == RADZ_OK)
            first = why;
    }
    return found > 0 ? RADZ_OK : radz_fail(err, RADZ_E_MISSING, "%s", first.message);
}

static int8_t resolve_uncertain(const radz_labeler *l, size_t i)
{
    radz_uncertain policy = l->card->classes[i].uncertain;
    policy = policy != RADZ_UNCERTAIN_UNSET ? policy : l->card->labels->uncertain;
    return policy == RADZ_UNCERTAIN_ONES ? 1 : policy == RADZ_UNCERTAIN_ZEROS ? 0 : RADZ_LABEL_MASKED;
}

static radz_status fail_value(radz_labeler *l, size_t i, const char *value, const char *(*place)(void *), void *context,
                              radz_error *err)
{
    const radz_labels_spec *spec = l->card->labels;
    char yes[120], no[120], unsure[120], example[200];
    snprintf(example, sizeof example, "%.100s '%.80s'", l->class_columns[i].text, value);
    if (l->note != NULL)
        return l->note(context, RADZ_FAULT_UNKNOWN_LABEL, example, err);
    radz_join_names(spec->positive, spec->positive_count, yes, sizeof yes);
    radz_join_names(spec->negative, spec->negative_count, no, sizeof no);
    radz_join_names(spec->unknown, spec->unknown_count, unsure, sizeof unsure);
    return radz_fail(err, RADZ_E_VALUE, "%.350s column '%.80s': unknown value '%.80s'; present: %s; absent: %s; uncertain: %s",
                     place(context), l->class_columns[i].text, value, yes, no, unsure[0] != '\0' ? unsure : "(none)");
}

static radz_status read_columns(radz_labeler *l, const char *const *row, const char *(*place)(void *), void *context,
                                int8_t *labels, radz_error *err)
{
    const radz_labels_spec *spec = l->card->labels;
    for (size_t i = 0; i < l->n_classes; i++) {
        labels[i] = RADZ_LABEL_MASKED;
        if (!radz_field_there(&l->class_columns[i]))
            continue;
        const char *value = radz_field_get(&l->class_columns[i], row, err);
        if (value == NULL)
            return RADZ_E_NOMEM;
        if (radz_text_in(value, spec->negative, spec->negative_count)) {
            labels[i] = 0;
        } else if (radz_text_in(value, spec->positive, spec->positive_count)) {
            labels[i] = 1;
        } else if (radz_text_in(value, spec->unknown, spec->unknown_count)) {
            labels[i] = resolve_uncertain(l, i);
        } else {
            radz_status st = fail_value(l, i, value, place, context, err);
            if (st != RADZ_OK)
                return st;
            labels[i] = 0;
        }
    }
    return RADZ_OK;
}

const radz_label_ops radz_labels_columns = {prepare, read_columns};
