#include "data/dataset.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "data/csv.h"
#include "data/name_table.h"

#define NO_COLUMN SIZE_MAX
enum { LIST_FILE_LIMIT = 1 << 28, LABEL_NONE = -2 /* no such value */ };

/* One row's image while the label file is read; texts are in the data set's arena. */
typedef struct row_image {
    uint32_t patient; /* into loader.patients */
    uint32_t line;    /* of the label file */
    const char *study, *view;
    uint32_t folder; /* into loader.folders; RADZ_NAME_NONE: no file */
    int16_t age;
    char sex;
} row_image;

typedef struct loader {
    const radz_dataset_card *card;
    bool tolerate; /* see radz_dataset_filter */
    const radz_split_spec *split;
    const char *root;
    size_t n_classes; /* of the card */
    radz_dataset *d;

    radz_name_table listed;   /* ids of the split's list, or of the lists it excludes */
    radz_name_table images;   /* ids of the rows of this split: numbers are indices of `rows` and `labels` */
    radz_name_table patients;
    radz_name_table texts;    /* studies and views, each kept once */
    radz_name_table folders;  /* image folders below the root that exist */
    radz_name_table spellings; /* form list: what may stand in the label column */
    int *meaning;             /* [spellings.count]: class, or LABEL_NONE for nothing found */
    row_image *rows;
    int8_t *labels;           /* [rows, n_classes] */
    size_t rows_capacity, labels_capacity;
    int8_t *row_labels;       /* [n_classes], scratch */
    uint32_t *order;          /* [images.count]: by image id */
    radz_arena scratch;

    size_t image_column, patient_column, study_column, view_column, age_column, sex_column, split_column, label_column;
    size_t *class_columns; /* [n_classes], form columns */
} loader;

/* ---- where is it ---- */

static char *dataset_variable(const char *name, radz_error *err)
{
    static const char prefix[] = "RADZ_DATA_";
    char *text = radz_calloc(sizeof prefix + strlen(name), 1, err);
    if (text == NULL)
        return NULL;
    memcpy(text, prefix, sizeof prefix);
    char *end = text + strlen(prefix);
    for (const char *p = name; *p != '\0'; p++)
        if (isalnum((unsigned char)*p))
            *end++ = (char)toupper((unsigned char)*p);
    return text;
}

/* The first of the card's label files that is there; NULL: none (or no memory, then `err` is set). */
static char *find_label_file(const radz_dataset_card *card, const char *root, bool *failed, radz_error *err)
{
    *failed = false;
    for (size_t i = 0; card->labels != NULL && i < card->labels->files_count; i++) {
        char *path = radz_path_join(root, card->labels->files[i], err);
        if (path == NULL) {
            *failed = true;
            return NULL;
        }
        if (radz_file_exists(path))
            return path;
        free(path);
    }
    return NULL;
}

