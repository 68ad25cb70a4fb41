/* The family "llava": a decoder that sees pictures. Its features are read inside the decoder (config/radz_config.h); it
 * answers questions when its card names a template. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/llava_config.h"
#include "config/radz_config.h"
#include "encoder/encoder_parts.h"

enum {
    QUESTIONS = 8,      /* per call of the model: a fixed number, rows past the end repeat the last */
    LENGTH_STEP = 32,   /* questions and texts are padded to a multiple of it */
    DEFAULT_ANSWER = 64,
    MAX_STOP = 16,
    MAX_SPELLINGS = 16
};

typedef struct id_list {
    int32_t *items;
    size_t count, capacity;
} id_list;

typedef struct llava_state {
    llava_config config;
    radz_config radz;
    bool has_radz;           /* the folder has a radz.json */
    bool project;            /* features go through the head */
    char *tower, *adapter;   /* as the door takes them; NULL: none given */
    char *prompt;            /* of the template; NULL: not asked */
    size_t max_tokens;
    int32_t stop[DECODER_EOS_MAX + MAX_STOP + 1];
    size_t n_stop;
    int32_t answer_tokens[2 * MAX_SPELLINGS];
    char *reading_text, *dialogue_text, *template_name;
    id_list image_ids;       /* of the image prompt with its special tokens */
    uint8_t *image_roles;
    radz_door_mllm *model;   /* NULL while the weights are not loaded */
} llava_state;

/* ---- ids ---------------------------------------------------------------------------------------------------------- */

static radz_status add_ids(id_list *list, const int32_t *ids, size_t count, radz_error *err)
{
    radz_status status = radz_grow(&list->items, &list->capacity, list->count + count + 1, sizeof *list->items, err);
    if (status == RADZ_OK && count > 0)
        memcpy(list->items + list->count, ids, count * sizeof *ids);
    if (status == RADZ_OK)
        list->count += count;
    return status;
}

static radz_status add_text(const radz_encoder *e, const char *text, size_t length, bool with_template, id_list *out,
                            radz_error *err)
{
    int32_t *ids = NULL;
    size_t count = 0;
    radz_status status = radz_tokenizer_encode_all(e->tokenizer, text, length, with_template, &ids, &count, err);
    if (status == RADZ_OK)
        status = add_ids(out, ids, count, err);
    free(ids);
    return status;
}

/* Ids of a text with "<image>" in it, each one becoming the picture's id. A tokenizer that has that id takes the text
 * whole, as transformers does; without one the parts are encoded each on its own, as in LLaVA's own code. */
static radz_status encode_prompt(const radz_encoder *e, const char *text, id_list *out, radz_error *err)
{
    static const char mark[] = "<image>";
    const llava_state *s = e->state;
    int32_t picture = (int32_t)s->config.image_token;
    const char *token = radz_tokenizer_token_of(e->tokenizer, picture);
    radz_status status = RADZ_OK;
    out->count = 0;
    if (token != NULL) {
        radz_strbuf whole = {0};
        status = radz_strbuf_append(&whole, "", 0, err);
        for (const char *p = text, *at; status == RADZ_OK; p = at + sizeof mark - 1) {
            at = strstr(p, mark);
            status = radz_strbuf_append(&whole, p, at != NULL ? (size_t)(at - p) : strlen(p), err);
            if (at == NULL)
                break;
            if (status == RADZ_OK)
                status = radz_strbuf_puts(&whole, token, err);
        }
        if (status == RADZ_OK)
            status = add_text(e, whole.text, whole.length, true, out, err);
        radz_strbuf_free(&whole);
        return status;
    }
    for (const char *p = text, *at; status == RADZ_OK; p = at + sizeof mark - 1) {
        at = strstr(p, mark);
        status = add_text(e, p, at != NULL ? (size_t)(at - p) : strlen(p), p == text, out, err);
        if (at == NULL)
            break;
        if (status == RADZ_OK)
            status = add_ids(out, &picture, 1, err);
    }
    return status;
}

static size_t count_pictures(const llava_state *s, const id_list *ids)
{
    size_t n = 0;
    for (size_t i = 0; i < ids->count; i++)
        n += ids->items[i] == s->config.image_token;
    return n;
}

static size_t positions_of(const llava_state *s, const id_list *ids)
{
    size_t pictures = count_pictures(s, ids);
    return ids->count + pictures * (size_t)(s->config.image_tokens > 0 ? s->config.image_tokens - 1 : 0);
}

