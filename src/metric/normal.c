#include "metric/normal.h"

#include <math.h>

#include "base/detmath.h"

/* exp(-x^2) with the rounding of x^2 put back: far out it would cost digits otherwise. */
static double exp_minus_square(double x)
{
    double high = floor(x * 16) / 16; /* its square is exact */
    return det_exp(-high * high) * det_exp(-(x - high) * (x + high));
}

/* Complementary error function of x >= 0. Near the middle the series of erf (positive terms, Abramowitz and Stegun 7.1.6),
 * further out the continued fraction 7.1.14, from its end: 200 levels are enough from 1 on. */
static double upper(double x)
{
    static const double inverse_sqrt_pi = 0.56418958354775628695;
    if (x > 27)
        return 0; /* below the smallest double */
    if (x < 1) {
        double term = x, sum = x;
        for (int k = 1; k < 60; k++) {
            term *= 2 * x * x / (2 * k + 1);
            sum += term;
        }
        return 1 - 2 * inverse_sqrt_pi * exp_minus_square(x) * sum;
    }
    double tail = 0;
    for (int k = 200; k > 0; k--)
        tail = k / 2.0 / (x + tail);
    return inverse_sqrt_pi * exp_minus_square(x) / (x + tail);
}

static const double sqrt_half = 0.70710678118654752440;

double radz_normal_cdf(double z)
{
    if (isnan(z))
        return z;
    double tail = upper(fabs(z) * sqrt_half) / 2;
    return z < 0 ? tail : 1 - tail;
}

double radz_normal_two_sided(double z)
{
    return isnan(z) ? z : upper(fabs(z) * sqrt_half);
}

static double ratio(const double *over, const double *under, double x)
{
    double a = over[7], b = under[7];
    for (int i = 6; i >= 0; i--) {
        a = a * x + over[i];
        b = b * x + under[i];
    }
    return a / b;
}

double radz_normal_quantile(double p)
{
    static const double near[2][8] = {
        {3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
         4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3},
        {1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3, 2.1213794301586595867e+4,
         3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3}};
    static const double middle[2][8] = {
        {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
         1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4},
        {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
         1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9}};
    static const double far[2][8] = {
        {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
         2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7},
        {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
         7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15}};
    if (!(p >= 0 && p <= 1))
        return NAN;
    if (p == 0 || p == 1)
        return p == 0 ? -INFINITY : INFINITY;
    double q = p - 0.5;
    if (fabs(q) <= 0.425)
        return q * ratio(near[0], near[1], 0.180625 - q * q);
    double r = sqrt(-det_log(q < 0 ? p : 1 - p));
    double z = r <= 5 ? ratio(middle[0], middle[1], r - 1.6) : ratio(far[0], far[1], r - 5);
    return q < 0 ? -z : z;
}
