#include "train/mllm_training.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/llava.h"
#include "model/readout.h"
#include "train/anchor_loss.h"
#include "train/infonce.h"
#include "train/training_loop.h"

enum { TEXT_ROWS = 16 /* texts that run together: of like length, so that little is padding */ };
enum { LM, CROSS, ANCHOR, TAU, COLUMNS };

typedef struct training {
    const radz_train_mllm_options *options;
    const radz_mllm_source *source;
    llava *model;
    optimizer *optimizer;
    size_t count;
    Tensor **parameters; /* [count]: leaves of the model, then what is of the training alone */
    const char **names;  /* [count] */
    Tensor *log_scale;   /* [1]: -ln tau */
    Tensor *anchors;     /* [anchor_count,d], rows of length 1; NULL: none */
    Tensor *fresh;       /* likewise, of the weights as they are at a validation */
    Scope *scope;        /* of these */
    int64_t layer;       /* of the features, from 0 */
    int64_t prompt;      /* positions of the image prompt, and of what dialogues share of it */
    int64_t shared;
    decoder_place *places;
    radz_mllm_batch batch;
    float *means;        /* [2,prompt]: weights of the image prompt's positions */
    float *text_means;   /* [2,TEXT_ROWS,context] */
    int64_t *rows, *targets; /* [batch * branch_tokens]: of the hidden states that predict, and what */
    float *weights;          /* the same: of each in the mean */
    float *to_text, *to_image, *image_targets, *text_targets;
    int32_t *cut;        /* [TEXT_ROWS,context] */
} training;

/* ---- setting up ---- */

/* Whether a loss wants features; L_anchor wants the global ones alone. */
static bool wants_features(const radz_train_mllm_options *o)
{
    return o->cross > 0 || o->anchor > 0;
}

static radz_status check(const training *t, radz_error *err)
{
    const radz_train_mllm_options *o = t->options;
    if (!(o->lm >= 0 && o->cross >= 0 && o->anchor >= 0 && o->lm + o->cross + o->anchor > 0))
        return radz_fail(err, RADZ_E_VALUE, "losses are weighted with %g (lm), %g (cross) and %g (anchor); wanted numbers from 0 on, "
                         "one above", o->lm, o->cross, o->anchor);
    if ((wants_features(o) || t->source->measure != NULL) && o->radz == NULL)
        return radz_fail(err, RADZ_E_VALUE, "losses or an AUC of features are wanted, but no features are described");
    if (o->anchor > 0 && (o->anchor_count < 2 || o->anchor_refresh < 1))
        return radz_fail(err, RADZ_E_VALUE, "the loss against anchors wants two anchors at least and a refresh every so many steps; "
                         "got %zu and %" PRId64, o->anchor_count, o->anchor_refresh);
    return training_check(&o->how, err);
}

static radz_status open_model(training *t, radz_error *err)
{
    const radz_train_mllm_options *o = t->options;
    llava_options how = {.threads = o->how.threads, .seed = o->how.seed, .radz = o->radz,
                         .train = (o->train_tower ? LLAVA_TRAIN_TOWER : 0U) | (o->train_projector ? LLAVA_TRAIN_PROJECTOR : 0U) |
                                  (o->train_decoder ? LLAVA_TRAIN_DECODER : 0U)};
    radz_status st;
    if ((st = t_device_parse(o->how.device, &how.device, err)) != RADZ_OK || (st = t_dtype_parse(o->dtype, &how.dtype, err)) != RADZ_OK)
        return st;
    if (how.dtype != T_F32 && how.dtype != T_BF16)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "training computes in f32 or bf16, not in %s", o->dtype);
    if (o->model != NULL) {
        how.tower_dir = o->tower;
        st = llava_open(o->model, &how, &t->model, err);
    } else {
        st = llava_create(o->config, o->tower, &how, &t->model, err);
    }
    if (st == RADZ_OK)
        decoder_compute_in(llava_decoder_to_train(t->model), how.dtype);
    return st;
}

