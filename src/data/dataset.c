/* The engine that reads every data set as its card describes it: rows of a table, conditions, labels, samples. */
#include "data/dataset.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "data/csv.h"
#include "data/fingerprint.h"
#include "data/lines.h"
#include "data/loader.h"

/* ---- faults ---- */

radz_status radz_note_fault(radz_loader *l, radz_fault_kind kind, const char *thing, size_t line, radz_error *err)
{
    radz_fault *fault = &l->d->faults[kind];
    size_t length = strlen(thing), i = 0;
    fault->count++;
    for (; i < RADZ_FAULT_EXAMPLES && fault->examples[i] != NULL; i++)
        if (strncmp(fault->examples[i], thing, length) == 0 && strchr(" ", fault->examples[i][length]) != NULL)
            return RADZ_OK;
    if (i == RADZ_FAULT_EXAMPLES)
        return RADZ_OK;
    fault->examples[i] = line > 0 ? radz_arena_printf(&l->d->arena, err, "%s (line %zu)", thing, line)
                                  : radz_arena_strdup(&l->d->arena, thing, err);
    return fault->examples[i] != NULL ? RADZ_OK : RADZ_E_NOMEM;
}

/* ---- split lists ---- */

static radz_status add_listed(radz_loader *l, const char *id, radz_error *err)
{
    uint32_t number;
    bool is_new;
    radz_status st = radz_name_add(&l->listed, &l->d->arena, id, &number, &is_new, err);
    if (st == RADZ_OK && is_new) {
        st = radz_grow(&l->listed_times, &l->listed_capacity, l->listed.count, sizeof *l->listed_times, err);
        if (st == RADZ_OK)
            l->listed_times[number] = 0;
    }
    if (st != RADZ_OK)
        return st;
    l->listed_times[number]++;
    /* of the split itself, not of those it excludes; where rows are samples, a list may well name an image twice */
    if (!is_new && l->split->list_count > 0 && l->card->labels->rows != RADZ_ROWS_EACH)
        return radz_note_fault(l, RADZ_FAULT_LISTED_TWICE, id, 0, err);
    return RADZ_OK;
}

static bool is_csv(const char *path)
{
    return radz_str_ends(path, ".csv") || radz_str_ends(path, ".csv.gz") || radz_str_ends(path, ".csv.zip");
}

static radz_status read_csv_list(radz_loader *l, const radz_split_spec *split, const char *path, radz_error *err)
{
    radz_csv *csv;
    size_t at = 0;
    radz_status st = radz_csv_open(path, ',', &csv, err);
    if (st == RADZ_OK)
        st = radz_csv_column(csv, split->list_column != NULL ? split->list_column : l->columns->image, &at, err);
    for (bool more = true; st == RADZ_OK;) {
        const char *const *fields;
        st = radz_csv_next(csv, &fields, &more, err);
        if (st != RADZ_OK || !more)
            break;
        if (fields[at][0] != '\0')
            st = add_listed(l, fields[at], err);
    }
    radz_csv_close(csv);
    return st;
}

static radz_status read_line_list(radz_loader *l, const radz_split_spec *split, const char *path, radz_error *err)
{
    radz_lines *lines;
    char *line = NULL;
    radz_status st = radz_lines_open(path, &lines, err);
    while (st == RADZ_OK && (st = radz_lines_next(lines, &line, err)) == RADZ_OK && line != NULL) {
        if (split->list_words) {
            line[strcspn(line, " \t,")] = '\0';
            char *slash = strrchr(line, '/');
            line = slash != NULL ? slash + 1 : line;
        }
        st = add_listed(l, line, err);
    }
    radz_lines_close(lines);
    return st;
}

/* Adds the ids of a split's list: of the first of its files that is there. */
static radz_status read_list(radz_loader *l, const radz_split_spec *split, radz_error *err)
{
    radz_strlist found = {0};
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < split->list_count && found.count == 0 && st == RADZ_OK; i++)
        st = radz_match_files(l->root, split->list[i], &found, err);
    if (st == RADZ_OK && found.count == 0) {
        char names[300];
        radz_join_names(split->list, split->list_count, names, sizeof names);
        st = radz_fail(err, RADZ_E_MISSING, "'%.300s' does not hold %s", l->root, names);
    }
    if (st == RADZ_OK)
        st = is_csv(found.items[0]) ? read_csv_list(l, split, found.items[0], err)
                                    : read_line_list(l, split, found.items[0], err);
    radz_strlist_free(&found);
    return st == RADZ_OK ? RADZ_OK : (radz_prefix(err, "list of split '%s'", split->name), st);
}

