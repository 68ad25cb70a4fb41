/* Figures as published evaluation code computes them, faults included: the protocols whose arithmetic is "scikit-learn"
 * (base/protocol.h). Every sum, quotient and comparison is done in the order in which numpy 2, scikit-learn 1.4 or newer
 * and pandas do it, so that the result has the same bits. metric/metric.h has the figures as they should be.
 *
 *   auc        sklearn.metrics.roc_auc_score: trapezoids over roc_curve without its collinear points, numpy's pairwise sum
 *   auprc      sklearn.metrics.auc over precision_recall_curve
 *   f1         f1_score, or the maximum of 2 R P / (R + P) over precision_recall_curve
 *   acc, mcc   accuracy_score, matthews_corrcoef
 *   means      numpy.mean; weighted: numpy.average with the numbers of positives; micro: over all (row, class) pairs
 *
 * Rows whose label is -1 are left out of their class; the sources know no such labels. */
#ifndef RADZ_METRIC_PRESET_H
#define RADZ_METRIC_PRESET_H

#include "base/protocol.h"
#include "metric/metric.h"

extern const char *const radz_figure_names[RADZ_FIGURE_COUNT]; /* as in metrics.csv */

typedef struct radz_figure {
    double value, low, high;             /* NaN where the status is not RADZ_METRIC_OK */
    radz_metric_status status, interval; /* RADZ_METRIC_NO_CLASS for an interval the protocol does not have */
} radz_figure;

typedef struct radz_preset_row {
    radz_figure of[RADZ_FIGURE_COUNT]; /* only those of rules.figures are set */
    size_t counted[RADZ_FIGURE_COUNT]; /* of a mean: classes that entered it */
    size_t positives, negatives;       /* of a class: on the test */
} radz_preset_row;

typedef struct radz_preset_result {
    radz_preset_row *classes; /* [classes], the caller's */
    radz_preset_row macro, micro, weighted;
    size_t replicates, distinct; /* distinct: different draws among them; 0 without intervals */
    bool stopped;                /* the source ends with an error (RADZ_UNDEFINED_STOP) ... */
    size_t stopped_class;        /* ... at this class ... */
    size_t stopped_replicate;    /* ... of this replicate; SIZE_MAX: on the data themselves, so there are no figures */
} radz_preset_result;

/* `mean_of` [classes]: the macro mean runs over the classes where it is not 0; NULL: over all.
 * `validation` (NULL: none) has the classes of `test`. Without it a protocol that chooses its threshold there has no
 * figures at a threshold (RADZ_METRIC_NO_VALIDATION). `intervals` false: none. `threads` changes no result. The order of
 * the rows is part of the input: some sources depend on it. Errors: as radz_metric_class; RADZ_E_INTERRUPTED. */
radz_status radz_preset_measure(const radz_metric_input *test, const radz_metric_input *validation,
                                const radz_protocol_rules *rules, const uint8_t *mean_of, bool intervals, int threads,
                                radz_preset_result *out, radz_error *err) RADZ_MUST_USE;

#endif
