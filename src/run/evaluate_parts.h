/* What the kinds of evaluation share. For src/run/evaluate*.c only. */
#ifndef RADZ_RUN_EVALUATE_PARTS_H
#define RADZ_RUN_EVALUATE_PARTS_H

#include "metric/resample.h"
#include "run/evaluate.h"

static inline radz_metric_input evaluation_input(const radz_scored_set *set)
{
    return (radz_metric_input){
        .rows = set->n, .classes = set->n_classes, .scores = set->scores, .labels = set->labels,
        .class_names = set->classes, .row_names = set->names,
    };
}

/* The caller's block, with what was found here, is added; `notes` say what a reader must know of the protocol. */
radz_status evaluation_add_block(const radz_evaluation *ev, size_t replicates, size_t distinct, radz_strlist *notes,
                                 radz_results *results, radz_error *err);
/* A row of the block without a value. */
radz_result_row evaluation_row(const radz_evaluation *ev, const char *class_name, const char *metric);

radz_bootstrap_options evaluation_bootstrap_options(uint32_t replicates, double confidence, uint64_t seed, int threads,
                                                    const uint8_t *members, size_t n_means);
/* The classes once more, each by itself: what is drawn with and without a positive image of it is drawn apart. `b` NULL fills
 * `intervals` [classes], otherwise `pairs` [classes] of a - b. */
radz_status evaluation_draw_by_label(const radz_metric_input *a, const radz_metric_input *b, const radz_clusters *drawn,
                                     const radz_bootstrap_options *from, radz_bootstrap_work *work, radz_intervals *intervals,
                                     radz_paired *pairs, radz_error *err);

/* Protocols with exact arithmetic (evaluate_exact.c); those that repeat published code (evaluate_preset.c). `notes` may grow. */
radz_status evaluation_exact(const radz_evaluation *ev, radz_strlist *notes, radz_results *results, radz_error *err);
radz_status evaluation_preset(const radz_evaluation *ev, radz_strlist *notes, radz_results *results, radz_error *err);

#endif