static radz_status read_lists(radz_loader *l, radz_error *err)
{
    if (l->split->list_count > 0)
        return read_list(l, l->split, err);
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < l->split->except_count && st == RADZ_OK; i++)
        st = read_list(l, radz_dataset_card_split(l->card, l->split->except[i]), err);
    return st;
}

/* ---- columns ---- */

/* Columns of the table, then those of the joins. */
static radz_status find_column(void *context, const char *name, size_t *at, radz_error *err)
{
    radz_loader *l = context;
    radz_error missing = {0};
    radz_status st = radz_table_column(&l->table, name, at, &missing);
    size_t offset = l->n_main;
    for (size_t j = 0; st == RADZ_E_MISSING && j < l->card->joins_count; j++) {
        const radz_join_spec *spec = &l->card->joins[j];
        for (size_t i = 0; i < spec->columns_count; i++) {
            if (strcmp(spec->columns[i], name) == 0) {
                *at = offset + i;
                return RADZ_OK;
            }
        }
        offset += spec->columns_count;
    }
    return st == RADZ_OK ? RADZ_OK : radz_fail(err, st, "%s", missing.message);
}

static radz_status compile_conditions(radz_loader *l, const radz_where_spec *specs, size_t count, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < count && st == RADZ_OK; i++) {
        radz_condition *c = &l->conditions[l->n_conditions++];
        c->spec = &specs[i];
        st = radz_field_compile(specs[i].column, find_column, l, &l->scratch, &c->column, err);
    }
    return st;
}

static radz_status compile_subgroups(radz_loader *l, radz_error *err)
{
    const radz_dataset_card *card = l->card;
    radz_dataset *d = l->d;
    l->subgroups = radz_arena_alloc(&l->scratch, card->subgroups_count, sizeof *l->subgroups, err);
    d->subgroups = radz_arena_alloc(&d->arena, card->subgroups_count, sizeof *d->subgroups, err);
    if (l->subgroups == NULL || d->subgroups == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < card->subgroups_count && st == RADZ_OK; i++) {
        const radz_subgroup_spec *spec = &card->subgroups[i];
        radz_error missing = {0};
        d->subgroups[d->n_subgroups++] = spec->name;
        st = radz_field_compile(spec->column, find_column, l, &l->scratch, &l->subgroups[i], &missing);
        if (st == RADZ_E_MISSING && spec->optional) {
            radz_field_free(&l->subgroups[i]);
            l->subgroups[i] = (radz_field){0};
            st = RADZ_OK;
        } else if (st != RADZ_OK) {
            st = radz_fail(err, st, "%s", missing.message);
        }
    }
    return st;
}

static radz_status find_columns(radz_loader *l, radz_error *err)
{
    const radz_columns_spec *c = l->columns;
    const struct {
        const char *name;
        radz_field *field;
    } wanted[] = {{c->image, &l->image},   {c->file, &l->file},     {c->patient, &l->patient}, {c->study, &l->study},
                  {c->view, &l->view},     {c->age, &l->age},       {c->sex, &l->sex},         {c->reader, &l->reader},
                  {c->report, &l->report}, {c->question, &l->question}};
    size_t width = l->n_main = l->table.ops->columns(l->table.state);
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && st == RADZ_OK; i++)
        st = radz_field_compile(wanted[i].name, find_column, l, &l->scratch, wanted[i].field, err);
    for (size_t j = 0; j < l->card->joins_count && st == RADZ_OK; j++) {
        width += l->card->joins[j].columns_count;
        st = radz_field_compile(l->card->joins[j].on, find_column, l, &l->scratch, &l->joins[j].on, err);
    }
    if (st == RADZ_OK && l->card->joins_count > 0) {
        l->row = radz_arena_alloc(&l->scratch, width, sizeof *l->row, err);
        st = l->row != NULL ? RADZ_OK : RADZ_E_NOMEM;
    }
    l->conditions = radz_arena_alloc(&l->scratch, l->card->where_count + l->split->where_count, sizeof *l->conditions, err);
    if (st == RADZ_OK && l->conditions == NULL)
        st = RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = compile_conditions(l, l->card->where, l->card->where_count, err);
    if (st == RADZ_OK)
        st = compile_conditions(l, l->split->where, l->split->where_count, err);
    if (st == RADZ_OK)
        st = compile_subgroups(l, err);
    if (st == RADZ_OK)
        st = radz_labeler_prepare(&l->labeler, l->card, find_column, l, err);
    return st;
}

