/* The variance of an AUC, its interval, and the test of two AUCs on the same rows, without drawing anything.
 *
 * For one class with m positive and n negative rows let V10(i) be the share of the negatives that positive row i beats
 * (ties count one half), V01(j) the share of the positives that beat negative row j. Then AUC = mean V10 = mean V01, and
 *
 *   Cov(AUC_r, AUC_s) = S10 / m + S01 / n,   S10 (S01) the sample covariance of V10 (V01) of the models r and s,
 *                                            with m - 1 (n - 1) below
 *
 * (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44; by ranks in O(N log N), Sun and Xu 2014, IEEE SPL 21; as
 * pROC::var, ci.auc and roc.test with method = "delong"). The sums are whole numbers and kept exactly, so that ties are
 * exact and the result has the same bits whatever the order of the rows.
 *
 * That holds for independent rows. Images of one patient are not: with clusters given, the components are summed within
 * each cluster first (Obuchowski 1997, Biometrics 53), with I10 clusters that have a positive row, I01 with a negative
 * one, I in all, X_i and Y_i the sums of V10 - AUC and V01 - AUC over the rows of cluster i:
 *
 *   Cov = I10 / (I10 - 1) sum X_ir X_is / m^2 + I01 / (I01 - 1) sum Y_ir Y_is / n^2
 *         + I / (I - 1) sum (X_ir Y_is + X_is Y_ir) / (m n)
 *
 * which is DeLong's when every row is its own cluster. */
#ifndef RADZ_METRIC_DELONG_H
#define RADZ_METRIC_DELONG_H

#include "metric/metric.h"

/* Which rows belong together: `of` [rows], each in [0, count), borrowed, as radz_number_patients gives it. A class uses the
 * clusters that have a labelled row of it. */
typedef struct radz_clusters {
    const uint32_t *of;
    size_t count;
} radz_clusters;

typedef struct radz_delong {
    double auc;                    /* the AUC of radz_metric_class, to the bit */
    double variance;               /* of it */
    radz_metric_status auc_status; /* NO_ROWS, ONE_VALUE */
    radz_metric_status status;     /* of the variance: as auc_status, or RADZ_METRIC_FEW_ROWS where fewer than two rows (or
                                    * clusters) are positive or negative */
    size_t positives, negatives;
} radz_delong;

typedef struct radz_delong_pair {
    radz_delong a, b;
    double covariance;         /* of the two AUCs */
    double difference;         /* a - b */
    double variance;           /* of the difference; never below 0 */
    double z, p;               /* difference / sqrt(variance); two-sided. Equal AUCs without variance: 0 and 1 */
    radz_metric_status status; /* of covariance, variance; of the difference auc_status of a */
    radz_metric_status test_status; /* of z, p: as status, or RADZ_METRIC_ZERO_VARIANCE where the AUCs differ but nothing
                                     * varies (perfect against perfectly wrong) */
} radz_delong_pair;

/* Scratch memory, made once and reused; grows as needed. Not for two calls at a time. */
typedef struct radz_delong_work radz_delong_work;
radz_status radz_delong_work_create(radz_delong_work **out, radz_error *err) RADZ_MUST_USE;
void radz_delong_work_free(radz_delong_work *work);

/* One class. `clusters` NULL: rows are independent. Errors as radz_metric_class; a cluster out of range. */
radz_status radz_delong_class(const radz_metric_input *input, size_t class_index, const radz_clusters *clusters,
                              radz_delong_work *work, radz_delong *out, radz_error *err) RADZ_MUST_USE;

/* Two models on the same rows and labels (the first difference in labels of that class is an error). */
radz_status radz_delong_paired(const radz_metric_input *a, const radz_metric_input *b, size_t class_index,
                               const radz_clusters *clusters, radz_delong_work *work, radz_delong_pair *out,
                               radz_error *err) RADZ_MUST_USE;

/* PLAIN: auc +- z sd, cut at 0 and 1, as pROC::ci.auc. LOGIT: the same on log(auc / (1 - auc)), whose deviation is
 * sd / (auc (1 - auc)); better near 0 and 1 and never beyond them (Pepe 2003, section 5.2). */
typedef enum radz_interval_form { RADZ_INTERVAL_PLAIN = 0, RADZ_INTERVAL_LOGIT } radz_interval_form;

/* Interval of an AUC with the given variance; `confidence` in percent, inside (0, 100). NaN where there is no variance, and
 * of the logit form where the AUC is 0 or 1 (RADZ_METRIC_ZERO_VARIANCE). */
radz_metric_status radz_delong_interval(const radz_delong *estimate, double confidence, radz_interval_form form,
                                        double *low, double *high);
/* Of the difference: +- z sd, cut at -1 and 1. */
radz_metric_status radz_delong_pair_interval(const radz_delong_pair *pair, double confidence, double *low, double *high);

#endif
