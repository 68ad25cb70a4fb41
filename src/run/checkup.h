/* The check of one or more data sets: each against its card and itself (data/check.h), all against each other, and, when
 * wanted, the pictures themselves. `radz-bench check` does all of it; a run does the part that reads no image before it
 * begins. */
#ifndef RADZ_RUN_CHECKUP_H
#define RADZ_RUN_CHECKUP_H

#include "data/check.h"
#include "report/results.h"
#include "run/home.h"

typedef struct radz_checkup_dataset {
    const radz_dataset_card *card;
    const char *root;
} radz_checkup_dataset;

typedef struct radz_checkup_options {
    const char *split; /* the one that is evaluated; NULL: as each card says */
    bool pictures;     /* decode every image: unreadable ones, blank ones, one picture under two ids or in two forms */
    int threads;
} radz_checkup_options;

/* Adds to `out` (zero-initialise it) what is found; in order of the data sets, then what concerns several of them. Costs one
 * pass over the label file for each split, and with `pictures` the decoding of every image and one look at each pair of them
 * (some 5 s of one core for 100,000). */
radz_status radz_checkup(const radz_home *home, const radz_checkup_dataset *datasets, size_t n,
                         const radz_checkup_options *options, radz_findings *out, radz_error *err) RADZ_MUST_USE;

/* The images of one evaluated split with the content hashes of their files, which a run knows once they are embedded; all
 * borrowed. */
typedef struct radz_checkup_files {
    const char *dataset, *split;
    const char *const *names; /* [n] image ids */
    const char *const *paths; /* [n] their files: samples of one and the same file are no doubles */
    const unsigned char *keys; /* [n, 32] */
    const bool *usable;        /* [n]; false: not read */
    size_t n;
} radz_checkup_files;

/* Adds a finding to `results` for each split with files that are byte for byte another image's ("same-file"), and for each
 * with files that another data set has too ("shared-files"). O(n log n). */
radz_status radz_checkup_same_files(const radz_checkup_files *splits, size_t n, radz_results *results,
                                    radz_error *err) RADZ_MUST_USE;

/* Adds those findings to `results` that concern the whole of `dataset` or its split `split`. */
radz_status radz_checkup_report(const radz_findings *findings, const char *dataset, const char *split,
                                radz_results *results, radz_error *err) RADZ_MUST_USE;

#endif