/* "a.csv, b.csv" */
static void join_names(char *const *names, size_t count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && used + 1 < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", names[i]);
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

radz_status radz_dataset_locate(const radz_dataset_card *card, const char *override, const char *fallback,
                                radz_dataset_location *out, radz_error *err)
{
    *out = (radz_dataset_location){.presence = RADZ_DATASET_NOT_HERE};
    radz_strbuf hint = {0};
    radz_status st = RADZ_E_NOMEM;
    out->variable = dataset_variable(card->base.name, err);
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

    if (card->reader == RADZ_READER_NONE) {
        out->presence = RADZ_DATASET_NO_READER;
        st = radz_strbuf_printf(&hint, err, "its reader is not built yet; %s", card->provide);
        goto done;
    }
    bool failed = false;
    char *labels = out->root != NULL ? find_label_file(card, out->root, &failed, err) : NULL;
    if (failed)
        goto done;
    if (labels != NULL && (chosen || is_complete(card, out->root))) {
        out->presence = RADZ_DATASET_HERE;
        st = RADZ_OK;
    } else if (!chosen && card->generated != NULL) {
        out->presence = RADZ_DATASET_GENERATED;
        st = radz_strbuf_printf(&hint, err, "not made yet; %s", card->provide);
    } else if (!chosen) {
        st = radz_strbuf_printf(&hint, err, "%s", card->provide);
    } else if (!radz_file_is_dir(out->root)) {
        st = radz_strbuf_printf(&hint, err, "there is no folder '%s' (from %s); %s", out->root, from, card->provide);
    } else {
        char names[300];
        join_names(card->labels->files, card->labels->files_count, names, sizeof names);
        st = radz_strbuf_printf(&hint, err, "'%s' (from %s) does not hold %s; %s", out->root, from, names,
                                card->provide);
    }
    free(labels);
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

/* ---- faults ---- */

/* Counts a fault; `thing` is its example, unless the same thing is one already. `line` of the label file, 0: none. */
static radz_status note_fault(loader *l, radz_fault_kind kind, const char *thing, size_t line, radz_error *err)
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

/* Adds the ids of a list file, one per line; CRLF, a byte order mark, blanks around and a missing last line break are
 * all found in such files. */
static radz_status read_list(loader *l, const char *name, radz_error *err)
{
    char *text = NULL, *path = radz_path_join(l->root, name, err);
    size_t size = 0;
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_status st = radz_file_read(path, LIST_FILE_LIMIT, &text, &size, err);
    if (st != RADZ_OK)
        st = radz_prefix(err, "list of split '%s'", l->split->name);
    size_t line = 1;
    for (char *at = text, *end = text + size; st == RADZ_OK && at < end; line++) {
        char *stop = memchr(at, '\n', (size_t)(end - at)), *last;
        stop = stop != NULL ? stop : end;
        last = stop;
        if (at == text && size >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
            at += 3;
        if (memchr(at, '\0', (size_t)(stop - at)) != NULL) {
            st = radz_fail(err, RADZ_E_FORMAT, "'%.300s' line %zu: a NUL byte; the file is damaged or not UTF-8 text",
                           path, line);
            break;
        }
        while (at < last && (*at == ' ' || *at == '\t'))
            at++;
        while (last > at && strchr(" \t\r", last[-1]) != NULL)
            last--;
        if (last > at) {
            *last = '\0'; /* at worst the NUL that radz_file_read puts behind the text */
            uint32_t number;
            bool is_new;
            st = radz_name_add(&l->listed, &l->d->arena, at, &number, &is_new, err);
            if (st == RADZ_OK && !is_new && l->split->list != NULL) /* of the split itself, not of those it excludes */
                st = note_fault(l, RADZ_FAULT_LISTED_TWICE, at, 0, err);
        }
        at = stop + 1;
    }
    free(text);
    free(path);
    return st;
}

static radz_status read_lists(loader *l, radz_error *err)
{
    if (l->split->list != NULL)
        return read_list(l, l->split->list, err);
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < l->split->except_count && st == RADZ_OK; i++)
        st = read_list(l, radz_dataset_card_split(l->card, l->split->except[i])->list, err);
    return st;
}

/* ---- label file ---- */

static radz_status optional_column(const radz_csv *csv, const char *name, size_t *at, radz_error *err)
{
    *at = NO_COLUMN;
    return name == NULL ? RADZ_OK : radz_csv_column(csv, name, at, err);
}

static radz_status find_columns(loader *l, const radz_csv *csv, radz_error *err)
{
    const radz_columns_spec *c = l->card->columns;
    const struct {
        const char *name;
        size_t *at;
    } wanted[] = {{c->image, &l->image_column},        {c->patient, &l->patient_column},
                  {c->study, &l->study_column},        {c->view, &l->view_column},
                  {c->age, &l->age_column},            {c->sex, &l->sex_column},
                  {l->split->column, &l->split_column}, {l->card->labels->column, &l->label_column}};
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && st == RADZ_OK; i++)
        st = optional_column(csv, wanted[i].name, wanted[i].at, err);
    if (l->card->labels->form == RADZ_LABELS_COLUMNS)
        for (size_t i = 0; i < l->n_classes && st == RADZ_OK; i++)
            st = radz_csv_column(csv, l->card->classes[i].column, &l->class_columns[i], err);
    return st;
}

static radz_status learn_spelling(loader *l, const char *text, int meaning, radz_error *err)
{
    uint32_t number;
    radz_status st = radz_name_add(&l->spellings, &l->scratch, text, &number, NULL, err);
    if (st == RADZ_OK)
        l->meaning[number] = meaning;
    return st;
}

static radz_status learn_spellings(loader *l, radz_error *err)
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
        st = learn_spelling(l, labels->none[i], LABEL_NONE, err);
    return st;
}

static radz_status fail_label(loader *l, const radz_csv *csv, const char *label, radz_error *err)
{
    radz_error known = {0};
    if (l->tolerate)
        return note_fault(l, RADZ_FAULT_UNKNOWN_LABEL, label, radz_csv_line(csv), err);
    (void)radz_fail_unknown_in(&known, "label", label, l->spellings.names, l->spellings.count);
    return radz_fail(err, RADZ_E_VALUE, "'%.250s' line %zu column '%s': %s", radz_csv_file(csv), radz_csv_line(csv),
                     l->card->labels->column, known.message);
}

