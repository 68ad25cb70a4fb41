#include "data/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/csv.h"
#include "data/labels.h"

enum { FEW_POSITIVES = 10 };

const char *radz_severity_name(radz_severity severity)
{
    static const char *const names[] = {"info", "warning", "error"};
    return names[severity];
}

/* ---- the list of findings ---- */

radz_finding *radz_findings_add(radz_findings *out, radz_severity severity, const char *code, const char *dataset,
                                const char *split, size_t count, const char *effect, radz_error *err, const char *format,
                                ...)
{
    if (radz_grow(&out->items, &out->capacity, out->count + 1, sizeof *out->items, err) != RADZ_OK)
        return NULL;
    char text[1400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    radz_finding *f = &out->items[out->count];
    *f = (radz_finding){.severity = severity, .code = code, .count = count, .counting = count == 0};
    f->dataset = radz_arena_strdup(&out->arena, dataset, err);
    f->what = radz_arena_strdup(&out->arena, text, err);
    f->effect = radz_arena_strdup(&out->arena, effect, err);
    f->split = split != NULL ? radz_arena_strdup(&out->arena, split, err) : NULL;
    if (f->dataset == NULL || f->what == NULL || f->effect == NULL || (split != NULL && f->split == NULL))
        return NULL;
    out->count++;
    out->errors += severity == RADZ_SEVERITY_ERROR;
    out->warnings += severity == RADZ_SEVERITY_WARNING;
    return f;
}

radz_status radz_findings_settle(radz_findings *findings, radz_error *err)
{
    for (size_t i = 0; i < findings->count; i++) {
        radz_finding *f = &findings->items[i];
        if (!f->counting)
            continue;
        f->what = radz_arena_printf(&findings->arena, err, "%s: %zu", f->what, f->count);
        if (f->what == NULL)
            return RADZ_E_NOMEM;
        f->counting = false;
    }
    return RADZ_OK;
}

radz_status radz_finding_example(radz_findings *findings, radz_finding *f, const char *text, radz_error *err)
{
    for (size_t i = 0; i < RADZ_FINDING_EXAMPLES; i++) {
        if (f->examples[i] == NULL) {
            f->examples[i] = radz_arena_strdup(&findings->arena, text, err);
            return f->examples[i] != NULL ? RADZ_OK : RADZ_E_NOMEM;
        }
    }
    return RADZ_OK;
}

typedef struct checker {
    const radz_dataset_card *card;
    const radz_terms_card *terms;
    const char *evaluated; /* split */
    radz_findings *out;
    radz_error *err;
} checker;

#define add(c, severity, code, split, count, effect, ...)                                                              \
    radz_findings_add((c)->out, severity, code, (c)->card->base.name, split, count, effect, (c)->err, __VA_ARGS__)

/* Adds an example while there is room; false for want of memory. */
static bool example(checker *c, radz_finding *f, const char *text)
{
    return radz_finding_example(c->out, f, text, c->err) == RADZ_OK;
}

#define TRY(condition)                                                                                                 \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return RADZ_E_NOMEM;                                                                                       \
    } while (0)

/* A file as a finding names it: from the root on. */
static const char *below(const char *root, const char *path)
{
    size_t length = strlen(root);
    if (path == NULL || strncmp(path, root, length) != 0)
        return path != NULL ? path : "";
    path += length;
    while (*path == '/')
        path++;
    return path;
}

void radz_finding_scrub(char *text, const char *root)
{
    size_t length = strlen(root);
    while (length > 1 && root[length - 1] == '/')
        length--;
    for (char *at = text; length > 1 && *at != '\0';) {
        size_t cut = length;
        if (strncmp(at, root, length) != 0 || (at[cut] != '/' && at[cut] != '\'' && at[cut] != '\0')) {
            at++;
            continue;
        }
        while (at[cut] == '/')
            cut++;
        if (at > text && at[-1] == '\'' && at[cut] == '\'') /* the folder itself */
            *at++ = '.', cut--;
        memmove(at, at + cut, strlen(at + cut) + 1);
    }
}

/* ---- one split ---- */

static const char not_the_published[] = "Figures are not comparable with published ones of this split.";

/* The first split that is read from the card's own label files: the one that speaks for all about their rows. */
static bool speaks_for_rows(const radz_dataset_card *card, const radz_split_spec *split)
{
    for (size_t i = 0; i < card->splits_count; i++)
        if (card->splits[i].files_count == 0)
            return split == &card->splits[i];
    return false;
}

