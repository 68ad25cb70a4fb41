/* Recipes: the cards under manifests/recipes/ that describe a training from the data to the last step. Whatever can
 * change a weight is on the card, so that the card's digest names the training. */
#ifndef RADZ_DATA_CARD_RECIPE_H
#define RADZ_DATA_CARD_RECIPE_H

#include "data/card.h"

typedef enum radz_activation { RADZ_ACTIVATION_GELU, RADZ_ACTIVATION_QUICK_GELU } radz_activation;
const char *radz_activation_name(radz_activation activation); /* "gelu", "quick_gelu"; static */

typedef enum radz_positives {
    RADZ_POSITIVES_PAIR,     /* "pair": an image's positives are the texts drawn for it */
    RADZ_POSITIVES_CONTAINED /* "contained": every text of the batch whose sentences all stand in its report */
} radz_positives;

typedef struct radz_recipe_data {
    char *dataset; /* name of a data set card that has reports */
    char *train;   /* split */
    uint32_t limit; /* at most about so many images; 0 or absent: all */
} radz_recipe_data;

/* Measured during the training, of no effect on it: the losses on the split, and the AUC of its zero-shot scores. */
typedef struct radz_recipe_validation {
    char *split;    /* never the one that is trained on */
    char *prompts;  /* optional, of CLIP and of features: name of a prompts card; absent: no AUC */
    char *group;    /* optional, with prompts: name of a group of the data set's classes; all when absent */
    uint32_t limit; /* about so many images, chosen by training.seed; 0 or absent: all */
    uint32_t every; /* steps; 0 or absent: at the end only */
} radz_recipe_validation;

typedef struct radz_recipe_tokenizer {
    uint32_t vocabulary; /* byte-level BPE with CLIP's conventions: 512 byte tokens, merges, 2 end marks */
    uint32_t context;    /* tokens with the end marks; longer texts are cut */
} radz_recipe_tokenizer;

typedef struct radz_recipe_tower {
    uint32_t width, mlp, layers, heads; /* width divisible by heads */
} radz_recipe_tower;

typedef struct radz_recipe_model {
    uint32_t image_size, patch; /* pixels; divisible */
    uint32_t projection;
    radz_activation activation; /* "quick_gelu" when absent */
    double log_scale;           /* ln(1/0.07) when absent */
    radz_recipe_tower vision, text;
} radz_recipe_model;

/* Each range is [low, high], drawn uniformly and anew for each use of an image. Never mirrored: reports name sides. */
typedef struct radz_recipe_images {
    uint32_t stored;        /* side in pixels at which decoded images are kept in memory */
    double zoom_low, zoom_high;  /* side of the square that is cut out, as a part of the image; may be above 1 */
    double aspect;          /* its height differs from its width by up to this part */
    double shift;           /* its centre moves by up to this part of the image, besides what the zoom leaves free */
    double rotate;          /* degrees, both ways */
    double contrast;        /* grey value differences change by up to this part */
    double brightness;      /* and grey values by up to this part of the range */
    double gamma;           /* exponent 2^x, |x| up to this */
    double noise;           /* highest standard deviation of added noise, part of the range */
    double mean, deviation; /* of grey values, part of the range, for normalisation */
} radz_recipe_images;

typedef struct radz_recipe_texts {
    double whole;       /* probability that the text is the whole report */
    uint32_t sentences; /* otherwise 1 to this many of its sentences, in the report's order */
    double single;      /* then the probability that it is one sentence */
    uint32_t per_image; /* texts drawn for each image of a batch; 1 when absent */
    double rarity;      /* a sentence is drawn with weight count^-rarity, count: reports that have it; 0: all alike */
} radz_recipe_texts;

/* ---- of multimodal language models ---- */

typedef struct radz_recipe_start {
    char *model;  /* name of a model card: the LLaVA model to start from */
    char *vision; /* or of a CLIP model, whose vision tower a new one gets; exactly one of the two */
} radz_recipe_start;

typedef struct radz_recipe_decoder {
    uint32_t hidden, mlp, layers, heads; /* Llama; hidden divisible by heads */
    uint32_t kv_heads;    /* heads when absent */
    uint32_t context;     /* most positions */
    double theta;         /* of the rotary embedding; 10,000 when absent */
    int32_t vision_layer; /* hidden state of the vision tower that is read, from the end; -2 when absent */
} radz_recipe_decoder;

/* What is said about an image in training: its report, and yes/no questions. */
typedef struct radz_recipe_dialogue {
    char *template_name; /* key "template": name of a template card */
    char *report;        /* what is asked for the report; absent: it is not said */
    char *prompts;       /* name of a prompts card: its yes/no question, its names of the classes */
    char *group;         /* optional: the classes asked about; all when absent */
    uint32_t questions;  /* per image; 0: none */
    double yes;          /* probability that a class is asked about that the image has, if it has any */
    double images;       /* part of a batch's images that are spoken about; 1 when absent */
} radz_recipe_dialogue;

