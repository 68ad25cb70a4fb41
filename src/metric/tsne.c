#include "metric/tsne.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/detmath.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/workers.h"

enum { EXACT_LIMIT = 20000, POINT_LIMIT = 1 << 20, BLOCK = 64 /* rows a thread takes at a time */, DEEPEST = 48 };
static const double tiny = 2.220446049250313e-16; /* what sklearn keeps probabilities above */

radz_tsne_options radz_tsne_defaults(void)
{
    return (radz_tsne_options){.perplexity = 30, .theta = 0.5, .steps = 1000, .exaggerated_steps = 250, .exaggeration = 12,
                               .seed = 1, .threads = 1};
}

/* ---- loops over rows ---- */

/* One row of whatever is computed; every row writes its own places only, sums are taken in order of the rows afterwards. */
typedef radz_status (*row_body)(void *context, size_t row, radz_error *err);
typedef struct row_loop {
    size_t n;
    row_body body;
    void *context;
} row_loop;

static radz_status run_rows(void *context, size_t block, int worker, radz_error *err)
{
    const row_loop *loop = context;
    (void)worker;
    size_t end = (block + 1) * BLOCK < loop->n ? (block + 1) * BLOCK : loop->n;
    radz_status st = RADZ_OK;
    for (size_t i = block * BLOCK; i < end && st == RADZ_OK; i++)
        st = loop->body(loop->context, i, err);
    return st;
}

static radz_status for_rows(size_t n, int threads, row_body body, void *context, radz_error *err)
{
    row_loop loop = {n, body, context};
    return radz_parallel_for((n + BLOCK - 1) / BLOCK, threads < 1 ? 1 : threads, run_rows, &loop, err);
}

/* ---- affinities ---- */

static double squared_distance(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t d = 0; d < dim; d++) {
        double difference = (double)a[d] - (double)b[d];
        sum += difference * difference;
    }
    return sum;
}

/* Conditional probabilities p(j | i) of `count` squared distances, with the Gaussian width that gives the perplexity: bisection
 * on the precision as sklearn does it (at most 100 steps, entropy to 1e-5). A distance < 0 stands for the point itself. */
static void conditional(const double *distances, size_t count, double perplexity, double *p)
{
    double beta = 1, low = -INFINITY, high = INFINITY, wanted = det_log(perplexity);
    for (int step = 0; step < 100; step++) {
        double sum = 0, weighted = 0;
        for (size_t j = 0; j < count; j++) {
            p[j] = distances[j] < 0 ? 0 : det_exp(-distances[j] * beta);
            sum += p[j];
        }
        sum = sum == 0 ? 1e-8 : sum;
        for (size_t j = 0; j < count; j++) {
            p[j] /= sum;
            weighted += distances[j] < 0 ? 0 : distances[j] * p[j];
        }
        double excess = det_log(sum) + beta * weighted - wanted;
        if (fabs(excess) <= 1e-5)
            break;
        if (excess > 0) {
            low = beta;
            beta = isinf(high) ? beta * 2 : (beta + high) / 2;
        } else {
            high = beta;
            beta = isinf(low) ? beta / 2 : (beta + low) / 2;
        }
    }
}

typedef struct affinity_job {
    const float *features;
    size_t n, dim, neighbours;
    double perplexity;
    double *p;          /* exact: [n, n] */
    uint32_t *ids;      /* Barnes-Hut: [n, neighbours] */
    double *values;     /* Barnes-Hut: [n, neighbours] */
} affinity_job;

static radz_status exact_row(void *context, size_t i, radz_error *err)
{
    affinity_job *job = context;
    double *distances = radz_calloc(job->n, sizeof *distances, err);
    if (distances == NULL)
        return RADZ_E_NOMEM;
    for (size_t j = 0; j < job->n; j++)
        distances[j] = j == i ? -1 : squared_distance(job->features + i * job->dim, job->features + j * job->dim, job->dim);
    conditional(distances, job->n, job->perplexity, job->p + i * job->n);
    free(distances);
    return RADZ_OK;
}

typedef struct near {
    double distance;
    uint32_t id;
} near;

