/* What a training of a multimodal model starts from. */
#ifndef RADZ_RUN_TRAIN_START_H
#define RADZ_RUN_TRAIN_START_H

#include "base/str.h"
#include "data/card_recipe.h"
#include "run/home.h"

typedef struct radz_train_start {
    radz_model_card *card; /* of the LLaVA model, or of the CLIP model whose vision tower a new one gets */
    char *folder;          /* of its weights */
} radz_train_start;

/* The model that recipe->start names. RADZ_E_VALUE: of another family; RADZ_E_MISSING: it is not here. Free with
 * radz_train_start_free, also after an error. */
radz_status radz_train_start_find(const radz_home *home, const radz_recipe_card *recipe, radz_train_start *out,
                                  radz_error *err) RADZ_MUST_USE;
/* Appends what names its weights: their digest, or the folder when they lie in several files. */
radz_status radz_train_start_identify(const radz_train_start *start, radz_strbuf *out, radz_error *err) RADZ_MUST_USE;
void radz_train_start_free(radz_train_start *start);

#endif
