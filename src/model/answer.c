#include "model/answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

struct prefix {
    const llava *model;
    int64_t batch, length;
    kv_cache *cache;
    Scope *scope; /* of one call */
};

radz_status prefix_open(const llava *m, const float *pixels, int64_t batch, int64_t images, const int32_t *ids, size_t count,
                        prefix **out, radz_error *err)
{
    *out = NULL;
    radz_status status;
    decoder_place *places = NULL;
    const llava_config *c = llava_config_of(m);
    if (batch < 1)
        return radz_fail(err, RADZ_E_USAGE, "a prefix of %" PRId64 " rows, wanted 1 or more", batch);
    prefix *p = radz_calloc(1, sizeof *p, err);
    if (p == NULL)
        return RADZ_E_NOMEM;
    p->model = m;
    p->batch = batch;
    if ((status = llava_prompt_length(m, ids, count, (size_t)images, 1, &p->length, err)) != RADZ_OK ||
        (status = scope_create(SCOPE_INFERENCE, &p->scope, err)) != RADZ_OK ||
        (status = kv_cache_create(llava_decoder(m), batch, p->length, &p->cache, err)) != RADZ_OK)
        goto done;
    places = radz_calloc((size_t)p->length, sizeof *places, err);
    if (places == NULL) {
        status = RADZ_E_NOMEM;
        goto done;
    }
    for (int64_t i = 0; i < p->length; i++)
        places[i] = (decoder_place){.position = i, .owner = DECODER_ALL};
    Scope *s = p->scope;
    Tensor *seen = NULL;
    if (images > 0) {
        int64_t side = c->vision.image_size;
        seen = llava_see(s, m, t_borrow_host(s, pixels, T_SHAPE(batch * images, 3, side, side), T_F32));
    }
    Tensor *x = llava_prompt(s, m, ids, count, seen, batch, images);
    decoder_run(s, llava_decoder(m), p->cache, x, places, c->decoder.layers);
    status = scope_error(s, err);
    scope_clear(s);
    if (status == RADZ_OK) {
        *out = p;
        p = NULL;
    }
done:
    free(places);
    prefix_free(p);
    return status;
}

void prefix_free(prefix *p)
{
    if (p == NULL)
        return;
    scope_free(p->scope);
    kv_cache_free(p->cache);
    free(p);
}

int64_t prefix_length(const prefix *p)
{
    return p->length;
}

static radz_status check_questions(const prefix *p, const questions *q, size_t after, radz_error *err)
{
    const decoder_config *c = &llava_config_of(p->model)->decoder;
    if (q->count == 0 || q->length == 0)
        return radz_fail(err, RADZ_E_USAGE, "no question is asked");
    for (size_t i = 0; i < q->count; i++) {
        int64_t length;
        if (q->lengths[i] < 1 || q->lengths[i] > q->length)
            return radz_fail(err, RADZ_E_VALUE, "question %zu has %zu tokens, wanted 1 to %zu", i, q->lengths[i], q->length);
        radz_status status = llava_prompt_length(p->model, q->ids + i * q->length, q->lengths[i], 0, p->length + (int64_t)after,
                                                 &length, err);
        if (status)
            return radz_prefix(err, "question %zu of %zu tokens behind %" PRId64 " positions (context %" PRId64 ")", i,
                               q->lengths[i], p->length, c->context);
    }
    return RADZ_OK;
}

/* Runs all questions behind the prefix; -> the last hidden state of each one's last token [B,Q,hidden]. */
static Tensor *ask(Scope *s, prefix *p, const questions *q)
{
    int64_t total = (int64_t)(q->count * q->length), d = llava_config_of(p->model)->decoder.hidden;
    radz_error err = {0};
    int32_t *ids = radz_calloc((size_t)total, sizeof *ids, &err);
    int64_t *last = radz_calloc(q->count, sizeof *last, &err);
    decoder_place *places = radz_calloc((size_t)total, sizeof *places, &err);
    Tensor *result = NULL;
    if (ids == NULL || last == NULL || places == NULL) {
        scope_fail(s, RADZ_E_NOMEM, "%s", err.message);
        goto done;
    }
    for (size_t i = 0; i < q->count; i++) {
        for (size_t k = 0; k < q->length; k++) {
            bool real = k < q->lengths[i];
            ids[i * q->length + k] = real ? q->ids[i * q->length + k] : 0;
            places[i * q->length + k] = (decoder_place){.position = p->length + (int64_t)(real ? k : 0), .owner = (int32_t)i, .padding = !real};
        }
        last[i] = (int64_t)(i * q->length + q->lengths[i] - 1);
    }
    Tensor *x = llava_prompt(s, p->model, ids, (size_t)total, NULL, p->batch, 0);
    Tensor *h = decoder_run(s, llava_decoder(p->model), p->cache, x, places, llava_config_of(p->model)->decoder.layers);
    Tensor *rows = t_to(s, t_from_host(s, last, T_SHAPE((int64_t)q->count), T_I64), T_I64, decoder_device(llava_decoder(p->model)));
    result = t_reshape(s, t_index_select(s, h, 1, rows), T_SHAPE(p->batch, (int64_t)q->count, d));
done:
    free(ids);
    free(last);
    free(places);
    return result;
}