typedef struct radz_recipe_radz {
    uint32_t image_tokens, text_tokens; /* new special tokens; 0 of both unless pooling is special */
    int32_t layer;      /* hidden state of the features; -2 when absent */
    char *pooling;      /* "special" when absent */
    uint32_t head_hidden, head_dim; /* projection head; both 0: none */
    double tau;         /* 0.05 when absent */
    bool learn_tau;
    char *image_prompt; /* optional: that of config/radz_config.h */
    char *text_prompt;  /* optional likewise */
} radz_recipe_radz;

/* Texts made of labels: the first template of a prompts card with the name of a class. */
typedef struct radz_recipe_labels {
    char *prompts;
    char *group;   /* optional: classes; all when absent */
    double share;  /* probability that a text is of this kind */
} radz_recipe_labels;

typedef enum radz_pairs {
    RADZ_PAIRS_CROSSED, /* "crossed": global image with local text, local image with global text */
    RADZ_PAIRS_PLAIN    /* "plain": global with global, local with local */
} radz_pairs;

typedef struct radz_recipe_losses {
    double lm, cross, anchor; /* 1, 0.5, 0.5 when absent and the sections they need are there; else 0 */
    bool lm_by_answer;        /* L_lm: every answer counts alike; else, and when absent, every token */
    radz_pairs pairs;         /* "crossed" when absent */
} radz_recipe_losses;

typedef struct radz_recipe_anchors {
    char *card;       /* name of an anchors card */
    char *group;      /* optional: the classes with an anchor, besides "No Finding"; all when absent */
    radz_anchor_form form;
    uint32_t refresh; /* steps between two computations of the anchors; 1 when absent */
    double texts;     /* probability that a text is a part of the description of a finding that the image has; 0 when absent */
} radz_recipe_anchors;

typedef struct radz_recipe_lora {
    uint32_t rank;
    double alpha;
} radz_recipe_lora;

typedef struct radz_recipe_parts {
    bool tower, projector, decoder; /* trained wholly; when absent: not the tower, the projector, the decoder unless it has
                                     * a `lora` */
} radz_recipe_parts;

typedef struct radz_recipe_training {
    uint64_t seed;
    uint32_t steps, batch, accumulate; /* accumulate 1 when absent */
    uint32_t warmup;
    double learning_rate, final_rate;  /* final_rate: part of the peak; 0 when absent */
    double weight_decay, beta1, beta2, eps; /* 0.9, 0.98, 1e-6 when absent */
    double clip_norm;                  /* 0 or absent: never */
    radz_positives positives;          /* "pair" when absent */
    uint32_t checkpoint_every;         /* steps; 0 or absent: at the end and when interrupted only */
} radz_recipe_training;

typedef struct radz_recipe_card {
    radz_card_base base;
    char *notes;  /* optional */
    char *output; /* folder of the finished model, relative to where the program is started */
    radz_recipe_data *data;
    radz_recipe_validation *validation; /* optional */
    radz_recipe_tokenizer *tokenizer;   /* of a new model */
    radz_recipe_model *model;           /* of CLIP */
    radz_recipe_images *images;
    radz_recipe_texts *texts;           /* of CLIP and of features */
    radz_recipe_training *training;
    /* of multimodal language models */
    radz_recipe_start *start;           /* there: the recipe is one of these */
    radz_recipe_decoder *decoder;       /* of a new model: with start.vision */
    radz_recipe_dialogue *dialogue;     /* needed with losses.lm */
    radz_recipe_radz *radz;             /* features are trained */
    radz_recipe_labels *labels;         /* optional */
    radz_recipe_losses *losses;
    radz_recipe_anchors *anchors;       /* needed with losses.anchor */
    radz_recipe_lora *lora;             /* optional: in place of training the decoder wholly */
    radz_recipe_parts *train;           /* optional */
    char *dtype;                        /* "f32" (when absent) or "bf16": what products are computed in */
    char *store;                        /* "f32" (when absent), "f16", "bf16": of the saved weights */
} radz_recipe_card;

radz_status radz_recipe_card_load(const char *path, radz_recipe_card **out, radz_error *err) RADZ_MUST_USE;
/* With other values under some keys: radz_card_load_changed in data/card_engine.h. */
radz_status radz_recipe_card_load_changed(const char *path, const radz_strlist *changes, radz_recipe_card **out,
                                          radz_error *err) RADZ_MUST_USE;
void radz_recipe_card_free(radz_recipe_card *card);

#endif