/* ---- rows ---- */

static const char *place_of(void *context)
{
    return radz_table_place(&((radz_loader *)context)->table);
}

/* "58", "058Y"; months, weeks and days are less than a year; -1 for what cannot be (the original file has ages of 400). */
static int16_t parse_age(const char *text)
{
    char *end = NULL;
    long age = isdigit((unsigned char)text[0]) ? strtol(text, &end, 10) : -1;
    if (end != NULL && (*end == 'M' || *end == 'W' || *end == 'D') && age >= 0)
        age = *end == 'M' ? age / 12 : *end == 'W' ? age / 52 : age / 365;
    return age >= 0 && age <= 120 ? (int16_t)age : -1;
}

static char parse_sex(const char *text)
{
    char c = (char)toupper((unsigned char)text[0]);
    return c == 'M' || c == 'F' ? c : '?';
}

/* A field's text, kept once; NULL stays where there is no such column or nothing in it. */
static radz_status keep_text(radz_loader *l, radz_field *field, const char *const *row, const char **out, radz_error *err)
{
    if (!radz_field_there(field))
        return RADZ_OK;
    const char *text = radz_field_get(field, row, err);
    if (text == NULL)
        return RADZ_E_NOMEM;
    if (text[0] == '\0')
        return RADZ_OK;
    uint32_t number;
    radz_status st = radz_name_add(&l->texts, &l->d->arena, text, &number, NULL, err);
    if (st == RADZ_OK)
        *out = l->texts.names[number];
    return st;
}

/* Puts the columns of the joins behind those of the row. `*partner` is false when a file that must have the row has not. */
static radz_status join_row(radz_loader *l, const char *const **row, bool *partner, radz_error *err)
{
    *partner = true;
    if (l->card->joins_count == 0)
        return RADZ_OK;
    memcpy(l->row, *row, l->n_main * sizeof *l->row);
    const char **at = l->row + l->n_main;
    for (size_t j = 0; j < l->card->joins_count; j++) {
        const char *key = radz_field_get(&l->joins[j].on, l->row, err);
        if (key == NULL)
            return RADZ_E_NOMEM;
        if (!radz_join_find(&l->joins[j], key, at) && !l->card->joins[j].optional)
            *partner = false;
        at += l->card->joins[j].columns_count;
    }
    *row = l->row;
    return RADZ_OK;
}

static bool matches_any(const char *text, char *const *patterns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fnmatch(patterns[i], text, 0) == 0)
            return true;
    return false;
}

static radz_status meets_conditions(radz_loader *l, const char *const *row, bool *met, radz_error *err)
{
    *met = true;
    for (size_t i = 0; i < l->n_conditions && *met; i++) {
        const radz_where_spec *w = l->conditions[i].spec;
        const char *text = radz_field_get(&l->conditions[i].column, row, err);
        if (text == NULL)
            return RADZ_E_NOMEM;
        *met = (w->is_count == 0 || radz_text_in(text, w->is, w->is_count)) &&
               !radz_text_in(text, w->is_not, w->is_not_count) &&
               (w->like_count == 0 || matches_any(text, w->like, w->like_count));
    }
    return RADZ_OK;
}

static radz_status fail_row(radz_loader *l, const char *what, radz_error *err)
{
    return radz_fail(err, RADZ_E_VALUE, "%.600s column '%.100s': %s", place_of(l), l->columns->image, what);
}