/* Leaves of the model, then log_scale when it is learned, then the anchors, which only checkpoints ask for. */
static radz_status list_parameters(training *t, radz_error *err)
{
    const radz_train_mllm_options *o = t->options;
    TDevice device = decoder_device(llava_decoder(t->model));
    model_parameter *leaves = NULL;
    size_t n = 0;
    double tau = o->radz != NULL ? o->radz->tau : 1;
    int64_t d = o->radz != NULL && o->radz->head_dim > 0 ? o->radz->head_dim : llava_config_of(t->model)->decoder.hidden;
    radz_status st = llava_trained(t->model, &leaves, &n, err);
    if (st == RADZ_OK)
        st = scope_create(SCOPE_INFERENCE, &t->scope, err);
    if (st == RADZ_OK) {
        t->log_scale = t_full(t->scope, T_SHAPE(1), -log(tau), T_F32, device);
        if (o->learn_tau)
            t_set_leaf(t->scope, t->log_scale, true);
        if (o->anchor > 0)
            t->anchors = t_zeros(t->scope, T_SHAPE((int64_t)o->anchor_count, d), T_F32, device);
        if (o->anchor > 0 && o->how.validation_batches > 0)
            t->fresh = t_zeros(t->scope, T_SHAPE((int64_t)o->anchor_count, d), T_F32, device);
        st = scope_error(t->scope, err);
    }
    t->parameters = radz_calloc(n + 2, sizeof *t->parameters, err);
    t->names = radz_calloc(n + 2, sizeof *t->names, err);
    if (st == RADZ_OK && (t->parameters == NULL || t->names == NULL))
        st = RADZ_E_NOMEM;
    for (size_t i = 0; i < n && st == RADZ_OK; i++) {
        t->parameters[t->count] = leaves[i].tensor;
        t->names[t->count++] = leaves[i].name;
    }
    if (st == RADZ_OK && o->learn_tau) {
        t->parameters[t->count] = t->log_scale;
        t->names[t->count++] = "training.log_scale";
    }
    if (st == RADZ_OK && t->anchors != NULL) {
        t->parameters[t->count] = t->anchors;
        t->names[t->count++] = "training.anchors";
    }
    free(leaves);
    if (st == RADZ_OK && t->count == (t->anchors != NULL ? 1U : 0U))
        st = radz_fail(err, RADZ_E_VALUE, "nothing of the model is to be trained");
    return st;
}

static radz_status measure_prompt(training *t, radz_error *err)
{
    const radz_train_mllm_options *o = t->options;
    const llava_config *c = llava_config_of(t->model);
    radz_status st = llava_prompt_length(t->model, o->image_prompt.ids, o->image_prompt.count, 1, o->branch_tokens, &t->prompt, err);
    if (st != RADZ_OK)
        return st;
    t->shared = t->prompt - (int64_t)(o->image_prompt.count - o->shared);
    if (o->radz == NULL) {
        t->prompt = t->shared; /* nothing behind the picture is wanted */
        return RADZ_OK;
    }
    t->layer = o->radz->layer < 0 ? c->decoder.layers + 1 + o->radz->layer : o->radz->layer;
    t->means = radz_calloc(2 * (size_t)t->prompt, sizeof *t->means, err);
    if (t->means == NULL)
        return RADZ_E_NOMEM;
    const radz_train_text *p = &o->image_prompt;
    bool global = readout_means(t->model, p->ids, p->roles, p->count, RADZ_ROLE_GLOBAL, t->means);
    if (!global || (o->cross > 0 && !readout_means(t->model, p->ids, p->roles, p->count, RADZ_ROLE_LOCAL, t->means + t->prompt)))
        return radz_fail(err, RADZ_E_VALUE, "the image prompt has no position for the %s feature", global ? "local" : "global");
    return RADZ_OK;
}

