/* What a model says about the images of a data set: the kinds of evidence that scorers can read, a row of a table each, are
 * produced into the cache and read back in blocks. */
#ifndef RADZ_RUN_MODEL_EVIDENCE_H
#define RADZ_RUN_MODEL_EVIDENCE_H

#include "data/dataset.h"
#include "run/embed.h"
#include "run/prompt_texts.h"
#include "run/session.h"
#include "score/scorer.h"

typedef struct radz_evidence_request {
    unsigned kinds;                     /* bits 1 << radz_evidence: which are wanted */
    bool anchors;                       /* vectors: with the anchor matrix (features) or the anchors' descriptions (embeddings) */
    const radz_prompts_card *const *other_prompts; /* further wordings, to see how far figures move */
    size_t n_other_prompts;
    const radz_anchors_card *const *other_anchors; /* with `anchors`: likewise; each part of the own card is one, too */
    size_t n_other_anchors;
    bool vary;                          /* make them */
    unsigned vary_questions;            /* bits likewise: the kinds whose questions are asked in other words as well */
    const radz_dataset *dataset;
    const radz_dataset_card *dataset_card;
    const char *const *paths, *const *names; /* [dataset->n] files and ids of the images */
    bool skip_bad;
    int threads;
} radz_evidence_request;

/* What a data set asks itself: each file the questions of its samples. */
typedef struct radz_own_questions {
    size_t n_files;
    const char **paths, **names; /* [n_files]; the name is that of its first sample */
    size_t *first;               /* [n_files + 1] into `questions` */
    const char **questions;      /* [dataset->n], file by file */
    uint32_t *file_of;           /* [dataset->n] */
    char sha256[RADZ_SHA256_HEX_SIZE]; /* of the samples' ids and questions; "" where the questions are not the data set's own */
} radz_own_questions;

/* How questions are put. Borrowed from cards. */
typedef struct radz_wording {
    const radz_prompts_card *card; /* says what classes are called */
    const char *question, *choice;
} radz_wording;

typedef struct radz_evidence_set radz_evidence_set;

/* Prompts, questions or anchors in place of the model's own. */
typedef struct radz_evidence_variant {
    const char *varied;        /* "prompts", "question", "anchors" */
    char *name;                /* of the card, the wording, or the part of the own anchors */
    bool of_anchors;           /* of scorers that need anchors; else of those whose texts are prompts */
    radz_prompt_texts prompts; /* with embeddings; n 0: the own */
    float *anchors;            /* [n_anchors, dim]; NULL: the own */
    radz_evidence_set *asked;  /* the answers to other questions, read and scored like those to the own; NULL: not of questions */
} radz_evidence_variant;

/* All of one kind for one data set. What it borrows (session, data set) must outlive it. */
struct radz_evidence_set {
    radz_evidence kind;
    radz_session *session;
    const radz_dataset *dataset;
    radz_embed_output images;      /* content hashes, which images are usable, what was skipped */
    radz_wording wording;          /* of questions */
    radz_prompt_texts prompts;     /* vectors: prompts with embeddings; else one question per class */
    radz_prompt_texts descriptions; /* embeddings, with anchors: their texts, likewise */
    radz_own_questions own;        /* a data set that asks its own questions: in place of those of `prompts` */
    char *choice;                  /* choice: the question that lists the classes */
    char choice_sha256[RADZ_SHA256_HEX_SIZE];
    float *anchors;                /* [n_anchors, dim] */
    size_t n_anchors;
    bool anchor_of_none;           /* the last is that of "No Finding" */
    char anchors_sha256[RADZ_SHA256_HEX_SIZE]; /* of the anchors' texts; "" without */
    radz_evidence_variant *variants; /* [n_variants] */
    size_t n_variants, variants_capacity;
    radz_prompt_texts said;        /* answers, choice: the classes as sentences say them */
    radz_finding_names *findings;        /* [n_classes] likewise: what an answer may call each */
    const char ***finding_names;
    size_t values;                 /* floats per image: dim, or classes x tokens; 0 for answers */
    size_t answers;                /* texts per image: classes, 1, or 0 */
    /* The cost of this evidence alone: what several kinds share (files that are read, what all questions about an image have in
     * common) is done once and counted in each; that of variants is counted nowhere. */
    size_t computed;               /* images; the others were in the cache */
    double seconds;                /* wall, of these */
    uint64_t tokens;               /* that go through the model for them */
    uint64_t peak_memory;          /* bytes, of the process at the end */
};

/* What was done, for timings. */
typedef struct radz_evidence_stage {
    const char *name; /* "embed images"; static */
    size_t items, cached;
    double seconds; /* wall */
} radz_evidence_stage;

typedef struct radz_evidence_log {
    radz_evidence_stage stages[2 * RADZ_EVIDENCE_COUNT];
    size_t n;
} radz_evidence_log;

/* The wanted kinds of `sets` [RADZ_EVIDENCE_COUNT]; the others stay as they are. All questions about an image are asked in one
 * visit, so that it is decoded once and what they share runs once. Loads the model on first need. Free each with
 * radz_evidence_free, also after an error. */
radz_status radz_evidence_produce(radz_session *session, const radz_evidence_request *request, radz_evidence_set *sets,
                                  radz_evidence_log *log, radz_error *err) RADZ_MUST_USE;
void radz_evidence_free(radz_evidence_set *set);
/* The texts that the evidence rests on, by hash: prompts or questions. */
const char *radz_evidence_prompts_sha256(const radz_evidence_set *set);
const char *radz_evidence_variant_sha256(const radz_evidence_variant *variant); /* "" where anchors are varied */
/* Can a data set put its own questions for this kind of evidence (yes-no-logits, answers)? A data set with a column of
 * questions can be evaluated by scorers of such evidence alone. */
bool radz_evidence_takes_questions(radz_evidence kind);
bool radz_evidence_is_asked(radz_evidence kind); /* is a model asked for it? Then its card must say how */

/* What a scorer is prepared with; `described`: descriptions in place of the prompts. Views of the set. */
radz_score_texts radz_evidence_texts(const radz_evidence_set *set, bool described);

/* Rows of images read back; zero-initialise, free with radz_evidence_rows_free. Use one again for the next block. */
typedef struct radz_evidence_rows {
    float *values;       /* [n, set->values] */
    char **answers;      /* [n, set->answers] */
    size_t n_answers, values_capacity, answers_capacity;
} radz_evidence_rows;
/* Samples (indices into the data set, usable ones) [n] -> rows. Something that is not in the cache any more is
 * RADZ_E_MISSING. */
radz_status radz_evidence_read(const radz_evidence_set *set, const uint32_t *samples, size_t n, radz_evidence_rows *rows,
                               radz_error *err) RADZ_MUST_USE;
/* Of the evidence in words: the question that the answer number `i` of a sample answers. */
const char *radz_evidence_question(const radz_evidence_set *set, size_t sample, size_t i);
void radz_evidence_rows_free(radz_evidence_rows *rows);

#endif