static int by_distance(const void *a, const void *b)
{
    const near *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The nearest neighbours by looking at all: features have too many dimensions for a tree to help. */
static radz_status neighbour_row(void *context, size_t i, radz_error *err)
{
    affinity_job *job = context;
    near *all = radz_calloc(job->n, sizeof *all, err);
    double *distances = radz_calloc(job->neighbours, sizeof *distances, err);
    radz_status st = all == NULL || distances == NULL ? RADZ_E_NOMEM : RADZ_OK;
    size_t count = 0;
    for (size_t j = 0; j < job->n && st == RADZ_OK; j++)
        if (j != i)
            all[count++] = (near){squared_distance(job->features + i * job->dim, job->features + j * job->dim, job->dim),
                                  (uint32_t)j};
    if (st == RADZ_OK) {
        qsort(all, count, sizeof *all, by_distance);
        for (size_t k = 0; k < job->neighbours; k++) {
            distances[k] = all[k].distance;
            job->ids[i * job->neighbours + k] = all[k].id;
        }
        conditional(distances, job->neighbours, job->perplexity, job->values + i * job->neighbours);
    }
    free(all);
    free(distances);
    return st;
}

static radz_status check_input(const float *features, size_t n, size_t dim, double perplexity, bool exact, radz_error *err)
{
    size_t most = exact ? EXACT_LIMIT : POINT_LIMIT;
    if (n < 4 || n > most || dim == 0)
        return radz_fail(err, RADZ_E_VALUE, "t-SNE of %zu points of %zu dimensions, wanted 4 to %zu points", n, dim, most);
    if (!(perplexity >= 1 && perplexity < (double)n))
        return radz_fail(err, RADZ_E_VALUE, "t-SNE: perplexity %g, wanted 1 to less than the %zu points", perplexity, n);
    for (size_t i = 0; i < n * dim; i++)
        if (!isfinite(features[i]))
            return radz_fail(err, RADZ_E_VALUE, "t-SNE: feature %zu of point %zu is not finite", i % dim, i / dim);
    return RADZ_OK;
}

radz_status radz_tsne_affinities(const float *features, size_t n, size_t dim, double perplexity, int threads, double *p,
                                 radz_error *err)
{
    radz_status st = check_input(features, n, dim, perplexity, true, err);
    affinity_job job = {.features = features, .n = n, .dim = dim, .perplexity = perplexity, .p = p};
    if (st == RADZ_OK)
        st = for_rows(n, threads, exact_row, &job, err);
    if (st != RADZ_OK)
        return st;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            double both = p[i * n + j] + p[j * n + i];
            p[i * n + j] = p[j * n + i] = both;
            sum += 2 * both;
        }
    sum = sum < tiny ? tiny : sum;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double share = p[i * n + j] / sum;
            p[i * n + j] = i == j ? 0 : share < tiny ? tiny : share;
        }
    return RADZ_OK;
}

/* ---- the exact objective ---- */

typedef struct exact_job {
    const double *p, *layout;
    size_t n;
    double sum_q, scale; /* all 1 / (1 + d^2) off the diagonal; what p is multiplied by */
    double *row_q, *row_kl, *gradient;
} exact_job;

static radz_status exact_sum_row(void *context, size_t i, radz_error *err)
{
    (void)err;
    exact_job *job = context;
    const double *y = job->layout;
    double sum = 0;
    for (size_t j = 0; j < job->n; j++) {
        double dx = y[2 * i] - y[2 * j], dy = y[2 * i + 1] - y[2 * j + 1];
        sum += 1 / (1 + dx * dx + dy * dy);
    }
    job->row_q[i] = sum - 1; /* without the point itself */
    return RADZ_OK;
}

static radz_status exact_force_row(void *context, size_t i, radz_error *err)
{
    (void)err;
    exact_job *job = context;
    const double *y = job->layout, *p = job->p + i * job->n;
    double force_x = 0, force_y = 0, kl = 0;
    for (size_t j = 0; j < job->n; j++) {
        if (j == i)
            continue;
        double dx = y[2 * i] - y[2 * j], dy = y[2 * i + 1] - y[2 * j + 1], t = 1 / (1 + dx * dx + dy * dy);
        double q = t / job->sum_q, wanted = job->scale * p[j];
        q = q < tiny ? tiny : q;
        force_x += (wanted - q) * t * dx;
        force_y += (wanted - q) * t * dy;
        if (job->row_kl != NULL)
            kl += wanted * det_log((wanted < tiny ? tiny : wanted) / q);
    }
    if (job->row_kl != NULL)
        job->row_kl[i] = kl;
    if (job->gradient != NULL) {
        job->gradient[2 * i] = 4 * force_x;
        job->gradient[2 * i + 1] = 4 * force_y;
    }
    return RADZ_OK;
}