static radz_status make_room(training *t, radz_error *err)
{
    const radz_train_mllm_options *o = t->options;
    size_t batch = (size_t)o->how.batch, side = (size_t)llava_config_of(t->model)->vision.image_size;
    size_t said = batch * (size_t)o->branch_tokens + 1, texts = batch * (size_t)o->texts_per_image + 1;
    size_t tokens = texts * (size_t)o->context + 1, anchors = o->anchor_count + 1;
    radz_mllm_batch *b = &t->batch;
    const struct {
        void *where;
        size_t count, size;
    } all[] = {{&b->pixels, batch * 3 * side * side, sizeof(float)},
               {&b->branch_length, (size_t)o->branches + 1, sizeof(int64_t)},
               {&b->said, said, sizeof(int32_t)},
               {&b->learnt, said, 1},
               {&b->ids, tokens, sizeof(int32_t)},
               {&b->roles, tokens, 1},
               {&b->positive, batch * texts, 1},
               {&b->image_anchors, batch * anchors, 1},
               {&b->text_anchors, texts * anchors, 1},
               {&t->text_means, 2 * TEXT_ROWS * (size_t)o->context + 1, sizeof(float)},
               {&t->cut, TEXT_ROWS * (size_t)o->context + 1, sizeof(int32_t)},
               {&t->rows, said, sizeof(int64_t)},
               {&t->targets, said, sizeof(int64_t)},
               {&t->weights, said, sizeof(float)},
               {&t->to_text, batch * texts, sizeof(float)},
               {&t->to_image, batch * texts, sizeof(float)},
               {&t->image_targets, batch * anchors, sizeof(float)},
               {&t->text_targets, texts * anchors, sizeof(float)},
               {&t->places, (size_t)(t->prompt + o->branch_tokens + o->context), sizeof(decoder_place)}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        void *p = radz_calloc(all[i].count, all[i].size, err);
        if (p == NULL)
            return RADZ_E_NOMEM;
        memcpy(all[i].where, &p, sizeof p);
    }
    return RADZ_OK;
}