/* The sample's id: the image column, in rows "each" with the number of the occurrence. `*out` false: not of this split. */
static radz_status identify(radz_loader *l, const char *const *row, const char **id, bool *out, radz_error *err)
{
    const char *text = radz_field_get(&l->image, row, err);
    *id = text;
    *out = true;
    if (text == NULL)
        return RADZ_E_NOMEM;
    if (l->tolerate && (text[0] == '\0' || strpbrk(text, "\t\r\n") != NULL)) {
        *out = false;
        return radz_note_fault(l, RADZ_FAULT_BAD_ID, text[0] == '\0' ? "(none)" : text, radz_table_line(&l->table), err);
    }
    if (text[0] == '\0')
        return fail_row(l, "no image id", err);
    uint32_t times = UINT32_MAX;
    if (l->split->list_count > 0 || l->split->except_count > 0) {
        uint32_t listed = radz_name_find(&l->listed, text);
        *out = (listed != RADZ_NAME_NONE) == (l->split->list_count > 0);
        times = *out && l->split->list_count > 0 ? l->listed_times[listed] : times;
    }
    if (!*out)
        return RADZ_OK;
    if (strpbrk(text, "\t\r\n") != NULL)
        return fail_row(l, "an image id with a tab or a line break", err);
    if (l->card->labels->rows != RADZ_ROWS_EACH)
        return RADZ_OK;
    uint32_t number;
    bool is_new;
    radz_status st = radz_name_add(&l->bases, &l->d->arena, text, &number, &is_new, err);
    if (st == RADZ_OK && is_new) {
        st = radz_grow(&l->occurrences, &l->occurrences_capacity, l->bases.count, sizeof *l->occurrences, err);
        if (st == RADZ_OK)
            l->occurrences[number] = 0;
    }
    if (st != RADZ_OK)
        return st;
    uint32_t occurrence = ++l->occurrences[number];
    *out = occurrence <= times;
    if (occurrence == 1)
        return RADZ_OK;
    l->id.length = 0;
    st = radz_strbuf_printf(&l->id, err, "%s#%u", l->bases.names[number], (unsigned)occurrence);
    *id = l->id.text;
    return st;
}

/* The vote of the row's reader about an image: the labels of a new one are all "not said yet". */
static radz_status find_vote(radz_loader *l, uint32_t image, const char *const *row, int8_t **labels, bool *is_new,
                             radz_error *err)
{
    const char *name = radz_field_get(&l->reader, row, err);
    uint32_t reader;
    if (name == NULL)
        return RADZ_E_NOMEM;
    radz_status st = radz_name_add(&l->readers, &l->scratch, name, &reader, NULL, err);
    if (st != RADZ_OK)
        return st;
    uint32_t at = l->last_vote[image];
    while (at != RADZ_NAME_NONE && l->votes[at].reader != reader)
        at = l->votes[at].next;
    *is_new = at == RADZ_NAME_NONE;
    if (*is_new) {
        st = radz_grow(&l->votes, &l->votes_capacity, l->n_votes + 1, sizeof *l->votes, err);
        if (st == RADZ_OK)
            st = radz_grow(&l->vote_labels, &l->vote_labels_capacity, (l->n_votes + 1) * l->n_classes, 1, err);
        if (st != RADZ_OK)
            return st;
        at = (uint32_t)l->n_votes++;
        l->votes[at] = (radz_vote){reader, l->last_vote[image]};
        l->last_vote[image] = at;
    }
    *labels = l->vote_labels + (size_t)at * l->n_classes;
    return RADZ_OK;
}

static radz_status add_vote(radz_loader *l, uint32_t image, const char *const *row, radz_error *err)
{
    int8_t *said;
    bool is_new;
    radz_status st = find_vote(l, image, row, &said, &is_new, err);
    for (size_t i = 0; i < l->n_classes && st == RADZ_OK; i++)
        said[i] = is_new ? l->row_labels[i] : radz_label_merge(said[i], l->row_labels[i]);
    return st;
}

/* Present: more than half of the readers who say anything about the class, or as many as the card asks for. */
static void count_votes(radz_loader *l)
{
    for (size_t image = 0; image < l->images.count; image++) {
        for (size_t k = 0; k < l->n_classes; k++) {
            size_t yes = 0, said = 0;
            for (uint32_t v = l->last_vote[image]; v != RADZ_NAME_NONE; v = l->votes[v].next) {
                int8_t label = l->vote_labels[(size_t)v * l->n_classes + k];
                said += label != RADZ_LABEL_MASKED;
                yes += label == 1;
            }
            bool present = l->card->labels->votes > 0 ? yes >= l->card->labels->votes : 2 * yes > said;
            l->labels[image * l->n_classes + k] = said == 0 ? RADZ_LABEL_MASKED : present;
        }
    }
}