static double sum_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum;
}

static radz_status exact_step(exact_job *job, int threads, double *kl, radz_error *err)
{
    radz_status st = for_rows(job->n, threads, exact_sum_row, job, err);
    job->sum_q = sum_of(job->row_q, job->n);
    job->sum_q = job->sum_q < tiny ? tiny : job->sum_q;
    if (st == RADZ_OK)
        st = for_rows(job->n, threads, exact_force_row, job, err);
    if (st == RADZ_OK && kl != NULL)
        *kl = sum_of(job->row_kl, job->n);
    return st;
}

radz_status radz_tsne_objective(const double *p, size_t n, const double *layout, int threads, double *kl, double *gradient,
                                radz_error *err)
{
    exact_job job = {.p = p, .layout = layout, .n = n, .scale = 1, .gradient = gradient};
    job.row_q = radz_calloc(n, sizeof *job.row_q, err);
    job.row_kl = radz_calloc(n, sizeof *job.row_kl, err);
    radz_status st = job.row_q == NULL || job.row_kl == NULL ? RADZ_E_NOMEM : exact_step(&job, threads, kl, err);
    free(job.row_q);
    free(job.row_kl);
    return st;
}

/* ---- Barnes-Hut ---- */

/* A square of the plane with the points in it; a leaf holds one place (points at the very same place share a leaf). */
typedef struct cell {
    double x, y, half;      /* middle, half of a side */
    double mass_x, mass_y;  /* centre of mass */
    uint32_t count;
    int32_t child[4];       /* -1: none */
    bool leaf;
} cell;

typedef struct tree {
    cell *cells;
    size_t n, capacity;
} tree;

static radz_status new_cell(tree *t, double x, double y, double half, int32_t *out, radz_error *err)
{
    radz_status st = radz_grow(&t->cells, &t->capacity, t->n + 1, sizeof *t->cells, err);
    if (st != RADZ_OK)
        return st;
    t->cells[t->n] = (cell){.x = x, .y = y, .half = half, .child = {-1, -1, -1, -1}, .leaf = true};
    *out = (int32_t)t->n++;
    return RADZ_OK;
}

static int quarter(const cell *c, double x, double y)
{
    return (x >= c->x) + 2 * (y >= c->y);
}

static radz_status child_of(tree *t, int32_t at, int which, int32_t *out, radz_error *err)
{
    cell c = t->cells[at];
    *out = c.child[which];
    if (*out >= 0)
        return RADZ_OK;
    double half = c.half / 2;
    radz_status st = new_cell(t, c.x + (which & 1 ? half : -half), c.y + (which & 2 ? half : -half), half, out, err);
    if (st == RADZ_OK)
        t->cells[at].child[which] = *out;
    return st;
}

static radz_status insert(tree *t, double x, double y, radz_error *err)
{
    int32_t at = 0;
    for (int depth = 0;; depth++) {
        cell *c = &t->cells[at];
        bool was_leaf = c->leaf, first = c->count == 0;
        double old_x = c->mass_x, old_y = c->mass_y;
        uint32_t old_count = c->count;
        c->count++;
        c->mass_x += (x - c->mass_x) / c->count;
        c->mass_y += (y - c->mass_y) / c->count;
        if (first || (was_leaf && ((old_x == x && old_y == y) || depth == DEEPEST)))
            return RADZ_OK;
        if (was_leaf) { /* what was there moves one down */
            c->leaf = false;
            int32_t down;
            radz_status st = child_of(t, at, quarter(c, old_x, old_y), &down, err);
            if (st != RADZ_OK)
                return st;
            t->cells[down].count = old_count;
            t->cells[down].mass_x = old_x;
            t->cells[down].mass_y = old_y;
        }
        radz_status st = child_of(t, at, quarter(&t->cells[at], x, y), &at, err);
        if (st != RADZ_OK)
            return st;
    }
}

static radz_status build(tree *t, const double *layout, size_t n, radz_error *err)
{
    double low_x = INFINITY, high_x = -INFINITY, low_y = INFINITY, high_y = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        low_x = fmin(low_x, layout[2 * i]);
        high_x = fmax(high_x, layout[2 * i]);
        low_y = fmin(low_y, layout[2 * i + 1]);
        high_y = fmax(high_y, layout[2 * i + 1]);
    }
    int32_t root;
    t->n = 0;
    radz_status st = new_cell(t, (low_x + high_x) / 2, (low_y + high_y) / 2,
                              fmax(high_x - low_x, high_y - low_y) / 2 + 1e-12, &root, err);
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        st = insert(t, layout[2 * i], layout[2 * i + 1], err);
    return st;
}

