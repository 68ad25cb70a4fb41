/* What a model says about the images of a data set: each kind of evidence that a scorer can read is produced into the cache
 * by one row of a table, and read back in blocks. */
#ifndef RADZ_RUN_MODEL_EVIDENCE_H
#define RADZ_RUN_MODEL_EVIDENCE_H

#include "data/dataset.h"
#include "run/embed.h"
#include "run/prompt_texts.h"
#include "run/session.h"
#include "score/scorer.h"

typedef struct radz_evidence_request {
    radz_evidence kind;
    bool anchors;                       /* radz-feature: with the anchor matrix */
    const radz_dataset *dataset;
    const radz_dataset_card *dataset_card;
    const char *const *paths, *const *names; /* [dataset->n] files and ids of the images */
    bool skip_bad;
    int threads;
} radz_evidence_request;

/* All of one kind for one data set. What it borrows (session, data set) must outlive it. */
typedef struct radz_evidence_set {
    radz_evidence kind;
    radz_session *session;
    const radz_dataset *dataset;
    radz_embed_output images;      /* content hashes, which images are usable, what was skipped */
    radz_prompt_texts prompts;     /* vectors: prompts with embeddings; else one question per class */
    char *choice;                  /* choice: the question that lists the classes */
    float *anchors;                /* [n_anchors, dim] */
    size_t n_anchors;
    char anchors_sha256[RADZ_SHA256_HEX_SIZE]; /* of the anchors' texts; "" without */
    radz_prompt_texts said;        /* answers, choice: the classes as sentences say them */
    radz_finding_names *findings;        /* [n_classes] likewise: what an answer may call each */
    const char ***finding_names;
    size_t values;                 /* floats per image: dim, or classes x tokens; 0 for answers */
    size_t answers;                /* texts per image: classes, 1, or 0 */
    double seconds;                /* wall, of the images that were computed */
    uint64_t tokens;               /* that went through the model for them */
    uint64_t peak_memory;          /* bytes, of the process at the end */
    double text_seconds;           /* of the prompts */
} radz_evidence_set;

/* Loads the model on first need. Free with radz_evidence_free, also after an error. */
radz_status radz_evidence_produce(radz_session *session, const radz_evidence_request *request, radz_evidence_set *out,
                                  radz_error *err) RADZ_MUST_USE;
void radz_evidence_free(radz_evidence_set *set);
const char *radz_evidence_stage(radz_evidence kind); /* "embed images", for timings */
/* The texts that the evidence rests on, by hash: prompts or questions. */
const char *radz_evidence_prompts_sha256(const radz_evidence_set *set);

/* What a scorer is prepared with. Views of the set. */
radz_score_texts radz_evidence_texts(const radz_evidence_set *set);

/* Rows of images read back; zero-initialise, free with radz_evidence_rows_free. Use one again for the next block. */
typedef struct radz_evidence_rows {
    float *values;       /* [n, set->values] */
    char **answers;      /* [n, set->answers] */
    size_t n_answers, values_capacity, answers_capacity;
} radz_evidence_rows;
/* Content hashes keys [n,32] -> rows. Something that is not in the cache any more is RADZ_E_MISSING. */
radz_status radz_evidence_read(const radz_evidence_set *set, const unsigned char *keys, size_t n, radz_evidence_rows *rows,
                               radz_error *err) RADZ_MUST_USE;
void radz_evidence_rows_free(radz_evidence_rows *rows);

#endif
