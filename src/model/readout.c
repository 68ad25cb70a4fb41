#include "model/readout.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

bool readout_means(const llava *m, const int32_t *ids, const uint8_t *roles, size_t count, uint8_t role, float *row)
{
    const llava_config *c = llava_config_of(m);
    int64_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        int64_t at = 0;
        for (size_t i = 0; i < count; i++) {
            int64_t width = c->image_tokens > 0 && ids[i] == c->image_token ? c->image_tokens : 1;
            for (int64_t k = 0; (roles[i] & role) != 0 && k < width; k++) {
                if (pass == 0)
                    n++;
                else
                    row[at + k] = (float)(1.0 / (double)n);
            }
            at += width;
        }
    }
    return n > 0;
}

/* [prompts,1,d] in float -> the finished feature on the host. */
static void hand_out(Scope *s, const llava *m, Tensor *mean, bool project, float *out, size_t count)
{
    Tensor *x = t_squeeze(s, mean, 1);
    if (project)
        x = llava_head(s, m, x);
    x = t_l2_normalize(s, x, -1, 0);
    if (scope_ok(s) && !t_all_finite(s, x))
        scope_fail(s, RADZ_E_VALUE, "a feature is not a finite vector of length 1 (overflow in the model?)");
    t_to_host(s, x, T_F32, out, count * (size_t)t_size(x, 1));
}

radz_status readout(const llava *m, const readout_prompt *prompts, size_t count, const readout_options *o, float *global,
                    float *local, uint64_t *positions, radz_error *err)
{
    const llava_config *c = llava_config_of(m);
    const radz_config *radz = llava_radz(m);
    int64_t layers = c->decoder.layers, d = c->decoder.hidden, side = c->vision.image_size;
    int64_t layer = o->layer < 0 ? layers + 1 + o->layer : o->layer, longest = o->pad_to;
    if (layer < 0 || layer > layers)
        return radz_fail(err, RADZ_E_VALUE, "hidden state %" PRId64 " is asked for, the decoder has %" PRId64 " layers", o->layer, layers);
    if (o->project && (radz == NULL || radz->head_dim == 0))
        return radz_fail(err, RADZ_E_VALUE, "features through a projection head are asked for, the model has none");
    if (count == 0)
        return RADZ_OK;
    radz_status status;
    Scope *s = NULL;
    decoder_place *places = NULL;
    float *means[2] = {NULL, NULL};
    int64_t *lengths = radz_calloc(count, sizeof *lengths, err);
    Tensor **rows = radz_calloc(count, sizeof *rows, err);
    if (lengths == NULL || rows == NULL) {
        status = RADZ_E_NOMEM;
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        status = llava_prompt_length(m, prompts[i].ids, prompts[i].count, prompts[i].images, 0, &lengths[i], err);
        if (status)
            goto done;
        if (o->pad_to > 0 && lengths[i] > o->pad_to) {
            status = radz_fail(err, RADZ_E_VALUE, "prompt %zu takes %" PRId64 " positions, more than the %" PRId64
                               " that prompts are padded to", i, lengths[i], o->pad_to);
            goto done;
        }
        longest = lengths[i] > longest ? lengths[i] : longest;
    }
    places = radz_calloc((size_t)longest, sizeof *places, err);
    if (places == NULL) {
        status = RADZ_E_NOMEM;
        goto done;
    }
    for (int64_t i = 0; i < longest; i++) /* padding stands behind, where no token looks */
        places[i] = (decoder_place){.position = i, .owner = DECODER_ALL};
    float *outs[2] = {global, local};
    for (int k = 0; k < 2; k++) {
        if (outs[k] == NULL)
            continue;
        means[k] = radz_calloc(count * (size_t)longest, sizeof **means, err);
        status = means[k] != NULL ? RADZ_OK : RADZ_E_NOMEM;
        for (size_t i = 0; status == RADZ_OK && i < count; i++)
            if (!readout_means(m, prompts[i].ids, prompts[i].roles, prompts[i].count, k == 0 ? READOUT_GLOBAL : READOUT_LOCAL,
                               means[k] + i * (size_t)longest))
                status = radz_fail(err, RADZ_E_VALUE, "prompt %zu has no position for the %s feature", i, k == 0 ? "global" : "local");
        if (status)
            goto done;
    }
    if ((status = scope_create(SCOPE_INFERENCE, &s, err)) != RADZ_OK)
        goto done;
    for (size_t i = 0; i < count; i++) {
        const readout_prompt *p = &prompts[i];
        size_t mark = scope_mark(s);
        Tensor *seen = NULL;
        if (p->images > 0)
            seen = llava_see(s, m, t_borrow_host(s, p->pixels, T_SHAPE((int64_t)p->images, 3, side, side), T_F32));
        Tensor *x = llava_prompt(s, m, p->ids, p->count, seen, 1, (int64_t)p->images);
        if (lengths[i] < longest) {
            Tensor *parts[2] = {x, t_zeros(s, T_SHAPE(1, longest - lengths[i], d), t_dtype(x), t_device(x))};
            x = t_cat(s, parts, 2, 1);
        }
        rows[i] = scope_release(s, mark, x);
        if (positions != NULL)
            *positions += (uint64_t)lengths[i];
    }
    Tensor *x = count == 1 ? rows[0] : t_cat(s, rows, count, 0);
    Tensor *h = t_cast(s, decoder_run(s, llava_decoder(m), NULL, x, places, layer), T_F32); /* [prompts,longest,d] */
    for (int k = 0; k < 2; k++) {
        if (outs[k] == NULL)
            continue;
        Tensor *w = t_borrow_host(s, means[k], T_SHAPE((int64_t)count, 1, longest), T_F32);
        hand_out(s, m, t_matmul(s, t_to(s, w, T_F32, t_device(h)), h), o->project, outs[k], count);
    }
    status = scope_error(s, err);
done:
    scope_free(s);
    free(means[0]);
    free(means[1]);
    free(places);
    free(rows);
    free(lengths);
    return status;
}

radz_status readout_embed_mean(const llava *m, const int32_t *ids, size_t count, float *out, radz_error *err)
{
    int64_t length;
    Scope *s = NULL;
    radz_status status = llava_prompt_length(m, ids, count, 0, 0, &length, err);
    if (status == RADZ_OK)
        status = scope_create(SCOPE_INFERENCE, &s, err);
    if (status)
        return status;
    Tensor *x = t_cast(s, llava_prompt(s, m, ids, count, NULL, 1, 0), T_F32);
    Tensor *mean = t_mean(s, x, 1, false);
    if (scope_ok(s) && !t_all_finite(s, mean))
        scope_fail(s, RADZ_E_VALUE, "an embedding is not finite");
    t_to_host(s, mean, T_F32, out, (size_t)llava_config_of(m)->decoder.hidden);
    status = scope_error(s, err);
    scope_free(s);
    return status;
}
