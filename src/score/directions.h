/* Directions of a shared image-text space: one unit vector per class and polarity, from the prompts of all templates.
 * For the score room's own use. */
#ifndef RADZ_SCORE_DIRECTIONS_H
#define RADZ_SCORE_DIRECTIONS_H

#include "score/scorer.h"

typedef struct radz_directions {
    size_t classes, dim;
    int polarities; /* 1: positive only; 2: positive and negative */
    double *unit;   /* [classes, polarities, dim], owned */
} radz_directions;

/* Each prompt's embedding is divided by its length, the templates of a (class, polarity) are averaged with equal
 * weight, and the mean is divided by its length: as openai/CLIP's prompt ensembling and CheXzero's zeroshot_classifier.
 * With one template it is that prompt's embedding. `out` is cleared first; free it with radz_directions_free also after
 * an error. */
radz_status radz_directions_make(const radz_score_texts *texts, bool negatives, radz_directions *out,
                                 radz_error *err) RADZ_MUST_USE;
void radz_directions_free(radz_directions *directions);

/* Image `row` of a block: its vector (borrowed) and length. Errors name the image. */
typedef struct radz_image_vector {
    const float *at; /* [dim] */
    double length;
} radz_image_vector;
radz_status radz_directions_image(const radz_score_block *block, size_t row, radz_image_vector *out,
                                  radz_error *err) RADZ_MUST_USE;
double radz_directions_cosine(const radz_directions *directions, size_t class_index, radz_polarity polarity,
                              const radz_image_vector *image);
/* Sum of products [dim], in a fixed order. */
double radz_directions_dot(const double *a, const double *b, size_t dim);
/* Checks a block's dimension. */
radz_status radz_directions_check(const radz_directions *directions, const radz_score_block *block,
                                  radz_error *err) RADZ_MUST_USE;

#endif