typedef struct tree_job {
    const tree *t;
    const double *layout;
    size_t n;
    double theta, scale, sum_q;
    const size_t *first;  /* [n + 1] */
    const uint32_t *ids;  /* symmetric neighbours */
    const double *p;
    double *row_q, *repulsion, *row_kl, *gradient;
} tree_job;

/* Sum of t and of t^2 (y - y') over all other points, far ones taken together. */
static radz_status repel_row(void *context, size_t i, radz_error *err)
{
    (void)err;
    tree_job *job = context;
    double x = job->layout[2 * i], y = job->layout[2 * i + 1], sum = 0, force_x = 0, force_y = 0;
    int32_t stack[4 * (DEEPEST + 2)];
    size_t depth = 0;
    stack[depth++] = 0;
    while (depth > 0) {
        const cell *c = &job->t->cells[stack[--depth]];
        double dx = x - c->mass_x, dy = y - c->mass_y, far = dx * dx + dy * dy, side = 2 * c->half;
        if (!c->leaf && side * side > job->theta * job->theta * far) {
            for (int k = 0; k < 4; k++)
                if (c->child[k] >= 0)
                    stack[depth++] = c->child[k];
            continue;
        }
        double t = 1 / (1 + far), all = c->count * t;
        sum += all;
        force_x += all * t * dx;
        force_y += all * t * dy;
    }
    job->row_q[i] = sum - 1; /* without the point itself */
    job->repulsion[2 * i] = force_x;
    job->repulsion[2 * i + 1] = force_y;
    return RADZ_OK;
}

static radz_status attract_row(void *context, size_t i, radz_error *err)
{
    (void)err;
    tree_job *job = context;
    const double *y = job->layout;
    double force_x = 0, force_y = 0, kl = 0;
    for (size_t k = job->first[i]; k < job->first[i + 1]; k++) {
        size_t j = job->ids[k];
        double dx = y[2 * i] - y[2 * j], dy = y[2 * i + 1] - y[2 * j + 1], t = 1 / (1 + dx * dx + dy * dy);
        double wanted = job->scale * job->p[k];
        force_x += wanted * t * dx;
        force_y += wanted * t * dy;
        if (job->row_kl != NULL)
            kl += wanted * det_log((wanted < tiny ? tiny : wanted) / fmax(t / job->sum_q, tiny));
    }
    if (job->row_kl != NULL)
        job->row_kl[i] = kl;
    job->gradient[2 * i] = 4 * (force_x - job->repulsion[2 * i] / job->sum_q);
    job->gradient[2 * i + 1] = 4 * (force_y - job->repulsion[2 * i + 1] / job->sum_q);
    return RADZ_OK;
}

static radz_status tree_step(tree_job *job, tree *t, int threads, double *kl, radz_error *err)
{
    radz_status st = build(t, job->layout, job->n, err);
    job->t = t;
    if (st == RADZ_OK)
        st = for_rows(job->n, threads, repel_row, job, err);
    job->sum_q = sum_of(job->row_q, job->n);
    job->sum_q = job->sum_q < tiny ? tiny : job->sum_q;
    if (st == RADZ_OK)
        st = for_rows(job->n, threads, attract_row, job, err);
    if (st == RADZ_OK && kl != NULL)
        *kl = sum_of(job->row_kl, job->n);
    return st;
}

/* One entry of the symmetric sparse affinities. */
typedef struct entry {
    uint32_t row, column;
    double p;
} entry;