/* A second row for a sample that is there already. */
static radz_status merge_row(radz_loader *l, uint32_t image, const char *const *row, radz_error *err)
{
    int8_t *there = l->labels + (size_t)image * l->n_classes;
    if (l->card->labels->rows == RADZ_ROWS_VOTE)
        return add_vote(l, image, row, err);
    if (l->card->labels->rows == RADZ_ROWS_ANY) {
        for (size_t i = 0; i < l->n_classes; i++)
            there[i] = radz_label_merge(there[i], l->row_labels[i]);
        return RADZ_OK;
    }
    bool same = memcmp(there, l->row_labels, l->n_classes) == 0;
    if (same || l->tolerate)
        return radz_note_fault(l, same ? RADZ_FAULT_REPEATED : RADZ_FAULT_CONTRADICTION, l->images.names[image],
                               radz_table_line(&l->table), err);
    return radz_fail(err, RADZ_E_VALUE, "%.600s: image '%.100s' has other labels than on line %u", place_of(l),
                     l->images.names[image], l->rows[image].line);
}

static radz_status note_label(void *context, radz_fault_kind kind, const char *example, radz_error *err)
{
    radz_loader *l = context;
    char text[200];
    snprintf(text, sizeof text, "%s", example);
    return radz_note_fault(l, kind, text, radz_table_line(&l->table), err);
}

/* Labels of the row, faults counted or an error as the filter says. `*out` false: the row is left out. */
static radz_status label_row(radz_loader *l, const char *const *row, const char *id, bool *out, radz_error *err)
{
    l->labeler.note = l->tolerate ? note_label : NULL;
    radz_status st = radz_labeler_read(&l->labeler, row, place_of, l, l->row_labels, err);
    *out = !l->labeler.skip;
    return st != RADZ_OK || *out ? st : radz_note_fault(l, RADZ_FAULT_UNLABELLED, id, radz_table_line(&l->table), err);
}

/* What a row says of its sample beside the labels. */
static radz_status describe(radz_loader *l, radz_row_image *r, const char *const *row, const char *id, radz_error *err)
{
    const char *patient = radz_field_there(&l->patient) ? radz_field_get(&l->patient, row, err) : id;
    if (patient == NULL)
        return RADZ_E_NOMEM;
    radz_status st = radz_name_add(&l->patients, &l->d->arena, patient[0] != '\0' ? patient : id, &r->patient, NULL, err);
    if (st == RADZ_OK)
        st = keep_text(l, &l->study, row, &r->study, err);
    if (st == RADZ_OK)
        st = keep_text(l, &l->view, row, &r->view, err);
    if (st == RADZ_OK)
        st = keep_text(l, &l->report, row, &r->report, err);
    if (st == RADZ_OK)
        st = keep_text(l, &l->question, row, &r->question, err);
    if (st == RADZ_OK && l->card->subgroups_count > 0) {
        r->subgroups = radz_arena_alloc(&l->d->arena, l->card->subgroups_count, sizeof *r->subgroups, err);
        st = r->subgroups != NULL ? RADZ_OK : RADZ_E_NOMEM;
    }
    for (size_t i = 0; i < l->card->subgroups_count && st == RADZ_OK; i++)
        st = keep_text(l, &l->subgroups[i], row, &r->subgroups[i], err);
    const char *age = st == RADZ_OK && radz_field_there(&l->age) ? radz_field_get(&l->age, row, err) : "";
    const char *sex = st == RADZ_OK && radz_field_there(&l->sex) ? radz_field_get(&l->sex, row, err) : "";
    if (st == RADZ_OK && (age == NULL || sex == NULL))
        st = RADZ_E_NOMEM;
    if (st != RADZ_OK)
        return st;
    r->age = parse_age(age);
    r->sex = parse_sex(sex);
    if (l->files == &l->images)
        return RADZ_OK;
    const char *file = radz_field_get(radz_field_there(&l->file) ? &l->file : &l->image, row, err);
    return file != NULL ? radz_name_add(&l->own_files, &l->d->arena, file, &r->file, NULL, err) : RADZ_E_NOMEM;
}