/* "Mass|Nodule" -> row_labels */
static radz_status parse_label_list(loader *l, const radz_csv *csv, const char *text, radz_error *err)
{
    memset(l->row_labels, 0, l->n_classes);
    bool none = false, some = false;
    for (const char *at = text;;) {
        const char *stop = strchr(at, l->card->labels->separator[0]), *last = stop != NULL ? stop : at + strlen(at);
        const char *next = last;
        while (at < last && *at == ' ')
            at++;
        while (last > at && last[-1] == ' ')
            last--;
        uint32_t number = radz_name_find_n(&l->spellings, at, (size_t)(last - at));
        if (number == RADZ_NAME_NONE) {
            char label[100];
            snprintf(label, sizeof label, "%.*s", (int)(last - at > 99 ? 99 : last - at), at);
            radz_status st = fail_label(l, csv, label, err);
            if (st != RADZ_OK)
                return st;
        } else if (l->meaning[number] == LABEL_NONE)
            none = true;
        else
            l->row_labels[l->meaning[number]] = 1, some = true;
        if (stop == NULL)
            break;
        at = next + 1;
    }
    if (none && some && l->tolerate)
        return note_fault(l, RADZ_FAULT_CONTRADICTION, text, radz_csv_line(csv), err);
    if (none && some)
        return radz_fail(err, RADZ_E_VALUE, "'%.250s' line %zu column '%s': '%.200s' says that nothing was found and names"
                         " a finding", radz_csv_file(csv), radz_csv_line(csv), l->card->labels->column, text);
    return RADZ_OK;
}

