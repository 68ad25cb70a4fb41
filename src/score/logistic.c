#include "score/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/detmath.h"
#include "base/log.h"
#include "base/mem.h"

enum { LANES = 8, NEWTON_STEPS = 200 };

/* The rows that take part, and everything that lives along them or along the weights. The last weight is b. */
typedef struct problem {
    const radz_logistic_input *input;
    size_t count, dim;       /* rows; dim + 1 weights */
    uint32_t *rows;          /* [count] */
    double *sign;            /* [count] 1 or -1 */
    double *score, *moved;   /* [count] w.x + b; the same for the direction */
    double *curve;           /* [count] C p (1 - p) */
    double *w, *g, *d, *r, *z, *p, *hp, *diagonal; /* [dim + 1] */
    double *memory;
} problem;

/* Eight sums side by side, which a compiler can keep in one register, added in a fixed order. */
static double dot_row(const double *w, const float *x, size_t dim)
{
    double sum[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= dim; i += LANES)
        for (int l = 0; l < LANES; l++)
            sum[l] += w[i + (size_t)l] * (double)x[i + (size_t)l];
    double total = 0;
    for (; i < dim; i++)
        total += w[i] * (double)x[i];
    for (int l = 0; l < LANES; l++)
        total += sum[l];
    return total;
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum[LANES] = {0}, total = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            sum[l] += a[i + (size_t)l] * b[i + (size_t)l];
    for (; i < n; i++)
        total += a[i] * b[i];
    for (int l = 0; l < LANES; l++)
        total += sum[l];
    return total;
}

double radz_logistic_score(const double *weights, const float *features, size_t dim)
{
    return dot_row(weights, features, dim) + weights[dim];
}

static const float *row_at(const problem *q, size_t i)
{
    return q->input->features + (size_t)q->rows[i] * q->dim;
}

static void scores_of(const problem *q, const double *w, double *out)
{
    for (size_t i = 0; i < q->count; i++)
        out[i] = radz_logistic_score(w, row_at(q, i), q->dim);
}

/* log(1 + exp(-m)) and 1 / (1 + exp(m)) for a margin m. */
static double loss_of(double margin, double *wrong)
{
    double e = det_exp(-fabs(margin));
    *wrong = margin >= 0 ? e / (1 + e) : 1 / (1 + e);
    return det_log(1 + e) + (margin < 0 ? -margin : 0);
}

static double objective(const problem *q, const double *w, const double *score)
{
    double sum = 0, unused;
    for (size_t i = 0; i < q->count; i++)
        sum += loss_of(q->sign[i] * score[i], &unused);
    return dot(w, w, q->dim) / 2 + q->input->c * sum;
}

/* Gradient, curvature of each row, and the Hessian's diagonal at q->w. */
static void derivatives(problem *q)
{
    size_t dim = q->dim;
    double c = q->input->c;
    memcpy(q->g, q->w, dim * sizeof *q->g);
    for (size_t k = 0; k < dim; k++)
        q->diagonal[k] = 1;
    q->g[dim] = q->diagonal[dim] = 0;
    for (size_t i = 0; i < q->count; i++) {
        double wrong;
        (void)loss_of(q->sign[i] * q->score[i], &wrong);
        double slope = -c * q->sign[i] * wrong, curve = c * wrong * (1 - wrong);
        const float *x = row_at(q, i);
        q->curve[i] = curve;
        for (size_t k = 0; k < dim; k++) {
            double value = (double)x[k];
            q->g[k] += slope * value;
            q->diagonal[k] += curve * value * value;
        }
        q->g[dim] += slope;
        q->diagonal[dim] += curve;
    }
    if (!(q->diagonal[dim] > 0))
        q->diagonal[dim] = 1;
}

/* out = H v */
static void hessian(const problem *q, const double *v, double *out)
{
    size_t dim = q->dim;
    memcpy(out, v, dim * sizeof *out);
    out[dim] = 0;
    for (size_t i = 0; i < q->count; i++) {
        const float *x = row_at(q, i);
        double times = q->curve[i] * radz_logistic_score(v, x, dim);
        for (size_t k = 0; k < dim; k++)
            out[k] += times * (double)x[k];
        out[dim] += times;
    }
}

/* Solves H d = -g until the residual is below `tolerance` times the gradient. */
static radz_status newton_direction(problem *q, double tolerance, radz_error *err)
{
    size_t n = q->dim + 1;
    double goal = tolerance * sqrt(dot(q->g, q->g, n));
    for (size_t k = 0; k < n; k++) {
        q->d[k] = 0;
        q->r[k] = -q->g[k];
        q->z[k] = q->r[k] / q->diagonal[k];
        q->p[k] = q->z[k];
    }
    double rz = dot(q->r, q->z, n);
    for (size_t step = 0; step < 20 * n && sqrt(dot(q->r, q->r, n)) > goal && rz > 0; step++) {
        if (radz_cancelled())
            return radz_fail_interrupted(err);
        hessian(q, q->p, q->hp);
        double under = dot(q->p, q->hp, n);
        if (!(under > 0))
            break;
        double along = rz / under;
        for (size_t k = 0; k < n; k++) {
            q->d[k] += along * q->p[k];
            q->r[k] -= along * q->hp[k];
            q->z[k] = q->r[k] / q->diagonal[k];
        }
        double next = dot(q->r, q->z, n), turn = next / rz;
        rz = next;
        for (size_t k = 0; k < n; k++)
            q->p[k] = q->z[k] + turn * q->p[k];
    }
    return RADZ_OK;
}

