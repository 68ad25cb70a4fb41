#include "data/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"

enum { FEW_POSITIVES = 10 };

const char *radz_severity_name(radz_severity severity)
{
    static const char *const names[] = {"info", "warning", "error"};
    return names[severity];
}

typedef struct checker {
    const radz_dataset_card *card;
    radz_findings *out;
    radz_error *err;
} checker;

/* Adds a finding; its text is a format. Returns NULL for want of memory (then `err` is set). */
static radz_finding *add(checker *c, radz_severity severity, const char *code, const char *split, size_t count,
                         const char *effect, const char *format, ...) RADZ_PRINTF(7, 8);
static radz_finding *add(checker *c, radz_severity severity, const char *code, const char *split, size_t count,
                         const char *effect, const char *format, ...)
{
    radz_findings *out = c->out;
    if (radz_grow(&out->items, &out->capacity, out->count + 1, sizeof *out->items, c->err) != RADZ_OK)
        return NULL;
    char text[1400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    radz_finding *f = &out->items[out->count];
    *f = (radz_finding){.severity = severity, .code = code, .effect = effect, .count = count};
    f->what = radz_arena_strdup(&out->arena, text, c->err);
    f->split = split != NULL ? radz_arena_strdup(&out->arena, split, c->err) : NULL;
    if (f->what == NULL || (split != NULL && f->split == NULL))
        return NULL;
    out->count++;
    out->errors += severity == RADZ_SEVERITY_ERROR;
    out->warnings += severity == RADZ_SEVERITY_WARNING;
    return f;
}

/* Adds an example while there is room; false for want of memory. */
static bool example(checker *c, radz_finding *f, const char *text)
{
    for (size_t i = 0; i < RADZ_FINDING_EXAMPLES; i++) {
        if (f->examples[i] == NULL) {
            f->examples[i] = radz_arena_strdup(&c->out->arena, text, c->err);
            return f->examples[i] != NULL;
        }
    }
    return true;
}

#define TRY(condition)                                                                                                 \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return RADZ_E_NOMEM;                                                                                       \
    } while (0)

static const char not_the_published[] = "Figures are not comparable with published ones of this split.";

/* Counts against the card's. */
static radz_status check_counts(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    const radz_labels_spec *labels = c->card->labels;
    if (labels->rows_expected != 0 && d->n_rows != labels->rows_expected && split == &c->card->splits[0])
        TRY(add(c, RADZ_SEVERITY_WARNING, "rows", NULL, 1, not_the_published,
                "'%s' has %zu rows; the published file has %llu", d->label_file, d->n_rows,
                (unsigned long long)labels->rows_expected));
    if (split->images != 0 && d->split_images != split->images)
        TRY(add(c, RADZ_SEVERITY_ERROR, "images", split->name, 1, not_the_published,
                "%zu images; the published split has %llu", d->split_images, (unsigned long long)split->images));
    if (split->patients != 0 && d->split_patients != split->patients)
        TRY(add(c, RADZ_SEVERITY_ERROR, "patients", split->name, 1, not_the_published,
                "%zu patients; the published split has %llu", d->split_patients, (unsigned long long)split->patients));
    radz_finding *f = NULL;
    for (size_t i = 0; i < split->positives_count; i++) {
        const radz_class_count *want = &split->positives[i];
        size_t k = 0;
        while (strcmp(d->classes[k], want->class_name) != 0) /* the card's check made sure that it is there */
            k++;
        if (d->split_positives[k] == want->count)
            continue;
        if (f == NULL)
            TRY(f = add(c, RADZ_SEVERITY_ERROR, "positives", split->name, 0, not_the_published,
                        "the number of positive images differs from the published one"));
        f->count++;
        char text[200];
        snprintf(text, sizeof text, "%.100s: %zu, published %llu", want->class_name, d->split_positives[k],
                 (unsigned long long)want->count);
        TRY(example(c, f, text));
    }
    return RADZ_OK;
}

static radz_status check_images(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    if (d->n_missing == 0)
        return RADZ_OK;
    bool none = d->n_missing == d->n;
    radz_finding *f =
        add(c, none ? RADZ_SEVERITY_ERROR : RADZ_SEVERITY_WARNING, none ? "no-images" : "missing-images", split->name,
            d->n_missing,
            none ? "Nothing can be evaluated."
                 : "Only the images that are here are evaluated; figures are those of this part of the split.",
            "%zu of %zu images have no file below '%s'", d->n_missing, d->n, d->root);
    TRY(f);
    for (size_t i = 0; i < d->n && f->examples[RADZ_FINDING_EXAMPLES - 1] == NULL; i++)
        if (d->samples[i].path == NULL)
            TRY(example(c, f, d->samples[i].image_id));
    return RADZ_OK;
}

