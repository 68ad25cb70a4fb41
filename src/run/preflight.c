#include "run/preflight.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "data/csv.h"
#include "score/scorer.h"

radz_status radz_preflight_folder(const char *what, const char *dir, radz_error *err)
{
    radz_status st = radz_need_writable(dir, err);
    return st == RADZ_OK ? RADZ_OK : (radz_prefix(err, "%s '%s'", what, dir), st);
}

/* Not what is left out: it is not here, or has none of the classes asked for. */
static bool is_evaluated(const radz_plan_dataset *d, const radz_strlist *classes)
{
    bool any = classes == NULL || classes->count == 0;
    for (size_t i = 0; classes != NULL && i < classes->count; i++)
        any = any || radz_dataset_card_knows(d->card, classes->items[i]);
    return any && d->location.presence != RADZ_DATASET_NOT_HERE;
}

radz_status radz_preflight_models(const radz_plan *plan, radz_error *err)
{
    size_t here = 0;
    for (size_t i = 0; i < plan->n_models; i++) {
        const radz_plan_model *m = &plan->models[i];
        if (m->folder == NULL)
            radz_info("model %s: not here: %s", m->card->base.name, m->hint);
        here += m->folder != NULL;
    }
    if (here > 0 || plan->n_models == 0)
        return RADZ_OK;
    return radz_fail(err, RADZ_E_MISSING, "nothing to evaluate: no model of the selection is here (%s: %s)",
                     plan->models[0].card->base.name, plan->models[0].hint);
}

/* Every data set has the split that is evaluated; one at least has the split that a probe learns from. Without one of validation
 * there are figures, too. */
static radz_status check_splits(const radz_plan *plan, const radz_execute_options *options, radz_error *err)
{
    radz_status st = RADZ_OK;
    const radz_split_spec *found;
    const radz_dataset_card *without = NULL;
    bool any = options->probe == NULL;
    for (size_t i = 0; st == RADZ_OK && i < plan->n_datasets; i++) {
        const radz_dataset_card *card = plan->datasets[i].card;
        if (!is_evaluated(&plan->datasets[i], options->classes))
            continue;
        st = radz_dataset_card_need_split(card, options->split, &found, err);
        if (!any && radz_dataset_card_split(card, options->val_split) == NULL)
            without = without == NULL ? card : without;
        else
            any = true;
    }
    return st == RADZ_OK && !any && without != NULL ? radz_dataset_card_need_split(without, options->val_split, &found, err) : st;
}

static radz_status check_groups(const radz_strlist *files, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; files != NULL && st == RADZ_OK && i < files->count; i++) {
        radz_csv *csv = NULL;
        st = radz_csv_open(files->items[i], ',', &csv, err);
        radz_csv_close(csv);
        for (size_t k = 0; st == RADZ_OK && k < i; k++)
            if (strcmp(files->items[i], files->items[k]) == 0)
                st = radz_fail(err, RADZ_E_USAGE, "subgroups: the file '%.250s' is given twice", files->items[i]);
    }
    return st;
}

/* ---- anchors ---- */

static radz_status check_card(const radz_anchors_card *card, const radz_dataset_card *dataset, const radz_terms_card *terms,
                              radz_error *err)
{
    for (size_t c = 0; c < dataset->classes_count; c++)
        if (radz_anchor_find(card, terms, dataset->classes[c].name) == NULL)
            return radz_fail(err, RADZ_E_VALUE, "class '%s' of data set '%s' has no anchor in '%s': write one, or choose scorers without anchors "
                             "(--scorer)", dataset->classes[c].name, dataset->base.name, card->base.file);
    return RADZ_OK;
}

static bool reads_anchors(const radz_plan *plan, const radz_plan_model *m)
{
    bool any = false;
    for (size_t s = 0; s < plan->n_scorers && m->folder != NULL; s++)
        any = any || (plan->scorers[s]->needs_anchors && radz_plan_applies(m, plan->scorers[s]));
    return any;
}

/* All anchors of a data set are used, whichever of its classes are evaluated. */
static radz_status check_anchors(const radz_plan *plan, const radz_strlist *classes, const radz_terms_card *terms, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t d = 0; d < plan->n_datasets; d++) {
        const radz_dataset_card *dataset = plan->datasets[d].card;
        bool any = false;
        if (!is_evaluated(&plan->datasets[d], classes) || dataset->columns->question != NULL)
            continue;
        for (size_t m = 0; st == RADZ_OK && m < plan->n_models; m++) {
            if (!reads_anchors(plan, &plan->models[m]))
                continue;
            any = true;
            st = check_card(plan->models[m].anchors, dataset, terms, err);
        }
        for (size_t i = 0; st == RADZ_OK && any && i < plan->suite->other_anchors_count; i++)
            st = check_card(plan->other_anchors[i], dataset, terms, err);
    }
    return st;
}

radz_status radz_preflight(const radz_plan *plan, const radz_execute_options *options, const radz_terms_card *terms,
                           radz_error *err)
{
    radz_status st = check_splits(plan, options, err);
    if (st == RADZ_OK)
        st = check_groups(options->groups, err);
    return st == RADZ_OK && options->probe == NULL ? check_anchors(plan, options->classes, terms, err) : st;
}
