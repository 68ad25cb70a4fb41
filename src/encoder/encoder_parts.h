/* What the encoder's files share: its insides, and the table of families. For src/encoder/encoder*.c only. */
#ifndef RADZ_ENCODER_ENCODER_PARTS_H
#define RADZ_ENCODER_ENCODER_PARTS_H

#include "base/str.h"
#include "encoder/door.h"
#include "encoder/encoder.h"

typedef struct encoder_family {
    const char *name;
    unsigned evidence; /* bits: what it can give at most */
    size_t batch;      /* images per call of the model, where the options do not say */
    size_t text_batch; /* texts per call */
    /* Reads the configuration and sets the facts that come from it (dim, image_size, context, evidence); adds the files of
     * further folders to e->weight_folders. */
    radz_status (*read)(radz_encoder *e, const radz_encoder_options *options, radz_error *err);
    /* With the tokenizer and the recipe there: what depends on both. */
    radz_status (*finish)(radz_encoder *e, const radz_encoder_options *options, radz_error *err);
    radz_status (*load)(radz_encoder *e, radz_error *err); /* the weights, through e->door */
    void (*unload)(radz_encoder *e);
    /* One full batch: pixels [facts.batch,3,S,S] -> out [facts.batch,dim]. */
    radz_status (*images)(radz_encoder *e, const float *pixels, float *out, radz_error *err);
    /* facts.text_batch texts -> out [facts.text_batch,dim]. */
    radz_status (*texts)(radz_encoder *e, const char *const *texts, float *out, radz_error *err);
    void (*free)(radz_encoder *e);
} encoder_family;

extern const encoder_family encoder_clip, encoder_llava;

struct radz_encoder {
    const encoder_family *family;
    void *state;              /* the family's */
    const char *door_dtype;   /* facts.dtype as the door spells it */
    radz_encoder_facts facts;
    char *dir, *device;
    radz_recipe *recipe;
    radz_tokenizer *tokenizer;
    char config_sha256[RADZ_SHA256_HEX_SIZE];
    char *preprocessor_dir;      /* where preprocessor_config.json is looked for, when not in dir */
    radz_strlist weight_folders; /* beside dir: their files count as weights too */
    radz_strlist weight_files;
    bool pad_square;             /* pictures are padded to a square first, though the recipe does not say so */

    const radz_door *door;    /* NULL until the first embedding */
    bool loaded;
    float *pixels;            /* [batch,3,S,S] for a batch that is not full */
    float *rows;              /* [max(batch,text_batch),dim] */
    radz_cost cost;
};

/* Opens the door and loads the weights, if that has not happened yet. */
radz_status encoder_need_model(radz_encoder *e, radz_error *err) RADZ_MUST_USE;

#endif
