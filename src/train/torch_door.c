/* The plugin's side of the door: its operations on the model room. */
#include "encoder/door.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/workers.h"
#include "model/clip.h"
#include "train/clip_training.h"
#include "train/mllm_door.h"
#include "train/mllm_training.h"

/* On the cpu a call is cut into slices of so many rows at most, and each thread computes whole slices alone. One operation
 * of libtorch on several threads cuts its rows where the number of threads and the BLAS say, and a row beside a cut can come
 * out with other last bits: then an embedding would depend on the number of threads and on its place in the batch. Threads
 * that never wait for each other are also the faster ones on a machine with other work. */
enum { MOST_SLICE = 4 };

struct radz_door_model {
    clip_model *clip;
    int threads;    /* that compute slices; 1 where the device does the work */
    bool sliced;
    Scope **scopes; /* [threads], of one slice, cleared after each */
    int64_t *ids; /* [ids_capacity] */
    size_t ids_capacity;
};

/* The rows of one call. */
typedef struct encoding {
    radz_door_model *model;
    Tensor *(*features)(Scope *s, const clip_model *model, const Tensor *input);
    const void *input;
    size_t row_size; /* bytes of a row of the input */
    TDtype dtype;
    int ndim;
    int64_t shape[4]; /* of the whole input */
    size_t slice;     /* rows */
    float *out;
} encoding;

static void model_close(radz_door_model *model)
{
    if (model == NULL)
        return;
    for (int i = 0; i < model->threads && model->scopes != NULL; i++)
        scope_free(model->scopes[i]);
    free(model->scopes);
    clip_free(model->clip);
    free(model->ids);
    free(model);
}

static radz_status make_scopes(radz_door_model *model, TDevice device, int threads, radz_error *err)
{
    model->sliced = device.kind == T_CPU;
    model->threads = model->sliced ? threads : 1;
    model->scopes = radz_calloc((size_t)model->threads, sizeof(Scope *), err);
    radz_status status = model->scopes == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (int i = 0; i < model->threads && status == RADZ_OK; i++)
        status = scope_create(SCOPE_INFERENCE, &model->scopes[i], err);
    return status;
}

static radz_status model_open(const char *dir, const radz_door_options *options, radz_door_model **out,
                              radz_door_info *info, radz_error *err)
{
    *out = NULL;
    radz_status status;
    clip_options how = {.threads = options->threads};
    radz_door_model *model = radz_calloc(1, sizeof *model, err);
    if (model == NULL)
        return RADZ_E_NOMEM;
    if ((status = t_device_parse(options->device, &how.device, err)) != RADZ_OK ||
        (status = t_dtype_parse(options->dtype, &how.dtype, err)) != RADZ_OK ||
        (status = t_threads_set(options->threads, err)) != RADZ_OK ||
        (status = clip_open(dir, &how, &model->clip, err)) != RADZ_OK ||
        (status = make_scopes(model, how.device, options->threads, err)) != RADZ_OK) {
        model_close(model);
        return status;
    }
    const clip_config *c = clip_config_of(model->clip);
    *info = (radz_door_info){.embed_dim = (size_t)c->embed_dim, .image_size = (size_t)c->vision.image_size,
                             .context = (size_t)c->context, .vocabulary = (size_t)c->vocabulary,
                             .eos_token = c->eos_token, .logit_factor = clip_logit_factor(model->clip)};
    *out = model;
    return RADZ_OK;
}

/* Embeds slice i; normalised in float, whatever the model computes in. */
static radz_status encode_slice(void *context, size_t i, int worker, radz_error *err)
{
    const encoding *e = context;
    Scope *s = e->model->scopes[worker];
    size_t dim = (size_t)clip_config_of(e->model->clip)->embed_dim;
    int64_t shape[4];
    memcpy(shape, e->shape, sizeof shape);
    shape[0] = (int64_t)e->slice;
    Tensor *x = t_borrow_host(s, (const char *)e->input + i * e->slice * e->row_size, e->ndim, shape, e->dtype);
    Tensor *unit = t_l2_normalize(s, t_cast(s, e->features(s, e->model->clip, x), T_F32), -1, 0);
    if (scope_ok(s) && !t_all_finite(s, unit))
        scope_fail(s, RADZ_E_VALUE, "an embedding is not a finite vector of length 1 (overflow in the model?)");
    t_to_host(s, unit, T_F32, e->out + i * e->slice * dim, e->slice * dim);
    radz_status status = scope_error(s, err);
    scope_clear(s);
    return status;
}

static radz_status encode(encoding *e, radz_error *err)
{
    size_t batch = (size_t)e->shape[0];
    e->slice = batch;
    if (!e->model->sliced)
        return encode_slice(e, 0, 0, err);
    for (e->slice = MOST_SLICE; batch % e->slice != 0;)
        e->slice--;
    int before = t_threads();
    radz_status status = t_threads_set(1, err);
    if (status == RADZ_OK)
        status = radz_parallel_for(batch / e->slice, e->model->threads, encode_slice, e, err);
    radz_status restored = t_threads_set(before, status == RADZ_OK ? err : NULL);
    return status != RADZ_OK ? status : restored;
}

static radz_status encode_images(radz_door_model *model, const float *pixels, size_t batch, float *out, radz_error *err)
{
    int64_t side = clip_config_of(model->clip)->vision.image_size;
    encoding e = {.model = model, .features = clip_image_features, .input = pixels,
                  .row_size = 3 * (size_t)(side * side) * sizeof *pixels, .dtype = T_F32, .ndim = 4,
                  .shape = {(int64_t)batch, 3, side, side}, .out = out};
    return encode(&e, err);
}

static radz_status encode_texts(radz_door_model *model, const int32_t *ids, size_t batch, size_t length, float *out,
                                radz_error *err)
{
    if (radz_grow(&model->ids, &model->ids_capacity, batch * length, sizeof *model->ids, err))
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < batch * length; i++)
        model->ids[i] = ids[i];
    encoding e = {.model = model, .features = clip_text_features, .input = model->ids,
                  .row_size = length * sizeof *model->ids, .dtype = T_I64, .ndim = 2,
                  .shape = {(int64_t)batch, (int64_t)length}, .out = out};
    return encode(&e, err);
}

static radz_status check_device(const char *name, radz_error *err)
{
    TDevice device;
    radz_status status = t_device_parse(name, &device, err);
    return status == RADZ_OK ? t_device_check(device, err) : status;
}

const radz_door *radz_torch_door(void)
{
    static const radz_door door = {.abi = RADZ_DOOR_ABI,
                                   .torch_version = t_library_version,
                                   .check_device = check_device,
                                   .model_open = model_open,
                                   .encode_images = encode_images,
                                   .encode_texts = encode_texts,
                                   .model_close = model_close,
                                   .train_clip = train_clip,
                                   .train_mllm = train_mllm,
                                   .mllm_open = mllm_door_open,
                                   .mllm_close = mllm_door_close,
                                   .mllm_features = mllm_door_features,
                                   .mllm_embed_mean = mllm_door_embed_mean,
                                   .prefix_open = mllm_door_prefix_open,
                                   .prefix_close = mllm_door_prefix_close,
                                   .prefix_logits = mllm_door_prefix_logits,
                                   .prefix_generate = mllm_door_prefix_generate,
                                   .config_text = t_library_config};
    return &door;
}
