#include "run/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/safetensors_header.h"
#include "run/embed.h"

/* A file that was not downloaded to its end says so before it is hashed, and long before it is loaded. */
static radz_status check_weights(const radz_session *s, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < s->facts->n_weight_files; i++)
        if (radz_str_ends(s->facts->weight_files[i], ".safetensors"))
            st = safetensors_check(s->facts->weight_files[i], err);
    return st;
}

static radz_status weights_digest(radz_session *s, radz_error *err)
{
    const radz_encoder_facts *facts = s->facts;
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < facts->n_weight_files; i++) {
        unsigned char digest[RADZ_CACHE_KEY_SIZE];
        st = radz_memo_sha256(s->o.memo, facts->weight_files[i], digest, NULL, err);
        radz_sha256_add(&hash, digest, sizeof digest);
        /* one file: its own digest, as sha256sum prints it */
        for (size_t b = 0; st == RADZ_OK && facts->n_weight_files == 1 && b < sizeof digest; b++)
            snprintf(s->weights + 2 * b, 3, "%02x", digest[b]);
    }
    char all[RADZ_SHA256_HEX_SIZE];
    radz_status ended = radz_sha256_end(&hash, all, st == RADZ_OK ? err : NULL);
    if (st == RADZ_OK)
        st = ended;
    if (st == RADZ_OK && facts->n_weight_files != 1)
        memcpy(s->weights, all, sizeof all);
    const char *wanted = s->o.card->weights_sha256;
    if (st == RADZ_OK && wanted != NULL && strcmp(wanted, s->weights) != 0)
        st = radz_fail(err, RADZ_E_VALUE, "its weights have the SHA-256 %s, its card wants %s", s->weights, wanted);
    return st;
}

static radz_reading reading_of(const radz_reading_spec *spec)
{
    if (spec == NULL)
        return (radz_reading){0};
    return (radz_reading){
        .image_tokens = (const char *const *)spec->image_tokens,
        .text_tokens = (const char *const *)spec->text_tokens,
        .n_image_tokens = spec->image_tokens_count,
        .n_text_tokens = spec->text_tokens_count,
        .layer_given = spec->layer_given,
        .layer = spec->layer,
        .pooling = spec->pooling,
        .no_head = !spec->head,
        .tau = spec->tau,
        .image_prompt = spec->image_prompt,
        .text_prompt = spec->text_prompt,
    };
}

radz_encoder_options radz_session_encoder_options(const radz_model_card *card)
{
    return (radz_encoder_options){
        .dtype = radz_model_dtype_name(card->dtype),
        .batch = card->batch,
        .preprocess = card->preprocess,
        .preprocess_steps = (const char *const *)card->preprocess_steps,
        .n_preprocess_steps = card->preprocess_steps_count,
        .decode = card->decode,
        .tower_dir = card->tower,
        .adapter_dir = card->adapter,
        .reading = reading_of(card->radz),
        .max_tokens = card->max_tokens,
    };
}

radz_status radz_session_open(const radz_session_options *options, radz_session *out, radz_error *err)
{
    *out = (radz_session){.o = *options};
    const radz_model_card *card = options->card;
    const radz_template_card *template_card = options->template_card;
    radz_encoder_options how = radz_session_encoder_options(card);
    how.device = options->device;
    how.threads = options->threads;
    if (options->dtype != NULL)
        how.dtype = options->dtype;
    if (template_card != NULL) {
        how.template_name = template_card->base.name;
        how.prompt = template_card->prompt;
        how.stop = (const char *const *)template_card->stop;
        how.n_stop = template_card->stop_count;
    }
    radz_status st = radz_encoder_open(card->family, options->folder, &how, &out->encoder, err);
    if (st == RADZ_OK) {
        out->facts = radz_encoder_info(out->encoder);
        st = check_weights(out, err);
    }
    if (st == RADZ_OK)
        st = weights_digest(out, err);
    return st == RADZ_OK ? RADZ_OK : (radz_prefix(err, "model '%s'", card->base.name), st);
}

/* What every row of the model depends on, line by line. */
static radz_status describe(const radz_session *s, radz_strbuf *text, radz_error *err)
{
    const radz_encoder_facts *f = s->facts;
    return radz_strbuf_printf(
        text, err, "model: %s\nfamily: %s\nweights: sha256 %s\nconfig: sha256 %s\ndtype: %s\ndevice: %s\nlibtorch: %s\n",
        s->o.card->base.name, f->family, s->weights, f->config_sha256, f->dtype, f->device_class, radz_torch_version());
}

radz_status radz_session_need_device(const radz_session *s, radz_error *err)
{
    if (strcmp(s->facts->device_class, "cpu") == 0)
        return RADZ_OK;
    radz_strbuf text = {0};
    radz_cache_listing kept = {0};
    bool known = false;
    radz_status st = describe(s, &text, err);
    if (st == RADZ_OK)
        st = radz_cache_ls(s->o.cache, &kept, err);
    for (size_t i = 0; st == RADZ_OK && i < kept.count && !known; i++)
        known = kept.items[i].rows > 0 && radz_str_starts(kept.items[i].description, text.text);
    if (st == RADZ_OK && !known)
        st = radz_encoder_check_device(s->encoder, err);
    radz_cache_listing_free(&kept);
    radz_strbuf_free(&text);
    return st == RADZ_OK ? RADZ_OK : (radz_prefix(err, "model '%s'", s->o.card->base.name), st);
}

