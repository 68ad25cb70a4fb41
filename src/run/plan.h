/* What a run is going to do: the suite's cards after the filters of the command line, each data set and model located. */
#ifndef RADZ_RUN_PLAN_H
#define RADZ_RUN_PLAN_H

#include "data/card.h"
#include "data/dataset.h"
#include "data/dialogue.h"
#include "run/home.h"
#include "run/protocols.h"

typedef struct radz_scorer radz_scorer; /* score/scorer.h */

typedef struct radz_plan_dataset {
    radz_dataset_card *card;
    radz_dataset_location location;
} radz_plan_dataset;

typedef struct radz_plan_model {
    radz_model_card *card;
    radz_prompts_card *prompts; /* the model's own, else the suite's */
    radz_template_card *template_card; /* NULL: the card names none, the model is not asked */
    radz_anchors_card *anchors; /* the model's own, else the suite's; NULL: neither names one */
    unsigned evidence;          /* bits 1 << radz_evidence: what it can be scored by */
    char *folder;               /* of the weights; NULL when not here */
    char *hint;                 /* one line when not here */
} radz_plan_model;

typedef struct radz_plan {
    radz_suite_card *suite;
    radz_plan_dataset *datasets; /* [n_datasets], in the suite's order */
    radz_plan_model *models;     /* [n_models] */
    const radz_scorer **scorers; /* [n_scorers], of the score room's table */
    size_t n_datasets, n_models, n_scorers;
    radz_protocols protocols;    /* those asked for, else the suite's */
    radz_prompts_card **other_prompts; /* [suite->other_prompts_count] */
    radz_anchors_card **other_anchors; /* [suite->other_anchors_count] */
    unsigned vary_questions; /* bits 1 << radz_evidence: of the scorers that the suite has asked in other words, too */
} radz_plan;

/* Whether a scorer reads what the model can say. */
bool radz_plan_applies(const radz_plan_model *model, const radz_scorer *scorer);

/* Empty lists do not filter. A selection in which no scorer applies to any model is RADZ_E_USAGE. Names must be in the suite:
 * others are RADZ_E_USAGE and list the suite's. A variant of a data set of the suite may be asked for, too. */
typedef struct radz_plan_filter {
    const radz_strlist *datasets, *models, *scorers;
    const radz_strlist *protocols; /* any that have a card, or "all" */
    const radz_strlist *require; /* data sets that must be here ("all": each): else RADZ_E_MISSING with the hint */
} radz_plan_filter;

radz_status radz_plan_create(const radz_home *home, const char *suite, const radz_plan_filter *filter, radz_plan **out,
                             radz_error *err) RADZ_MUST_USE;
void radz_plan_free(radz_plan *plan);

/* Loads a model's card with the cards it names (the suite's where it names none) and says where its weights are. The
 * caller frees it, also after an error. */
radz_status radz_plan_find_model(const radz_home *home, const char *name, const radz_suite_card *suite, radz_plan_model *out,
                                 radz_error *err) RADZ_MUST_USE;
void radz_plan_model_free(radz_plan_model *model);

/* Loads one card of a data set, or of its variant ("siim:row-wise"), and says where it is (generated ones below the cache).
 * The caller frees both. */
radz_status radz_plan_find_dataset(const radz_home *home, const char *name, radz_plan_dataset *out,
                                   radz_error *err) RADZ_MUST_USE;
void radz_plan_dataset_free(radz_plan_dataset *dataset);

#endif
