#include "train/mllm_door.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/answer.h"
#include "model/llava.h"
#include "model/readout.h"

struct radz_door_mllm {
    llava *model;
};

struct radz_door_prefix {
    prefix *state;
    size_t batch;
};

radz_status mllm_door_open(const char *dir, const radz_door_mllm_options *options, radz_door_mllm **out,
                           radz_door_mllm_info *info, radz_error *err)
{
    *out = NULL;
    radz_status status;
    llava_options how = {.threads = options->compute.threads, .tower_dir = options->tower_dir,
                         .adapter_dir = options->adapter_dir, .radz_dir = options->radz_dir};
    radz_door_mllm *model = radz_calloc(1, sizeof *model, err);
    if (model == NULL)
        return RADZ_E_NOMEM;
    if ((status = t_device_parse(options->compute.device, &how.device, err)) != RADZ_OK ||
        (status = t_dtype_parse(options->compute.dtype, &how.dtype, err)) != RADZ_OK ||
        (status = t_threads_set(options->compute.threads, err)) != RADZ_OK ||
        (status = llava_open(dir, &how, &model->model, err)) != RADZ_OK) {
        mllm_door_close(model);
        return status;
    }
    const llava_config *c = llava_config_of(model->model);
    const radz_config *r = llava_radz(model->model);
    *info = (radz_door_mllm_info){.hidden = (size_t)c->decoder.hidden, .layers = (size_t)c->decoder.layers,
                                  .context = (size_t)c->decoder.context,
                                  .vocabulary = (size_t)llava_vocabulary(model->model),
                                  .image_tokens = (size_t)c->image_tokens, .image_size = (size_t)c->vision.image_size,
                                  .image_token = c->image_token, .head_dim = r != NULL ? (size_t)r->head_dim : 0,
                                  .is_radz = r != NULL};
    *out = model;
    return RADZ_OK;
}

void mllm_door_close(radz_door_mllm *model)
{
    if (model == NULL)
        return;
    llava_free(model->model);
    free(model);
}

/* Adds to a cost that may be NULL. */
static void pay(radz_door_cost *cost, uint64_t tokens, double begun)
{
    if (cost == NULL)
        return;
    cost->tokens += tokens;
    cost->seconds += radz_clock_seconds() - begun;
}

radz_status mllm_door_features(radz_door_mllm *model, const radz_door_prompt *prompts, size_t count,
                               const radz_door_features *features, radz_door_cost *cost, radz_error *err)
{
    double begun = radz_clock_seconds();
    uint64_t positions = 0;
    readout_prompt *list = radz_calloc(count, sizeof *list, err);
    if (list == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        list[i] = (readout_prompt){.ids = prompts[i].ids, .roles = prompts[i].roles, .count = prompts[i].count,
                                   .pixels = prompts[i].pixels, .images = prompts[i].images};
    readout_options how = {.layer = features->layer, .project = features->project, .pad_to = (int64_t)features->pad_to};
    radz_status status = readout(model->model, list, count, &how, features->global, features->local, &positions, err);
    free(list);
    pay(cost, positions, begun);
    return status;
}

radz_status mllm_door_embed_mean(radz_door_mllm *model, const int32_t *ids, size_t count, float *out, radz_error *err)
{
    return readout_embed_mean(model->model, ids, count, out, err);
}

radz_status mllm_door_prefix_open(radz_door_mllm *model, const float *pixels, size_t batch, size_t images, const int32_t *ids,
                                  size_t count, radz_door_prefix **out, size_t *positions, radz_door_cost *cost,
                                  radz_error *err)
{
    *out = NULL;
    double begun = radz_clock_seconds();
    radz_door_prefix *p = radz_calloc(1, sizeof *p, err);
    if (p == NULL)
        return RADZ_E_NOMEM;
    p->batch = batch;
    radz_status status = prefix_open(model->model, pixels, (int64_t)batch, (int64_t)images, ids, count, &p->state, err);
    if (status) {
        free(p);
        return status;
    }
    if (positions != NULL)
        *positions = (size_t)prefix_length(p->state);
    pay(cost, batch * (uint64_t)prefix_length(p->state), begun);
    *out = p;
    return RADZ_OK;
}

void mllm_door_prefix_close(radz_door_prefix *p)
{
    if (p == NULL)
        return;
    prefix_free(p->state);
    free(p);
}

static questions of_door(const radz_door_questions *q)
{
    return (questions){.ids = q->ids, .lengths = q->lengths, .count = q->count, .length = q->length};
}

static uint64_t tokens_of(const radz_door_prefix *p, const radz_door_questions *q)
{
    uint64_t n = 0;
    for (size_t i = 0; i < q->count; i++)
        n += q->lengths[i];
    return n * p->batch;
}

radz_status mllm_door_prefix_logits(radz_door_prefix *p, const radz_door_questions *q, const int32_t *wanted,
                                    size_t wanted_count, float *out, radz_door_cost *cost, radz_error *err)
{
    double begun = radz_clock_seconds();
    questions asked = of_door(q);
    radz_status status = prefix_logits(p->state, &asked, wanted, wanted_count, out, err);
    if (status == RADZ_OK)
        pay(cost, tokens_of(p, q), begun);
    return status;
}

radz_status mllm_door_prefix_generate(radz_door_prefix *p, const radz_door_questions *q, radz_door_answers *a,
                                      radz_door_cost *cost, radz_error *err)
{
    double begun = radz_clock_seconds();
    uint64_t run = 0;
    questions asked = of_door(q);
    radz_status status = prefix_generate(p->state, &asked, a->max_tokens, a->stop, a->stop_count, a->ids, a->lengths, &run, err);
    if (status == RADZ_OK)
        pay(cost, tokens_of(p, q) + run, begun);
    return status;
}
