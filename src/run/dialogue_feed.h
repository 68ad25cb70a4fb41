/* Batches for the training of multimodal language models: images with their reports and yes/no questions as dialogues, and
 * texts to be contrasted with them. What a micro-batch holds is a function of the recipe's seed and its number. */
#ifndef RADZ_RUN_DIALOGUE_FEED_H
#define RADZ_RUN_DIALOGUE_FEED_H

#include "config/radz_config.h"
#include "data/card_recipe.h"
#include "data/dataset.h"
#include "data/dialogue.h"
#include "data/terms.h"
#include "encoder/training.h"
#include "run/train_feed.h"
#include "text/tokenizer.h"

/* All borrowed; to outlive the feed. */
typedef struct radz_dialogue_feed_options {
    const radz_recipe_card *recipe;
    radz_feed_source source;
    const radz_dataset_card *card;         /* of the data set, for its groups of classes */
    size_t image_size;
    int32_t image_token;                   /* the id of "<image>" in the tokenizer */
    size_t context;                        /* most positions of a text */
    const radz_tokenizer *tokenizer;       /* knows the special tokens */
    const radz_config *radz;               /* NULL: no features */
    const radz_template_card *template_card; /* of dialogues; NULL: none */
    const radz_prompts_card *questions, *labels; /* NULL: none */
    const radz_anchors_card *anchors;      /* NULL: none */
    const radz_terms_card *terms;
    int threads;
} radz_dialogue_feed_options;

typedef struct radz_dialogue_feed radz_dialogue_feed;
radz_status radz_dialogue_feed_create(const radz_dialogue_feed_options *options, radz_dialogue_feed **out,
                                      radz_error *err) RADZ_MUST_USE;
void radz_dialogue_feed_free(radz_dialogue_feed *feed);

/* Fills what the training must know of the feed: image prompt, room, anchors. Borrowed from the feed. */
void radz_dialogue_feed_describe(const radz_dialogue_feed *feed, radz_train_mllm_options *out);
/* As radz_mllm_source.batch asks. */
radz_status radz_dialogue_feed_batch(void *feed, int64_t number, radz_mllm_batch *out, radz_error *err);
/* A text in the words of the model's text prompt: ids and roles [context], zeros behind it. RADZ_E_VALUE: it is longer. */
radz_status radz_dialogue_feed_text(const radz_dialogue_feed *feed, const char *text, int32_t *ids, uint8_t *roles,
                                    radz_error *err) RADZ_MUST_USE;

/* What the tokenizer of a new model is to be learnt from: reports, the dialogues' questions and answers, the texts made of
 * labels, each as often as a training of this recipe would say it to one image in 16. Strings are added to `out`. */
radz_status radz_dialogue_corpus(const radz_recipe_card *recipe, const radz_dataset *dataset, const radz_dataset_card *card,
                                 const radz_template_card *template_card, const radz_prompts_card *questions,
                                 const radz_terms_card *terms, radz_strlist *out, radz_error *err) RADZ_MUST_USE;

#endif
