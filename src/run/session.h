/* A model at work in a run: opened, with the stores of the cache that hold what it has said. */
#ifndef RADZ_RUN_SESSION_H
#define RADZ_RUN_SESSION_H

#include "cache/memo.h"
#include "cache/text_store.h"
#include "data/card.h"
#include "data/dialogue.h"
#include "data/terms.h"
#include "encoder/encoder.h"

/* All borrowed, and to outlive the session. */
typedef struct radz_session_options {
    const radz_model_card *card;
    const radz_prompts_card *prompts;
    const radz_template_card *template_card; /* NULL: the card names none */
    const radz_anchors_card *anchors;        /* NULL: none */
    const radz_terms_card *terms;
    const char *folder;                      /* of the weights */
    radz_cache *cache;
    radz_memo *memo;
    const char *device, *dtype;              /* NULL: cpu; as the card says */
    int threads;
} radz_session_options;

typedef enum radz_session_store {
    RADZ_STORE_IMAGE,   /* vectors of images */
    RADZ_STORE_TEXT,    /* vectors of texts */
    RADZ_STORE_ANCHOR,  /* vectors of anchors */
    RADZ_STORE_LOGITS,  /* yes and no logits of image and question */
    RADZ_STORE_COUNT
} radz_session_store;

typedef struct radz_session {
    radz_session_options o;
    radz_encoder *encoder;
    const radz_encoder_facts *facts;
    char weights[RADZ_SHA256_HEX_SIZE]; /* of the one file's digest, or over the digests of all */
    radz_store *stores[RADZ_STORE_COUNT]; /* opened when first asked for */
    radz_text_store *answers;
} radz_session;

/* What a model's card says of opening it; strings are the card's. The device is to be added, and how it is asked. */
radz_encoder_options radz_session_encoder_options(const radz_model_card *card);
/* Reads the small files, sees that the weights are whole and hashes them; another hash than the card's is RADZ_E_VALUE. `out`
 * is the caller's, freed with radz_session_close also after an error. */
radz_status radz_session_open(const radz_session_options *options, radz_session *out, radz_error *err) RADZ_MUST_USE;
/* Is the device there that the model is to run on? A model that has said something on such a device, kept in the cache, may
 * have said all that is wanted: then it is not asked for. RADZ_E_UNSUPPORTED. Loads libtorch unless the device is the cpu. */
radz_status radz_session_need_device(const radz_session *session, radz_error *err) RADZ_MUST_USE;
radz_status radz_session_need_store(radz_session *session, radz_session_store which, radz_error *err) RADZ_MUST_USE;
radz_status radz_session_need_answers(radz_session *session, radz_error *err) RADZ_MUST_USE;
/* Merges the stores' files and gives back the weights; the facts stay. */
radz_status radz_session_rest(radz_session *session, radz_error *err) RADZ_MUST_USE;
radz_status radz_session_close(radz_session *session, radz_error *err);

/* The vectors of anchors: texts [n] -> vectors [n, dim] in the form that the card names, from the cache where it has them. */
radz_status radz_session_anchors(radz_session *session, const char *const *texts, size_t n, float *vectors,
                                 radz_error *err) RADZ_MUST_USE;

#endif
