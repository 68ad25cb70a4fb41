/* The data sets of an execution. */
#include "run/execute_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "run/checkup.h"
#include "run/make_phantom.h"

/* The phantom is made by the program: on first use, or where a part of its images is not there yet. */
static radz_status generate(const execution *e, const radz_plan_dataset *d, const char *split, radz_error *err)
{
    radz_make_phantom_options make = {
        .patients = d->card->generated->patients,
        .seed = d->card->generated->seed,
        .split = split,
        .threads = e->options->threads,
    };
    radz_info("making the synthetic data set '%s' in '%s'", d->card->base.name, d->location.root);
    radz_status st = radz_make_phantom(d->location.root, &make, err);
    return st == RADZ_OK ? RADZ_OK : (radz_prefix(err, "data set '%s'", d->card->base.name), st);
}

/* A class, or group of classes, that is asked for need not be in every data set, but in one. */
radz_status execution_check_classes(const execution *e, radz_error *err)
{
    const radz_strlist *asked = e->options->classes;
    for (size_t i = 0; asked != NULL && i < asked->count; i++) {
        bool known = false;
        for (size_t d = 0; d < e->plan->n_datasets; d++)
            known = known || radz_dataset_card_knows(e->plan->datasets[d].card, asked->items[i]);
        if (known || e->plan->n_datasets == 0)
            continue;
        const radz_dataset_card *card = e->plan->datasets[0].card;
        const char **names = radz_calloc(card->classes_count + card->groups_count, sizeof *names, err);
        if (names == NULL)
            return RADZ_E_NOMEM;
        size_t n = 0;
        for (size_t k = 0; k < card->classes_count; k++)
            names[n++] = card->classes[k].name;
        for (size_t k = 0; k < card->groups_count; k++)
            names[n++] = card->groups[k].name;
        radz_status st = radz_fail_unknown_in(err, "class", asked->items[i], names, n);
        (void)radz_prefix(err, "data set '%s'", card->base.name);
        free(names);
        return st;
    }
    return RADZ_OK;
}

/* Where the labels answer questions, scorers that ask a model something, and not about a class, have something to say. */
static bool suits(const radz_dataset_card *card, radz_evidence kind)
{
    return card->columns->question == NULL || radz_evidence_takes_questions(kind);
}

bool execution_applies(const radz_dataset_card *card, const radz_plan_model *m, const radz_scorer *scorer)
{
    return suits(card, scorer->evidence) && radz_plan_applies(m, scorer);
}

/* Is there anything to do with such a data set? */
static bool has_scorer(const execution *e, const radz_dataset_card *card)
{
    const radz_plan *plan = e->plan;
    if (card->columns->question == NULL)
        return true;
    bool any = false;
    for (size_t m = 0; m < plan->n_models && !execution_wants_vectors(e); m++)
        for (size_t s = 0; s < plan->n_scorers; s++)
            any = any || execution_applies(card, &plan->models[m], plan->scorers[s]);
    return any;
}

/* A data set whose images are all missing. */
static radz_status leave_out(const execution *e, const radz_dataset_card *card, const radz_dataset *data, radz_error *err)
{
    radz_unopened unopened;
    radz_strbuf why = {0};
    radz_status st = radz_unopened_find(card, data->root, &unopened, err);
    if (st != RADZ_OK)
        return st;
    bool packed = unopened.archives.count > 0;
    st = radz_strbuf_printf(&why, err, "no image of split '%s' is here%s%s", data->split, packed ? ": " : "",
                            packed ? unopened.text.text : "");
    if (st == RADZ_OK) {
        radz_warn("%s is left out: %s", data->name, why.text);
        st = radz_results_add_absent(e->results, &(radz_result_absent){card->base.name, card->base.title, why.text}, err);
    }
    radz_strbuf_free(&why);
    radz_unopened_free(&unopened);
    return st;
}

