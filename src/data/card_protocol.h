/* Protocols: the cards under manifests/protocols/ that say how scores become AUC, F1 and ACC. */
#ifndef RADZ_DATA_CARD_PROTOCOL_H
#define RADZ_DATA_CARD_PROTOCOL_H

#include "base/protocol.h"
#include "data/card.h"

typedef struct radz_protocol_interval {
    radz_interval_method method;
    radz_interval_bounds bounds;
    radz_interval_strata strata;
    uint32_t replicates, low, high, digits, seed;
    radz_interval_mean mean;
    bool rechoose, value_is_mean;
} radz_protocol_interval;

typedef struct radz_protocol_threshold {
    radz_threshold_rule rule;
    radz_threshold_search search;
    radz_threshold_split split;
} radz_protocol_threshold;

typedef struct radz_protocol_f1 {
    radz_threshold_side at;
    radz_f1_form form;
    uint32_t empty;
} radz_protocol_f1;

typedef struct radz_protocol_card {
    radz_card_base base;
    char *source; /* whose arithmetic this is, and where it stands */
    char *notes;  /* optional */
    char **faults;
    size_t faults_count; /* one line each: printed with the figures */
    radz_arithmetic arithmetic;
    char **figures;
    size_t figures_count;
    char **averages;
    size_t averages_count;
    char **mean_classes; /* the macro mean runs over these where the set has them all, else over all its classes */
    size_t mean_classes_count;
    radz_normalisation normalise;
    radz_protocol_threshold threshold;
    radz_protocol_f1 f1;
    radz_threshold_side acc;
    radz_binary_form binary;
    radz_undefined undefined;
    radz_protocol_interval interval;
    radz_protocol_rules rules; /* all of the above, filled by the loader */
} radz_protocol_card;

radz_status radz_protocol_card_load(const char *path, radz_protocol_card **out, radz_error *err) RADZ_MUST_USE;
/* By name, as radz_card_find finds it. */
radz_status radz_protocol_find_card(const radz_card_places *places, const char *name, radz_protocol_card **out,
                                    radz_error *err) RADZ_MUST_USE;
void radz_protocol_card_free(radz_protocol_card *card);

#endif
