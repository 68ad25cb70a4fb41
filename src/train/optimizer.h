/* AdamW over the parameters of a model. */
#ifndef RADZ_TRAIN_OPTIMIZER_H
#define RADZ_TRAIN_OPTIMIZER_H

#include "torch/tensor.h"

/* Decoupled weight decay (Loshchilov and Hutter 2019), bias-corrected moments (Kingma and Ba 2015). */
typedef struct optimizer_options {
    double beta1, beta2, eps; /* 0.9, 0.98, 1e-6 in CLIP */
    double weight_decay;      /* of parameters with two or more dimensions: biases, norms and scales do not decay */
} optimizer_options;

typedef struct optimizer {
    optimizer_options options;
    size_t count;
    Tensor **parameters;      /* [count], borrowed: leaves of the model */
    Tensor **first, **second; /* [count], moments, owned by `scope` */
    int64_t step;             /* steps taken */
    Scope *scope;
} optimizer;

/* Moments are zero, step 0. `parameters` [count] is copied; the tensors must outlive the optimizer. */
radz_status optimizer_create(Tensor *const *parameters, size_t count, const optimizer_options *options, optimizer **out,
                             radz_error *err) RADZ_MUST_USE;
void optimizer_free(optimizer *o);
/* Takes one step along the gradients collected in the parameters; one without a gradient stays as it is. Gradients are
 * not zeroed. */
radz_status optimizer_step(optimizer *o, double learning_rate, radz_error *err) RADZ_MUST_USE;

#endif