static radz_status load_dataset(const execution *e, loaded_dataset *d, const char *split, radz_error *err)
{
    const radz_dataset_card *card = d->planned->card;
    const radz_dataset_location *location = &d->planned->location;
    if (location->presence >= RADZ_DATASET_NOT_HERE) {
        radz_info("%s: not here: %s", card->base.name, location->hint);
        return radz_results_add_absent(e->results,
                                       &(radz_result_absent){card->base.name, card->base.title, location->hint}, err);
    }
    const radz_strlist *asked = e->options->classes;
    size_t n_asked = asked != NULL ? asked->count : 0, n_classes = 0;
    d->classes = radz_calloc(n_asked, sizeof *d->classes, err);
    if (d->classes == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n_asked; i++)
        if (radz_dataset_card_knows(card, asked->items[i]))
            d->classes[n_classes++] = asked->items[i];
    if (!has_scorer(e, card)) {
        static const char hint[] = "its labels answer questions about an image, and no scorer of the selection asks a model these "
                                   "(vqa-logit, vqa-generate)";
        radz_info("%s: left out: %s", card->base.name, hint);
        return radz_results_add_absent(e->results, &(radz_result_absent){card->base.name, card->base.title, hint}, err);
    }
    if (n_asked > 0 && n_classes == 0) {
        radz_info("%s: has none of the classes asked for; it is left out", card->base.name);
        return radz_results_add_absent(
            e->results, &(radz_result_absent){card->base.name, card->base.title, "has none of the classes asked for"}, err);
    }
    radz_dataset_filter filter = {
        .classes = d->classes,
        .classes_count = n_classes,
        .limit = e->options->limit,
        .seed = e->seed,
    };
    radz_status st = RADZ_OK;
    if (location->presence == RADZ_DATASET_GENERATED)
        st = generate(e, d->planned, split, err);
    if (st == RADZ_OK)
        st = radz_dataset_load(card, location->root, split, &filter, &d->data, err);
    char *own_root = st == RADZ_OK && card->generated != NULL ? radz_home_generated_root(e->home, card, err) : NULL;
    bool incomplete = own_root != NULL && strcmp(own_root, location->root) == 0 && d->data->n_missing > 0;
    free(own_root);
    if (incomplete) {
        radz_dataset_free(d->data);
        d->data = NULL;
        st = generate(e, d->planned, split, err);
        if (st == RADZ_OK)
            st = radz_dataset_load(card, location->root, split, &filter, &d->data, err);
    }
    if (st != RADZ_OK)
        return st;

    const radz_dataset *data = d->data;
    if (data->n_missing > 0 && data->n > 0)
        radz_warn("%s: %zu of the %zu images of split '%s' have no file (e.g. %s); the figures are those of the other %zu",
                  data->name, data->n_missing, data->split_images, data->split, data->missing_example, data->n);
    if (data->n == 0)
        return leave_out(e, card, data, err);
    d->paths = radz_calloc(data->n, sizeof *d->paths, err);
    d->names = radz_calloc(data->n, sizeof *d->names, err);
    if (d->paths == NULL || d->names == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < data->n; i++) {
        d->paths[i] = data->samples[i].path;
        d->names[i] = data->samples[i].image_id;
    }
    return RADZ_OK;
}

/* A test set, and the validation set that belongs to it where one is asked for and there is such a split. */
radz_status execution_load_pair(execution *e, size_t i, radz_error *err)
{
    loaded_dataset *test = &e->datasets[i], *validation = &e->datasets[e->plan->n_datasets + i];
    const radz_dataset_card *card = e->plan->datasets[i].card;
    const char *split = e->options->split != NULL ? e->options->split : card->split, *val_split = e->options->val_split;
    test->planned = validation->planned = &e->plan->datasets[i];
    radz_status st = load_dataset(e, test, split, err);
    if (st != RADZ_OK || val_split == NULL || !execution_has_images(test))
        return st;
    if (radz_dataset_card_split(card, val_split) == NULL) {
        radz_warn("%s: no split '%s'; %s", card->base.name, val_split,
                  e->options->probe != NULL ? "a probe has nothing to learn from"
                                            : "thresholds are chosen as without a validation set");
        return RADZ_OK;
    }
    return load_dataset(e, validation, val_split, err);
}

/* The check of the data sets that are evaluated, as far as it reads no image: what it finds goes into the results. */
radz_status execution_check_datasets(execution *e, radz_error *err)
{
    radz_checkup_dataset *sets = radz_calloc(e->plan->n_datasets, sizeof *sets, err);
    radz_findings findings = {0};
    radz_checkup_options options = {.split = e->options->split, .threads = e->options->threads};
    size_t n = 0;
    if (sets == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < e->plan->n_datasets; i++)
        if (execution_has_images(&e->datasets[i]))
            sets[n++] = (radz_checkup_dataset){e->datasets[i].planned->card, e->datasets[i].data->root};
    radz_status st = radz_checkup(e->home, sets, n, &options, &findings, err);
    size_t errors = 0, warnings = 0;
    for (size_t i = 0; st == RADZ_OK && i < e->plan->n_datasets; i++)
        if (execution_has_images(&e->datasets[i]))
            st = radz_checkup_report(&findings, e->datasets[i].data->name, e->datasets[i].data->split, e->results, err);
    for (size_t i = 0; st == RADZ_OK && i < e->results->n_findings; i++) {
        const radz_result_finding *f = &e->results->findings[i];
        bool is_error = strcmp(f->severity, "error") == 0, is_warning = strcmp(f->severity, "warning") == 0;
        errors += is_error;
        warnings += is_warning;
        if ((is_error || is_warning) && strcmp(f->code, "missing-images") != 0) /* said when the set was loaded */
            radz_warn("%s: %s", f->dataset, f->what);
    }
    if (st == RADZ_OK && e->options->strict && errors + warnings > 0)
        st = radz_fail(err, RADZ_E_VALUE, "the check of the data sets found %zu errors and %zu warnings, and --strict lets none "
                       "pass (see `radz-bench check`)", errors, warnings);
    radz_findings_free(&findings);
    free(sets);
    return st;
}