static size_t round_up(size_t n)
{
    return (n + LENGTH_STEP - 1) / LENGTH_STEP * LENGTH_STEP;
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

static radz_status relative_to(const radz_encoder *e, const char *path, char **out, radz_error *err)
{
    *out = NULL;
    if (path == NULL)
        return RADZ_OK;
    *out = radz_path_join(e->dir, path, err);
    if (*out == NULL)
        return RADZ_E_NOMEM;
    if (!radz_file_is_dir(*out))
        return radz_fail(err, RADZ_E_MISSING, "'%s', a folder that the model's card names, is not there", *out);
    return RADZ_OK;
}

static radz_status llava_read(radz_encoder *e, const radz_encoder_options *o, radz_error *err)
{
    llava_state *s = radz_calloc(1, sizeof *s, err);
    if (s == NULL)
        return RADZ_E_NOMEM;
    e->state = s;
    s->radz = radz_config_default();
    radz_status status;
    if ((status = relative_to(e, o->tower_dir, &s->tower, err)) != RADZ_OK ||
        (status = relative_to(e, o->adapter_dir, &s->adapter, err)) != RADZ_OK ||
        (status = llava_config_load(e->dir, s->adapter, s->tower, &s->config, err)) != RADZ_OK)
        return status;
    if (s->config.layout == LLAVA_TEXT_ONLY)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': a decoder without a vision tower: it sees no pictures", e->dir);
    char *path = radz_path_join(e->dir, "radz.json", err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    s->has_radz = radz_file_exists(path);
    if (s->has_radz)
        status = radz_config_load(path, &s->radz, err);
    free(path);
    if (status != RADZ_OK)
        return status;
    const char *tower = s->config.layout == LLAVA_ORIGINAL ? s->config.tower_dir : NULL;
    if (tower != NULL) {
        e->pad_square = s->config.pad_square;
        e->preprocessor_dir = radz_strdup(tower, err);
        if (e->preprocessor_dir == NULL)
            return RADZ_E_NOMEM;
        status = radz_strlist_add(&e->weight_folders, tower, err);
    }
    if (status == RADZ_OK && s->adapter != NULL)
        status = radz_strlist_add(&e->weight_folders, s->adapter, err);
    s->project = s->radz.head_dim > 0 && !o->reading.no_head;
    e->facts.hidden = (size_t)s->config.decoder.hidden;
    e->facts.dim = s->project ? (size_t)s->radz.head_dim : e->facts.hidden;
    e->facts.image_size = (size_t)s->config.vision.image_size;
    e->facts.context = (size_t)s->config.decoder.context;
    return status;
}

/* What the card gives wins over radz.json. */
static radz_status take_tokens(const radz_encoder *e, const char *const *texts, size_t count, radz_special_token *out,
                               size_t *n, radz_error *err)
{
    if (count == 0)
        return RADZ_OK;
    if (count > RADZ_SPECIAL_MAX)
        return radz_fail(err, RADZ_E_VALUE, "%zu special tokens, wanted at most %d", count, RADZ_SPECIAL_MAX);
    for (size_t i = 0; i < count; i++) {
        int32_t id = radz_tokenizer_id_of(e->tokenizer, texts[i]);
        if (id < 0)
            return radz_fail(err, RADZ_E_VALUE, "the model's card wants the special token '%.60s', the tokenizer of '%s' (ids 0 to "
                             "%zu) has no such token", texts[i], e->dir, radz_tokenizer_info_of(e->tokenizer)->vocab_size - 1);
        if (strlen(texts[i]) >= RADZ_SPECIAL_TEXT_SIZE)
            return radz_fail(err, RADZ_E_VALUE, "special token '%.60s' is longer than %d bytes", texts[i],
                             RADZ_SPECIAL_TEXT_SIZE - 1);
        snprintf(out[i].text, sizeof out[i].text, "%s", texts[i]);
        out[i].id = id;
    }
    *n = count;
    return RADZ_OK;
}

static radz_status check_tokens(const radz_encoder *e, const radz_special_token *tokens, size_t count, radz_error *err)
{
    for (size_t i = 0; i < count; i++) {
        int32_t id = radz_tokenizer_id_of(e->tokenizer, tokens[i].text);
        if (id < 0)
            return radz_fail(err, RADZ_E_VALUE, "'%s/radz.json' has the special token '%s' with id %" PRId64 ", the tokenizer beside it "
                             "(ids 0 to %zu) has no such token", e->dir, tokens[i].text, tokens[i].id,
                             radz_tokenizer_info_of(e->tokenizer)->vocab_size - 1);
        if (id != tokens[i].id)
            return radz_fail(err, RADZ_E_VALUE, "'%s/radz.json' has the special token '%s' with id %" PRId64 ", the tokenizer beside it "
                             "has it with id %ld", e->dir, tokens[i].text, tokens[i].id, (long)id);
    }
    return RADZ_OK;
}

static radz_status take_text(char *out, const char *text, radz_error *err)
{
    if (text == NULL)
        return RADZ_OK;
    if (strlen(text) >= RADZ_PROMPT_SIZE)
        return radz_fail(err, RADZ_E_VALUE, "the prompt '%.60s...' is longer than %d bytes", text, RADZ_PROMPT_SIZE - 1);
    strcpy(out, text);
    return RADZ_OK;
}

/* The means that each position goes into. */
static radz_status make_roles(const radz_config *radz, const id_list *ids, bool image, uint8_t **out, radz_error *err)
{
    uint8_t *roles = radz_calloc(ids->count + 1, 1, err);
    *out = roles;
    if (roles == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < ids->count; i++)
        if (radz_config_is_global(radz, image, ids->items[i], i + 1 == ids->count))
            roles[i] = RADZ_ROLE_GLOBAL;
    return RADZ_OK;
}

static radz_status fit(const radz_encoder *e, const char *what, size_t positions, radz_error *err)
{
    const llava_state *s = e->state;
    if (positions <= e->facts.context)
        return RADZ_OK;
    return radz_fail(err, RADZ_E_VALUE, "%s takes %zu positions (a picture %" PRId64 " of them), the context of the model in '%s' is "
                     "%zu", what, positions, s->config.image_tokens, e->dir, e->facts.context);
}

static radz_status read_reading(radz_encoder *e, const radz_reading *given, radz_error *err)
{
    llava_state *s = e->state;
    radz_config *r = &s->radz;
    radz_status status = check_tokens(e, r->image_tokens, r->image_token_count, err);
    if (status == RADZ_OK)
        status = check_tokens(e, r->text_tokens, r->text_token_count, err);
    if (status == RADZ_OK)
        status = take_tokens(e, given->image_tokens, given->n_image_tokens, r->image_tokens, &r->image_token_count, err);
    if (status == RADZ_OK)
        status = take_tokens(e, given->text_tokens, given->n_text_tokens, r->text_tokens, &r->text_token_count, err);
    if (status == RADZ_OK && given->pooling != NULL)
        status = radz_pooling_parse(given->pooling, &r->pooling, err);
    if (status == RADZ_OK)
        status = take_text(r->image_prompt, given->image_prompt, err);
    if (status == RADZ_OK)
        status = take_text(r->text_prompt, given->text_prompt, err);
    if (status != RADZ_OK)
        return status;
    if (given->layer_given)
        r->layer = given->layer;
    if (given->tau > 0)
        r->tau = given->tau;
    int64_t layers = s->config.decoder.layers;
    if (r->layer > layers || r->layer < -layers - 1)
        return radz_fail(err, RADZ_E_VALUE, "features of layer %" PRId64 " are wanted, the decoder in '%s' has hidden states 0 to %"
                         PRId64 " (or -1 to %" PRId64 ")", r->layer, e->dir, layers, -layers - 1);
    if (r->pooling != RADZ_POOL_SPECIAL) /* the tokens belong to that pooling */
        r->image_token_count = r->text_token_count = 0;
    else if (r->image_token_count == 0 || r->text_token_count == 0)
        return radz_fail(err, RADZ_E_VALUE, "pooling 'special' wants image_tokens and text_tokens; of '%s' there are %zu and %zu",
                         e->dir, r->image_token_count, r->text_token_count);
    e->facts.temperature = r->tau;

    radz_strbuf prompt = {0}, text_prompt = {0}, text = {0};
    status = radz_config_spell_image(r, &prompt, err);
    if (status == RADZ_OK)
        status = encode_prompt(e, prompt.text, &s->image_ids, err);
    if (status == RADZ_OK)
        status = make_roles(r, &s->image_ids, true, &s->image_roles, err);
    if (status == RADZ_OK && count_pictures(s, &s->image_ids) != 1)
        status = radz_fail(err, RADZ_E_VALUE, "the image prompt '%.200s' has %zu places for a picture, wanted one", prompt.text,
                           count_pictures(s, &s->image_ids));
    if (status == RADZ_OK)
        status = fit(e, "the image prompt", positions_of(s, &s->image_ids), err);
    e->facts.image_positions = positions_of(s, &s->image_ids);
    if (status == RADZ_OK)
        status = radz_config_spell_text(r, "{text}", &text_prompt, err);
    if (status == RADZ_OK)
        status = radz_strbuf_printf(&text, err, "layer %" PRId64 ", pooling %s, head %s, image prompt '%s', text prompt '%s'", r->layer,
                                    radz_pooling_name(r->pooling), s->project ? "yes" : "no", prompt.text, text_prompt.text);
    if (status == RADZ_OK) {
        s->reading_text = text.text;
        text.text = NULL;
        e->facts.reading_text = s->reading_text;
    }
    radz_strbuf_free(&prompt);
    radz_strbuf_free(&text_prompt);
    radz_strbuf_free(&text);
    return status;
}

/* Tokens that are a whole spelling of a word, with or without the mark of a blank before it. */
static size_t find_spellings(const radz_encoder *e, const char *const *spellings, size_t count, int32_t *out)
{
    static const char *const before[] = {"", "\xE2\x96\x81", "\xC4\xA0"}; /* SentencePiece's mark, byte level's blank */
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t b = 0; b < sizeof before / sizeof *before; b++) {
            char text[32];
            snprintf(text, sizeof text, "%s%s", before[b], spellings[i]);
            int32_t id = radz_tokenizer_id_of(e->tokenizer, text);
            if (id >= 0 && n < MAX_SPELLINGS)
                out[n++] = id;
        }
    return n;
}

static radz_status read_dialogue(radz_encoder *e, const radz_encoder_options *o, radz_error *err)
{
    static const char *const yes[] = {"yes", "Yes", "YES"}, *const no[] = {"no", "No", "NO"};
    llava_state *s = e->state;
    radz_encoder_facts *f = &e->facts;
    s->max_tokens = o->max_tokens > 0 ? o->max_tokens : DEFAULT_ANSWER;
    for (size_t i = 0; i < s->config.decoder.eos_count; i++)
        s->stop[s->n_stop++] = (int32_t)s->config.decoder.eos_tokens[i];
    int32_t end = radz_tokenizer_info_of(e->tokenizer)->eos_id;
    if (end >= 0)
        s->stop[s->n_stop++] = end;
    if (o->prompt == NULL) {
        f->evidence &= 1u << RADZ_EVIDENCE_RADZ_FEATURE;
        return RADZ_OK;
    }
    if (o->n_stop > MAX_STOP)
        return radz_fail(err, RADZ_E_VALUE, "template '%s': %zu stop tokens, wanted at most %d", o->template_name, o->n_stop, MAX_STOP);
    for (size_t i = 0; i < o->n_stop; i++) {
        int32_t id = radz_tokenizer_id_of(e->tokenizer, o->stop[i]);
        if (id < 0)
            return radz_fail(err, RADZ_E_VALUE, "template '%s' ends answers at the token '%.60s', the tokenizer of '%s' has no such "
                             "token", o->template_name, o->stop[i], e->dir);
        s->stop[s->n_stop++] = id;
    }
    if ((s->prompt = radz_strdup(o->prompt, err)) == NULL ||
        (s->template_name = radz_strdup(o->template_name != NULL ? o->template_name : "", err)) == NULL)
        return RADZ_E_NOMEM;
    f->template_name = s->template_name;
    f->n_yes = find_spellings(e, yes, 3, s->answer_tokens);
    f->n_no = find_spellings(e, no, 3, s->answer_tokens + f->n_yes);
    f->answer_tokens = s->answer_tokens;
    radz_strbuf text = {0};
    radz_status status = radz_strbuf_printf(&text, err, "prompt '%s', stop", s->prompt);
    for (size_t i = 0; i < s->n_stop && status == RADZ_OK; i++)
        status = radz_strbuf_printf(&text, err, " %ld", (long)s->stop[i]);
    s->dialogue_text = text.text;
    f->dialogue_text = s->dialogue_text;
    return status;
}

static radz_status llava_finish(radz_encoder *e, const radz_encoder_options *o, radz_error *err)
{
    radz_status status = read_reading(e, &o->reading, err);
    return status == RADZ_OK ? read_dialogue(e, o, err) : status;
}

static void llava_unload(radz_encoder *e)
{
    llava_state *s = e->state;
    if (s->model != NULL)
        e->door->mllm_close(s->model);
    s->model = NULL;
}

static void llava_free_state(radz_encoder *e)
{
    llava_state *s = e->state;
    if (s == NULL)
        return;
    free(s->tower);
    free(s->adapter);
    free(s->prompt);
    free(s->template_name);
    free(s->reading_text);
    free(s->dialogue_text);
    free(s->image_ids.items);
    free(s->image_roles);
    free(s);
}

static radz_status llava_load(radz_encoder *e, radz_error *err)
{
    llava_state *s = e->state;
    const radz_encoder_facts *f = &e->facts;
    radz_door_mllm_info info;
    radz_door_mllm_options how = {
        .compute = {.device = f->device, .dtype = e->door_dtype, .threads = f->threads},
        .tower_dir = s->tower,
        .adapter_dir = s->adapter,
    };
    radz_info("loading the weights of '%s'", e->dir);
    radz_status status = e->door->mllm_open(e->dir, &how, &s->model, &info, err);
    if (status)
        return status;
    if (info.hidden != f->hidden || info.image_size != f->image_size || info.context != f->context ||
        info.image_tokens != (size_t)s->config.image_tokens || info.image_token != s->config.image_token ||
        info.head_dim != (size_t)s->radz.head_dim) {
        status = radz_fail(err, RADZ_E_INTERNAL,
                           "'%s': program and plugin read the configuration differently: width %zu and %zu, image size %zu and "
                           "%zu, context %zu and %zu, positions of a picture %" PRId64 " and %zu, head %" PRId64 " and %zu", e->dir,
                           f->hidden, info.hidden, f->image_size, info.image_size, f->context, info.context,
                           s->config.image_tokens, info.image_tokens, s->radz.head_dim, info.head_dim);
        llava_unload(e);
    }
    return status;
}

/* ---- features ----------------------------------------------------------------------------------------------------- */

static radz_status llava_images(radz_encoder *e, const float *pixels, float *out, radz_error *err)
{
    const llava_state *s = e->state;
    size_t batch = e->facts.batch;
    radz_door_prompt *prompts = radz_calloc(batch, sizeof *prompts, err);
    if (prompts == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < batch; i++)
        prompts[i] = (radz_door_prompt){s->image_ids.items, s->image_roles, s->image_ids.count,
                                        pixels + i * e->facts.pixels_per_image, 1};
    radz_door_features features = {.layer = s->radz.layer, .project = s->project, .global = out};
    radz_status status = e->door->mllm_features(s->model, prompts, batch, &features, NULL, err);
    free(prompts);
    return status;
}

/* One text, padded to a multiple of LENGTH_STEP: its feature depends on nothing else. */
static radz_status llava_texts(radz_encoder *e, const char *const *texts, float *out, radz_error *err)
{
    const llava_state *s = e->state;
    const radz_config *r = &s->radz;
    const char *text = texts[0];
    id_list ids = {0};
    radz_strbuf prompt = {0};
    uint8_t *roles = NULL;
    radz_status status = radz_config_spell_text(r, text, &prompt, err);
    if (status == RADZ_OK)
        status = add_text(e, prompt.text, prompt.length, true, &ids, err);
    if (status == RADZ_OK && (status = fit(e, "the text", ids.count, err)) != RADZ_OK)
        radz_prefix(err, "'%.60s%s'", text, strlen(text) > 60 ? "..." : "");
    if (status == RADZ_OK)
        status = make_roles(r, &ids, false, &roles, err);
    if (status == RADZ_OK) {
        size_t pad = round_up(ids.count);
        radz_door_prompt one = {ids.items, roles, ids.count, NULL, 0};
        radz_door_features features = {.layer = r->layer, .project = s->project,
                                       .pad_to = pad <= e->facts.context ? pad : e->facts.context, .global = out};
        status = e->door->mllm_features(s->model, &one, 1, &features, NULL, err);
    }
    free(roles);
    free(ids.items);
    radz_strbuf_free(&prompt);
    return status;
}

radz_status radz_encoder_embed_mean(radz_encoder *e, const char *text, float *out, radz_error *err)
{
    id_list ids = {0};
    if (e->family != &encoder_llava)
        return radz_fail(err, RADZ_E_USAGE, "a model of the family '%s' has no token embeddings to be read", e->family->name);
    const llava_state *s = e->state;
    radz_status status = encoder_need_model(e, err);
    if (status == RADZ_OK)
        status = add_text(e, text, strlen(text), false, &ids, err);
    if (status == RADZ_OK && ids.count == 0)
        status = radz_fail(err, RADZ_E_VALUE, "'%.60s' has no tokens", text);
    /* a mean has no context: long texts are taken in parts */
    size_t part = e->facts.context, hidden = e->facts.hidden;
    float *mean = radz_calloc(hidden, sizeof *mean, err);
    double *sum = radz_calloc(hidden, sizeof *sum, err);
    if (status == RADZ_OK && (mean == NULL || sum == NULL))
        status = RADZ_E_NOMEM;
    for (size_t at = 0; at < ids.count && status == RADZ_OK; at += part) {
        size_t count = ids.count - at < part ? ids.count - at : part;
        status = e->door->mllm_embed_mean(s->model, ids.items + at, count, mean, err);
        for (size_t i = 0; i < hidden && status == RADZ_OK; i++)
            sum[i] += (double)count * mean[i];
    }
    for (size_t i = 0; i < hidden && status == RADZ_OK; i++)
        out[i] = (float)(sum[i] / (double)ids.count);
    free(mean);
    free(sum);
    free(ids.items);
    return status;
}

/* ---- questions ---------------------------------------------------------------------------------------------------- */

struct radz_dialogue {
    radz_encoder *encoder;
    const float *pixels;
    id_list shared;           /* ids up to the picture's end */
    radz_door_prefix *prefix; /* of these; NULL: nothing has been asked yet */
    size_t positions;         /* that it takes */
    radz_cost cost;           /* that it took */
};

/* The questions of one call, cut behind the picture. */
typedef struct asked {
    id_list shared;     /* what they all begin with */
    id_list *questions; /* [n] */
    size_t n;
    size_t *order;      /* [n] by padded length */
    int32_t *ids;       /* [QUESTIONS, length] of the group at hand */
    size_t lengths[QUESTIONS];
} asked;

static void asked_free(asked *a)
{
    for (size_t i = 0; i < a->n && a->questions != NULL; i++)
        free(a->questions[i].items);
    free(a->questions);
    free(a->shared.items);
    free(a->order);
    free(a->ids);
}

radz_status radz_dialogue_open(radz_encoder *e, const float *pixels, radz_dialogue **out, radz_error *err)
{
    *out = NULL;
    if (e->family != &encoder_llava || ((llava_state *)e->state)->prompt == NULL)
        return radz_fail(err, RADZ_E_USAGE, "the model in '%s' cannot be asked: its card names no template", e->dir);
    radz_status status = encoder_need_model(e, err);
    if (status != RADZ_OK)
        return status;
    radz_dialogue *d = radz_calloc(1, sizeof *d, err);
    if (d == NULL)
        return RADZ_E_NOMEM;
    d->encoder = e;
    d->pixels = pixels;
    *out = d;
    return RADZ_OK;
}

static void drop_prefix(radz_dialogue *d)
{
    if (d->prefix != NULL)
        d->encoder->door->prefix_close(d->prefix);
    d->prefix = NULL;
}

void radz_dialogue_close(radz_dialogue *d)
{
    if (d == NULL)
        return;
    drop_prefix(d);
    free(d->shared.items);
    free(d);
}

radz_cost radz_dialogue_shared(const radz_dialogue *d)
{
    return d->cost;
}

static void add_cost(radz_cost *sum, uint64_t tokens, double seconds)
{
    sum->tokens += tokens;
    sum->seconds += seconds;
}

/* The shared part is there: always the same one where there is a picture; without one it is the first token. */
static radz_status need_prefix(radz_dialogue *d, const id_list *shared, radz_error *err)
{
    radz_encoder *e = d->encoder;
    if (d->prefix != NULL && d->shared.count == shared->count &&
        memcmp(d->shared.items, shared->items, shared->count * sizeof *shared->items) == 0)
        return RADZ_OK;
    drop_prefix(d);
    d->shared.count = 0;
    radz_status status = add_ids(&d->shared, shared->items, shared->count, err);
    radz_door_cost cost = {0};
    double begun = radz_clock_seconds();
    if (status == RADZ_OK)
        status = e->door->prefix_open(((llava_state *)e->state)->model, d->pixels, 1, d->pixels != NULL ? 1 : 0, d->shared.items,
                                      d->shared.count, &d->prefix, &d->positions, &cost, err);
    add_cost(&d->cost, cost.tokens, radz_clock_seconds() - begun);
    add_cost(&e->cost, cost.tokens, radz_clock_seconds() - begun);
    return status;
}

/* The template with the question in it; without a picture its place and the blank or line end behind it go. */
static radz_status fill_template(const llava_state *s, const char *question, bool picture, radz_strbuf *out, radz_error *err)
{
    const char *image = strstr(s->prompt, "{image}"), *behind = image + strlen("{image}"),
               *place = strstr(s->prompt, "{question}");
    out->length = 0;
    if (!picture && (*behind == ' ' || *behind == '\n'))
        behind++;
    return radz_strbuf_printf(out, err, "%.*s%s%.*s%s%s", (int)(image - s->prompt), s->prompt, picture ? "<image>" : "",
                              (int)(place - behind), behind, question, place + strlen("{question}"));
}

static radz_status cut_question(const radz_encoder *e, asked *a, size_t i, const char *question, bool picture,
                                radz_strbuf *prompt, id_list *all, radz_error *err)
{
    const llava_state *s = e->state;
    if (strstr(question, "<image>") != NULL)
        return radz_fail(err, RADZ_E_VALUE, "the question '%.60s' has a place for a picture; the template has it", question);
    radz_status status = fill_template(s, question, picture, prompt, err);
    if (status == RADZ_OK)
        status = encode_prompt(e, prompt->text, all, err);
    if (status != RADZ_OK)
        return status;
    size_t cut = picture ? 0 : all->count > 1 ? 1 : 0;
    for (size_t k = 0; k < all->count; k++)
        if (all->items[k] == s->config.image_token)
            cut = k + 1;
    if (i == 0)
        status = add_ids(&a->shared, all->items, cut, err);
    else if (cut != a->shared.count || memcmp(a->shared.items, all->items, cut * sizeof *all->items) != 0)
        status = radz_fail(err, RADZ_E_INTERNAL, "two questions do not begin alike before the picture");
    if (status == RADZ_OK)
        status = add_ids(&a->questions[i], all->items + cut, all->count - cut, err);
    if (status == RADZ_OK && a->questions[i].count == 0)
        status = radz_fail(err, RADZ_E_VALUE, "template '%s' has nothing behind the picture", e->facts.template_name);
    return status;
}

/* Cuts the questions and sees to the shared part. */
static radz_status ask(radz_dialogue *d, const char *const *questions, size_t n, size_t answer, asked *a, radz_error *err)
{
    const radz_encoder *e = d->encoder;
    const radz_encoder_facts *f = &e->facts;
    radz_strbuf prompt = {0};
    id_list all = {0};
    *a = (asked){.n = n};
    a->questions = radz_calloc(n, sizeof *a->questions, err);
    a->order = radz_calloc(n, sizeof *a->order, err);
    radz_status status = a->questions != NULL && a->order != NULL ? RADZ_OK : RADZ_E_NOMEM;
    for (size_t i = 0; i < n && status == RADZ_OK; i++) {
        status = cut_question(e, a, i, questions[i], d->pixels != NULL, &prompt, &all, err);
        size_t shared = positions_of(e->state, &a->shared), positions = shared + a->questions[i].count + answer;
        if (status == RADZ_OK && positions > f->context)
            status = radz_fail(err, RADZ_E_VALUE,
                               "the prompt takes %zu positions (%zu up to the picture's end, %zu of the question '%.60s%s', %zu of the "
                               "answer), the context of the model in '%s' is %zu", positions, shared, a->questions[i].count,
                               questions[i], strlen(questions[i]) > 60 ? "..." : "", answer, e->dir, f->context);
    }
    /* by padded length, then as they come: groups of one shape */
    size_t sorted = 0;
    for (size_t i = 0; i < n && status == RADZ_OK; i++) {
        size_t k = sorted++;
        for (; k > 0 && round_up(a->questions[a->order[k - 1]].count) > round_up(a->questions[i].count); k--)
            a->order[k] = a->order[k - 1];
        a->order[k] = i;
    }
    if (status == RADZ_OK)
        status = need_prefix(d, &a->shared, err);
    free(all.items);
    radz_strbuf_free(&prompt);
    return status;
}

/* The next group: up to QUESTIONS questions of one padded length, from place `at` of the order on. Gives how many. */
static radz_status next_group(const radz_dialogue *d, asked *a, size_t at, size_t answer, radz_door_questions *out, size_t *count,
                              radz_error *err)
{
    size_t longest = d->encoder->facts.context - d->positions - answer; /* padding must fit too */
    size_t length = round_up(a->questions[a->order[at]].count), n = 0;
    while (n < QUESTIONS && at + n < a->n && round_up(a->questions[a->order[at + n]].count) == length)
        n++;
    if (length > longest)
        length = longest;
    free(a->ids);
    a->ids = radz_calloc(QUESTIONS * length, sizeof *a->ids, err);
    if (a->ids == NULL)
        return RADZ_E_NOMEM;
    for (size_t r = 0; r < QUESTIONS; r++) {
        const id_list *q = &a->questions[a->order[at + (r < n ? r : n - 1)]];
        memcpy(a->ids + r * length, q->items, q->count * sizeof *q->items);
        a->lengths[r] = q->count;
    }
    *out = (radz_door_questions){a->ids, a->lengths, QUESTIONS, length};
    *count = n;
    return RADZ_OK;
}

/* Tokens of a group's used rows: rows that only fill the shape are nobody's. */
static uint64_t used_tokens(const radz_door_cost *cost, size_t used)
{
    return cost->tokens * used / QUESTIONS;
}

/* What a call took that began at `begun`, when the shared part had taken `shared` seconds: without that part. */
static void count_cost(radz_dialogue *d, uint64_t tokens, double begun, double shared, radz_cost *cost)
{
    double seconds = radz_clock_seconds() - begun - (d->cost.seconds - shared);
    add_cost(&d->encoder->cost, tokens, seconds);
    if (cost != NULL)
        add_cost(cost, tokens, seconds);
}

radz_status radz_dialogue_yes_no(radz_dialogue *d, const char *const *questions, size_t n, float *logits, radz_cost *cost,
                                 radz_error *err)
{
    const radz_encoder *e = d->encoder;
    const radz_encoder_facts *f = &e->facts;
    size_t tokens = f->n_yes + f->n_no;
    uint64_t run = 0;
    double begun = radz_clock_seconds(), shared = d->cost.seconds;
    asked a = {0};
    if (f->n_yes == 0 || f->n_no == 0)
        return radz_fail(err, RADZ_E_VALUE, "the tokenizer of '%s' has no token for '%s' in any spelling (small, capital, all capitals, "
                         "with or without a blank before): its logits cannot be read", e->dir, f->n_yes == 0 ? "yes" : "no");
    radz_status status = ask(d, questions, n, 0, &a, err);
    float *rows = radz_calloc(QUESTIONS * tokens, sizeof *rows, err);
    if (status == RADZ_OK && rows == NULL)
        status = RADZ_E_NOMEM;
    for (size_t at = 0, count; at < n && status == RADZ_OK; at += count) {
        radz_door_questions group;
        radz_door_cost took = {0};
        status = next_group(d, &a, at, 0, &group, &count, err);
        if (status == RADZ_OK)
            status = e->door->prefix_logits(d->prefix, &group, f->answer_tokens, tokens, rows, &took, err);
        run += used_tokens(&took, count);
        for (size_t r = 0; r < count && status == RADZ_OK; r++)
            memcpy(logits + a.order[at + r] * tokens, rows + r * tokens, tokens * sizeof *rows);
    }
    free(rows);
    asked_free(&a);
    count_cost(d, run, begun, shared, cost);
    return status;
}

/* Embedding tables are often longer than the vocabulary: ids without a token have no text, as in transformers. */
static radz_status read_answer(const radz_encoder *e, int32_t *ids, size_t count, char **out, radz_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (radz_tokenizer_token_of(e->tokenizer, ids[i]) != NULL)
            ids[kept++] = ids[i];
    radz_status status = radz_tokenizer_decode(e->tokenizer, ids, kept, true, out, err);
    if (status != RADZ_OK)
        return status;
    char *text = *out, *first = text, *end = text + strlen(text);
    while (isspace((unsigned char)*first))
        first++;
    while (end > first && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    memmove(text, first, (size_t)(end - first) + 1);
    return RADZ_OK;
}

radz_status radz_dialogue_answers(radz_dialogue *d, const char *const *questions, size_t n, char **answers, radz_cost *cost,
                                  radz_error *err)
{
    const radz_encoder *e = d->encoder;
    const llava_state *s = e->state;
    size_t longest = s->max_tokens;
    uint64_t run = 0;
    double begun = radz_clock_seconds(), shared = d->cost.seconds;
    asked a = {0};
    memset(answers, 0, n * sizeof *answers);
    radz_status status = ask(d, questions, n, longest, &a, err);
    int32_t *ids = radz_calloc(QUESTIONS * longest, sizeof *ids, err);
    size_t lengths[QUESTIONS];
    if (status == RADZ_OK && ids == NULL)
        status = RADZ_E_NOMEM;
    for (size_t at = 0, count; at < n && status == RADZ_OK; at += count) {
        radz_door_questions group;
        radz_door_cost took = {0};
        status = next_group(d, &a, at, longest, &group, &count, err);
        radz_door_answers given = {longest, s->stop, s->n_stop, ids, lengths};
        if (status == RADZ_OK)
            status = e->door->prefix_generate(d->prefix, &group, &given, &took, err);
        run += used_tokens(&took, count);
        for (size_t r = 0; r < count && status == RADZ_OK; r++)
            status = read_answer(e, ids + r * longest, lengths[r], &answers[a.order[at + r]], err);
    }
    for (size_t i = 0; i < n && status != RADZ_OK; i++) {
        free(answers[i]);
        answers[i] = NULL;
    }
    free(ids);
    asked_free(&a);
    count_cost(d, run, begun, shared, cost);
    return status;
}

const encoder_family encoder_llava = {
    .name = "llava",
    .evidence = 1u << RADZ_EVIDENCE_RADZ_FEATURE | 1u << RADZ_EVIDENCE_YES_NO_LOGITS | 1u << RADZ_EVIDENCE_ANSWERS |
                1u << RADZ_EVIDENCE_CHOICE,
    .batch = 1, /* a picture alone is some hundred positions: more of them together are no faster on a cpu */
    .text_batch = 1,
    .read = llava_read,
    .finish = llava_finish,
    .load = llava_load,
    .unload = llava_unload,
    .images = llava_images,
    .texts = llava_texts,
    .free = llava_free_state,
};
