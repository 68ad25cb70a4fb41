#include "score/directions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef struct prompt {
    uint32_t class_index, template_index;
    uint8_t polarity;
    size_t row;
} prompt;

static int by_place(const void *a, const void *b)
{
    const prompt *x = a, *y = b;
    if (x->class_index != y->class_index)
        return x->class_index < y->class_index ? -1 : 1;
    if (x->polarity != y->polarity)
        return x->polarity < y->polarity ? -1 : 1;
    if (x->template_index != y->template_index)
        return x->template_index < y->template_index ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static const char *polarity_name(uint8_t polarity)
{
    return polarity == RADZ_PROMPT_POSITIVE ? "positive" : "negative";
}

static const char *class_name(const radz_score_texts *texts, size_t c)
{
    return texts->class_names != NULL ? texts->class_names[c] : "(unnamed)";
}

/* Sum of products in eight interleaved parts: fixed order, and the processor can do several at a time. */
static double dot(const double *a, const float *b, size_t dim)
{
    double part[8] = {0};
    size_t i = 0;
    for (; i + 8 <= dim; i += 8)
        for (size_t j = 0; j < 8; j++)
            part[j] += a[i + j] * (double)b[i + j];
    for (size_t j = 0; i < dim; i++, j++)
        part[j] += a[i] * (double)b[i];
    return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

static double length_of(const float *v, size_t dim)
{
    double part[8] = {0};
    size_t i = 0;
    for (; i + 8 <= dim; i += 8)
        for (size_t j = 0; j < 8; j++)
            part[j] += (double)v[i + j] * (double)v[i + j];
    for (size_t j = 0; i < dim; i++, j++)
        part[j] += (double)v[i] * (double)v[i];
    return sqrt(((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7])));
}

/* Squares of finite floats neither overflow nor vanish in a double, so the length tells everything. */
static radz_status check_length(const float *v, size_t dim, double length, radz_error *err)
{
    if (isfinite(length) && length > 0)
        return RADZ_OK;
    for (size_t i = 0; i < dim; i++)
        if (!isfinite(v[i]))
            return radz_fail(err, RADZ_E_VALUE, "embedding has %s at position %zu of %zu, wanted finite numbers",
                             isnan(v[i]) ? "NaN" : "an infinity", i, dim);
    return radz_fail(err, RADZ_E_VALUE, "embedding is zero in all %zu positions, wanted a direction", dim);
}

static radz_status sort_prompts(const radz_score_texts *texts, prompt *prompts, radz_error *err)
{
    for (size_t i = 0; i < texts->rows; i++) {
        if (texts->class_of[i] >= texts->classes)
            return radz_fail(err, RADZ_E_VALUE, "prompt row %zu: class %u, wanted one below %zu", i,
                             (unsigned)texts->class_of[i], texts->classes);
        if (texts->polarity_of[i] > RADZ_PROMPT_NEGATIVE)
            return radz_fail(err, RADZ_E_VALUE, "prompt row %zu: polarity %u, wanted 0 (positive) or 1 (negative)", i,
                             (unsigned)texts->polarity_of[i]);
        prompts[i] = (prompt){texts->class_of[i], texts->template_of[i], texts->polarity_of[i], i};
    }
    qsort(prompts, texts->rows, sizeof *prompts, by_place);
    for (size_t i = 1; i < texts->rows; i++) {
        const prompt *a = &prompts[i - 1], *b = &prompts[i];
        if (a->class_index == b->class_index && a->polarity == b->polarity && a->template_index == b->template_index)
            return radz_fail(err, RADZ_E_VALUE, "prompt rows %zu and %zu: both class %u ('%s'), %s, template %u",
                             a->row, b->row, (unsigned)a->class_index, class_name(texts, a->class_index),
                             polarity_name(a->polarity), (unsigned)a->template_index);
    }
    return RADZ_OK;
}

radz_status radz_directions_make(const radz_score_texts *texts, bool negatives, radz_directions *out, radz_error *err)
{
    *out = (radz_directions){.classes = texts->classes, .dim = texts->dim, .polarities = negatives ? 2 : 1};
    prompt *prompts = NULL;
    radz_status status = RADZ_OK;
    if (texts->classes == 0 || texts->dim == 0)
        return radz_fail(err, RADZ_E_VALUE, "prompts: %zu classes of %zu dimensions, wanted at least one of each",
                         texts->classes, texts->dim);
    if (texts->dim > SIZE_MAX / 2 / sizeof *out->unit)
        return radz_fail(err, RADZ_E_NOMEM, "prompts: %zu dimensions are too many", texts->dim);
    prompts = radz_calloc(texts->rows, sizeof *prompts, err);
    out->unit = radz_calloc(texts->classes, (size_t)out->polarities * texts->dim * sizeof *out->unit, err);
    if (prompts == NULL || out->unit == NULL) {
        status = RADZ_E_NOMEM;
        goto done;
    }
    status = sort_prompts(texts, prompts, err);
    size_t at = 0;
    for (uint32_t c = 0; status == RADZ_OK && c < texts->classes; c++)
        for (uint8_t polarity = 0; polarity < 2; polarity++) {
            size_t first = at;
            for (; at < texts->rows && prompts[at].class_index == c && prompts[at].polarity == polarity;)
                at++;
            if (polarity >= out->polarities)
                continue;
            if (at == first) {
                status = radz_fail(err, RADZ_E_MISSING, "class %u ('%s') has no %s prompt, wanted at least one",
                                   (unsigned)c, class_name(texts, c), polarity_name(polarity));
                goto done;
            }
            double *unit = out->unit + ((size_t)c * (size_t)out->polarities + polarity) * texts->dim;
            for (size_t i = first; i < at; i++) {
                const float *v = texts->embeddings + prompts[i].row * texts->dim;
                double length = length_of(v, texts->dim);
                status = check_length(v, texts->dim, length, err);
                if (status != RADZ_OK) {
                    radz_prefix(err, "class %u ('%s'), %s prompt, template %u (row %zu)", (unsigned)c,
                                class_name(texts, c), polarity_name(polarity), (unsigned)prompts[i].template_index,
                                prompts[i].row);
                    goto done;
                }
                for (size_t k = 0; k < texts->dim; k++)
                    unit[k] += (double)v[k] / length;
            }
            double squares = 0;
            for (size_t k = 0; k < texts->dim; k++)
                squares += unit[k] * unit[k];
            double count = (double)(at - first), length = sqrt(squares);
            if (length < 1e-9 * count) {
                status = radz_fail(err, RADZ_E_VALUE,
                                   "class %u ('%s'): its %zu %s prompts cancel out, wanted a direction", (unsigned)c,
                                   class_name(texts, c), at - first, polarity_name(polarity));
                goto done;
            }
            for (size_t k = 0; k < texts->dim; k++)
                unit[k] /= length;
        }
done:
    free(prompts);
    return status;
}

void radz_directions_free(radz_directions *directions)
{
    free(directions->unit);
    directions->unit = NULL;
}

radz_status radz_directions_check(const radz_directions *directions, const radz_score_block *block, radz_error *err)
{
    if (block->rows > 0 && block->dim != directions->dim)
        return radz_fail(err, RADZ_E_VALUE, "image embeddings have %zu dimensions, wanted the %zu of the prompts",
                         block->dim, directions->dim);
    return RADZ_OK;
}

radz_status radz_directions_image(const radz_score_block *block, size_t row, radz_image_vector *out, radz_error *err)
{
    out->at = block->embeddings + row * block->dim;
    out->length = length_of(out->at, block->dim);
    radz_status status = check_length(out->at, block->dim, out->length, err);
    if (status != RADZ_OK) {
        const char *name = block->row_names != NULL ? block->row_names[row] : NULL;
        radz_prefix(err, "image row %zu%s%s%s", block->first_row + row, name ? " ('" : "", name ? name : "",
                    name ? "')" : "");
    }
    return status;
}

double radz_directions_cosine(const radz_directions *directions, size_t class_index, radz_polarity polarity,
                              const radz_image_vector *image)
{
    size_t at = class_index * (size_t)directions->polarities + (size_t)polarity;
    return dot(directions->unit + at * directions->dim, image->at, directions->dim) / image->length;
}

double radz_directions_dot(const double *a, const double *b, size_t dim)
{
    double part[8] = {0};
    size_t i = 0;
    for (; i + 8 <= dim; i += 8)
        for (size_t j = 0; j < 8; j++)
            part[j] += a[i + j] * b[i + j];
    for (size_t j = 0; i < dim; i++, j++)
        part[j] += a[i] * b[i];
    return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}
