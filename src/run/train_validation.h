/* How a training is measured on its validation split, whatever is trained: on the pictures as a finished model sees them, never
 * varied. The losses are the training's own over batches of a fixed choice; the AUC says how well findings are recognised that
 * were put into words (zero-shot). Nothing of it goes into a weight. For src/run/train_*.c. */
#ifndef RADZ_RUN_TRAIN_VALIDATION_H
#define RADZ_RUN_TRAIN_VALIDATION_H

#include "metric/metric.h"
#include "run/prompt_texts.h"
#include "run/train_feed.h"
#include "run/train_job.h"
#include "score/scorer.h"

typedef struct radz_train_validation {
    const radz_train_job *job;
    float *pixels; /* [job->val->n, 3, side, side] */
    size_t side;
    /* of the AUC; scorer NULL: none is measured */
    const radz_scorer *scorer;
    radz_prompt_texts prompts;
    int32_t *ids;          /* [prompts.n, tokens] */
    uint8_t *roles;        /* [prompts.n, tokens] */
    size_t tokens, dim;    /* of a feature */
    radz_metric_work *work;
    radz_class_metrics *found; /* [classes], of the last measurement */
    double auc;                /* their mean, likewise; not a number: none yet */
} radz_train_validation;

/* What a model reads of a text: ids and roles [tokens], padded. */
typedef struct radz_text_reader {
    size_t tokens;
    void *context;
    radz_status (*read)(void *context, const char *text, int32_t *ids, uint8_t *roles, radz_error *err);
} radz_text_reader;

/* Prepares the pictures of the job's validation split by `steps`, which must make pictures of side x side pixels. Free with
 * radz_train_validation_free, also after an error. */
radz_status radz_train_validation_open(const radz_train_job *job, const radz_recipe *steps, size_t side, radz_train_validation *out,
                                       radz_error *err) RADZ_MUST_USE;
/* What batches of the split are made of; the job's options say how many there are. */
radz_feed_source radz_train_validation_source(const radz_train_validation *v);
/* Makes the recipe's prompts ready for a scorer of features of `dim` values; without prompts on the recipe there is no AUC. */
radz_status radz_train_validation_ask(radz_train_validation *v, const char *scorer, size_t dim, const radz_text_reader *reader,
                                      radz_error *err) RADZ_MUST_USE;
/* The measure to give to the training: NULL without prompts. Its context is `v`. */
radz_train_measure radz_train_validation_measure(const radz_train_validation *v);
/* The member "validation" of training.json, with what was measured last; nothing when that is nothing. */
void radz_train_validation_put(const radz_train_validation *v, radz_json_writer *w);
void radz_train_validation_free(radz_train_validation *v);

#endif