static radz_status add_sample(radz_loader *l, const char *const *row, const char *id, radz_error *err)
{
    uint32_t image;
    bool is_new;
    radz_status st = radz_name_add(&l->images, &l->d->arena, id, &image, &is_new, err);
    if (st != RADZ_OK)
        return st;
    if (!is_new)
        return merge_row(l, image, row, err);
    st = radz_grow(&l->rows, &l->rows_capacity, (size_t)image + 1, sizeof *l->rows, err);
    if (st == RADZ_OK)
        st = radz_grow(&l->labels, &l->labels_capacity, ((size_t)image + 1) * l->n_classes, 1, err);
    bool votes = l->card->labels->rows == RADZ_ROWS_VOTE;
    if (st == RADZ_OK && votes)
        st = radz_grow(&l->last_vote, &l->last_vote_capacity, (size_t)image + 1, sizeof *l->last_vote, err);
    if (st != RADZ_OK)
        return st;
    memcpy(l->labels + (size_t)image * l->n_classes, l->row_labels, l->n_classes);
    l->rows[image] = (radz_row_image){.line = (uint32_t)radz_table_line(&l->table), .file = image, .age = -1, .sex = '?'};
    if (votes) {
        l->last_vote[image] = RADZ_NAME_NONE;
        st = add_vote(l, image, row, err);
    }
    return st == RADZ_OK ? describe(l, &l->rows[image], row, l->images.names[image], err) : st;
}

static radz_status add_row(radz_loader *l, const char *const *row, radz_error *err)
{
    bool partner, wanted;
    const char *id;
    radz_status st = join_row(l, &row, &partner, err);
    if (st == RADZ_OK)
        st = meets_conditions(l, row, &wanted, err);
    if (st != RADZ_OK)
        return st;
    if (!wanted) {
        l->d->n_filtered++;
        return RADZ_OK;
    }
    st = identify(l, row, &id, &wanted, err);
    if (st != RADZ_OK || !wanted)
        return st;
    if (!partner)
        return radz_note_fault(l, RADZ_FAULT_UNLABELLED, id, radz_table_line(&l->table), err);
    st = label_row(l, row, id, &wanted, err);
    return st == RADZ_OK && wanted ? add_sample(l, row, id, err) : st;
}

static radz_status read_rows(radz_loader *l, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (bool more = true; st == RADZ_OK;) {
        const char *const *fields;
        st = radz_table_next(&l->table, &fields, &more, err);
        if (st != RADZ_OK || !more)
            break;
        st = add_row(l, fields, err);
        if (++l->d->n_rows % 8192 == 0 && st == RADZ_OK && radz_cancelled())
            st = radz_fail_interrupted(err);
    }
    if (st == RADZ_OK && l->card->labels->rows == RADZ_ROWS_VOTE)
        count_votes(l);
    return st;
}

static radz_status fail_no_files(const radz_loader *l, radz_error *err)
{
    char names[300];
    bool own = l->split->files_count > 0;
    radz_join_names(own ? l->split->files : l->card->labels->files,
                    own ? l->split->files_count : l->card->labels->files_count, names, sizeof names);
    return radz_fail(err, RADZ_E_MISSING, "data set '%s': '%.300s' does not hold %s", l->card->base.name, l->root, names);
}

static radz_status read_table(radz_loader *l, radz_error *err)
{
    radz_strlist files = {0};
    radz_status st = RADZ_OK;
    l->joins = radz_arena_alloc(&l->scratch, l->card->joins_count, sizeof *l->joins, err);
    if (l->joins == NULL)
        st = RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = radz_dataset_files(l->card, l->root, l->split, &files, err);
    if (st == RADZ_OK && files.count == 0 && l->card->reader != RADZ_READER_FOLDER)
        st = fail_no_files(l, err);
    for (size_t i = 0; i < l->card->joins_count && st == RADZ_OK; i++)
        st = radz_join_load(&l->card->joins[i], l->root, &l->joins[i], err);
    const radz_table_source source = {l->card, l->root, (const char *const *)files.items, files.count};
    if (st == RADZ_OK) {
        l->d->label_file = radz_arena_strdup(&l->d->arena, files.count > 0 ? files.items[0] : l->root, err);
        st = l->d->label_file != NULL ? radz_table_open(&source, &l->table, err) : RADZ_E_NOMEM;
    }
    if (st == RADZ_OK)
        st = find_columns(l, err);
    if (st == RADZ_OK)
        st = read_rows(l, err);
    radz_table_close(&l->table);
    radz_strlist_free(&files);
    return st;
}

/* ---- the whole split ---- */

static int compare_images(const void *a, const void *b, void *context)
{
    const radz_loader *l = context;
    return strcmp(l->images.names[*(const uint32_t *)a], l->images.names[*(const uint32_t *)b]);
}