/* What the load counted while it passed over faults. */
static radz_status check_rows(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    const struct {
        radz_fault_kind kind;
        radz_severity severity;
        const char *code, *what, *file, *effect;
    } table[] = {
        {RADZ_FAULT_UNKNOWN_LABEL, RADZ_SEVERITY_ERROR, "unknown-label", "labels that are no class of the card",
         d->label_file,
         "A run stops there. A program that takes them for negatives counts the finding as absent on these images."},
        {RADZ_FAULT_CONTRADICTION, RADZ_SEVERITY_ERROR, "contradiction",
         "rows that contradict themselves or an earlier row of the image", d->label_file,
         "A run stops there. A program that keeps one or the other gets other figures."},
        {RADZ_FAULT_BAD_ID, RADZ_SEVERITY_ERROR, "bad-id", "rows without an image id, or with a tab or a line break in it",
         d->label_file, "A run stops there."},
        {RADZ_FAULT_UNLABELLED, RADZ_SEVERITY_ERROR, "no-labels", "images without a row in the label file", split->list,
         "They are left out; figures are not those of the split."},
        {RADZ_FAULT_REPEATED, RADZ_SEVERITY_WARNING, "repeated-rows", "rows that repeat an image, with the same labels",
         d->label_file, "Each image is counted once; a program that counts rows gets other figures."},
        {RADZ_FAULT_LISTED_TWICE, RADZ_SEVERITY_WARNING, "listed-twice", "lines that repeat an image", split->list,
         "Each image is counted once; a program that counts lines gets other figures."},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const radz_fault *fault = &d->faults[table[i].kind];
        if (fault->count == 0)
            continue;
        radz_finding *f = add(c, table[i].severity, table[i].code, split->name, fault->count, table[i].effect,
                              "'%.300s': %s: %zu", table[i].file, table[i].what, fault->count);
        TRY(f);
        for (size_t e = 0; e < RADZ_FAULT_EXAMPLES && fault->examples[e] != NULL; e++)
            TRY(example(c, f, fault->examples[e]));
    }
    return RADZ_OK;
}

/* One finding about the classes that `single` says: those with one value only, or those with few of one value. `counts`
 * [C, 3]: negative, positive, masked. */
static radz_status list_classes(checker *c, const radz_split_spec *split, const radz_dataset *d, const size_t *counts,
                                bool single)
{
    radz_finding *f = NULL;
    for (size_t k = 0; k < d->n_classes; k++) {
        size_t negative = counts[k * 3], positive = counts[k * 3 + 1], rarer = positive < negative ? positive : negative;
        if (single ? rarer != 0 : rarer == 0 || rarer >= FEW_POSITIVES)
            continue;
        if (f == NULL && single)
            f = add(c, RADZ_SEVERITY_WARNING, "one-valued-class", split->name, 0,
                    "AUC and average precision of these classes are not defined (NA) and not in the macro mean.",
                    "classes with one value only among the images here");
        else if (f == NULL)
            f = add(c, RADZ_SEVERITY_INFO, "few-positives", split->name, 0,
                    "Figures of these classes hang on single images; look at their intervals.",
                    "classes with fewer than %d positive or negative images here", FEW_POSITIVES);
        TRY(f);
        f->count++;
        char text[200];
        snprintf(text, sizeof text, "%.100s: %zu positive, %zu negative%s", d->classes[k], positive, negative,
                 counts[k * 3 + 2] > 0 ? ", others masked" : "");
        TRY(example(c, f, text));
    }
    return RADZ_OK;
}

/* Positives and negatives of the images that are here (of all of them when none is). */
static radz_status check_classes(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    size_t C = d->n_classes;
    size_t *counts = radz_calloc(C * 3, sizeof *counts, c->err);
    if (counts == NULL)
        return RADZ_E_NOMEM;
    bool only_here = d->n_missing < d->n;
    for (size_t i = 0; i < d->n; i++)
        for (size_t k = 0; k < C && (!only_here || d->samples[i].path != NULL); k++)
            counts[k * 3 + (d->labels[i * C + k] == RADZ_LABEL_MASKED ? 2 : (size_t)d->labels[i * C + k])]++;
    radz_status st = list_classes(c, split, d, counts, true);
    if (st == RADZ_OK)
        st = list_classes(c, split, d, counts, false);
    free(counts);
    return st;
}

static radz_status check_reports(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    if (c->card->reports == NULL || d->n_reports == d->n)
        return RADZ_OK;
    TRY(add(c, d->n_reports == 0 ? RADZ_SEVERITY_WARNING : RADZ_SEVERITY_INFO, "no-reports", split->name,
            d->n - d->n_reports, "They cannot be trained on; figures stay the same.", "%zu of %zu images have no report in '%s'",
            d->n - d->n_reports, d->n, c->card->reports->file));
    return RADZ_OK;
}

