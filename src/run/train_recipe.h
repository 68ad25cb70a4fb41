/* A training by its recipe card, from the data to the finished model folder. */
#ifndef RADZ_RUN_TRAIN_RECIPE_H
#define RADZ_RUN_TRAIN_RECIPE_H

#include "run/home.h"

typedef struct radz_train_recipe_options {
    const char *out;       /* folder of the finished model; NULL: the card's `output` */
    const radz_strlist *changes; /* of keys of the card, "KEY=VALUE"; NULL: none */
    const char *data_root; /* folder of the data set; NULL: as usual (environment, card, made by the program) */
    int threads;           /* at least 1 */
    const char *device;    /* "cpu"; NULL: cpu */
    bool fresh;            /* do not continue from a checkpoint */
    uint32_t steps;        /* stop for now after so many steps, with a checkpoint; 0: go to the end */
} radz_train_recipe_options;

/* `name` is a recipe below the home's manifests, or a path that ends in ".yaml". Makes the data set if it is one that the
 * program makes, trains the tokenizer on the training reports, then the model, and writes the folder as Hugging Face's
 * CLIPModel is laid out: config.json, model.safetensors, preprocessor_config.json, tokenizer files, and training.json
 * (what it was made from, and what validation found). Checkpoints and log.csv are kept in CACHE/training/; a training
 * that was interrupted continues where it stopped when it is started again with the same recipe and data.
 * The same recipe, data, libtorch, processor and number of threads give the same bytes. */
radz_status radz_train_recipe(const radz_home *home, const char *name, const radz_train_recipe_options *options,
                              radz_error *err) RADZ_MUST_USE;

#endif