static bool is_one_of(const char *text, char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

/* one column per class -> row_labels */
static radz_status parse_label_columns(loader *l, const radz_csv *csv, const char *const *fields, radz_error *err)
{
    const radz_labels_spec *spec = l->card->labels;
    for (size_t i = 0; i < l->n_classes; i++) {
        const char *value = fields[l->class_columns[i]];
        if (is_one_of(value, spec->negative, spec->negative_count))
            l->row_labels[i] = 0;
        else if (is_one_of(value, spec->positive, spec->positive_count))
            l->row_labels[i] = 1;
        else if (is_one_of(value, spec->unknown, spec->unknown_count))
            l->row_labels[i] = RADZ_LABEL_MASKED;
        else if (l->tolerate) {
            char text[200];
            snprintf(text, sizeof text, "%.100s '%.80s'", l->card->classes[i].column, value);
            radz_status st = note_fault(l, RADZ_FAULT_UNKNOWN_LABEL, text, radz_csv_line(csv), err);
            if (st != RADZ_OK)
                return st;
            l->row_labels[i] = 0;
        } else {
            char yes[120], no[120], mask[120];
            join_names(spec->positive, spec->positive_count, yes, sizeof yes);
            join_names(spec->negative, spec->negative_count, no, sizeof no);
            join_names(spec->unknown, spec->unknown_count, mask, sizeof mask);
            return radz_fail(err, RADZ_E_VALUE, "'%.250s' line %zu column '%.80s': unknown value '%.80s'; present: %s;"
                             " absent: %s; masked: %s", radz_csv_file(csv), radz_csv_line(csv),
                             l->card->classes[i].column, value, yes, no, mask[0] != '\0' ? mask : "(none)");
        }
    }
    return RADZ_OK;
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

static radz_status keep_text(loader *l, const char *text, const char **out, radz_error *err)
{
    uint32_t number;
    radz_status st = radz_name_add(&l->texts, &l->d->arena, text, &number, NULL, err);
    if (st == RADZ_OK)
        *out = l->texts.names[number];
    return st;
}

/* A second row for an image that is there already. */
static radz_status merge_row(loader *l, const radz_csv *csv, uint32_t image, radz_error *err)
{
    int8_t *there = l->labels + (size_t)image * l->n_classes;
    if (l->card->labels->rows == RADZ_ROWS_ANY) {
        for (size_t i = 0; i < l->n_classes; i++)
            if (l->row_labels[i] == 1 || there[i] == 0)
                there[i] = l->row_labels[i];
        return RADZ_OK;
    }
    bool same = memcmp(there, l->row_labels, l->n_classes) == 0;
    if (same || l->tolerate)
        return note_fault(l, same ? RADZ_FAULT_REPEATED : RADZ_FAULT_CONTRADICTION, l->images.names[image],
                          radz_csv_line(csv), err);
    return radz_fail(err, RADZ_E_VALUE, "'%.300s' line %zu: image '%.100s' has other labels than on line %u",
                     radz_csv_file(csv), radz_csv_line(csv), l->images.names[image], l->rows[image].line);
}

static radz_status add_row(loader *l, const radz_csv *csv, const char *const *fields, radz_error *err)
{
    const char *id = fields[l->image_column];
    if (l->tolerate && (id[0] == '\0' || strpbrk(id, "\t\r\n") != NULL))
        return note_fault(l, RADZ_FAULT_BAD_ID, id[0] == '\0' ? "(none)" : id, radz_csv_line(csv), err);
    if (id[0] == '\0')
        return radz_fail(err, RADZ_E_VALUE, "'%.300s' line %zu column '%s': no image id", radz_csv_file(csv),
                         radz_csv_line(csv), l->card->columns->image);
    if (l->split->list != NULL || l->split->except_count > 0) {
        bool listed = radz_name_find(&l->listed, id) != RADZ_NAME_NONE;
        if (listed != (l->split->list != NULL))
            return RADZ_OK;
    } else if (l->split_column != NO_COLUMN && strcmp(fields[l->split_column], l->split->value) != 0) {
        return RADZ_OK;
    }
    if (strpbrk(id, "\t\r\n") != NULL)
        return radz_fail(err, RADZ_E_VALUE, "'%.300s' line %zu column '%s': an image id with a tab or a line break",
                         radz_csv_file(csv), radz_csv_line(csv), l->card->columns->image);
    radz_status st = l->card->labels->form == RADZ_LABELS_LIST
                         ? parse_label_list(l, csv, fields[l->label_column], err)
                         : parse_label_columns(l, csv, fields, err);
    if (st != RADZ_OK)
        return st;
    uint32_t image;
    bool is_new;
    st = radz_name_add(&l->images, &l->d->arena, id, &image, &is_new, err);
    if (st != RADZ_OK)
        return st;
    if (!is_new)
        return merge_row(l, csv, image, err);

    st = radz_grow(&l->rows, &l->rows_capacity, (size_t)image + 1, sizeof *l->rows, err);
    if (st == RADZ_OK)
        st = radz_grow(&l->labels, &l->labels_capacity, ((size_t)image + 1) * l->n_classes, 1, err);
    if (st != RADZ_OK)
        return st;
    memcpy(l->labels + (size_t)image * l->n_classes, l->row_labels, l->n_classes);
    row_image *row = &l->rows[image];
    *row = (row_image){.line = (uint32_t)radz_csv_line(csv), .folder = RADZ_NAME_NONE, .age = -1, .sex = '?'};
    const char *patient = l->patient_column != NO_COLUMN && fields[l->patient_column][0] != '\0'
                              ? fields[l->patient_column] : id;
    st = radz_name_add(&l->patients, &l->d->arena, patient, &row->patient, NULL, err);
    if (st == RADZ_OK && l->study_column != NO_COLUMN)
        st = keep_text(l, fields[l->study_column], &row->study, err);
    if (st == RADZ_OK && l->view_column != NO_COLUMN)
        st = keep_text(l, fields[l->view_column], &row->view, err);
    if (l->age_column != NO_COLUMN)
        row->age = parse_age(fields[l->age_column]);
    if (l->sex_column != NO_COLUMN)
        row->sex = parse_sex(fields[l->sex_column]);
    return st;
}

static radz_status read_labels(loader *l, radz_error *err)
{
    bool failed;
    char *path = find_label_file(l->card, l->root, &failed, err);
    radz_csv *csv = NULL;
    radz_status st = RADZ_OK;
    if (failed)
        return RADZ_E_NOMEM;
    if (path == NULL) {
        char names[300];
        join_names(l->card->labels->files, l->card->labels->files_count, names, sizeof names);
        return radz_fail(err, RADZ_E_MISSING, "data set '%s': '%.300s' does not hold %s", l->card->base.name, l->root,
                         names);
    }
    l->d->label_file = radz_arena_strdup(&l->d->arena, path, err);
    if (l->d->label_file == NULL)
        st = RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = radz_csv_open(path, &csv, err);
    if (st == RADZ_OK)
        st = find_columns(l, csv, err);
    for (bool more = true; st == RADZ_OK;) {
        const char *const *fields;
        st = radz_csv_next(csv, &fields, &more, err);
        if (st != RADZ_OK || !more)
            break;
        st = add_row(l, csv, fields, err);
        if (++l->d->n_rows % 8192 == 0 && st == RADZ_OK && radz_cancelled())
            st = radz_fail_interrupted(err);
    }
    radz_csv_close(csv);
    free(path);
    return st;
}

/* ---- image folders ---- */

/* Adds the folders that match parts[0..] below `folder` ("" for the root), in byte order. */
static radz_status expand_folder(loader *l, const char *folder, const char *pattern, radz_error *err)
{
    while (*pattern == '/')
        pattern++;
    char *absolute = radz_path_join(l->root, folder, err);
    if (absolute == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    radz_strlist names = {0};
    if (!radz_file_is_dir(absolute))
        goto done;
    if (*pattern == '\0') {
        uint32_t number;
        st = radz_name_add(&l->folders, &l->d->arena, folder, &number, NULL, err);
        goto done;
    }
    size_t length = strcspn(pattern, "/");
    char part[256];
    if (length >= sizeof part) {
        st = radz_fail(err, RADZ_E_VALUE, "data set '%s': a folder name of %zu bytes", l->card->base.name, length);
        goto done;
    }
    memcpy(part, pattern, length);
    part[length] = '\0';
    if (strpbrk(part, "*?[") != NULL)
        st = radz_dir_list(absolute, "", &names, err);
    else
        st = radz_strlist_add(&names, part, err);
    for (size_t i = 0; i < names.count && st == RADZ_OK; i++) {
        if (fnmatch(part, names.items[i], FNM_PERIOD) != 0 && strcmp(part, names.items[i]) != 0)
            continue;
        char *below = strcmp(names.items[i], ".") == 0 ? radz_strdup(folder, err)
                                                        : radz_path_join(folder, names.items[i], err);
        st = below != NULL ? expand_folder(l, below, pattern + length, err) : RADZ_E_NOMEM;
        free(below);
    }
done:
    radz_strlist_free(&names);
    free(absolute);
    return st;
}

/* Marks every wanted image that a folder holds; the first folder that has it wins. */
static radz_status index_folder(loader *l, uint32_t folder, radz_error *err)
{
    char *path = radz_path_join(l->root, l->folders.names[folder], err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    DIR *dir = opendir(path);
    radz_status st = RADZ_OK;
    if (dir == NULL)
        st = radz_fail(err, RADZ_E_IO, "cannot list the folder '%s': %s", path, strerror(errno));
    const char *extension = l->card->images->extension != NULL ? l->card->images->extension : "";
    size_t extra = strlen(extension);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (entry->d_type == DT_DIR || length <= extra || memcmp(entry->d_name + length - extra, extension, extra) != 0)
            continue;
        uint32_t image = radz_name_find_n(&l->images, entry->d_name, length - extra);
        if (image != RADZ_NAME_NONE && l->rows[image].folder == RADZ_NAME_NONE)
            l->rows[image].folder = folder;
    }
    if (dir != NULL)
        closedir(dir);
    free(path);
    return st;
}

static char *image_path(const loader *l, uint32_t image, uint32_t folder, radz_arena *arena, radz_error *err)
{
    const char *below = l->folders.names[folder];
    const char *extension = l->card->images->extension != NULL ? l->card->images->extension : "";
    return radz_arena_printf(arena, err, "%s%s%s%s%s%s", l->root, radz_str_ends(l->root, "/") ? "" : "/", below,
                             below[0] != '\0' ? "/" : "", l->images.names[image], extension);
}

static radz_status find_images(loader *l, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < l->card->images->folders_count && st == RADZ_OK; i++)
        st = expand_folder(l, "", l->card->images->folders[i], err);
    for (uint32_t i = 0; i < l->folders.count && st == RADZ_OK; i++)
        st = index_folder(l, i, err);
    /* Ids that are paths themselves are looked for one by one. */
    for (uint32_t i = 0; i < l->images.count && st == RADZ_OK; i++) {
        if (strchr(l->images.names[i], '/') == NULL)
            continue;
        for (uint32_t f = 0; f < l->folders.count && l->rows[i].folder == RADZ_NAME_NONE && st == RADZ_OK; f++) {
            radz_arena place = {0};
            char *path = image_path(l, i, f, &place, err);
            if (path == NULL)
                st = RADZ_E_NOMEM;
            else if (access(path, F_OK) == 0)
                l->rows[i].folder = f;
            radz_arena_free(&place);
        }
    }
    return st;
}

/* ---- fingerprint ---- */

static void add_fingerprint_head(radz_sha256 *hash, const char *const *classes, size_t n_classes)
{
    radz_sha256_add(hash, "classes", 7);
    for (size_t i = 0; i < n_classes; i++) {
        radz_sha256_add(hash, "\t", 1);
        radz_sha256_add(hash, classes[i], strlen(classes[i]));
    }
    radz_sha256_add(hash, "\n", 1);
}

/* `line` is scratch for the labels of one image: [n_classes + 1]. */
static void add_fingerprint_line(radz_sha256 *hash, const char *id, const int8_t *labels, size_t n_classes, char *line)
{
    for (size_t i = 0; i < n_classes; i++)
        line[i] = labels[i] == 1 ? '1' : labels[i] == 0 ? '0' : '?';
    line[n_classes] = '\n';
    radz_sha256_add(hash, id, strlen(id));
    radz_sha256_add(hash, "\t", 1);
    radz_sha256_add(hash, line, n_classes + 1);
}

static int compare_samples(const void *a, const void *b)
{
    return strcmp((*(const radz_sample *const *)a)->image_id, (*(const radz_sample *const *)b)->image_id);
}

radz_status radz_dataset_fingerprint(const radz_sample *samples, const int8_t *labels, size_t n,
                                     const char *const *classes, size_t n_classes, char hex[RADZ_SHA256_HEX_SIZE],
                                     radz_error *err)
{
    const radz_sample **order = radz_calloc(n, sizeof *order, err);
    char *line = radz_calloc(n_classes + 1, 1, err);
    radz_status st = RADZ_E_NOMEM;
    if (order != NULL && line != NULL) {
        for (size_t i = 0; i < n; i++)
            order[i] = &samples[i];
        qsort(order, n, sizeof *order, compare_samples);
        radz_sha256 hash;
        radz_sha256_begin(&hash);
        add_fingerprint_head(&hash, classes, n_classes);
        for (size_t i = 0; i < n; i++)
            add_fingerprint_line(&hash, order[i]->image_id, labels + (size_t)(order[i] - samples) * n_classes,
                                 n_classes, line);
        st = radz_sha256_end(&hash, hex, err);
    }
    free(order);
    free(line);
    return st;
}

/* ---- what is kept ---- */

static int compare_images(const void *a, const void *b, void *context)
{
    const loader *l = context;
    return strcmp(l->images.names[*(const uint32_t *)a], l->images.names[*(const uint32_t *)b]);
}

/* Order, counts and fingerprint of the whole split. */
static radz_status survey_split(loader *l, radz_error *err)
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
    add_fingerprint_head(&hash, classes, C);
    for (size_t i = 0; i < n; i++) {
        uint32_t image = l->order[i];
        const int8_t *labels = l->labels + (size_t)image * C;
        for (size_t c = 0; c < C; c++)
            d->split_positives[c] += labels[c] == 1;
        if (l->rows[image].folder == RADZ_NAME_NONE && d->n_missing++ == 0)
            d->missing_example = l->images.names[image];
        add_fingerprint_line(&hash, l->images.names[image], labels, C, line);
    }
    radz_status st = RADZ_OK;
    for (size_t i = 0; l->split->list != NULL && i < l->listed.count && st == RADZ_OK; i++)
        if (radz_name_find(&l->images, l->listed.names[i]) == RADZ_NAME_NONE)
            st = note_fault(l, RADZ_FAULT_UNLABELLED, l->listed.names[i], 0, err);
    radz_status ended = radz_sha256_end(&hash, d->split_fingerprint, st == RADZ_OK ? err : NULL);
    return st != RADZ_OK ? st : ended;
}

static radz_status choose_classes(loader *l, const radz_dataset_filter *filter, size_t *columns, radz_error *err)
{
    radz_dataset *d = l->d;
    const char **names = radz_arena_alloc(&d->arena, l->n_classes, sizeof *names, err);
    if (names == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < l->n_classes; i++)
        names[i] = l->card->classes[i].name;
    for (size_t i = 0; i < filter->classes_count; i++) {
        bool known = false;
        for (size_t j = 0; j < l->n_classes && !known; j++)
            known = strcmp(filter->classes[i], names[j]) == 0;
        if (!known)
            return radz_fail_unknown_in(err, "class", filter->classes[i], names, l->n_classes);
    }
    for (size_t i = 0; i < l->n_classes; i++) {
        bool wanted = filter->classes_count == 0;
        for (size_t j = 0; j < filter->classes_count && !wanted; j++)
            wanted = strcmp(filter->classes[j], names[i]) == 0;
        if (wanted) {
            names[d->n_classes] = names[i];
            columns[d->n_classes++] = i;
        }
    }
    d->classes = names;
    return RADZ_OK;
}

typedef struct candidate {
    uint64_t key; /* pseudo-random, of seed and image id alone */
    uint32_t image;
    bool chosen;
} candidate;

static int compare_candidates(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : (x->image > y->image) - (x->image < y->image);
}

static int compare_candidate_images(const void *a, const void *b, void *context)
{
    return compare_images(&((const candidate *)a)->image, &((const candidate *)b)->image, context);
}

/* splitmix64's finaliser (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static bool in_stratum(const loader *l, uint32_t image, const size_t *columns, size_t n_columns, size_t stratum)
{
    const int8_t *labels = l->labels + (size_t)image * l->n_classes;
    if (stratum < n_columns)
        return labels[columns[stratum]] == 1;
    for (size_t i = 0; i < n_columns; i++)
        if (labels[columns[i]] == 1)
            return false;
    return true;
}

/* Chooses `limit` of the candidates: every class, rarest first, and the images without any get their share of the limit
 * (at least one while there is room); what is left goes in the order of the keys. */
static radz_status choose_subset(loader *l, candidate *c, size_t n, size_t limit, uint64_t seed, const size_t *columns,
                                 size_t n_columns, radz_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const char *id = l->images.names[c[i].image];
        c[i].key = mix(radz_hash_bytes(id, strlen(id)) ^ mix(seed));
    }
    qsort(c, n, sizeof *c, compare_candidates);
    size_t strata = n_columns + 1, left = limit;
    size_t *size = radz_calloc(strata, sizeof *size, err), *got = radz_calloc(strata, sizeof *got, err);
    bool *done = radz_calloc(strata, sizeof *done, err);
    if (size == NULL || got == NULL || done == NULL) {
        free(size);
        free(got);
        free(done);
        return RADZ_E_NOMEM;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t s = 0; s < strata; s++)
            size[s] += in_stratum(l, c[i].image, columns, n_columns, s);
    for (size_t turn = 0; turn < strata; turn++) {
        size_t s = n_columns; /* images without any class come last */
        for (size_t k = 0; k < n_columns; k++)
            if (!done[k] && (s == n_columns || size[k] < size[s]))
                s = k;
        done[s] = true;
        size_t quota = (size_t)((double)limit * (double)size[s] / (double)n + 0.5);
        quota = quota == 0 ? 1 : quota;
        for (size_t i = 0; i < n && got[s] < quota && left > 0; i++) {
            if (c[i].chosen || !in_stratum(l, c[i].image, columns, n_columns, s))
                continue;
            c[i].chosen = true;
            left--;
            for (size_t k = 0; k < strata; k++)
                got[k] += in_stratum(l, c[i].image, columns, n_columns, k);
        }
    }
    for (size_t i = 0; i < n && left > 0; i++) {
        if (!c[i].chosen) {
            c[i].chosen = true;
            left--;
        }
    }
    free(size);
    free(got);
    free(done);
    qsort_r(c, n, sizeof *c, compare_candidate_images, l);
    return RADZ_OK;
}