static radz_status describe_input(const radz_session *s, radz_session_store which, radz_strbuf *text, radz_error *err)
{
    const radz_encoder_facts *f = s->facts;
    bool image = which == RADZ_STORE_IMAGE || which == RADZ_STORE_LOGITS, reads = f->reading_text != NULL;
    bool decoder = which != RADZ_STORE_ANCHOR || s->o.card->anchor_form == RADZ_ANCHORS_DECODER;
    radz_status st = RADZ_OK;
    if (image)
        st = radz_strbuf_printf(text, err, "preprocess: %s\n", f->recipe_text);
    if (st == RADZ_OK && (!image || reads))
        st = radz_strbuf_printf(text, err, "tokenizer: sha256 %s\n", f->tokenizer_sha256);
    if (st == RADZ_OK && which == RADZ_STORE_ANCHOR)
        st = radz_strbuf_printf(text, err, "anchors: %s\n", radz_anchor_form_name(s->o.card->anchor_form));
    if (st == RADZ_OK && reads && which != RADZ_STORE_LOGITS && decoder)
        st = radz_strbuf_printf(text, err, "features: %s\n", f->reading_text);
    if (st == RADZ_OK && which == RADZ_STORE_LOGITS) {
        st = radz_strbuf_printf(text, err, "dialogue: %s\nlogits of ids:", f->dialogue_text);
        for (size_t i = 0; st == RADZ_OK && i < f->n_yes + f->n_no; i++)
            st = radz_strbuf_printf(text, err, "%s %ld", i == f->n_yes ? " |" : "", (long)f->answer_tokens[i]);
        if (st == RADZ_OK)
            st = radz_strbuf_puts(text, "\n", err);
    }
    return st;
}

radz_status radz_session_need_store(radz_session *s, radz_session_store which, radz_error *err)
{
    static const char *const kinds[RADZ_STORE_COUNT] = {"image", "text", "anchor", "logits"};
    if (s->stores[which] != NULL)
        return RADZ_OK;
    radz_strbuf text = {0};
    size_t dim = which == RADZ_STORE_LOGITS ? s->facts->n_yes + s->facts->n_no : s->facts->dim;
    radz_status st = describe(s, &text, err);
    if (st == RADZ_OK)
        st = describe_input(s, which, &text, err);
    if (st == RADZ_OK)
        st = radz_store_open(s->o.cache, kinds[which], text.text, dim, &s->stores[which], err);
    radz_strbuf_free(&text);
    return st;
}

radz_status radz_session_need_answers(radz_session *s, radz_error *err)
{
    if (s->answers != NULL)
        return RADZ_OK;
    radz_strbuf text = {0};
    radz_status st = describe(s, &text, err);
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&text, err, "preprocess: %s\ntokenizer: sha256 %s\ndialogue: %s\nanswer: greedy, at most %u tokens\n",
                                s->facts->recipe_text, s->facts->tokenizer_sha256, s->facts->dialogue_text,
                                (unsigned)s->o.card->max_tokens);
    if (st == RADZ_OK)
        st = radz_text_store_open(s->o.cache, "answer", text.text, &s->answers, err);
    radz_strbuf_free(&text);
    return st;
}

radz_status radz_session_rest(radz_session *s, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < RADZ_STORE_COUNT; i++)
        if (s->stores[i] != NULL)
            st = radz_store_compact(s->stores[i], err);
    if (st == RADZ_OK && s->answers != NULL)
        st = radz_text_store_compact(s->answers, err);
    radz_encoder_release(s->encoder);
    return st;
}

radz_status radz_session_close(radz_session *s, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < RADZ_STORE_COUNT; i++) {
        radz_status closed = radz_store_close(s->stores[i], st == RADZ_OK ? err : NULL);
        st = st == RADZ_OK ? closed : st;
    }
    radz_status closed = radz_text_store_close(s->answers, st == RADZ_OK ? err : NULL);
    st = st == RADZ_OK ? closed : st;
    radz_encoder_free(s->encoder);
    *s = (radz_session){0};
    return st;
}

/* ---- anchors ---- */

static radz_status embed_means(radz_session *s, const char *const *texts, size_t n, float *vectors, radz_error *err)
{
    size_t dim = s->facts->dim;
    radz_store *store = s->stores[RADZ_STORE_ANCHOR];
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        unsigned char key[RADZ_CACHE_KEY_SIZE];
        char hex[RADZ_SHA256_HEX_SIZE];
        bool found = false;
        st = radz_sha256_data(texts[i], strlen(texts[i]), hex, err);
        if (st == RADZ_OK && !radz_key_from_hex(hex, key))
            st = radz_fail(err, RADZ_E_INTERNAL, "a SHA-256 of odd form: '%s'", hex);
        if (st == RADZ_OK)
            st = radz_store_lookup(store, key, 1, vectors + i * dim, &found, err);
        if (st != RADZ_OK || found)
            continue;
        st = radz_encoder_embed_mean(s->encoder, texts[i], vectors + i * dim, err);
        if (st == RADZ_OK)
            st = radz_store_append(store, key, vectors + i * dim, 1, err);
    }
    return st == RADZ_OK ? radz_store_flush(store, err) : st;
}

radz_status radz_session_anchors(radz_session *s, const char *const *texts, size_t n, float *vectors, radz_error *err)
{
    bool means = s->o.card->anchor_form == RADZ_ANCHORS_EMBED_MEAN;
    if (means && s->facts->hidden != s->facts->dim)
        return radz_fail(err, RADZ_E_VALUE, "anchors of the form 'embed-mean' have the %zu dimensions of token embeddings, the "
                         "features that go through the head %zu; wanted anchor_form: decoder, or head: false",
                         s->facts->hidden, s->facts->dim);
    radz_status st = radz_session_need_store(s, RADZ_STORE_ANCHOR, err);
    if (st != RADZ_OK)
        return st;
    return means ? embed_means(s, texts, n, vectors, err)
                 : radz_embed_texts(s->encoder, s->stores[RADZ_STORE_ANCHOR], texts, n, vectors, err);
}
