/* What every training by a recipe has: its card, its data, its place. For src/run/train_*.c. */
#ifndef RADZ_RUN_TRAIN_JOB_H
#define RADZ_RUN_TRAIN_JOB_H

#include "base/hash.h"
#include "base/json.h"
#include "data/card_recipe.h"
#include "encoder/door.h"
#include "run/plan.h"
#include "run/train_feed.h"
#include "run/train_recipe.h"
#include "text/tokenizer.h"

typedef struct radz_train_job {
    const radz_home *home;
    const radz_train_recipe_options *options;
    radz_recipe_card *recipe;
    radz_plan_dataset data;
    radz_dataset *train, *val; /* val NULL: the recipe validates on nothing */
    uint8_t *planes;           /* [train->n, stored, stored] */
    radz_tokenizer *tokenizer;
    const radz_door *door;
    char digest[RADZ_SHA256_HEX_SIZE]; /* of all that decides the weights */
    char *folder, *output;             /* of checkpoints; of the finished model */
} radz_train_job;

/* Loads the splits, making the data set first if the program makes it, and decodes the training pictures. */
radz_status radz_train_job_load(radz_train_job *job, radz_error *err) RADZ_MUST_USE;
/* With data and tokenizer there: the digest (of card, tokenizer, data and `further`, which may be NULL), and the folder of
 * checkpoints that bears it. */
radz_status radz_train_job_identify(radz_train_job *job, const char *further, radz_error *err) RADZ_MUST_USE;
radz_train_options radz_train_job_options(const radz_train_job *job);
/* What the training's batches are made of. */
radz_feed_source radz_train_job_source(const radz_train_job *job);
/* Images of a batch of the validation split: as many as of one that is trained on, so that losses compare, or all there are; 0
 * without validation. The losses are those of as many whole batches as the split has, in an order that the recipe's seed gives. */
size_t radz_train_job_validation_batch(const radz_train_job *job);
/* training.json of the finished model. `more` (may be NULL) adds members. */
radz_status radz_train_job_summarise(const radz_train_job *job, double seconds, void (*more)(void *context, radz_json_writer *w),
                                     void *context, radz_error *err) RADZ_MUST_USE;
void radz_train_job_free(radz_train_job *job);

/* By kind of recipe; the job's card, output and door are there. Write what belongs to the finished model. */
radz_status radz_train_clip_recipe(radz_train_job *job, radz_error *err) RADZ_MUST_USE;
radz_status radz_train_mllm_recipe(radz_train_job *job, radz_error *err) RADZ_MUST_USE;

#endif
