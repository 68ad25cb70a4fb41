/* What the files of the evidence share: the kinds, a row each. For src/run/model_evidence.c and src/run/evidence_*.c only. */
#ifndef RADZ_RUN_EVIDENCE_PARTS_H
#define RADZ_RUN_EVIDENCE_PARTS_H

#include "run/model_evidence.h"

/* One kind of evidence. Vectors are computed from batches of images (`compute`); questions are asked about one image at a time,
 * all kinds together (`ask`): a kind has one of the two. */
typedef struct evidence_kind {
    bool takes_questions; /* of the data set's own */
    /* The texts, and the stores of the session that it needs. */
    radz_status (*prepare)(radz_evidence_set *set, const radz_evidence_request *request, radz_error *err);
    /* Is everything of an image, number `image` of the visit and with this content hash, in the cache? From any thread. */
    radz_status (*known)(const radz_evidence_set *set, size_t image, const unsigned char *key, bool *known, radz_error *err);
    radz_status (*compute)(radz_evidence_set *set, const float *pixels, const unsigned char *keys, size_t n, radz_error *err);
    /* `*cost` grows by that of the questions. */
    radz_status (*ask)(radz_evidence_set *set, radz_dialogue *dialogue, size_t image, const unsigned char *key, radz_cost *cost,
                       radz_error *err);
    radz_status (*flush)(const radz_evidence_set *set, radz_error *err);
    radz_status (*read)(const radz_evidence_set *set, const uint32_t *samples, size_t n, radz_evidence_rows *rows,
                        radz_error *err);
} evidence_kind;

extern const evidence_kind evidence_vectors, evidence_logits, evidence_answers, evidence_choice;
const evidence_kind *evidence_kind_of(const radz_evidence_set *set);

/* What came of the images of a visit becomes what came of the set's samples. */
radz_status evidence_take_images(radz_evidence_set *set, const radz_embed_output *visited, radz_error *err);
/* Room for one more variant, whose name is copied. */
radz_status evidence_add_variant(radz_evidence_set *set, const char *varied, const char *name, radz_evidence_variant **out,
                                 radz_error *err);
/* Vectors of prompts and anchors, and those of the variants. */
radz_status evidence_embed_texts(radz_evidence_set *set, const radz_evidence_request *request, radz_error *err);
/* The same evidence from other wordings of the questions: variants of `set`, prepared, to be asked along with it. */
radz_status evidence_vary_questions(radz_evidence_set *set, const radz_evidence_request *request, radz_error *err);

static inline const unsigned char *evidence_image_key(const radz_evidence_set *set, size_t sample)
{
    return set->images.keys + sample * RADZ_CACHE_KEY_SIZE;
}

#endif
