/* The phantom on disk: the generator of the data room with the encoders of the image room. */
#ifndef RADZ_RUN_MAKE_PHANTOM_H
#define RADZ_RUN_MAKE_PHANTOM_H

#include <stdint.h>

#include "base/status.h"

typedef struct radz_make_phantom_options {
    uint32_t patients; /* 0: the generator's default */
    uint64_t seed;
    const char *split; /* "train", "val" or "test": images of that split only; NULL: of all. Lists and labels always of all */
    int threads;
} radz_make_phantom_options;

/* Writes the data set below `dir`, keeping what is already there. */
radz_status radz_make_phantom(const char *dir, const radz_make_phantom_options *options, radz_error *err) RADZ_MUST_USE;

/* Writes contact sheets below `dir`: sheet.png with all findings, and sheet-<Finding>.png for each. Adds nothing else. */
radz_status radz_make_phantom_sheets(const char *dir, const radz_make_phantom_options *options,
                                     radz_error *err) RADZ_MUST_USE;

#endif
