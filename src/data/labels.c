#include "data/labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const radz_label_ops *const forms[RADZ_LABEL_FORM_COUNT] = {
    [RADZ_LABELS_LIST] = &radz_labels_list,
    [RADZ_LABELS_PYTHON_LIST] = &radz_labels_python_list,
    [RADZ_LABELS_COLUMNS] = &radz_labels_columns,
    [RADZ_LABELS_RLE] = &radz_labels_rle,
};

radz_status radz_labeler_prepare(radz_labeler *l, const radz_dataset_card *card, radz_find_column find, void *context,
                                 radz_error *err)
{
    l->card = card;
    l->n_classes = card->classes_count;
    l->ops = forms[card->labels->form];
    radz_status st = RADZ_OK;
    if (card->labels->form != RADZ_LABELS_COLUMNS)
        st = radz_field_compile(card->labels->column, find, context, &l->arena, &l->column, err);
    return st == RADZ_OK ? l->ops->prepare(l, find, context, err) : st;
}

radz_status radz_labeler_read(radz_labeler *l, const char *const *row, const char *(*place)(void *), void *context,
                              int8_t *labels, radz_error *err)
{
    l->skip = false;
    if (l->card->labels->skip_count > 0) {
        const char *text = radz_field_get(&l->column, row, err);
        if (text == NULL)
            return RADZ_E_NOMEM;
        l->skip = radz_text_in(text, l->card->labels->skip, l->card->labels->skip_count);
        if (l->skip)
            return RADZ_OK;
    }
    return l->ops->read(l, row, place, context, labels, err);
}

void radz_labeler_free(radz_labeler *l)
{
    radz_field_free(&l->column);
    for (size_t i = 0; l->class_columns != NULL && i < l->n_classes; i++)
        radz_field_free(&l->class_columns[i]);
    radz_name_table_free(&l->spellings);
    radz_name_table_free(&l->others);
    free(l->meaning);
    free(l->other_rows);
    radz_strbuf_free(&l->scratch);
    radz_arena_free(&l->arena);
    *l = (radz_labeler){0};
}

int8_t radz_label_merge(int8_t a, int8_t b)
{
    return a == 1 || b == 1 ? 1 : a == RADZ_LABEL_MASKED || b == RADZ_LABEL_MASKED ? RADZ_LABEL_MASKED : 0;
}

bool radz_text_in(const char *text, char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

void radz_join_names(char *const *names, size_t count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && used + 1 < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", names[i]);
}

/* ---- what both kinds of list share ---- */

static radz_status learn_spelling(radz_labeler *l, const char *text, int meaning, radz_error *err)
{
    uint32_t number;
    radz_status st = radz_name_add(&l->spellings, &l->arena, text, &number, NULL, err);
    if (st == RADZ_OK)
        l->meaning[number] = meaning;
    return st;
}

radz_status radz_labels_learn(radz_labeler *l, radz_error *err)
{
    const radz_labels_spec *labels = l->card->labels;
    size_t count = labels->none_count;
    for (size_t i = 0; i < l->n_classes; i++)
        count += 1 + l->card->classes[i].synonyms_count;
    l->meaning = radz_calloc(count, sizeof *l->meaning, err);
    if (l->meaning == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < l->n_classes && st == RADZ_OK; i++) {
        const radz_class_spec *c = &l->card->classes[i];
        st = learn_spelling(l, c->name, (int)i, err);
        for (size_t j = 0; j < c->synonyms_count && st == RADZ_OK; j++)
            st = learn_spelling(l, c->synonyms[j], (int)i, err);
    }
    for (size_t i = 0; i < labels->none_count && st == RADZ_OK; i++)
        st = learn_spelling(l, labels->none[i], RADZ_LABEL_NOTHING, err);
    return st;
}

static radz_status pass_over(radz_labeler *l, const char *name, radz_error *err)
{
    uint32_t number;
    bool is_new;
    radz_status st = radz_name_add(&l->others, &l->arena, name, &number, &is_new, err);
    if (st == RADZ_OK && is_new) {
        st = radz_grow(&l->other_rows, &l->others_capacity, l->others.count, sizeof *l->other_rows, err);
        if (st == RADZ_OK)
            l->other_rows[number] = 0;
    }
    if (st == RADZ_OK)
        l->other_rows[number]++;
    return st;
}

radz_status radz_labels_name(radz_labeler *l, const char *name, size_t length, const char *(*place)(void *), void *context,
                             int8_t *labels, bool *none, bool *some, radz_error *err)
{
    const char *cut = l->card->labels->cut != NULL ? memchr(name, l->card->labels->cut[0], length) : NULL;
    length = cut != NULL ? (size_t)(cut - name) : length;
    uint32_t number = radz_name_find_n(&l->spellings, name, length);
    if (number != RADZ_NAME_NONE) {
        if (l->meaning[number] == RADZ_LABEL_NOTHING) {
            *none = true;
        } else {
            labels[l->meaning[number]] = 1;
            *some = true;
        }
        return RADZ_OK;
    }
    char label[100];
    snprintf(label, sizeof label, "%.*s", (int)(length > 99 ? 99 : length), name);
    if (l->card->labels->others == RADZ_OTHERS_IGNORE)
        return length > 0 ? pass_over(l, label, err) : RADZ_OK;
    if (l->note != NULL)
        return l->note(context, RADZ_FAULT_UNKNOWN_LABEL, label, err);
    radz_error known = {0};
    (void)radz_fail_unknown_in(&known, "label", label, l->spellings.names, l->spellings.count);
    return radz_fail(err, RADZ_E_VALUE, "%.350s column '%s': %s", place(context), l->column.text, known.message);
}

radz_status radz_labels_conclude(radz_labeler *l, const char *text, bool none, bool some, const char *(*place)(void *),
                                 void *context, radz_error *err)
{
    /* where labels are passed over, "normal" need not be about everything that is listed: the finding wins */
    if (!none || !some || l->card->labels->others == RADZ_OTHERS_IGNORE)
        return RADZ_OK;
    if (l->note != NULL)
        return l->note(context, RADZ_FAULT_CONTRADICTION, text, err);
    return radz_fail(err, RADZ_E_VALUE, "%.350s column '%s': '%.200s' says that nothing was found and names a finding",
                     place(context), l->column.text, text);
}