static double largest_of(const double *values, size_t n)
{
    double most = 0;
    for (size_t k = 0; k < n; k++)
        most = fabs(values[k]) > most ? fabs(values[k]) : most;
    return most;
}

static radz_status minimise(problem *q, radz_logistic_report *report, radz_error *err)
{
    size_t n = q->dim + 1;
    double c = q->input->c, *trial = q->z;
    q->w[q->dim] = det_log((double)report->positives / (double)report->negatives); /* the best b for w = 0 */
    scores_of(q, q->w, q->score);
    double value = objective(q, q->w, q->score);
    derivatives(q);
    double first = sqrt(dot(q->g, q->g, n));
    for (report->steps = 0; report->steps < NEWTON_STEPS; report->steps++) {
        double size = sqrt(dot(q->g, q->g, n));
        if (size <= 1e-12 * first || largest_of(q->g, n) <= 1e-13 * c)
            break;
        double share = first > 0 ? size / first : 0, tolerance = fmin(0.1, sqrt(share));
        radz_status st = newton_direction(q, tolerance < 1e-6 ? 1e-6 : tolerance, err);
        if (st != RADZ_OK)
            return st;
        scores_of(q, q->d, q->moved);
        double slope = dot(q->g, q->d, n), part = 1, next = value;
        bool better = false;
        for (int halved = 0; halved < 40 && !better; halved++, part /= 2) {
            for (size_t k = 0; k < n; k++)
                trial[k] = q->w[k] + part * q->d[k];
            for (size_t i = 0; i < q->count; i++)
                q->curve[i] = q->score[i] + part * q->moved[i];
            next = objective(q, trial, q->curve);
            /* near the optimum the value no longer shows the progress that the gradient still makes */
            better = next <= value + 1e-4 * part * slope || fabs(slope) * part <= 1e-13 * fabs(value);
            if (better)
                break;
        }
        if (!better)
            break;
        memcpy(q->w, trial, n * sizeof *q->w);
        scores_of(q, q->w, q->score);
        value = objective(q, q->w, q->score);
        double before = size;
        derivatives(q);
        if (fabs(slope) * part <= 1e-13 * fabs(value) && sqrt(dot(q->g, q->g, n)) > before / 2)
            break; /* rounding is all that is left */
    }
    report->gradient = largest_of(q->g, n) / c;
    return RADZ_OK;
}

static radz_status choose_rows(problem *q, radz_logistic_report *report, radz_error *err)
{
    const radz_logistic_input *in = q->input;
    size_t n = in->members != NULL ? in->n_members : in->rows;
    q->rows = radz_calloc(n, sizeof *q->rows, err);
    q->sign = radz_calloc(n, sizeof *q->sign, err);
    if (q->rows == NULL || q->sign == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = in->members != NULL ? in->members[i] : (uint32_t)i;
        if (row >= in->rows)
            return radz_fail(err, RADZ_E_INTERNAL, "logistic regression: row %u of %zu", (unsigned)row, in->rows);
        int label = in->labels[(size_t)row * in->label_stride];
        if (label == -1)
            continue;
        if (label != 0 && label != 1)
            return radz_fail(err, RADZ_E_VALUE, "logistic regression: row %u: label %d, wanted 1, 0 or -1", (unsigned)row, label);
        const float *x = in->features + (size_t)row * in->dim;
        for (size_t k = 0; k < in->dim; k++)
            if (!isfinite(x[k]))
                return radz_fail(err, RADZ_E_VALUE, "logistic regression: row %u, feature %zu: found %g, wanted a finite number",
                                 (unsigned)row, k, (double)x[k]);
        q->rows[q->count] = row;
        q->sign[q->count++] = label ? 1 : -1;
        label ? report->positives++ : report->negatives++;
    }
    return RADZ_OK;
}

radz_status radz_logistic_fit(const radz_logistic_input *input, double *weights, radz_logistic_report *report, radz_error *err)
{
    radz_logistic_report own;
    report = report != NULL ? report : &own;
    *report = (radz_logistic_report){0};
    problem q = {.input = input, .dim = input->dim};
    size_t n = input->dim + 1;
    memset(weights, 0, n * sizeof *weights);
    if (!(input->c > 0 && isfinite(input->c)))
        return radz_fail(err, RADZ_E_USAGE, "logistic regression: C is %g, wanted a finite number above 0", input->c);
    radz_status st = choose_rows(&q, report, err);
    if (st == RADZ_OK && q.count == 0)
        st = radz_fail(err, RADZ_E_VALUE, "logistic regression: no labelled row");
    report->fitted = st == RADZ_OK && report->positives > 0 && report->negatives > 0;
    if (!report->fitted)
        goto done;
    q.memory = radz_calloc(3 * q.count + 8 * n, sizeof *q.memory, err);
    if (q.memory == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    double *at = q.memory, **const along_rows[] = {&q.score, &q.moved, &q.curve};
    double **const along_weights[] = {&q.w, &q.g, &q.d, &q.r, &q.z, &q.p, &q.hp, &q.diagonal};
    for (size_t i = 0; i < 3; i++, at += q.count)
        *along_rows[i] = at;
    for (size_t i = 0; i < 8; i++, at += n)
        *along_weights[i] = at;
    st = minimise(&q, report, err);
    if (st == RADZ_OK)
        memcpy(weights, q.w, n * sizeof *weights);
done:
    free(q.rows);
    free(q.sign);
    free(q.memory);
    return st;
}
