/* Scorers turn what a model said about images and prompts into one score per image and class.
 *
 * A scorer is prepared once from the text side (prompt embeddings) and then given the image side in blocks of any size,
 * so memory does not grow with the number of images. Each score depends on its own image and the prompts alone: not on
 * the block, the order or the other images. All sums are doubles in a fixed order and exp is base/detmath.h's, so the
 * same embeddings give the same bits on every machine. A prepared scorer is read-only: several threads may score blocks
 * at a time. */
#ifndef RADZ_SCORE_SCORER_H
#define RADZ_SCORE_SCORER_H

#include <stdint.h>

#include "base/evidence.h"
#include "base/polarity.h"
#include "base/status.h"
#include "score/verdict.h"

/* What is known of the classes; of the members below, those of the scorer's evidence. All arrays borrowed, needed until
 * the state is freed. */
typedef struct radz_score_texts {
    size_t classes;
    const char *const *class_names; /* [classes] or NULL; for messages only */
    /* Vectors: the prompts and their embeddings. The order of the rows does not matter. A (class, polarity, template)
     * appears once; classes may have different numbers of templates. */
    size_t rows, dim;
    const float *embeddings;       /* [rows, dim] row-major; any length but zero: normalised here */
    const uint32_t *class_of;      /* [rows], below classes */
    const uint8_t *polarity_of;    /* [rows], radz_polarity */
    const uint32_t *template_of;   /* [rows] index of the prompt's template */
    size_t anchors;                /* radz-feature: rows of the anchor matrix */
    const float *anchor_vectors;   /* [anchors, dim]; any length but zero: normalised here */
    bool anchor_of_none;           /* the last anchor is that of "No Finding", which is no class here */
    size_t yes_tokens, no_tokens;  /* yes-no-logits: how many spellings of each */
    const radz_finding_names *findings;  /* [classes] answers, choice: what an answer may call each class */
} radz_score_texts;

#define RADZ_SCORE_OF_YES 1.0 /* a hard answer's score; 0 is that of no, unknown lies between */

typedef struct radz_score_options {
    double logit_scale; /* clip-cosine multiplies by it; finite, above 0 */
    double temperature; /* radz scorers divide cosines by it; finite, above 0 */
} radz_score_options;
radz_score_options radz_score_defaults(void); /* logit_scale 1: the cosine itself; temperature 0.05 */

/* A run of images. All arrays borrowed. */
typedef struct radz_score_block {
    size_t rows, dim;
    /* Vectors: [rows, dim] row-major; any length but zero: normalised here. yes-no-logits: [rows, classes, yes_tokens +
     * no_tokens], dim the product of the last two. */
    const float *embeddings;
    const char *const *answers;    /* answers: [rows, classes]; choice: [rows] */
    radz_answer_verdict *verdicts;        /* [rows, classes] filled by scorers of hard answers; NULL: not wanted */
    size_t first_row;              /* number of the block's first image in the whole run; for messages only */
    const char *const *row_names;  /* [rows] image names or NULL; for messages only */
} radz_score_block;

typedef struct radz_score_state radz_score_state; /* a prepared scorer; each scorer's own */

typedef struct radz_scorer {
    const char *name;        /* as in metrics.csv and on the command line */
    const char *description; /* one line with the formula */
    const char *source;      /* whose evaluation it is */
    radz_evidence evidence;
    bool needs_negatives;    /* every class needs a negative prompt; otherwise negative prompts are left aside */
    bool uses_logit_scale;
    bool probabilities;      /* scores are between 0 and 1 and say how likely the class is */
    bool needs_anchors;      /* the anchors of an anchors card; for a scorer of features, as a matrix */
    bool described;          /* their descriptions are the rows of the texts, in place of prompts */
    bool hard;               /* scores are answers: 1 yes, 0 no, 0.5 unknown, which lies between the two */
    bool over_classes;       /* a class's score depends on the other classes that are listed (softmax) */
    /* `options` NULL: defaults. Errors: no class, a class without a positive (where needed: negative) prompt, a class,
     * polarity or template out of range or repeated, a NaN, infinite or all-zero embedding, an option out of range. */
    radz_status (*prepare)(const radz_score_texts *texts, const radz_score_options *options, radz_score_state **out,
                           radz_error *err);
    /* `scores` is the caller's [block->rows, classes], row-major; higher = more positive. Errors: another dim than the
     * texts', a NaN, infinite or all-zero embedding (the image is named). Nothing can be said of `scores` then. */
    radz_status (*score)(const radz_score_state *state, const radz_score_block *block, double *scores,
                         radz_error *err);
    void (*free)(radz_score_state *state); /* takes NULL */
} radz_scorer;

const radz_scorer *radz_scorer_at(size_t i); /* in the table's order; NULL past the end */
const char *radz_scorer_name(size_t i);      /* its name; NULL past the end */
/* An unknown name fails with the list of known ones (RADZ_E_USAGE). */
radz_status radz_scorer_find(const char *name, const radz_scorer **out, radz_error *err) RADZ_MUST_USE;

#endif