static radz_status check_split(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    if (d->n == 0) {
        TRY(add(c, RADZ_SEVERITY_ERROR, "empty-split", split->name, 1, "Nothing can be evaluated.",
                "no row of '%s' belongs to this split", d->label_file));
        return check_rows(c, split, d);
    }
    radz_status st = check_counts(c, split, d);
    if (st == RADZ_OK)
        st = check_rows(c, split, d);
    if (st == RADZ_OK)
        st = check_images(c, split, d);
    if (st == RADZ_OK)
        st = check_classes(c, split, d);
    if (st == RADZ_OK)
        st = check_reports(c, split, d);
    if (st == RADZ_OK && d->n_patients == 1 && d->n > 1)
        TRY(add(c, RADZ_SEVERITY_WARNING, "one-patient", split->name, 1, "Intervals over patients are not defined.",
                "all images are of one patient"));
    return st;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The sorted distinct patients of a split; the caller frees. */
static const char **sorted_patients(const radz_dataset *d, size_t *count, radz_error *err)
{
    const char **names = radz_calloc(d->n_patients, sizeof *names, err);
    if (names == NULL)
        return NULL;
    for (size_t i = 0; i < d->n; i++)
        names[d->samples[i].patient] = d->samples[i].patient_id;
    qsort(names, d->n_patients, sizeof *names, compare_text);
    *count = d->n_patients;
    return names;
}

/* Adds one finding about what two sorted lists share. */
static radz_status check_shared(checker *c, const char *thing, const char *code, const char *a_name, const char *b_name,
                                const char *const *a, size_t n_a, const char *const *b, size_t n_b, size_t stride_a,
                                size_t stride_b)
{
    radz_finding *f = NULL;
    for (size_t i = 0, j = 0; i < n_a && j < n_b;) {
        const char *x = *(const char *const *)((const char *)a + i * stride_a);
        const char *y = *(const char *const *)((const char *)b + j * stride_b);
        int order = strcmp(x, y);
        if (order == 0) {
            if (f == NULL)
                TRY(f = add(c, RADZ_SEVERITY_ERROR, code, a_name, 0,
                            "What was learnt or chosen on the one split is known to the other: figures are too good.",
                            "%s in both '%s' and '%s'", thing, a_name, b_name));
            f->count++;
            TRY(example(c, f, x));
        }
        i += order <= 0;
        j += order >= 0;
    }
    return RADZ_OK;
}

static bool has_selector(const radz_split_spec *split)
{
    return split->list != NULL || split->column != NULL || split->except_count > 0;
}

static radz_status check_overlap(checker *c, radz_dataset *const *sets)
{
    const radz_dataset_card *card = c->card;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < card->splits_count; i++) {
        for (size_t j = i + 1; j < card->splits_count && st == RADZ_OK; j++) {
            const radz_dataset *a = sets[i], *b = sets[j];
            if (a == NULL || b == NULL || a->n == 0 || b->n == 0 || !has_selector(&card->splits[i]) ||
                !has_selector(&card->splits[j]))
                continue;
            st = check_shared(c, "images are", "image-overlap", a->split, b->split, &a->samples[0].image_id, a->n,
                              &b->samples[0].image_id, b->n, sizeof *a->samples, sizeof *b->samples);
            if (st != RADZ_OK || card->columns->patient == NULL)
                continue;
            size_t n_x = 0, n_y = 0;
            const char **x = sorted_patients(a, &n_x, c->err), **y = sorted_patients(b, &n_y, c->err);
            st = x != NULL && y != NULL ? check_shared(c, "patients are", "patient-overlap", a->split, b->split, x, n_x, y,
                                                       n_y, sizeof *x, sizeof *y)
                                        : RADZ_E_NOMEM;
            free(x);
            free(y);
        }
    }
    return st;
}

radz_status radz_check_dataset(const radz_dataset_card *card, const char *root, radz_findings *out, radz_error *err)
{
    checker c = {card, out, err};
    if (card->reader == RADZ_READER_NONE) {
        TRY(add(&c, RADZ_SEVERITY_INFO, "no-reader", NULL, 1, "Nothing can be evaluated.",
                "the reader of this data set is not built yet"));
        return RADZ_OK;
    }
    radz_dataset **sets = radz_calloc(card->splits_count, sizeof *sets, err);
    if (sets == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < card->splits_count && st == RADZ_OK; i++) {
        const radz_split_spec *split = &card->splits[i];
        const radz_dataset_filter everything = {.keep_missing = true, .tolerate = true};
        radz_error why = {0};
        st = radz_dataset_load(card, root, split->name, &everything, &sets[i], &why);
        if (st == RADZ_OK) {
            st = check_split(&c, split, sets[i]);
        } else if (st == RADZ_E_NOMEM || st == RADZ_E_INTERRUPTED) {
            st = radz_fail(err, st, "%s", why.message);
        } else {
            /* a list that is missing for another split than the one evaluated is no fault of the figures */
            bool main_split = strcmp(split->name, card->split) == 0 || st != RADZ_E_MISSING;
            st = add(&c, main_split ? RADZ_SEVERITY_ERROR : RADZ_SEVERITY_INFO, "unreadable", split->name, 1,
                     main_split ? "Nothing can be evaluated." : "This split cannot be used, nor checked for overlap.",
                     "%s", why.message) != NULL ? RADZ_OK : RADZ_E_NOMEM;
        }
    }
    if (st == RADZ_OK)
        st = check_overlap(&c, sets);
    for (size_t i = 0; i < card->splits_count; i++)
        radz_dataset_free(sets[i]);
    free(sets);
    return st;
}

void radz_findings_free(radz_findings *findings)
{
    free(findings->items);
    radz_arena_free(&findings->arena);
    *findings = (radz_findings){0};
}
