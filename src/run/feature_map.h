/* The features of cached images laid out in the plane, for the figure that colours them by class. */
#ifndef RADZ_RUN_FEATURE_MAP_H
#define RADZ_RUN_FEATURE_MAP_H

#include "report/figures.h"
#include "run/home.h"

enum {
    RADZ_MAP_IMAGES = 1000, /* at most, a seeded choice of patients */
    RADZ_MAP_CLASSES = 6    /* the most frequent ones */
};

typedef struct radz_feature_maps {
    radz_feature_map *items; /* their arrays and strings are owned by `memory` */
    size_t count, capacity;
    radz_arena memory;
} radz_feature_maps;

/* Embeds (through the cache) at most RADZ_MAP_IMAGES images of each data set and model that `results` evaluated, and lays
 * out those that have exactly one of the RADZ_MAP_CLASSES most frequent findings, and no other, or none at all: t-SNE with
 * perplexity 30 (less for few images), seed 1, Barnes-Hut. A pair with fewer than 20 such images has no map. Zero-initialise
 * `out`; free with radz_feature_maps_free, also after an error. */
radz_status radz_feature_maps_make(const radz_home *home, const radz_results *results, int threads, radz_feature_maps *out,
                                   radz_error *err) RADZ_MUST_USE;
void radz_feature_maps_free(radz_feature_maps *maps);

#endif