/* Counts against the card's. */
static radz_status check_counts(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    const radz_labels_spec *labels = c->card->labels;
    if (labels->rows_expected != 0 && d->n_rows != labels->rows_expected && speaks_for_rows(c->card, split))
        TRY(add(c, RADZ_SEVERITY_WARNING, "rows", NULL, 1, not_the_published,
                "'%s' has %zu rows; the published file has %llu", below(d->root, d->label_file), d->n_rows,
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
                        "classes whose number of positive images differs from the published one"));
        f->count++;
        char text[200];
        snprintf(text, sizeof text, "%.100s: %zu, published %llu", want->class_name, d->split_positives[k],
                 (unsigned long long)want->count);
        TRY(example(c, f, text));
    }
    if (split->fingerprint != NULL && strcmp(split->fingerprint, d->split_fingerprint) != 0)
        TRY(add(c, RADZ_SEVERITY_ERROR, "fingerprint", split->name, 1, not_the_published,
                "ids and labels have the fingerprint %.12s...; those of the published split have %.12s...",
                d->split_fingerprint, split->fingerprint));
    return RADZ_OK;
}

static radz_status check_images(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    if (d->n_missing == 0)
        return RADZ_OK;
    bool none = d->n_missing == d->n, evaluated = strcmp(split->name, c->evaluated) == 0;
    radz_finding *f =
        add(c, !evaluated ? RADZ_SEVERITY_INFO : none ? RADZ_SEVERITY_ERROR : RADZ_SEVERITY_WARNING,
            none ? "no-images" : "missing-images", split->name, d->n_missing,
            none ? "Nothing of this split can be evaluated."
                 : "Only the images that are here can be evaluated; figures are those of this part of the split.",
            "%zu of %zu images have no file", d->n_missing, d->n);
    TRY(f);
    for (size_t i = 0; i < d->n && f->examples[RADZ_FINDING_EXAMPLES - 1] == NULL; i++)
        if (d->samples[i].path == NULL)
            TRY(example(c, f, d->samples[i].image_id));
    return RADZ_OK;
}

/* Downloads that are still packed explain what is missing. */
static radz_status check_unopened(checker *c, const radz_dataset *d)
{
    radz_unopened unopened = {0};
    if (d->n_missing == 0)
        return RADZ_OK;
    radz_status st = radz_unopened_find(c->card, d->root, &unopened, c->err);
    if (st != RADZ_OK || unopened.archives.count == 0)
        return st;
    radz_finding *f = add(c, RADZ_SEVERITY_WARNING, "unopened-archives", NULL, unopened.archives.count,
                          "What is inside them counts as missing.", "%s", unopened.text.text);
    st = f != NULL ? RADZ_OK : RADZ_E_NOMEM;
    for (size_t i = 0; i < unopened.archives.count && i < RADZ_FINDING_EXAMPLES && st == RADZ_OK; i++)
        st = example(c, f, unopened.archives.items[i]) ? RADZ_OK : RADZ_E_NOMEM;
    radz_unopened_free(&unopened);
    return st;
}

/* The class of the card that a label is another name of; NULL: none. `label` may carry " (line N)" at its end. */
static const char *class_meant(const checker *c, const char *label)
{
    char text[200];
    snprintf(text, sizeof text, "%s", label);
    char *end = strstr(text, " (line ");
    if (end != NULL)
        *end = '\0';
    const radz_term *term = radz_term_find(c->terms, text);
    for (size_t k = 0; k < c->card->classes_count; k++)
        if (radz_term_same_spelling(c->card->classes[k].name, text) ||
            (term != NULL && radz_term_find(c->terms, c->card->classes[k].name) == term))
            return c->card->classes[k].name;
    return NULL;
}