/* Fills samples, labels and counts from the chosen candidates. */
static radz_status build_samples(loader *l, const candidate *c, size_t n, const size_t *columns, radz_error *err)
{
    radz_dataset *d = l->d;
    size_t C = d->n_classes;
    for (size_t i = 0; i < n; i++)
        d->n += c[i].chosen;
    d->samples = radz_calloc(d->n, sizeof *d->samples, err);
    if (d->samples == NULL)
        return RADZ_E_NOMEM;
    d->labels = radz_calloc(d->n, C, err);
    d->positives = radz_calloc(C, sizeof *d->positives, err);
    d->negatives = radz_calloc(C, sizeof *d->negatives, err);
    uint32_t *cluster = radz_arena_alloc(&l->scratch, l->patients.count, sizeof *cluster, err);
    if (d->labels == NULL || d->positives == NULL || d->negatives == NULL || cluster == NULL)
        return RADZ_E_NOMEM;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (!c[i].chosen)
            continue;
        const row_image *row = &l->rows[c[i].image];
        if (cluster[row->patient] == 0)
            cluster[row->patient] = (uint32_t)++d->n_patients;
        radz_sample *s = &d->samples[at];
        *s = (radz_sample){.image_id = l->images.names[c[i].image],
                           .patient_id = l->patients.names[row->patient],
                           .study_id = row->study,
                           .view = row->view,
                           .age = row->age,
                           .sex = row->sex,
                           .patient = cluster[row->patient] - 1};
        if (row->folder != RADZ_NAME_NONE) {
            s->path = image_path(l, c[i].image, row->folder, &d->arena, err);
            if (s->path == NULL)
                return RADZ_E_NOMEM;
        }
        for (size_t k = 0; k < C; k++) {
            int8_t label = l->labels[(size_t)c[i].image * l->n_classes + columns[k]];
            d->labels[at * C + k] = label;
            d->positives[k] += label == 1;
            d->negatives[k] += label == 0;
        }
        at++;
    }
    return RADZ_OK;
}