radz_status prefix_logits(prefix *p, const questions *q, const int32_t *wanted, size_t wanted_count, float *out, radz_error *err)
{
    int64_t vocabulary = llava_config_of(p->model)->decoder.vocabulary;
    radz_status status = check_questions(p, q, 0, err);
    if (status)
        return status;
    if (wanted_count == 0)
        return radz_fail(err, RADZ_E_USAGE, "no token's logit is asked for");
    int64_t *rows = radz_calloc(wanted_count, sizeof *rows, err);
    if (rows == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < wanted_count; i++) {
        if (wanted[i] < 0 || wanted[i] >= vocabulary) {
            free(rows);
            return radz_fail(err, RADZ_E_VALUE, "the logit of id %" PRId32 " is asked for, the output layer has 0 to %" PRId64,
                             wanted[i], vocabulary - 1);
        }
        rows[i] = wanted[i];
    }
    Scope *s = p->scope;
    status = kv_cache_reserve(p->cache, p->length + (int64_t)(q->count * q->length), err);
    if (status == RADZ_OK) {
        Tensor *h = ask(s, p, q);
        Tensor *logits = decoder_logits(s, llava_decoder(p->model), h, t_from_host(s, rows, T_SHAPE((int64_t)wanted_count), T_I64));
        logits = t_cast(s, logits, T_F32);
        if (scope_ok(s) && !t_all_finite(s, logits))
            scope_fail(s, RADZ_E_VALUE, "a logit is not finite (overflow in the model?)");
        t_to_host(s, logits, T_F32, out, (size_t)p->batch * q->count * wanted_count);
        status = scope_error(s, err);
        scope_clear(s);
    }
    kv_cache_truncate(p->cache, p->length);
    free(rows);
    return status;
}

static bool stops(const int32_t *stop, size_t count, int32_t id)
{
    for (size_t i = 0; i < count; i++)
        if (stop[i] == id)
            return true;
    return false;
}

/* The best next token of each row: hidden [B,Q,d] -> next [B Q]. */
static void best(Scope *s, const prefix *p, Tensor *hidden, int64_t *next, size_t count)
{
    Tensor *logits = t_cast(s, decoder_logits(s, llava_decoder(p->model), hidden, NULL), T_F32);
    if (scope_ok(s) && !t_all_finite(s, logits))
        scope_fail(s, RADZ_E_VALUE, "a logit is not finite (overflow in the model?)");
    t_to_host(s, t_argmax(s, logits, -1, false), T_I64, next, count);
}

radz_status prefix_generate(prefix *p, const questions *q, size_t max_tokens, const int32_t *stop, size_t stop_count,
                            int32_t *out, size_t *lengths, uint64_t *run, radz_error *err)
{
    if (max_tokens == 0)
        return radz_fail(err, RADZ_E_USAGE, "an answer of no tokens is asked for");
    radz_status status = check_questions(p, q, max_tokens, err);
    if (status)
        return status;
    size_t rows = (size_t)p->batch * q->count, width = q->count;
    int64_t capacity = p->length + (int64_t)(width * (q->length + max_tokens)), d = llava_config_of(p->model)->decoder.hidden;
    Scope *s = p->scope;
    const decoder *dec = llava_decoder(p->model);
    int64_t *next = radz_calloc(rows, sizeof *next, err);
    bool *ended = radz_calloc(rows, sizeof *ended, err);
    decoder_place *places = radz_calloc(width, sizeof *places, err);
    status = next != NULL && ended != NULL && places != NULL ? kv_cache_reserve(p->cache, capacity, err) : RADZ_E_NOMEM;
    if (status)
        goto done;
    memset(lengths, 0, rows * sizeof *lengths);
    best(s, p, ask(s, p, q), next, rows);
    status = scope_error(s, err);
    scope_clear(s);
    for (size_t t = 0; status == RADZ_OK && t < max_tokens; t++) {
        bool any = false;
        for (size_t r = 0; r < rows; r++) {
            ended[r] = ended[r] || stops(stop, stop_count, (int32_t)next[r]);
            if (!ended[r]) {
                out[r * max_tokens + lengths[r]++] = (int32_t)next[r];
                any = true;
                if (run != NULL && t + 1 < max_tokens)
                    (*run)++;
            }
        }
        if (!any || t + 1 == max_tokens)
            break;
        if (radz_cancelled()) {
            status = radz_fail_interrupted(err);
            break;
        }
        for (size_t i = 0; i < width; i++) /* rows that have ended go on, and nobody listens */
            places[i] = (decoder_place){.position = p->length + (int64_t)(q->lengths[i] + t), .owner = (int32_t)i};
        Tensor *ids = t_from_host(s, next, T_SHAPE(p->batch, (int64_t)width), T_I64);
        Tensor *x = t_reshape(s, decoder_embed(s, dec, ids), T_SHAPE(p->batch, (int64_t)width, d));
        best(s, p, decoder_run(s, dec, p->cache, x, places, llava_config_of(p->model)->decoder.layers), next, rows);
        status = scope_error(s, err);
        scope_clear(s);
    }
done:
    kv_cache_truncate(p->cache, p->length);
    free(next);
    free(ended);
    free(places);
    return status;
}
