#include "model/parameters.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

static Tensor *random_tensor(model_parameters *p, int ndim, const int64_t *shape, double mean, double deviation)
{
    size_t count = 1;
    for (int d = 0; d < ndim; d++)
        count *= (size_t)shape[d];
    float *values = radz_calloc(count, sizeof *values, p->err);
    if (values == NULL) {
        p->status = RADZ_E_NOMEM;
        return NULL;
    }
    radz_rng rng;
    radz_rng_seed(&rng, p->seed, p->count);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(deviation == 0 ? mean : mean + deviation * radz_rng_normal(&rng));
    Tensor *x = t_to(p->scope, t_from_host(p->scope, values, ndim, shape, T_F32), T_F32, p->device);
    free(values);
    return t_set_leaf(p->scope, x, true);
}

Tensor *parameters_get(model_parameters *p, int ndim, const int64_t *shape, double mean, double deviation, const char *format, ...)
{
    if (p->status)
        return NULL;
    char name[256];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    char *kept = radz_arena_strdup(&p->names, name, p->err);
    if (kept == NULL || radz_grow(&p->items, &p->capacity, p->count + 1, sizeof *p->items, p->err)) {
        p->status = RADZ_E_NOMEM;
        return NULL;
    }
    Tensor *x = p->files != NULL ? weights_take(p->files, ndim, shape, "%s", name)
                                 : random_tensor(p, ndim, shape, mean, deviation);
    if (p->files != NULL && p->leaves && x != NULL)
        x = t_set_leaf(p->scope, t_clone(p->scope, t_cast(p->scope, x, T_F32)), true);
    p->items[p->count++] = (model_parameter){.name = kept, .tensor = x};
    return x;
}

void parameters_free(model_parameters *p)
{
    free(p->items);
    radz_arena_free(&p->names);
    *p = (model_parameters){0};
}

linear_weights parameters_linear(model_parameters *p, const char *prefix, const char *name, int64_t out, int64_t in, double deviation)
{
    linear_weights l;
    l.weight = parameters_get(p, T_SHAPE(out, in), 0, deviation, "%s%s.weight", prefix, name);
    l.bias = parameters_get(p, T_SHAPE(out), 0, 0, "%s%s.bias", prefix, name);
    return l;
}

norm_weights parameters_norm(model_parameters *p, const char *prefix, const char *name, int64_t width)
{
    norm_weights n;
    n.weight = parameters_get(p, T_SHAPE(width), 1, 0, "%s%s.weight", prefix, name);
    n.bias = parameters_get(p, T_SHAPE(width), 0, 0, "%s%s.bias", prefix, name);
    return n;
}

Tensor *weight_as(Scope *s, Tensor *weight, TDtype dtype)
{
    return weight == NULL || t_dtype(weight) == dtype ? weight : t_cast(s, weight, dtype);
}

Tensor *linear_apply(Scope *s, const linear_weights *l, const Tensor *x)
{
    return t_linear(s, x, weight_as(s, l->weight, t_dtype(x)), weight_as(s, l->bias, t_dtype(x)));
}

Tensor *norm_apply(Scope *s, const norm_weights *n, const Tensor *x, double eps)
{
    return t_layer_norm(s, x, weight_as(s, n->weight, t_dtype(x)), weight_as(s, n->bias, t_dtype(x)), eps);
}
