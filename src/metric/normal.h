/* The standard normal distribution, of + - * / and sqrt alone (base/detmath.h), so that intervals and p-values have the
 * same bytes on every processor. Relative error below 1e-13, also far out in the tails. */
#ifndef RADZ_METRIC_NORMAL_H
#define RADZ_METRIC_NORMAL_H

double radz_normal_cdf(double z);       /* P(Z <= z); as scipy.stats.norm.cdf */
double radz_normal_two_sided(double z); /* P(|Z| >= |z|), the p-value of a two-sided test; 1 for z = 0, NaN for NaN */
/* The z with P(Z <= z) = p, p in [0, 1] (minus infinity at 0, infinity at 1); as scipy.stats.norm.ppf. Wichura 1988,
 * algorithm AS 241 (PPND16). */
double radz_normal_quantile(double p);

#endif
