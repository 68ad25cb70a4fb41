/* The images that a model's scores put furthest on the wrong side, for people to look at. */
#ifndef RADZ_RUN_MISTAKES_H
#define RADZ_RUN_MISTAKES_H

#include "metric/metric.h"
#include "report/results.h"

enum {
    RADZ_MISTAKES_KEPT = 2, /* of each class and each label */
    RADZ_MISTAKE_SIDE = 112 /* pixels of the longer side of a picture */
};

/* Adds to the block added last, for each class, the RADZ_MISTAKES_KEPT positive images that most negative images outrank,
 * and as many negative ones that outrank most positive ones (ties count one half; of equal ones the first row). Only images
 * on the wrong side of at least half of the others are mistakes. `paths` [rows] are the image files; with `run_dir` not NULL
 * each mistake's picture is written, small and gray, to RUN_DIR/thumbnails/HASH.jpg (HASH: of the image's id and path's
 * content, so that a picture is stored once). A file that cannot be read has no picture. O(rows log rows) a class. */
radz_status radz_mistakes_add(const radz_metric_input *input, const char *const *paths, const char *run_dir,
                              radz_results *results, radz_error *err) RADZ_MUST_USE;

#endif