static radz_status keep_samples(loader *l, const radz_dataset_filter *filter, radz_error *err)
{
    radz_dataset *d = l->d;
    size_t n = 0;
    size_t *columns = radz_arena_alloc(&l->scratch, l->n_classes, sizeof *columns, err);
    candidate *c = radz_calloc(l->images.count, sizeof *c, err);
    radz_status st = columns != NULL && c != NULL ? choose_classes(l, filter, columns, err) : RADZ_E_NOMEM;
    for (size_t i = 0; i < l->images.count && st == RADZ_OK; i++) {
        uint32_t image = l->order[i];
        if (filter->keep_missing || l->rows[image].folder != RADZ_NAME_NONE)
            c[n++] = (candidate){.image = image, .chosen = true};
    }
    if (st == RADZ_OK && filter->limit > 0 && filter->limit < n) {
        for (size_t i = 0; i < n; i++)
            c[i].chosen = false;
        d->subset = true;
        st = choose_subset(l, c, n, filter->limit, filter->seed, columns, d->n_classes, err);
    }
    if (st == RADZ_OK)
        st = build_samples(l, c, n, columns, err);
    free(c);
    return st;
}

/* Report texts of the samples that are kept. */
static radz_status read_reports(loader *l, radz_error *err)
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
    st = of != NULL ? radz_csv_open(path, &csv, err) : RADZ_E_NOMEM;
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

