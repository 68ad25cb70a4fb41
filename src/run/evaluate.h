/* From cached embeddings to result rows: one data set, one model, one scorer. */
#ifndef RADZ_RUN_EVALUATE_H
#define RADZ_RUN_EVALUATE_H

#include "data/dataset.h"
#include "report/results.h"
#include "run/embed.h"
#include "run/prompt_texts.h"

/* All members borrowed. */
typedef struct radz_evaluation {
    const radz_suite_card *suite;
    const radz_dataset_card *dataset_card;
    const radz_dataset *dataset;
    const radz_model_card *model_card;
    const char *weights_sha256, *recipe, *dtype, *device_class;
    size_t dim;
    radz_store *images;
    const radz_embed_output *embedded; /* [dataset->n] */
    const radz_prompts_card *prompts_card;
    const radz_prompt_texts *prompts;  /* with embeddings */
    uint64_t seed;
    int threads;
    const char *run_dir; /* per-image scores go here; NULL: nowhere */
    bool pictures;       /* small pictures of the worst mistakes go there, too */
} radz_evaluation;

/* Adds to `results` the block of this pair, its rows (each metric of each class, means over all classes and over the groups
 * of the data set's card) with intervals, its ROC and precision-recall curves, and its worst mistakes. */
radz_status radz_evaluate(const radz_evaluation *evaluation, const char *scorer, radz_results *results,
                          radz_error *err) RADZ_MUST_USE;

/* Adds the groups of the data set's card, restricted to the classes that are evaluated; empty ones are left out. */
radz_status radz_evaluate_groups(const radz_dataset_card *card, const radz_dataset *dataset, radz_results *results,
                                 radz_error *err) RADZ_MUST_USE;

#endif
