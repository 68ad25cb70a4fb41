/* The parameters of a model while it is put together: each comes by name from files, or from a random start. */
#ifndef RADZ_MODEL_PARAMETERS_H
#define RADZ_MODEL_PARAMETERS_H

#include "base/mem.h"
#include "model/weights.h"

typedef struct model_parameter {
    const char *name; /* Hugging Face's */
    Tensor *tensor;   /* borrowed */
} model_parameter;

typedef struct model_parameters {
    weights *files; /* NULL: random values; borrowed */
    bool leaves;    /* those from files are copied, in f32, to collect gradients; random ones always do */
    Scope *scope;   /* of the random ones and of the copies; borrowed */
    uint64_t seed;
    TDevice device; /* of the random ones */
    model_parameter *items;
    size_t count, capacity;
    radz_arena names;
    radz_error *err;
    radz_status status; /* of bookkeeping; tensor errors stick to the scopes */
} model_parameters;

/* The next parameter; its name is printf-style. Random: mean + deviation * normal, a leaf that collects gradients; a stream
 * of its own for each, so that a change to one leaves the others as they are. NULL on failure. */
Tensor *parameters_get(model_parameters *p, int ndim, const int64_t *shape, double mean, double deviation, const char *format, ...)
    RADZ_PRINTF(6, 7);
void parameters_free(model_parameters *p);

typedef struct linear_weights {
    Tensor *weight, *bias; /* [out,in], [out] or NULL */
} linear_weights;

typedef struct norm_weights {
    Tensor *weight, *bias; /* [d], [d] or NULL */
} norm_weights;

/* PREFIXNAME.weight and .bias; the prefix ends in a dot or is empty. */
linear_weights parameters_linear(model_parameters *p, const char *prefix, const char *name, int64_t out, int64_t in, double deviation);
norm_weights parameters_norm(model_parameters *p, const char *prefix, const char *name, int64_t width);
/* `weight` in another type; itself when it has that already, or is NULL. */
Tensor *weight_as(Scope *s, Tensor *weight, TDtype dtype);
/* Both compute in the type of x, to which the weights are converted. */
Tensor *linear_apply(Scope *s, const linear_weights *l, const Tensor *x);
Tensor *norm_apply(Scope *s, const norm_weights *n, const Tensor *x, double eps);

#endif
