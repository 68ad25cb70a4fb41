/* Bootstrap over patients: intervals of every class metric, of means over classes, and of the difference of
 * two models on the same draws.
 *
 * Replicate i draws, with replacement, as many patients as there are, and takes all rows of a drawn patient as often as
 * it was drawn: a patient's images are not independent, so drawing images would give intervals that are too narrow.
 * Draw number k of replicate i is the k-th radz_rng_below(patients) of the generator seeded with (seed, stream i), so a
 * replicate is the same whatever the threads, the number of replicates, or the order of the rows (given that patients
 * are numbered independently of it: radz_number_patients does). Labels and scores stay paired; the operating point is
 * chosen anew in every replicate where it was chosen on the test (RADZ_OPERATING_F1_MAX), as the choice is part of the
 * variation.
 *
 * A replicate where a metric is not defined (no positive row drawn) is dropped from that metric's interval and counted.
 * A mean over classes uses the replicates in which every class that is defined on the data itself is defined, so that
 * all replicates are means over the same classes.
 *
 * A class with fewer than two patients with a positive row, or with a negative one, has no interval (RADZ_METRIC_FEW_PATIENTS):
 * a replicate in which the only one is drawn says nothing of how others would have done. Nor has a mean of such classes alone.
 *
 * BCa gives none either where all replicates are equal (RADZ_METRIC_ZERO_VARIANCE; scipy.stats.bootstrap: NaN): labels that the
 * scores part without a mistake stay parted in every replicate, whatever new patients would do.
 *
 * The interval runs between two percentiles of the replicates by linear interpolation (radz_percentile, as
 * numpy.percentile; type 7 of Hyndman and Fan 1996): the percentiles of the confidence themselves, or (BCa, the default) those
 * corrected for the median bias of the replicates and for a standard error that changes with the value, found by leaving out
 * one patient at a time; of more than RADZ_LEFT_OUT_MOST patients, one of so many equal groups of them at a time (patient
 * number modulo groups; Efron and Narasimhan 2020, J. Comput. Graph. Stat. 29). Plain percentiles lie too low where an AUC is
 * near 1 and positives are few: its distribution has a long tail downwards, which they repeat on the wrong side
 * (docs/statistics.md has the numbers). Source: Efron and Tibshirani, An Introduction to the Bootstrap, chapters 13 and 14;
 * clusters: Field and Welsh 2007.
 *
 * With strata every replicate draws within each stratum as many patients as it has (pROC draws cases and controls apart:
 * there a stratum is a label, with one row per patient).
 *
 * Cost: each class is ranked once; a replicate is one pass over it with integer weights, 16 replicates at a time. BCa adds a
 * pass for every unit that is left out, at most RADZ_LEFT_OUT_MOST. */
#ifndef RADZ_METRIC_RESAMPLE_H
#define RADZ_METRIC_RESAMPLE_H

#include "base/protocol.h"
#include "metric/metric.h"

enum {
    RADZ_RESAMPLE_LEAST = 20, /* fewer replicates with a defined value give no interval */
    RADZ_RESAMPLE_MOST = 1000000,
    RADZ_LEFT_OUT_MOST = 512
};

typedef struct radz_bootstrap_options {
    size_t replicates;  /* RADZ_RESAMPLE_LEAST to RADZ_RESAMPLE_MOST; usual: 1000 */
    double confidence;  /* percent, inside (0, 100); usual: 95, i.e. percentiles 2.5 and 97.5 */
    uint64_t seed;
    int threads;        /* at least 1; changes no result */
    const radz_operating_point *points; /* [classes] or NULL (max F1, chosen anew in every replicate) */
    const uint8_t *groups;              /* [group_count, classes], non-zero for the classes of a group; or NULL */
    size_t group_count;
    radz_interval_bounds bounds;
    const uint32_t *stratum_of; /* [patients], each below `strata`; or NULL: one stratum */
    size_t strata;
    bool labels_differ; /* paired only: a and b are different rows of the same patients (a subgroup against the rest, each
                         * with the other's labels masked), so their labels need not agree */
} radz_bootstrap_options;
radz_bootstrap_options radz_bootstrap_defaults(void); /* 1000 replicates, 95 %, BCa, seed 0, one thread, no groups */

