/* Elementary functions made of + - * / alone, so that generated data has the same bytes whatever the C library and the
 * processor (glibc picks other code paths with and without FMA). Accurate to about 1e-15 relative. */
#ifndef RADZ_BASE_DETMATH_H
#define RADZ_BASE_DETMATH_H

double det_exp(double x);  /* 0 below -708, infinity above 709 */
double det_log(double x);  /* x > 0 */
double det_sin(double x);  /* |x| < 1e6 */
double det_cos(double x);
double det_pow(double x, double y); /* x >= 0 */
double det_atan2(double y, double x);

#endif
