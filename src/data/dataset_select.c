/* What is kept of a split: classes, a subset on request, and the samples in their final form. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/loader.h"

/* ---- classes ---- */

/* Whether a class is asked for, by its own name or that of a group it is in. */
static bool is_wanted(const radz_dataset_card *card, const char *class_name, const char *const *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(wanted[i], class_name) == 0)
            return true;
        const radz_class_group *group = radz_dataset_card_group(card, wanted[i]);
        if (group != NULL && radz_text_in(class_name, group->classes, group->classes_count))
            return true;
    }
    return false;
}

static radz_status fail_class(const radz_loader *l, const char *name, radz_error *err)
{
    const radz_dataset_card *card = l->card;
    const char **known = radz_calloc(card->classes_count + card->groups_count, sizeof *known, err);
    if (known == NULL)
        return RADZ_E_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < card->classes_count; i++)
        known[n++] = card->classes[i].name;
    for (size_t i = 0; i < card->groups_count; i++)
        known[n++] = card->groups[i].name;
    radz_status st = radz_fail_unknown_in(err, "class", name, known, n);
    (void)radz_prefix(err, "data set '%s'", card->base.name);
    free(known);
    return st;
}

static bool is_known(const radz_dataset_card *card, const char *name)
{
    for (size_t i = 0; i < card->classes_count; i++)
        if (strcmp(card->classes[i].name, name) == 0)
            return true;
    return radz_dataset_card_group(card, name) != NULL;
}

/* `columns` [n_classes of the card] gets the card's number of each class that is kept. */
static radz_status choose_classes(radz_loader *l, const radz_dataset_filter *filter, size_t *columns, radz_error *err)
{
    radz_dataset *d = l->d;
    const char *const *wanted = filter->classes;
    size_t count = filter->classes_count;
    if (count == 0) {
        wanted = (const char *const *)l->card->evaluated;
        count = l->card->evaluated_count;
    }
    for (size_t i = 0; i < count; i++)
        if (!is_known(l->card, wanted[i]))
            return fail_class(l, wanted[i], err);
    d->classes = radz_arena_alloc(&d->arena, l->n_classes, sizeof *d->classes, err);
    if (d->classes == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < l->n_classes; i++) {
        const char *name = l->card->classes[i].name;
        if (count > 0 && !is_wanted(l->card, name, wanted, count))
            continue;
        d->classes[d->n_classes] = name;
        columns[d->n_classes++] = i;
    }
    d->n_card_classes = l->n_classes;
    return RADZ_OK;
}

/* ---- units: what is scored together ---- */

typedef struct unit {
    uint64_t key; /* pseudo-random, of seed and name alone */
    const char *name;
    int8_t *labels; /* [n_classes of the card] */
    uint32_t number;
    bool merged; /* `labels` are its own, of several images */
    bool chosen;
} unit;

typedef struct candidates {
    uint32_t *images; /* [n]: in byte order of their ids */
    uint32_t *unit_of; /* [n] */
    size_t n;
    unit *units; /* [n_units], by number until choose_subset reorders them */
    size_t n_units;
    int8_t *merged; /* level "study": [n_units, n_classes] */
} candidates;

static radz_status gather_units(radz_loader *l, candidates *c, radz_error *err)
{
    bool studies = l->card->level == RADZ_LEVEL_STUDY;
    size_t C = l->n_classes;
    radz_name_table names = {0};
    c->units = radz_calloc(c->n, sizeof *c->units, err);
    c->merged = radz_calloc(studies ? c->n * C : 0, 1, err);
    radz_status st = c->units != NULL && c->merged != NULL ? RADZ_OK : RADZ_E_NOMEM;
    for (size_t i = 0; i < c->n && st == RADZ_OK; i++) {
        uint32_t image = c->images[i], number = (uint32_t)i;
        int8_t *labels = l->labels + (size_t)image * C;
        const char *name = l->images.names[image];
        bool is_new = true;
        if (studies) {
            name = l->rows[image].study != NULL ? l->rows[image].study : name;
            st = radz_name_add(&names, &l->scratch, name, &number, &is_new, err);
        }
        if (st != RADZ_OK)
            break;
        c->unit_of[i] = number;
        unit *u = &c->units[number];
        if (is_new) {
            *u = (unit){.name = name, .labels = labels, .number = number, .chosen = true};
            c->n_units++;
        } else if (!u->merged) {
            int8_t *own = c->merged + (size_t)number * C;
            memcpy(own, u->labels, C);
            u->labels = own;
            u->merged = true;
        }
        for (size_t k = 0; !is_new && k < C; k++)
            u->labels[k] = radz_label_merge(u->labels[k], labels[k]);
    }
    radz_name_table_free(&names);
    return st;
}

static int compare_units(const void *a, const void *b)
{
    const unit *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : strcmp(x->name, y->name);
}