typedef struct radz_interval {
    double low, high;          /* NaN where the status is not RADZ_METRIC_OK */
    double mean, deviation;    /* of the used replicates (deviation with n - 1); NaN with the same status */
    size_t used, dropped;      /* replicates; together options.replicates */
    radz_metric_status status;
} radz_interval;

typedef struct radz_intervals {
    radz_interval of[RADZ_METRIC_COUNT];
} radz_intervals;

typedef struct radz_bootstrap_summary {
    size_t replicates, patients;
    size_t distinct; /* different draws among the replicates (by a 64-bit hash of how often each patient was drawn) */
} radz_bootstrap_summary;

/* Scratch for the bootstrap, made once and reused; it grows as needed. Not for two calls at a time. */
typedef struct radz_bootstrap_work radz_bootstrap_work;
radz_status radz_bootstrap_work_create(radz_bootstrap_work **out, radz_error *err) RADZ_MUST_USE;
void radz_bootstrap_work_free(radz_bootstrap_work *work);

/* Numbers patients 0 .. *count - 1 in byte order of their names, whatever the order of the rows. `names` is [rows]
 * (NULL or "" is an error), `patient_of` [rows] receives each row's number. */
radz_status radz_number_patients(const char *const *names, size_t rows, uint32_t *patient_of, size_t *count,
                                 radz_error *err) RADZ_MUST_USE;

/* `patient_of` is [rows], each in [0, patients), every patient with at least one row. `class_intervals` is [classes],
 * `group_intervals` [group_count] (the means of radz_metric_mean; may be NULL without groups), `summary` may be NULL.
 * Means have an interval only for averaged metrics (RADZ_METRIC_NO_CLASS otherwise). Where the data themselves give no
 * value the interval has the same status as the value. Errors: those of radz_metric_class; a patient out of range or
 * without a row; options out of range; RADZ_E_INTERRUPTED. Without rows every interval is NA. */
radz_status radz_bootstrap(const radz_metric_input *input, const uint32_t *patient_of, size_t patients,
                           const radz_bootstrap_options *options, radz_bootstrap_work *work,
                           radz_intervals *class_intervals, radz_intervals *group_intervals,
                           radz_bootstrap_summary *summary, radz_error *err) RADZ_MUST_USE;

/* Difference a - b of two models on the same rows, labels and draws: value and interval for every class and group. The
 * labels of both inputs must be equal (the first difference is named). An interval without zero speaks for a real
 * difference at that confidence, for this one comparison. options.points belongs to a, `points_b` to b. Thresholds have
 * no difference (RADZ_METRIC_NO_CLASS): two models' scores are not on one scale. Means run over the classes defined in
 * both. */
typedef struct radz_paired {
    radz_metric_values difference;
    radz_intervals intervals;
} radz_paired;
radz_status radz_bootstrap_paired(const radz_metric_input *a, const radz_metric_input *b, const uint32_t *patient_of,
                                  size_t patients, const radz_bootstrap_options *options,
                                  const radz_operating_point *points_b, radz_bootstrap_work *work,
                                  radz_paired *class_pairs, radz_paired *group_pairs,
                                  radz_bootstrap_summary *summary, radz_error *err) RADZ_MUST_USE;

/* The two percentiles of BCa. `sorted` are `count` > 0 ascending replicates of a statistic whose value on the data is
 * `estimate`, `jackknife` [units] its values with one unit left out each (NaN: not defined, passed over). False where every
 * replicate is on one side of the estimate, or the correction runs off to infinity. As
 * scipy.stats.bootstrap(method="BCa"); Efron 1987, JASA 82. */
bool radz_bca_percents(const double *sorted, size_t count, double estimate, const double *jackknife, size_t units,
                       double confidence, double *low, double *high);

/* The `percent`-th percentile of `count` > 0 ascending values, bit for bit as numpy.percentile(method="linear"), except
 * that between two different values of which one is infinite it gives the nearer one (numpy: NaN). */
double radz_percentile(const double *sorted, size_t count, double percent);

#endif