static int by_place(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

/* (P + transposed P) / sum over the nearest neighbours. */
static radz_status sparse_affinities(const float *features, size_t n, size_t dim, const radz_tsne_options *options,
                                     size_t *first, uint32_t **ids, double **p, radz_error *err)
{
    size_t k = (size_t)(3 * options->perplexity + 1);
    k = k < n - 1 ? k : n - 1;
    affinity_job job = {.features = features, .n = n, .dim = dim, .neighbours = k, .perplexity = options->perplexity};
    job.ids = radz_calloc(n * k, sizeof *job.ids, err);
    job.values = radz_calloc(n * k, sizeof *job.values, err);
    entry *entries = radz_calloc(2 * n * k, sizeof *entries, err);
    radz_status st = job.ids == NULL || job.values == NULL || entries == NULL ? RADZ_E_NOMEM : RADZ_OK;
    if (st == RADZ_OK)
        st = for_rows(n, options->threads, neighbour_row, &job, err);
    size_t count = 0;
    double sum = 0;
    if (st == RADZ_OK) {
        for (size_t i = 0; i < n * k; i++) {
            uint32_t row = (uint32_t)(i / k);
            entries[2 * i] = (entry){row, job.ids[i], job.values[i]};
            entries[2 * i + 1] = (entry){job.ids[i], row, job.values[i]};
        }
        qsort(entries, 2 * n * k, sizeof *entries, by_place);
        for (size_t i = 0; i < 2 * n * k; i++) {
            if (count > 0 && entries[count - 1].row == entries[i].row && entries[count - 1].column == entries[i].column)
                entries[count - 1].p += entries[i].p;
            else
                entries[count++] = entries[i];
        }
        for (size_t i = 0; i < count; i++)
            sum += entries[i].p;
        *ids = radz_calloc(count, sizeof **ids, err);
        *p = radz_calloc(count, sizeof **p, err);
        st = *ids == NULL || *p == NULL ? RADZ_E_NOMEM : RADZ_OK;
    }
    for (size_t i = 0; i < count && st == RADZ_OK; i++) {
        (*ids)[i] = entries[i].column;
        (*p)[i] = entries[i].p / (sum < tiny ? tiny : sum);
        first[entries[i].row + 1] = i + 1;
    }
    for (size_t i = 1; i <= n && st == RADZ_OK; i++)
        first[i] = first[i] == 0 ? first[i - 1] : first[i];
    free(job.ids);
    free(job.values);
    free(entries);
    return st;
}

/* ---- start: principal components ---- */

/* The first two principal axes by power iteration on the centred features, the second kept at a right angle to the first. */
static radz_status principal(const float *features, size_t n, size_t dim, uint64_t seed, double *layout, radz_error *err)
{
    double *mean = radz_calloc(dim, sizeof *mean, err), *axes = radz_calloc(2 * dim, sizeof *axes, err);
    double *next = radz_calloc(dim, sizeof *next, err);
    radz_status st = mean == NULL || axes == NULL || next == NULL ? RADZ_E_NOMEM : RADZ_OK;
    radz_rng rng;
    radz_rng_seed(&rng, seed, 0x74736e65);
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        for (size_t d = 0; d < dim; d++)
            mean[d] += (double)features[i * dim + d] / (double)n;
    for (int a = 0; a < 2 && st == RADZ_OK; a++) {
        double *axis = axes + (size_t)a * dim;
        for (size_t d = 0; d < dim; d++)
            axis[d] = radz_rng_normal(&rng);
        for (int step = 0; step < 100; step++) {
            memset(next, 0, dim * sizeof *next);
            for (size_t i = 0; i < n; i++) {
                double along = 0;
                for (size_t d = 0; d < dim; d++)
                    along += ((double)features[i * dim + d] - mean[d]) * axis[d];
                for (size_t d = 0; d < dim; d++)
                    next[d] += along * ((double)features[i * dim + d] - mean[d]);
            }
            double shared = 0, length = 0;
            for (size_t d = 0; d < dim && a == 1; d++)
                shared += next[d] * axes[d];
            for (size_t d = 0; d < dim; d++) {
                next[d] -= a == 1 ? shared * axes[d] : 0;
                length += next[d] * next[d];
            }
            if (length == 0) /* no spread in this direction: any will do */
                break;
            for (size_t d = 0; d < dim; d++)
                axis[d] = next[d] / sqrt(length);
        }
        for (size_t i = 0; i < n; i++) {
            double along = 0;
            for (size_t d = 0; d < dim; d++)
                along += ((double)features[i * dim + d] - mean[d]) * axis[d];
            layout[2 * i + (size_t)a] = along;
        }
    }
    double deviation = 0;
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        deviation += layout[2 * i] * layout[2 * i] / (double)n;
    deviation = sqrt(deviation);
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        for (size_t d = 0; d < 2; d++) /* equal points are pushed apart by a little noise: at one place nothing moves them */
            layout[2 * i + d] = (deviation > 0 ? layout[2 * i + d] / deviation * 1e-4 : 0) + 1e-9 * radz_rng_normal(&rng);
    free(mean);
    free(axes);
    free(next);
    return st;
}

/* ---- descent ---- */

typedef struct descent {
    double *update, *gains, *gradient;
    size_t n;
} descent;

/* Gradient descent with momentum and a gain for each coordinate, as sklearn's _gradient_descent. */
static void move(descent *d, double momentum, double rate, double *layout)
{
    for (size_t i = 0; i < 2 * d->n; i++) {
        bool turned = d->update[i] * d->gradient[i] < 0;
        d->gains[i] = turned ? d->gains[i] + 0.2 : d->gains[i] * 0.8;
        d->gains[i] = d->gains[i] < 0.01 ? 0.01 : d->gains[i];
        d->update[i] = momentum * d->update[i] - rate * d->gains[i] * d->gradient[i];
        layout[i] += d->update[i];
    }
}

radz_status radz_tsne(const float *features, size_t n, size_t dim, const radz_tsne_options *options, double *layout,
                      double *kl, radz_error *err)
{
    bool exact = options->theta == 0;
    if (!(options->theta >= 0 && options->theta <= 1) || !(options->exaggeration >= 1) || !(options->learning_rate >= 0))
        return radz_fail(err, RADZ_E_VALUE, "t-SNE: theta %g, exaggeration %g, learning rate %g; wanted 0 to 1, at least 1, at "
                         "least 0", options->theta, options->exaggeration, options->learning_rate);
    radz_status st = check_input(features, n, dim, options->perplexity, exact, err);
    if (st != RADZ_OK)
        return st;
    double rate = options->learning_rate > 0 ? options->learning_rate : fmax((double)n / options->exaggeration / 4, 50);
    double *p = NULL, *row_q = radz_calloc(n, sizeof *row_q, err), *row_kl = radz_calloc(n, sizeof *row_kl, err);
    double *repulsion = radz_calloc(2 * n, sizeof *repulsion, err);
    size_t *first = radz_calloc(n + 1, sizeof *first, err);
    uint32_t *ids = NULL;
    tree t = {0};
    descent d = {radz_calloc(2 * n, sizeof(double), err), radz_calloc(2 * n, sizeof(double), err),
                 radz_calloc(2 * n, sizeof(double), err), n};
    if (row_q == NULL || row_kl == NULL || repulsion == NULL || first == NULL || d.update == NULL || d.gains == NULL ||
        d.gradient == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    if (exact) {
        p = radz_calloc(n * n, sizeof *p, err);
        st = p == NULL ? RADZ_E_NOMEM : radz_tsne_affinities(features, n, dim, options->perplexity, options->threads, p, err);
    } else {
        st = sparse_affinities(features, n, dim, options, first, &ids, &p, err);
    }
    if (st == RADZ_OK)
        st = principal(features, n, dim, options->seed, layout, err);
    for (size_t i = 0; i < 2 * n; i++)
        d.gains[i] = 1;
    exact_job exactly = {.p = p, .layout = layout, .n = n, .row_q = row_q, .gradient = d.gradient};
    tree_job roughly = {.layout = layout, .n = n, .theta = options->theta, .first = first, .ids = ids, .p = p, .row_q = row_q,
                        .repulsion = repulsion, .gradient = d.gradient};
    for (size_t step = 0; step <= options->steps && st == RADZ_OK; step++) {
        bool early = step < options->exaggerated_steps, last = step == options->steps;
        if (step == options->exaggerated_steps && !last) { /* the second part starts afresh, as in sklearn */
            memset(d.update, 0, 2 * n * sizeof *d.update);
            for (size_t i = 0; i < 2 * n; i++)
                d.gains[i] = 1;
        }
        exactly.scale = roughly.scale = early && !last ? options->exaggeration : 1;
        exactly.row_kl = roughly.row_kl = last ? row_kl : NULL;
        st = exact ? exact_step(&exactly, options->threads, last ? kl : NULL, err)
                   : tree_step(&roughly, &t, options->threads, last ? kl : NULL, err);
        if (st == RADZ_OK && !last)
            move(&d, early ? 0.5 : 0.8, rate, layout);
    }
done:
    free(p);
    free(row_q);
    free(row_kl);
    free(repulsion);
    free(first);
    free(ids);
    free(t.cells);
    free(d.update);
    free(d.gains);
    free(d.gradient);
    return st;
}
