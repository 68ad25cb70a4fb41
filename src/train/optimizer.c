#include "train/optimizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MAX_DIMS = 8 };

radz_status optimizer_create(Tensor *const *parameters, size_t count, const optimizer_options *options, optimizer **out,
                             radz_error *err)
{
    *out = NULL;
    radz_status status = RADZ_E_NOMEM;
    optimizer *o = radz_calloc(1, sizeof *o, err);
    if (o == NULL)
        return RADZ_E_NOMEM;
    o->options = *options;
    o->count = count;
    o->parameters = radz_calloc(count, sizeof(Tensor *), err);
    o->first = radz_calloc(count, sizeof(Tensor *), err);
    o->second = radz_calloc(count, sizeof(Tensor *), err);
    if (o->parameters == NULL || o->first == NULL || o->second == NULL)
        goto done;
    if ((status = scope_create(SCOPE_INFERENCE, &o->scope, err)))
        goto done;
    for (size_t i = 0; i < count; i++) {
        const Tensor *x = parameters[i];
        int ndim = t_ndim(x);
        int64_t shape[MAX_DIMS];
        if (ndim > MAX_DIMS) {
            status = radz_fail(err, RADZ_E_VALUE, "parameter %zu has %d dimensions, at most %d are handled", i, ndim,
                               MAX_DIMS);
            goto done;
        }
        for (int d = 0; d < ndim; d++)
            shape[d] = t_size(x, d);
        o->parameters[i] = parameters[i];
        o->first[i] = t_zeros(o->scope, ndim, shape, t_dtype(x), t_device(x));
        o->second[i] = t_zeros(o->scope, ndim, shape, t_dtype(x), t_device(x));
    }
    status = scope_error(o->scope, err);
done:
    if (status != RADZ_OK) {
        optimizer_free(o);
        return status;
    }
    *out = o;
    return RADZ_OK;
}

void optimizer_free(optimizer *o)
{
    if (o == NULL)
        return;
    scope_free(o->scope);
    free(o->parameters);
    free(o->first);
    free(o->second);
    free(o);
}

radz_status optimizer_step(optimizer *o, double learning_rate, radz_error *err)
{
    TAdamW adamw = {.learning_rate = learning_rate, .beta1 = o->options.beta1, .beta2 = o->options.beta2,
                    .eps = o->options.eps, .step = o->step + 1};
    Scope *s = NULL;
    radz_status status = scope_create(SCOPE_INFERENCE, &s, err);
    if (status != RADZ_OK)
        return status;
    for (size_t i = 0; i < o->count; i++) {
        if (!t_has_grad(o->parameters[i]))
            continue;
        adamw.weight_decay = t_ndim(o->parameters[i]) >= 2 ? o->options.weight_decay : 0;
        t_adamw_step_(s, o->parameters[i], t_grad(s, o->parameters[i]), o->first[i], o->second[i], &adamw);
    }
    status = scope_error(s, err);
    if (status == RADZ_OK)
        o->step++;
    scope_free(s);
    return status;
}
