#include "base/detmath.h"

#include <math.h>

static const double LN2_HIGH = 6.93147180369123816490e-01, LN2_LOW = 1.90821492927058770002e-10;
static const double PI = 3.14159265358979323846;
/* pi/2 in two parts, so that x - n*pi/2 keeps its bits */
static const double HALF_PI_HIGH = 1.57079632673412561417e+00, HALF_PI_LOW = 6.07710050650619224932e-11;

double det_exp(double x)
{
    if (x < -708)
        return 0;
    if (x > 709)
        return HUGE_VAL;
    double n = floor(x / 0.6931471805599453 + 0.5);
    double r = (x - n * LN2_HIGH) - n * LN2_LOW; /* |r| <= ln2/2 */
    double term = 1, sum = 1;
    for (int i = 1; i <= 16; i++) {
        term = term * r / i;
        sum += term;
    }
    return ldexp(sum, (int)n);
}

double det_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent); /* [0.5, 1) */
    if (m < 0.70710678118654752440) {
        m *= 2;
        exponent--;
    }
    double f = (m - 1) / (m + 1), f2 = f * f; /* |f| < 0.172 */
    double sum = 0;
    for (int i = 23; i >= 1; i -= 2)
        sum = sum * f2 + 1.0 / i;
    return 2 * f * sum + exponent * LN2_LOW + exponent * LN2_HIGH;
}

static double sin_series(double r)
{
    double r2 = r * r, term = r, sum = r;
    for (int i = 1; i <= 9; i++) {
        term = -term * r2 / ((2 * i) * (2 * i + 1));
        sum += term;
    }
    return sum;
}

static double cos_series(double r)
{
    double r2 = r * r, term = 1, sum = 1;
    for (int i = 1; i <= 9; i++) {
        term = -term * r2 / ((2 * i - 1) * (2 * i));
        sum += term;
    }
    return sum;
}

static double sin_quadrant(double x, int shift)
{
    double n = floor(x / (PI / 2) + 0.5);
    double r = (x - n * HALF_PI_HIGH) - n * HALF_PI_LOW;
    switch ((int)(((long long)n + shift) & 3)) {
    case 0:
        return sin_series(r);
    case 1:
        return cos_series(r);
    case 2:
        return -sin_series(r);
    default:
        return -cos_series(r);
    }
}

double det_sin(double x)
{
    return sin_quadrant(x, 0);
}

double det_cos(double x)
{
    return sin_quadrant(x, 1);
}

double det_pow(double x, double y)
{
    if (x <= 0)
        return y == 0 ? 1 : 0;
    return det_exp(y * det_log(x));
}

double det_atan2(double y, double x)
{
    double ax = fabs(x), ay = fabs(y);
    if (ax == 0 && ay == 0)
        return 0;
    double t = ay > ax ? ax / ay : ay / ax; /* [0, 1] */
    /* two half-angle steps bring t below 0.2, where the series is short */
    for (int i = 0; i < 2; i++)
        t = t / (1 + sqrt(1 + t * t));
    double t2 = t * t, sum = 0;
    for (int i = 25; i >= 1; i -= 2)
        sum = 1.0 / i - t2 * sum;
    double angle = 4 * t * sum;
    if (ay > ax)
        angle = PI / 2 - angle;
    if (x < 0)
        angle = PI - angle;
    return y < 0 ? -angle : angle;
}