static void tear_down(training *t)
{
    optimizer_free(t->optimizer);
    scope_free(t->scope);
    llava_free(t->model);
    radz_mllm_batch *b = &t->batch;
    void *const all[] = {t->parameters, (void *)t->names, t->places, b->pixels, b->branch_length, b->said, b->learnt, b->ids, b->roles,
                         b->positive, b->image_anchors, b->text_anchors, t->means, t->text_means, t->cut, t->rows, t->targets, t->weights,
                         t->to_text, t->to_image, t->image_targets, t->text_targets};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* ---- features ---- */

/* Means of a hidden state h [B,N,d]: weights [B or 1,1,N] on the host -> [B,d] f32, through the head. */
static Tensor *pool(Scope *s, const training *t, Tensor *h, const float *means, int64_t rows, int64_t columns)
{
    Tensor *w = t_to(s, t_from_host(s, means, T_SHAPE(rows, 1, columns), T_F32), T_F32, t_device(h));
    if (rows == 1)
        w = t_expand(s, w, T_SHAPE(t_size(h, 0), 1, columns));
    Tensor *x = t_squeeze(s, t_matmul(s, w, t_cast(s, h, T_F32)), 1);
    return t->options->radz->head_dim > 0 ? llava_head(s, t->model, x) : x;
}

typedef struct features {
    Tensor *global, *local; /* [rows,d], not normalised; local NULL where not wanted */
} features;

static int by_length(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t length_of(const uint8_t *roles, int64_t tokens)
{
    int64_t n = tokens;
    while (n > 0 && roles[n - 1] == 0)
        n--;
    return n;
}

/* Adds the weights of a text's positions with `role`; false: it has none. */
static bool set_text_means(const uint8_t *roles, int64_t tokens, uint8_t role, float *row)
{
    int64_t n = 0;
    for (int64_t i = 0; i < tokens; i++)
        n += (roles[i] & role) != 0;
    for (int64_t i = 0; i < tokens; i++)
        row[i] = (roles[i] & role) != 0 ? (float)(1.0 / (double)n) : 0;
    return n > 0;
}

/* Features of texts: ids and roles [texts,width], in groups of like length; results are in the texts' order. */
static features text_features(Scope *s, training *t, const int32_t *ids, const uint8_t *roles, int64_t texts, int64_t width,
                              bool want_local)
{
    features out = {NULL, NULL};
    int64_t groups = (texts + TEXT_ROWS - 1) / TEXT_ROWS;
    radz_error err = {0};
    Tensor **globals = radz_calloc((size_t)groups, sizeof *globals, &err), **locals = radz_calloc((size_t)groups, sizeof *locals, &err);
    int64_t *back = radz_calloc((size_t)texts, sizeof *back, &err), *order = radz_calloc((size_t)texts, sizeof *order, &err);
    if (globals == NULL || locals == NULL || back == NULL || order == NULL) {
        scope_fail(s, RADZ_E_NOMEM, "%s", err.message);
        goto done;
    }
    for (int64_t i = 0; i < texts; i++) /* length first, then place: sorts stably */
        order[i] = length_of(roles + i * width, width) * texts + i;
    qsort(order, (size_t)texts, sizeof *order, by_length);
    for (int64_t g = 0; g < groups; g++) {
        int64_t first = g * TEXT_ROWS, n = texts - first < TEXT_ROWS ? texts - first : TEXT_ROWS;
        int64_t longest = order[first + n - 1] / texts;
        float *global = t->text_means, *local = t->text_means + n * longest;
        for (int64_t r = 0; r < n; r++) {
            int64_t i = order[first + r] % texts;
            back[i] = first + r;
            memcpy(t->cut + r * longest, ids + i * width, (size_t)longest * sizeof *t->cut);
            for (int64_t k = order[first + r] / texts; k < longest; k++)
                t->cut[r * longest + k] = t->cut[r * longest];
            if (!set_text_means(roles + i * width, longest, RADZ_ROLE_GLOBAL, global + r * longest) ||
                (want_local && !set_text_means(roles + i * width, longest, RADZ_ROLE_LOCAL, local + r * longest))) {
                scope_fail(s, RADZ_E_VALUE, "text %" PRId64 " of a batch has no position for a feature", i);
                goto done;
            }
        }
        for (int64_t k = 0; k < longest; k++)
            t->places[k] = (decoder_place){.position = k, .owner = DECODER_ALL};
        Tensor *x = llava_embed_rows(s, t->model, t->cut, n, longest);
        Tensor *h = decoder_run(s, llava_decoder(t->model), NULL, x, t->places, t->layer);
        globals[g] = pool(s, t, h, global, n, longest);
        if (want_local)
            locals[g] = pool(s, t, h, local, n, longest);
    }
    Tensor *index = t_to(s, t_from_host(s, back, T_SHAPE(texts), T_I64), T_I64, decoder_device(llava_decoder(t->model)));
    out.global = t_index_select(s, t_cat(s, globals, (size_t)groups, 0), 0, index);
    if (want_local)
        out.local = t_index_select(s, t_cat(s, locals, (size_t)groups, 0), 0, index);
done:
    free(globals);
    free(locals);
    free(back);
    free(order);
    return out;
}

/* ---- images ---- */

/* The embedded image prompts of pixels [count,3,S,S]. */
static Tensor *image_prompts(Scope *s, const training *t, const float *pixels, int64_t count)
{
    const radz_train_mllm_options *o = t->options;
    int64_t side = llava_config_of(t->model)->vision.image_size;
    Tensor *seen = llava_see(s, t->model, t_borrow_host(s, pixels, T_SHAPE(count, 3, side, side), T_F32));
    return llava_prompt(s, t->model, o->image_prompt.ids, o->radz != NULL ? o->image_prompt.count : o->shared, seen, count, 1);
}

/* The places of the image prompt and, behind its shared part, of the dialogues. Gives how many. */
static int64_t set_places(training *t, int64_t branches)
{
    int64_t n = 0;
    for (; n < t->prompt; n++)
        t->places[n] = (decoder_place){.position = n, .owner = n < t->shared ? DECODER_ALL : 1};
    for (int64_t b = 0; b < branches; b++)
        for (int64_t k = 0; k < t->batch.branch_length[b]; k++)
            t->places[n++] = (decoder_place){.position = t->shared + k, .owner = (int32_t)b + 2};
    return n;
}

static features pool_images(Scope *s, const training *t, Tensor *h, bool want_local)
{
    if (t_size(h, 1) != t->prompt)
        h = t_slice(s, h, 1, 0, t->prompt);
    features f = {pool(s, t, h, t->means, 1, t->prompt), NULL};
    if (want_local)
        f.local = pool(s, t, h, t->means + t->prompt, 1, t->prompt);
    return f;
}

/* The mean of -log p over the learnt tokens: `last` [spoken,N,d] after the norm, dialogues from position `prompt` on. */
static Tensor *lm_loss(Scope *s, training *t, Tensor *last, int64_t columns)
{
    const radz_mllm_batch *b = &t->batch;
    int64_t said = columns - t->prompt, n = 0, answers = 0;
    for (int64_t i = 0; i < b->spoken; i++) {
        int64_t at = 0;
        for (int64_t k = 0; k < b->branches; k++) {
            int64_t first = n;
            for (int64_t c = 0; c < b->branch_length[k]; c++) {
                if (!b->learnt[i * said + at + c])
                    continue;
                t->rows[n] = i * columns + (c > 0 ? t->prompt + at + c - 1 : t->shared - 1);
                t->targets[n++] = b->said[i * said + at + c];
            }
            at += b->branch_length[k];
            answers += n > first;
            for (int64_t j = first; j < n; j++)
                t->weights[j] = t->options->lm_by_answer ? 1.0F / (float)(n - first) : 1;
        }
    }
    if (n == 0)
        return scope_fail(s, RADZ_E_VALUE, "the dialogues of a batch have no token that is to be learnt");
    const decoder *d = llava_decoder(t->model);
    TDevice device = decoder_device(d);
    Tensor *rows = t_to(s, t_from_host(s, t->rows, T_SHAPE(n), T_I64), T_I64, device);
    Tensor *h = t_index_select(s, t_reshape(s, last, T_SHAPE(b->spoken * columns, -1)), 0, rows);
    Tensor *p = t_log_softmax(s, t_cast(s, decoder_logits(s, d, h, NULL), T_F32), 1);
    Tensor *chosen = t_gather(s, p, 1, t_to(s, t_from_host(s, t->targets, T_SHAPE(n, 1), T_I64), T_I64, device));
    Tensor *w = t_to(s, t_from_host(s, t->weights, T_SHAPE(n, 1), T_F32), T_F32, device);
    return t_scale(s, t_sum_all(s, t_mul(s, chosen, w)), -1.0 / (double)(t->options->lm_by_answer ? answers : n));
}

/* Features of images that have no dialogue. */
static features prompt_features(Scope *s, training *t, const float *pixels, int64_t count, bool want_local)
{
    set_places(t, 0);
    Tensor *h = decoder_run(s, llava_decoder(t->model), NULL, image_prompts(s, t, pixels, count), t->places, t->layer);
    return pool_images(s, t, h, want_local);
}

/* Images [0, spoken) with their dialogues, the others with their prompt alone; no features where no loss wants them. */
static features image_features(Scope *s, training *t, int64_t batch, Tensor **lm)
{
    const radz_train_mllm_options *o = t->options;
    const decoder *d = llava_decoder(t->model);
    const radz_mllm_batch *b = &t->batch;
    int64_t side = llava_config_of(t->model)->vision.image_size, spoken = o->lm > 0 ? b->spoken : 0, n = 0;
    features parts[2];
    if (spoken > 0) {
        int64_t columns = set_places(t, b->branches), said = columns - t->prompt;
        Tensor *both[2] = {image_prompts(s, t, b->pixels, spoken),
                           decoder_embed(s, d, t_cast(s, t_from_host(s, b->said, T_SHAPE(spoken, said), T_I32), T_I64))};
        Tensor *state, *last;
        decoder_run_both(s, d, t_cat(s, both, 2, 1), t->places, t->layer, &state, &last);
        *lm = lm_loss(s, t, last, columns);
        if (wants_features(o))
            parts[n++] = pool_images(s, t, state, o->cross > 0);
    }
    if (wants_features(o) && spoken < batch)
        parts[n++] = prompt_features(s, t, b->pixels + spoken * 3 * side * side, batch - spoken, o->cross > 0);
    if (n < 2)
        return n == 1 ? parts[0] : (features){NULL, NULL};
    Tensor *globals[2] = {parts[0].global, parts[1].global}, *locals[2] = {parts[0].local, parts[1].local};
    return (features){t_cat(s, globals, 2, 0), parts[0].local != NULL ? t_cat(s, locals, 2, 0) : NULL};
}

/* ---- anchors ---- */

/* Computes the anchors by the weights as they are. */
static radz_status refresh_anchors(training *t, Tensor *anchors, radz_error *err)
{
    const radz_train_mllm_options *o = t->options;
    Scope *s = NULL;
    radz_status st = scope_create(SCOPE_INFERENCE, &s, err);
    if (st != RADZ_OK)
        return st;
    for (size_t k = 0; k < o->anchor_count && scope_ok(s); k++) {
        const radz_train_text *a = &o->anchors[k];
        size_t mark = scope_mark(s);
        Tensor *x = llava_embed_rows(s, t->model, a->ids, 1, (int64_t)a->count);
        Tensor *row;
        if (o->anchors_decoder) {
            float *means = radz_calloc(a->count, sizeof *means, err);
            decoder_place *places = radz_calloc(a->count, sizeof *places, err);
            if (means == NULL || places == NULL) {
                scope_fail(s, RADZ_E_NOMEM, "no memory for an anchor");
                row = NULL;
            } else {
                for (size_t i = 0; i < a->count; i++)
                    places[i] = (decoder_place){.position = (int64_t)i, .owner = DECODER_ALL};
                if (!set_text_means(a->roles, (int64_t)a->count, RADZ_ROLE_GLOBAL, means))
                    scope_fail(s, RADZ_E_VALUE, "anchor %zu has no position for its feature", k);
                Tensor *h = decoder_run(s, llava_decoder(t->model), NULL, x, places, t->layer);
                row = pool(s, t, h, means, 1, (int64_t)a->count);
            }
            free(means);
            free(places);
        } else {
            row = t_mean(s, t_cast(s, x, T_F32), 1, false);
        }
        t_copy_(s, t_slice(s, anchors, 0, (int64_t)k, (int64_t)k + 1), t_l2_normalize(s, row, -1, 0));
        scope_release(s, mark, NULL);
    }
    st = scope_error(s, err);
    scope_free(s);
    return st;
}

/* ---- the loss ---- */

static radz_status check_batch(const training *t, int64_t batch, radz_error *err)
{
    const radz_train_mllm_options *o = t->options;
    const radz_mllm_batch *b = &t->batch;
    int64_t said = 0, words = llava_config_of(t->model)->decoder.vocabulary, all = llava_vocabulary(t->model);
    bool fits = b->spoken >= 0 && b->spoken <= batch && b->branches >= 0 && b->branches <= o->branches &&
                b->texts >= 0 && b->texts <= batch * o->texts_per_image && b->tokens >= 0 && b->tokens <= o->context;
    for (int64_t k = 0; fits && k < b->branches; k++)
        said += b->branch_length[k];
    fits = fits && said <= o->branch_tokens;
    for (int64_t i = 0; fits && i < b->spoken * said; i++)
        fits = b->said[i] >= 0 && b->said[i] < words;
    for (int64_t i = 0; fits && i < b->texts; i++)
        for (int64_t k = 0; fits && k < b->tokens; k++)
            fits = b->ids[i * o->context + k] >= 0 && b->ids[i * o->context + k] < all;
    if (!fits)
        return radz_fail(err, RADZ_E_INTERNAL, "a batch of %" PRId64 " texts of %" PRId64 " tokens and %" PRId64 " dialogues about %" PRId64
                         " images with %" PRId64 " tokens does not fit, or has ids that the model has not", b->texts, b->tokens,
                         b->branches, b->spoken, said);
    return RADZ_OK;
}

/* Adds weight times a loss to the sum, and its value to the column. */
static Tensor *add_loss(Scope *s, Tensor *sum, Tensor *loss, double weight, double *told)
{
    *told += t_item(s, loss);
    Tensor *part = t_scale(s, loss, weight);
    return sum == NULL ? part : t_add(s, sum, part);
}

static radz_status loss_of(void *context, Scope *s, bool validation, int64_t number, Tensor **loss, double *told, radz_error *err)
{
    training *t = context;
    const radz_train_mllm_options *o = t->options;
    radz_mllm_batch *b = &t->batch;
    size_t batch = (size_t)(validation ? o->how.validation_batch : o->how.batch);
    Tensor *rows = validation ? t->fresh : t->anchors; /* the training's own stay as they are between two refreshes */
    radz_status st = RADZ_OK;
    if (rows != NULL && (validation ? number == 0 : number % (o->anchor_refresh * o->how.accumulate) == 0))
        st = refresh_anchors(t, rows, err);
    if (st == RADZ_OK)
        st = t->source->batch(validation ? t->source->validation : t->source->context, number, b, err);
    if (st == RADZ_OK)
        st = check_batch(t, (int64_t)batch, err);
    if (st != RADZ_OK)
        return st;
    TDevice device = decoder_device(llava_decoder(t->model));
    Tensor *sum = NULL, *lm = NULL;
    features image = image_features(s, t, (int64_t)batch, &lm);
    if (lm != NULL)
        sum = add_loss(s, sum, lm, o->lm, &told[LM]);
    if (wants_features(o) && b->texts > 0) {
        int64_t texts = b->texts, anchors = (int64_t)o->anchor_count;
        for (int64_t i = 0; i < texts && b->tokens < o->context; i++) { /* columns that are used, next to each other */
            memmove(b->ids + i * b->tokens, b->ids + i * o->context, (size_t)b->tokens * sizeof *b->ids);
            memmove(b->roles + i * b->tokens, b->roles + i * o->context, (size_t)b->tokens);
        }
        features text = text_features(s, t, b->ids, b->roles, texts, b->tokens, o->cross > 0);
        if (o->cross > 0) {
            if ((st = infonce_targets(b->positive, batch, (size_t)texts, t->to_text, t->to_image, err)) != RADZ_OK)
                return st;
            Tensor *to_text = t_to(s, t_borrow_host(s, t->to_text, T_SHAPE((int64_t)batch, texts), T_F32), T_F32, device);
            Tensor *to_image = t_to(s, t_borrow_host(s, t->to_image, T_SHAPE((int64_t)batch, texts), T_F32), T_F32, device);
            sum = add_loss(s, sum, cross_loss(s, image.global, image.local, text.global, text.local, t->log_scale, to_text, to_image,
                                              o->crossed), o->cross, &told[CROSS]);
        }
        if (o->anchor > 0) {
            size_t n = anchor_targets(b->image_anchors, batch, (size_t)anchors, t->image_targets);
            size_t m = anchor_targets(b->text_anchors, (size_t)texts, (size_t)anchors, t->text_targets);
            Tensor *of_images = t_to(s, t_borrow_host(s, t->image_targets, T_SHAPE((int64_t)batch, anchors), T_F32), T_F32, device);
            Tensor *of_texts = t_to(s, t_borrow_host(s, t->text_targets, T_SHAPE(texts, anchors), T_F32), T_F32, device);
            Tensor *two = t_add(s, anchor_loss(s, image.global, rows, t->log_scale, of_images, n),
                                anchor_loss(s, text.global, rows, t->log_scale, of_texts, m));
            sum = add_loss(s, sum, t_scale(s, two, 0.5), o->anchor, &told[ANCHOR]);
        }
    }
    told[TAU] += o->learn_tau ? exp(-t_item(s, t->log_scale)) : o->radz != NULL ? o->radz->tau : 0;
    if (sum == NULL && scope_ok(s))
        return radz_fail(err, RADZ_E_VALUE, "batch %" PRId64 " has nothing to be learnt from", number);
    *loss = sum;
    return RADZ_OK;
}

static void constrain(void *context, Scope *s)
{
    training *t = context;
    if (t->options->learn_tau)
        t_clamp_(s, t->log_scale, 0, INFONCE_LOG_SCALE_MAX);
}

/* ---- measuring: global features ---- */

static radz_status encode_images(void *model, const float *pixels, int64_t n, float *out, radz_error *err)
{
    Scope *s = NULL;
    radz_status st = scope_create(SCOPE_INFERENCE, &s, err);
    return st == RADZ_OK ? training_hand_out(s, prompt_features(s, model, pixels, n, false).global, out, err) : st;
}

static radz_status encode_texts(void *model, const int32_t *ids, const uint8_t *roles, int64_t n, int64_t tokens, float *out,
                                radz_error *err)
{
    Scope *s = NULL;
    radz_status st = scope_create(SCOPE_INFERENCE, &s, err);
    return st == RADZ_OK ? training_hand_out(s, text_features(s, model, ids, roles, n, tokens, false).global, out, err) : st;
}

static radz_status measure(void *context, int64_t step, double *auc, radz_error *err)
{
    training *t = context;
    const radz_train_encoder encoder = {t, encode_images, encode_texts};
    return t->source->measure(t->source->measure_context, step, &encoder, auc, err);
}

/* ---- the whole ---- */

static radz_status save(training *t, radz_error *err)
{
    const radz_train_mllm_options *o = t->options;
    TDtype store;
    radz_status st = t_dtype_parse(o->store, &store, err);
    if (st == RADZ_OK && o->learn_tau) {
        Scope *s = NULL;
        if ((st = scope_create(SCOPE_INFERENCE, &s, err)) == RADZ_OK) {
            llava_set_tau(t->model, exp(-t_item(s, t->log_scale)));
            st = scope_error(s, err);
        }
        scope_free(s);
    }
    if (st == RADZ_OK && (o->model == NULL || o->train_decoder || o->train_tower || o->train_projector))
        st = llava_save(t->model, o->how.output, store, err);
    if (st == RADZ_OK && o->radz != NULL)
        st = llava_save_radz(t->model, o->how.output, err);
    return st;
}

radz_status train_mllm(const radz_train_mllm_options *o, const radz_mllm_source *source, radz_error *err)
{
    static const char *const columns[COLUMNS] = {"lm", "cross", "anchor", "tau"};
    training t = {.options = o, .source = source};
    const optimizer_options adamw = {o->how.beta1, o->how.beta2, o->how.eps, o->how.weight_decay};
    bool done = false;
    training_keep_memory();
    radz_status st;
    if ((st = check(&t, err)) == RADZ_OK && (st = t_threads_set(o->how.threads, err)) == RADZ_OK &&
        (st = open_model(&t, err)) == RADZ_OK && (st = list_parameters(&t, err)) == RADZ_OK &&
        (st = measure_prompt(&t, err)) == RADZ_OK && (st = make_room(&t, err)) == RADZ_OK)
        st = optimizer_create(t.parameters, t.count, &adamw, &t.optimizer, err);
    const training_loop loop = {.options = &o->how, .optimizer = t.optimizer, .names = t.names, .columns = columns,
                                .column_count = COLUMNS, .part_count = TAU, .context = &t, .loss = loss_of, .constrain = constrain,
                                .measure = source->measure != NULL ? measure : NULL};
    if (st == RADZ_OK)
        st = training_run(&loop, &done, err);
    if (st == RADZ_OK && done)
        st = save(&t, err);
    tear_down(&t);
    return st;
}