static int compare_numbers(const void *a, const void *b)
{
    const unit *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* splitmix64's finaliser (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static bool in_stratum(const unit *u, const size_t *columns, size_t n_columns, size_t stratum)
{
    if (stratum < n_columns)
        return u->labels[columns[stratum]] == 1;
    for (size_t i = 0; i < n_columns; i++)
        if (u->labels[columns[i]] == 1)
            return false;
    return true;
}

/* Chooses `limit` of the units: every class, rarest first, and the units without any get their share of the limit (at least
 * one while there is room); what is left goes in the order of the keys. */
static radz_status choose_subset(unit *u, size_t n, size_t limit, uint64_t seed, const size_t *columns, size_t n_columns,
                                 radz_error *err)
{
    for (size_t i = 0; i < n; i++) {
        u[i].key = mix(radz_hash_bytes(u[i].name, strlen(u[i].name)) ^ mix(seed));
        u[i].chosen = false;
    }
    qsort(u, n, sizeof *u, compare_units);
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
            size[s] += in_stratum(&u[i], columns, n_columns, s);
    for (size_t turn = 0; turn < strata; turn++) {
        size_t s = n_columns; /* units without any class come last */
        for (size_t k = 0; k < n_columns; k++)
            if (!done[k] && (s == n_columns || size[k] < size[s]))
                s = k;
        done[s] = true;
        size_t quota = (size_t)((double)limit * (double)size[s] / (double)n + 0.5);
        quota = quota == 0 ? 1 : quota;
        for (size_t i = 0; i < n && got[s] < quota && left > 0; i++) {
            if (u[i].chosen || !in_stratum(&u[i], columns, n_columns, s))
                continue;
            u[i].chosen = true;
            left--;
            for (size_t k = 0; k < strata; k++)
                got[k] += in_stratum(&u[i], columns, n_columns, k);
        }
    }
    for (size_t i = 0; i < n && left > 0; i++) {
        if (!u[i].chosen) {
            u[i].chosen = true;
            left--;
        }
    }
    free(size);
    free(got);
    free(done);
    qsort(u, n, sizeof *u, compare_numbers);
    return RADZ_OK;
}

/* ---- samples ---- */

/* Fills samples, labels and counts from the chosen units. */
static radz_status build_samples(radz_loader *l, const candidates *c, const size_t *columns, radz_error *err)
{
    radz_dataset *d = l->d;
    size_t C = d->n_classes;
    for (size_t i = 0; i < c->n; i++)
        d->n += c->units[c->unit_of[i]].chosen;
    d->samples = radz_calloc(d->n, sizeof *d->samples, err);
    if (d->samples == NULL)
        return RADZ_E_NOMEM;
    d->labels = radz_calloc(d->n, C, err);
    d->positives = radz_calloc(C, sizeof *d->positives, err);
    d->negatives = radz_calloc(C, sizeof *d->negatives, err);
    uint32_t *cluster = radz_arena_alloc(&l->scratch, l->patients.count, sizeof *cluster, err);
    uint32_t *unit_number = radz_arena_alloc(&l->scratch, c->n_units, sizeof *unit_number, err);
    if (d->labels == NULL || d->positives == NULL || d->negatives == NULL || cluster == NULL || unit_number == NULL)
        return RADZ_E_NOMEM;
    size_t at = 0;
    for (size_t i = 0; i < c->n; i++) {
        const unit *u = &c->units[c->unit_of[i]];
        uint32_t image = c->images[i];
        if (!u->chosen)
            continue;
        const radz_row_image *row = &l->rows[image];
        if (cluster[row->patient] == 0)
            cluster[row->patient] = (uint32_t)++d->n_patients;
        if (unit_number[u->number] == 0)
            unit_number[u->number] = (uint32_t)++d->n_units;
        radz_sample *s = &d->samples[at];
        *s = (radz_sample){.image_id = l->images.names[image],
                           .patient_id = l->patients.names[row->patient],
                           .study_id = row->study,
                           .view = row->view,
                           .report = row->report,
                           .question = row->question,
                           .subgroups = row->subgroups,
                           .age = row->age,
                           .sex = row->sex,
                           .patient = cluster[row->patient] - 1,
                           .unit = unit_number[u->number] - 1};
        d->n_reports += row->report != NULL;
        if (radz_has_file(l, image)) {
            s->path = radz_image_path(l, image, &d->arena, err);
            if (s->path == NULL)
                return RADZ_E_NOMEM;
        }
        for (size_t k = 0; k < C; k++) {
            int8_t label = l->labels[(size_t)image * l->n_classes + columns[k]];
            d->labels[at * C + k] = label;
            d->positives[k] += label == 1;
            d->negatives[k] += label == 0;
        }
        at++;
    }
    return RADZ_OK;
}

radz_status radz_keep_samples(radz_loader *l, const radz_dataset_filter *filter, radz_error *err)
{
    radz_dataset *d = l->d;
    candidates c = {0};
    size_t *columns = radz_arena_alloc(&l->scratch, l->n_classes, sizeof *columns, err);
    c.images = radz_calloc(l->images.count, sizeof *c.images, err);
    c.unit_of = radz_calloc(l->images.count, sizeof *c.unit_of, err);
    radz_status st = columns != NULL && c.images != NULL && c.unit_of != NULL ? choose_classes(l, filter, columns, err)
                                                                              : RADZ_E_NOMEM;
    for (size_t i = 0; i < l->images.count && st == RADZ_OK; i++)
        if (filter->keep_missing || radz_has_file(l, l->order[i]))
            c.images[c.n++] = l->order[i];
    if (st == RADZ_OK)
        st = gather_units(l, &c, err);
    d->level = l->card->level;
    d->aggregate = l->card->aggregate;
    d->n_before_limit = c.n_units;
    if (st == RADZ_OK && filter->limit > 0 && filter->limit < c.n_units) {
        d->subset = true;
        st = choose_subset(c.units, c.n_units, filter->limit, filter->seed, columns, d->n_classes, err);
    }
    if (st == RADZ_OK)
        st = build_samples(l, &c, columns, err);
    free(c.images);
    free(c.unit_of);
    free(c.units);
    free(c.merged);
    return st;
}
