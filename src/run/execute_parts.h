/* An execution in progress, for src/run/execute*.c only: load the data sets, embed through the cache, score from it. */
#ifndef RADZ_RUN_EXECUTE_PARTS_H
#define RADZ_RUN_EXECUTE_PARTS_H

#include "cache/cache.h"
#include "run/execute.h"

/* One data set of the plan, loaded; NULL members when it is not here. */
typedef struct loaded_dataset {
    const radz_plan_dataset *planned;
    radz_dataset *data;
    const char **paths, **names; /* [n] views of the samples */
    const char **classes; /* those asked for that it has */
} loaded_dataset;

/* One model of the plan with what it has said about each data set. */
typedef struct loaded_model {
    const radz_plan_model *planned;
    bool here;
    radz_session session;
    radz_evidence_set *evidence; /* [set_count, RADZ_EVIDENCE_COUNT]: of execution.datasets, kind by kind, those that its scorers read */
} loaded_model;

typedef struct execution {
    const radz_home *home;
    const radz_plan *plan;
    const radz_execute_options *options;
    uint64_t seed;
    radz_terms_card *terms;
    radz_cache *cache;
    radz_memo *memo;
    loaded_dataset *datasets; /* [2 x plan->n_datasets]: the test sets, then the validation set of each (or nothing) */
    loaded_model *models;     /* [plan->n_models] */
    radz_results *results;
    char *run_dir;
} execution;

static inline size_t execution_set_count(const execution *e)
{
    return 2 * e->plan->n_datasets;
}

static inline bool execution_has_images(const loaded_dataset *d)
{
    return d->data != NULL && d->data->n > 0;
}

/* The kind of evidence of a model that is a vector per image. */
static inline radz_evidence execution_vectors_of(const radz_plan_model *m)
{
    return (m->evidence & 1u << RADZ_EVIDENCE_EMBEDDING) != 0 ? RADZ_EVIDENCE_EMBEDDING : RADZ_EVIDENCE_RADZ_FEATURE;
}

static inline bool execution_wants_vectors(const execution *e)
{
    return e->options->probe != NULL || e->options->visit != NULL;
}

static inline radz_evidence_set *execution_evidence(const loaded_model *m, size_t dataset, radz_evidence kind)
{
    return &m->evidence[dataset * RADZ_EVIDENCE_COUNT + kind];
}

/* ---- execute_load.c ---- */
/* A class, or group of classes, that is asked for need not be in every data set, but in one. */
radz_status execution_check_classes(const execution *e, radz_error *err);
/* A test set, and the validation set that belongs to it where one is asked for and there is such a split. */
radz_status execution_load_pair(execution *e, size_t i, radz_error *err);
/* The check of the data sets that are evaluated, as far as it reads no image: what it finds goes into the results. */
radz_status execution_check_datasets(execution *e, radz_error *err);
/* Has the scorer something to say about images of such a data set, from what this model gives? */
bool execution_applies(const radz_dataset_card *card, const radz_plan_model *m, const radz_scorer *scorer);

/* ---- execute_embed.c: phase one, everything that may need the encoder ---- */
radz_status execution_open_models(execution *e, radz_error *err);
radz_status execution_embed(execution *e, radz_error *err);
radz_status execution_check_files(execution *e, radz_error *err);

/* ---- execute_score.c: phase two, from the cache alone ---- */
radz_status execution_score(execution *e, radz_error *err);

#endif