/* ---- the whole ---- */

static radz_status fail_split_name(const radz_dataset_card *card, const char *split, radz_error *err)
{
    const char *known[100];
    for (size_t i = 0; i < card->splits_count; i++)
        known[i] = card->splits[i].name;
    radz_status st = radz_fail_unknown_in(err, "split", split, known, card->splits_count);
    (void)radz_prefix(err, "data set '%s'", card->base.name);
    return st;
}

static void free_loader(loader *l)
{
    radz_name_table_free(&l->listed);
    radz_name_table_free(&l->images);
    radz_name_table_free(&l->patients);
    radz_name_table_free(&l->texts);
    radz_name_table_free(&l->folders);
    radz_name_table_free(&l->spellings);
    free(l->meaning);
    free(l->rows);
    free(l->labels);
    free(l->order);
    radz_arena_free(&l->scratch);
}

radz_status radz_dataset_load(const radz_dataset_card *card, const char *root, const char *split,
                              const radz_dataset_filter *filter, radz_dataset **out, radz_error *err)
{
    static const radz_dataset_filter all = {0};
    *out = NULL;
    if (card->reader == RADZ_READER_NONE)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "data set '%s': its reader is not built yet", card->base.name);
    const radz_split_spec *spec = radz_dataset_card_split(card, split != NULL ? split : card->split);
    if (spec == NULL)
        return fail_split_name(card, split, err);
    loader l = {.card = card, .split = spec, .root = root, .n_classes = card->classes_count,
                .tolerate = filter != NULL && filter->tolerate};
    l.d = radz_calloc(1, sizeof *l.d, err);
    if (l.d == NULL)
        return RADZ_E_NOMEM;
    l.d->name = radz_arena_strdup(&l.d->arena, card->base.name, err);
    l.d->split = radz_arena_strdup(&l.d->arena, spec->name, err);
    l.d->root = radz_arena_strdup(&l.d->arena, root, err);
    l.row_labels = radz_arena_alloc(&l.scratch, l.n_classes, 1, err);
    l.class_columns = radz_arena_alloc(&l.scratch, l.n_classes, sizeof *l.class_columns, err);
    radz_status st = RADZ_OK;
    if (l.d->name == NULL || l.d->split == NULL || l.d->root == NULL || l.row_labels == NULL || l.class_columns == NULL)
        st = RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = learn_spellings(&l, err);
    if (st == RADZ_OK)
        st = read_lists(&l, err);
    if (st == RADZ_OK)
        st = read_labels(&l, err);
    if (st == RADZ_OK)
        st = find_images(&l, err);
    if (st == RADZ_OK)
        st = survey_split(&l, err);
    if (st == RADZ_OK)
        st = keep_samples(&l, filter != NULL ? filter : &all, err);
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