static int compare_others(const void *a, const void *b)
{
    const radz_other_label *x = a, *y = b;
    return x->rows != y->rows ? (x->rows < y->rows ? 1 : -1) : strcmp(x->name, y->name);
}

static radz_status keep_others(radz_loader *l, radz_error *err)
{
    radz_dataset *d = l->d;
    size_t n = l->labeler.others.count;
    d->others = radz_arena_alloc(&d->arena, n, sizeof *d->others, err);
    if (d->others == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        d->others[i].name = radz_arena_strdup(&d->arena, l->labeler.others.names[i], err);
        d->others[i].rows = l->labeler.other_rows[i];
        if (d->others[i].name == NULL)
            return RADZ_E_NOMEM;
    }
    d->n_others = n;
    if (n > 1)
        qsort(d->others, n, sizeof *d->others, compare_others);
    return RADZ_OK;
}

/* Order, counts and fingerprint of the whole split. */
static radz_status survey_split(radz_loader *l, radz_error *err)
{
    radz_dataset *d = l->d;
    size_t n = l->images.count, C = l->n_classes;
    d->split_images = n;
    d->split_patients = l->patients.count;
    d->split_positives = radz_arena_alloc(&d->arena, C, sizeof *d->split_positives, err);
    l->order = radz_calloc(n, sizeof *l->order, err);
    const char **classes = radz_arena_alloc(&l->scratch, C, sizeof *classes, err);
    char *line = radz_arena_alloc(&l->scratch, C + 1, 1, err);
    if (d->split_positives == NULL || l->order == NULL || classes == NULL || line == NULL)
        return RADZ_E_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        l->order[i] = i;
    qsort_r(l->order, n, sizeof *l->order, compare_images, l);
    for (size_t i = 0; i < C; i++)
        classes[i] = l->card->classes[i].name;

    radz_sha256 hash;
    radz_sha256_begin(&hash);
    radz_fingerprint_head(&hash, classes, C);
    for (size_t i = 0; i < n; i++) {
        uint32_t image = l->order[i];
        const int8_t *labels = l->labels + (size_t)image * C;
        for (size_t c = 0; c < C; c++)
            d->split_positives[c] += labels[c] == 1;
        if (!radz_has_file(l, image) && d->n_missing++ == 0)
            d->missing_example = l->images.names[image];
        radz_fingerprint_line(&hash, l->images.names[image], labels, C, line);
    }
    radz_status st = keep_others(l, err);
    for (size_t i = 0; l->split->list_count > 0 && i < l->listed.count && st == RADZ_OK; i++)
        if (radz_name_find(&l->images, l->listed.names[i]) == RADZ_NAME_NONE)
            st = radz_note_fault(l, RADZ_FAULT_UNLABELLED, l->listed.names[i], 0, err);
    radz_status ended = radz_sha256_end(&hash, d->split_fingerprint, st == RADZ_OK ? err : NULL);
    return st != RADZ_OK ? st : ended;
}