/* What the load counted while it passed over faults. */
static radz_status check_rows(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    const char *labels = below(d->root, d->label_file), *list = split->list_count > 0 ? split->list[0] : labels;
    const struct {
        radz_fault_kind kind;
        radz_severity severity;
        const char *code, *what, *file, *effect;
    } table[] = {
        {RADZ_FAULT_UNKNOWN_LABEL, RADZ_SEVERITY_ERROR, "unknown-label", "labels that are no class of the card", labels,
         "A run stops there. A program that takes them for negatives counts the finding as absent on these images."},
        {RADZ_FAULT_CONTRADICTION, RADZ_SEVERITY_ERROR, "contradiction",
         "rows that contradict themselves or an earlier row of the image", labels,
         "A run stops there. A program that keeps one or the other gets other figures."},
        {RADZ_FAULT_BAD_ID, RADZ_SEVERITY_ERROR, "bad-id", "rows without an image id, or with a tab or a line break in it",
         labels, "A run stops there."},
        {RADZ_FAULT_UNLABELLED, RADZ_SEVERITY_ERROR, "no-labels", "images without a row in the label file", list,
         "They are left out; figures are not those of the split."},
        {RADZ_FAULT_REPEATED, RADZ_SEVERITY_WARNING, "repeated-rows", "rows that repeat an image, with the same labels",
         labels, "Each image is counted once; a program that counts rows gets other figures."},
        {RADZ_FAULT_LISTED_TWICE, RADZ_SEVERITY_WARNING, "listed-twice", "lines that repeat an image", list,
         "Each image is counted once; a program that counts lines gets other figures."},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const radz_fault *fault = &d->faults[table[i].kind];
        if (fault->count == 0)
            continue;
        radz_finding *f = add(c, table[i].severity, table[i].code, split->name, fault->count, table[i].effect,
                              "'%.300s': %s: %zu", table[i].file, table[i].what, fault->count);
        TRY(f);
        for (size_t e = 0; e < RADZ_FAULT_EXAMPLES && fault->examples[e] != NULL; e++) {
            const char *meant = table[i].kind == RADZ_FAULT_UNKNOWN_LABEL ? class_meant(c, fault->examples[e]) : NULL;
            char text[500];
            snprintf(text, sizeof text, "%.300s%s%.100s%s", fault->examples[e], meant != NULL ? ", a name of '" : "",
                     meant != NULL ? meant : "", meant != NULL ? "': add it to its synonyms" : "");
            TRY(example(c, f, text));
        }
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
            f = add(c, strcmp(split->name, c->evaluated) == 0 ? RADZ_SEVERITY_WARNING : RADZ_SEVERITY_INFO,
                    "one-valued-class", split->name, 0,
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

/* Classes whose labels are the very same on every image: a column that was read twice, or mapped twice. */
static radz_status check_same_labels(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    size_t C = d->n_classes;
    uint64_t *sums = radz_calloc(C, sizeof *sums, c->err);
    radz_finding *f = NULL;
    radz_status st = sums != NULL ? RADZ_OK : RADZ_E_NOMEM;
    for (size_t i = 0; i < d->n && st == RADZ_OK; i++) /* FNV-1a of each column */
        for (size_t k = 0; k < C; k++)
            sums[k] = (sums[k] ^ (uint8_t)(d->labels[i * C + k] + 1)) * UINT64_C(0x100000001b3);
    for (size_t k = 0; k < C && st == RADZ_OK; k++) {
        for (size_t j = 0; j < k && st == RADZ_OK; j++) {
            bool same = sums[j] == sums[k] && d->positives[k] > 0;
            for (size_t i = 0; i < d->n && same; i++)
                same = d->labels[i * C + j] == d->labels[i * C + k];
            if (!same)
                continue;
            if (f == NULL)
                f = add(c, RADZ_SEVERITY_WARNING, "same-labels", split->name, 0,
                        "One of the two is likely to be a mistake of the label file or of the card's columns.",
                        "pairs of classes with the very same labels on every image");
            char text[250];
            snprintf(text, sizeof text, "%.100s = %.100s", d->classes[j], d->classes[k]);
            st = f != NULL && example(c, f, text) ? RADZ_OK : RADZ_E_NOMEM;
            if (st == RADZ_OK)
                f->count++;
        }
    }
    free(sums);
    return st;
}

static radz_status check_reports(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    if (c->card->reports == NULL || d->n_reports == d->n)
        return RADZ_OK;
    radz_finding *f = add(c, d->n_reports == 0 ? RADZ_SEVERITY_WARNING : RADZ_SEVERITY_INFO, "no-reports", split->name,
                          d->n - d->n_reports, "They cannot be trained on; figures stay the same.",
                          "%zu of %zu images have no report in '%s'", d->n - d->n_reports, d->n, c->card->reports->file);
    TRY(f);
    for (size_t i = 0; i < d->n && f->examples[RADZ_FINDING_EXAMPLES - 1] == NULL; i++)
        if (d->samples[i].report == NULL)
            TRY(example(c, f, d->samples[i].image_id));
    return RADZ_OK;
}

static radz_status check_split(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    if (d->n == 0) {
        TRY(add(c, RADZ_SEVERITY_ERROR, "empty-split", split->name, 1, "Nothing can be evaluated.",
                "no row of '%s' belongs to this split", below(d->root, d->label_file)));
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
        st = check_same_labels(c, split, d);
    if (st == RADZ_OK)
        st = check_reports(c, split, d);
    if (st == RADZ_OK && d->n_patients == 1 && d->n > 1)
        TRY(add(c, RADZ_SEVERITY_WARNING, "one-patient", split->name, 1, "Intervals over patients are not defined.",
                "all images are of one patient"));
    return st;
}

/* What the split has, for whoever prints it. */
static radz_status keep_counts(checker *c, const radz_split_spec *split, const radz_dataset *d)
{
    radz_findings *out = c->out;
    TRY(radz_grow(&out->splits, &out->splits_capacity, out->n_splits + 1, sizeof *out->splits, c->err) == RADZ_OK);
    radz_split_counts *s = &out->splits[out->n_splits];
    size_t C = d->n_classes;
    *s = (radz_split_counts){.evaluated = strcmp(split->name, c->evaluated) == 0,
                             .images = d->split_images,
                             .patients = d->split_patients,
                             .files = d->split_images - d->n_missing,
                             .images_published = split->images,
                             .patients_published = split->patients,
                             .n_classes = C};
    s->as_published = split->fingerprint != NULL && strcmp(split->fingerprint, d->split_fingerprint) == 0;
    memcpy(s->fingerprint, d->split_fingerprint, sizeof s->fingerprint);
    s->dataset = radz_arena_strdup(&out->arena, c->card->base.name, c->err);
    s->split = radz_arena_strdup(&out->arena, split->name, c->err);
    s->classes = radz_arena_alloc(&out->arena, C, sizeof *s->classes, c->err);
    s->positives = radz_arena_alloc(&out->arena, C, sizeof *s->positives, c->err);
    s->masked = radz_arena_alloc(&out->arena, C, sizeof *s->masked, c->err);
    TRY(s->dataset != NULL && s->split != NULL && s->classes != NULL && s->positives != NULL && s->masked != NULL);
    if (split->positives_count > 0)
        TRY(s->positives_published = radz_arena_alloc(&out->arena, C, sizeof *s->positives_published, c->err));
    for (size_t k = 0; k < C; k++) {
        TRY(s->classes[k] = radz_arena_strdup(&out->arena, d->classes[k], c->err));
        s->positives[k] = d->positives[k];
        s->masked[k] = d->n - d->positives[k] - d->negatives[k];
        for (size_t p = 0; p < split->positives_count; p++)
            if (strcmp(split->positives[p].class_name, d->classes[k]) == 0)
                s->positives_published[k] = split->positives[p].count;
    }
    out->n_splits++;
    return RADZ_OK;
}

/* ---- between splits ---- */

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
                TRY(f = add(c, RADZ_SEVERITY_ERROR, code, strcmp(b_name, c->evaluated) == 0 ? b_name : a_name, 0,
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
    return split->files_count > 0 || split->list_count > 0 || split->where_count > 0 || split->except_count > 0;
}

bool radz_check_must_be_disjoint(const radz_split_spec *a, const radz_split_spec *b)
{
    const char *x = a->scheme != NULL ? a->scheme : "", *y = b->scheme != NULL ? b->scheme : "";
    return has_selector(a) && has_selector(b) && strcmp(x, y) == 0;
}

static radz_status check_overlap(checker *c, radz_dataset *const *sets)
{
    const radz_dataset_card *card = c->card;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < card->splits_count; i++) {
        for (size_t j = i + 1; j < card->splits_count && st == RADZ_OK; j++) {
            const radz_dataset *a = sets[i], *b = sets[j];
            if (a == NULL || b == NULL || a->n == 0 || b->n == 0 ||
                !radz_check_must_be_disjoint(&card->splits[i], &card->splits[j]))
                continue;
            st = check_shared(c, "images that are", "image-overlap", a->split, b->split, &a->samples[0].image_id, a->n,
                              &b->samples[0].image_id, b->n, sizeof *a->samples, sizeof *b->samples);
            if (st != RADZ_OK || card->columns->patient == NULL)
                continue;
            size_t n_x = 0, n_y = 0;
            const char **x = sorted_patients(a, &n_x, c->err), **y = sorted_patients(b, &n_y, c->err);
            st = x != NULL && y != NULL ? check_shared(c, "patients that are", "patient-overlap", a->split, b->split, x, n_x, y,
                                                       n_y, sizeof *x, sizeof *y)
                                        : RADZ_E_NOMEM;
            free(x);
            free(y);
        }
    }
    return st;
}

/* ---- the card and the label file's header ---- */

/* Whether `name` stands in `text` as a whole word or more. */
static bool holds_word(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = text; (at = strstr(at, name)) != NULL; at++) {
        bool begins = at == text || strchr(" _-/", at[-1]) != NULL, ends = strchr(" _-/", at[length]) != NULL;
        if (begins && ends)
            return true;
    }
    return false;
}

static radz_status check_class_names(checker *c)
{
    const radz_dataset_card *card = c->card;
    radz_finding *inside = NULL, *twice = NULL, *unknown = NULL;
    char text[300];
    for (size_t k = 0; k < card->classes_count; k++) {
        const char *name = card->classes[k].name;
        for (size_t j = 0; j < card->classes_count; j++) {
            const char *other = card->classes[j].name;
            if (j == k || !holds_word(other, name))
                continue;
            if (inside == NULL)
                TRY(inside = add(c, RADZ_SEVERITY_INFO, "name-in-name", NULL, 0,
                                 "An answer matched by substring counts the one for the other.",
                                 "names of classes that stand inside another class's name"));
            inside->count++;
            snprintf(text, sizeof text, "'%.100s' in '%.100s'", name, other);
            TRY(example(c, inside, text));
        }
    }
    for (size_t k = 0; k < card->classes_count && c->terms != NULL; k++) {
        const radz_term *term = radz_term_find(c->terms, card->classes[k].name);
        for (size_t j = 0; j < k && term != NULL; j++) {
            if (radz_term_find(c->terms, card->classes[j].name) != term)
                continue;
            if (twice == NULL)
                TRY(twice = add(c, RADZ_SEVERITY_WARNING, "one-term-twice", NULL, 0,
                                "The finding counts twice in the macro mean, and neither class holds all its images.",
                                "pairs of classes that the table of terms takes for the same finding"));
            twice->count++;
            snprintf(text, sizeof text, "'%.100s' and '%.100s'", card->classes[j].name, card->classes[k].name);
            TRY(example(c, twice, text));
        }
    }
    bool asks = card->columns->question != NULL; /* its class is an answer, no finding */
    for (size_t k = 0; k < card->classes_count && c->terms != NULL && !asks; k++) {
        if (radz_term_find(c->terms, card->classes[k].name) != NULL)
            continue;
        if (unknown == NULL)
            TRY(unknown = add(c, RADZ_SEVERITY_INFO, "no-term", NULL, 0,
                              "Prompts call them by their own name, and they are not compared with other data sets.",
                              "classes that are not in the table of terms"));
        unknown->count++;
        TRY(example(c, unknown, card->classes[k].name));
    }
    return RADZ_OK;
}

static bool is_class_column(const radz_dataset_card *card, const char *name)
{
    for (size_t k = 0; k < card->classes_count; k++)
        if (strcmp(card->classes[k].column, name) == 0 || radz_text_in(name, card->classes[k].synonyms, card->classes[k].synonyms_count))
            return true;
    return false;
}

/* One column per class: columns that look like labels but are no class of the card, and the order of those that are. */
static radz_status check_columns(checker *c, const radz_dataset *d)
{
    const radz_dataset_card *card = c->card;
    radz_csv *csv = NULL;
    if (card->reader != RADZ_READER_CSV || card->labels->form != RADZ_LABELS_COLUMNS ||
        radz_csv_open(d->label_file, card->labels->delimiter[0], &csv, NULL) != RADZ_OK)
        return RADZ_OK; /* a file that cannot be opened again has its finding already */
    radz_finding *left_out = NULL, *order = NULL;
    size_t last = 0, place;
    bool ok = true;
    for (size_t i = 0; i < radz_csv_columns(csv) && ok; i++) {
        const char *name = radz_csv_column_name(csv, i);
        if (is_class_column(card, name) || radz_term_find(c->terms, name) == NULL)
            continue;
        if (left_out == NULL)
            left_out = add(c, RADZ_SEVERITY_INFO, "label-columns-left-out", NULL, 0,
                           "They are not evaluated, and not in the macro mean.",
                           "columns of '%s' that hold a finding but are no class of the card", below(d->root, d->label_file));
        ok = left_out != NULL && example(c, left_out, name);
        if (ok)
            left_out->count++;
    }
    for (size_t k = 0; k < card->classes_count && ok; k++) {
        if (radz_csv_column(csv, card->classes[k].column, &place, NULL) != RADZ_OK)
            continue;
        if (k > 0 && place < last) {
            char text[300];
            if (order == NULL)
                order = add(c, RADZ_SEVERITY_INFO, "column-order", NULL, 0,
                            "Columns are found by name here; a program that goes by position mixes classes up.",
                            "classes whose columns stand in another order in '%s' than on the card",
                            below(d->root, d->label_file));
            snprintf(text, sizeof text, "'%.100s' is column %zu", card->classes[k].column, place + 1);
            ok = order != NULL && example(c, order, text);
            if (ok)
                order->count++;
        }
        last = place;
    }
    radz_csv_close(csv);
    return ok ? RADZ_OK : RADZ_E_NOMEM;
}

/* ---- the whole ---- */

static radz_status check_splits(checker *c, const char *root, radz_dataset **sets)
{
    const radz_dataset_card *card = c->card;
    radz_status st = RADZ_OK;
    bool header_checked = false;
    for (size_t i = 0; i < card->splits_count && st == RADZ_OK; i++) {
        const radz_split_spec *split = &card->splits[i];
        const radz_dataset_filter everything = {.keep_missing = true, .tolerate = true};
        radz_error why = {0};
        st = radz_dataset_load(card, root, split->name, &everything, &sets[i], &why);
        if (st == RADZ_OK) {
            st = keep_counts(c, split, sets[i]);
            if (st == RADZ_OK && !header_checked)
                st = check_columns(c, sets[i]);
            header_checked = true;
            if (st == RADZ_OK)
                st = check_split(c, split, sets[i]);
            if (st == RADZ_OK && strcmp(split->name, c->evaluated) == 0)
                st = check_unopened(c, sets[i]);
        } else if (st == RADZ_E_NOMEM || st == RADZ_E_INTERRUPTED) {
            st = radz_fail(c->err, st, "%s", why.message);
        } else {
            /* a list that is missing for another split than the one evaluated is no fault of the figures */
            bool main_split = strcmp(split->name, c->evaluated) == 0 || st != RADZ_E_MISSING;
            radz_finding_scrub(why.message, root);
            st = add(c, main_split ? RADZ_SEVERITY_ERROR : RADZ_SEVERITY_INFO, "unreadable", split->name, 1,
                     main_split ? "Nothing can be evaluated." : "This split cannot be used, nor checked for overlap.",
                     "%s", why.message) != NULL ? RADZ_OK : RADZ_E_NOMEM;
        }
    }
    return st;
}

radz_status radz_check_dataset(const radz_dataset_card *card, const char *root, const radz_check_options *options,
                               radz_findings *out, radz_error *err)
{
    checker c = {.card = card, .out = out, .err = err, .evaluated = card->split};
    if (options != NULL) {
        c.terms = options->terms;
        c.evaluated = options->split != NULL ? options->split : card->split;
    }
    bool hand_over = options != NULL && options->splits != NULL;
    if (hand_over)
        *options->splits = NULL;
    radz_dataset **sets = radz_calloc(card->splits_count, sizeof *sets, err);
    if (sets == NULL)
        return RADZ_E_NOMEM;
    radz_status st = check_splits(&c, root, sets);
    if (st == RADZ_OK)
        st = check_class_names(&c);
    if (st == RADZ_OK && card->columns->patient == NULL)
        st = add(&c, RADZ_SEVERITY_INFO, "no-patients", NULL, 1,
                 "Every image counts as a patient of its own: intervals may be too narrow, and leaks of patients between "
                 "splits cannot be seen.",
                 "the card names no column with patients") != NULL ? RADZ_OK : RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = check_overlap(&c, sets);
    if (st == RADZ_OK)
        st = radz_findings_settle(out, err);
    if (st == RADZ_OK && hand_over) {
        *options->splits = sets;
        return RADZ_OK;
    }
    for (size_t i = 0; i < card->splits_count; i++)
        radz_dataset_free(sets[i]);
    free(sets);
    return st;
}

void radz_findings_free(radz_findings *findings)
{
    free(findings->items);
    free(findings->splits);
    radz_arena_free(&findings->arena);
    *findings = (radz_findings){0};
}