/* Report texts of the samples that are kept, from a file of their own. */
static radz_status read_reports(radz_loader *l, radz_error *err)
{
    const radz_reports_spec *spec = l->card->reports;
    radz_dataset *d = l->d;
    if (spec == NULL)
        return RADZ_OK;
    char *path = radz_path_join(l->root, spec->file, err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_csv *csv = NULL;
    size_t image_at = 0, text_at = 0;
    radz_status st = RADZ_OK;
    radz_sample **of = NULL; /* by image number */
    if (!radz_file_exists(path))
        goto done;
    of = radz_calloc(l->images.count, sizeof *of, err);
    st = of != NULL ? radz_csv_open(path, ',', &csv, err) : RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = radz_csv_column(csv, spec->image, &image_at, err);
    if (st == RADZ_OK)
        st = radz_csv_column(csv, spec->text, &text_at, err);
    for (size_t i = 0; i < d->n && st == RADZ_OK; i++)
        of[radz_name_find(&l->images, d->samples[i].image_id)] = &d->samples[i];
    while (st == RADZ_OK) {
        const char *const *fields;
        bool more;
        st = radz_csv_next(csv, &fields, &more, err);
        if (st != RADZ_OK || !more)
            break;
        uint32_t image = radz_name_find(&l->images, fields[image_at]);
        if (image == RADZ_NAME_NONE || of[image] == NULL || fields[text_at][0] == '\0')
            continue;
        if (of[image]->report != NULL) {
            st = radz_fail(err, RADZ_E_VALUE, "'%.300s' line %zu: a second report for image '%.100s'", path,
                           radz_csv_line(csv), fields[image_at]);
            break;
        }
        of[image]->report = radz_arena_strdup(&d->arena, fields[text_at], err);
        if (of[image]->report == NULL)
            st = RADZ_E_NOMEM;
        d->n_reports++;
    }
done:
    radz_csv_close(csv);
    free(of);
    free(path);
    return st;
}

/* ---- loading ---- */

static void free_loader(radz_loader *l)
{
    radz_name_table *const tables[] = {&l->listed,   &l->images,  &l->own_files, &l->bases,
                                       &l->patients, &l->readers, &l->texts,     &l->folders};
    radz_field *const fields[] = {&l->image, &l->file, &l->patient, &l->study,  &l->view,
                                  &l->age,   &l->sex,  &l->reader,  &l->report, &l->question};
    void *const blocks[] = {l->listed_times, l->occurrences, l->rows,   l->labels, l->last_vote,
                            l->votes,        l->vote_labels, l->places, l->order};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        radz_name_table_free(tables[i]);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        radz_field_free(fields[i]);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    for (size_t i = 0; l->subgroups != NULL && i < l->card->subgroups_count; i++)
        radz_field_free(&l->subgroups[i]);
    for (size_t i = 0; i < l->n_conditions; i++)
        radz_field_free(&l->conditions[i].column);
    for (size_t i = 0; l->joins != NULL && i < l->card->joins_count; i++)
        radz_join_free(&l->joins[i]);
    radz_labeler_free(&l->labeler);
    radz_strbuf_free(&l->id);
    radz_arena_free(&l->scratch);
}

radz_status radz_dataset_load(const radz_dataset_card *card, const char *root, const char *split,
                              const radz_dataset_filter *filter, radz_dataset **out, radz_error *err)
{
    static const radz_dataset_filter all = {0};
    *out = NULL;
    const radz_split_spec *spec;
    radz_status st = radz_dataset_card_need_split(card, split, &spec, err);
    if (st != RADZ_OK)
        return st;
    radz_loader l = {.card = card, .split = spec, .root = root, .n_classes = card->classes_count,
                     .columns = spec->columns != NULL ? spec->columns : card->columns,
                     .tolerate = filter != NULL && filter->tolerate};
    l.files = l.columns->file != NULL || card->labels->rows == RADZ_ROWS_EACH ? &l.own_files : &l.images;
    l.d = radz_calloc(1, sizeof *l.d, err);
    if (l.d == NULL)
        return RADZ_E_NOMEM;
    l.d->name = radz_arena_strdup(&l.d->arena, card->base.name, err);
    l.d->split = radz_arena_strdup(&l.d->arena, spec->name, err);
    l.d->root = radz_arena_strdup(&l.d->arena, root, err);
    l.row_labels = radz_arena_alloc(&l.scratch, l.n_classes, 1, err);
    if (l.d->name == NULL || l.d->split == NULL || l.d->root == NULL || l.row_labels == NULL)
        st = RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = read_lists(&l, err);
    if (st == RADZ_OK)
        st = read_table(&l, err);
    if (st == RADZ_OK)
        st = radz_find_images(&l, err);
    if (st == RADZ_OK)
        st = survey_split(&l, err);
    if (st == RADZ_OK)
        st = radz_keep_samples(&l, filter != NULL ? filter : &all, err);
    if (st == RADZ_OK)
        st = read_reports(&l, err);
    if (st == RADZ_OK)
        st = radz_dataset_fingerprint(l.d->samples, l.d->labels, l.d->n, l.d->classes, l.d->n_classes,
                                      l.d->fingerprint, err);
    if (st == RADZ_OK)
        *out = l.d;
    else
        radz_dataset_free(l.d);
    free_loader(&l);
    return st;
}

const char *radz_sample_unit_name(const radz_dataset *d, size_t i)
{
    const radz_sample *s = &d->samples[i];
    return d->level == RADZ_LEVEL_STUDY && s->study_id != NULL ? s->study_id : s->image_id;
}

void radz_dataset_free(radz_dataset *dataset)
{
    if (dataset == NULL)
        return;
    free(dataset->samples);
    free(dataset->labels);
    free(dataset->positives);
    free(dataset->negatives);
    radz_arena_free(&dataset->arena);
    free(dataset);
}
