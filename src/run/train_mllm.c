/* Trainings of multimodal language models: a LLaVA model made new around a CLIP tower, or RadZ features on a LLaVA model. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/dialogue_feed.h"
#include "run/session.h"
#include "run/train_start.h"
#include "run/train_validation.h"
#include "text/bpe_train.h"
#include "text/tokenizer_extend.h"

#define SCORER "radz-plain" /* measures the validation split during the training of features */
static const char *const FIRST_TOKENS[] = {"<s>", "</s>", "<pad>", "<image>"};
enum { IMAGE_TOKEN = 3 };

typedef struct mllm_job {
    radz_train_job *job;
    radz_train_start start;
    llava_config config;      /* of the model that is trained */
    radz_config radz;
    radz_template_card *template_card;
    radz_prompts_card *questions, *labels;
    radz_anchors_card *anchors;
    radz_terms_card *terms;
    radz_dialogue_feed *feed, *validation_feed; /* the second NULL without validation */
    radz_encoder *sight;      /* with validation: the start, for how pictures are prepared for it; its weights are not loaded */
    radz_train_validation validation;
} mllm_job;

/* ---- cards and the model to start from ---------------------------------------------------------------------------- */

static radz_status load_cards(mllm_job *j, radz_error *err)
{
    const radz_recipe_card *r = j->job->recipe;
    const radz_card_places *places = &j->job->home->places;
    radz_status st = radz_terms_find_card(places, RADZ_TERMS_DEFAULT, &j->terms, err);
    if (st == RADZ_OK && r->dialogue != NULL)
        st = radz_template_find_card(places, r->dialogue->template_name, &j->template_card, err);
    if (st == RADZ_OK && r->dialogue != NULL)
        st = radz_prompts_find_card(places, r->dialogue->prompts, &j->questions, err);
    if (st == RADZ_OK && r->labels != NULL)
        st = radz_prompts_find_card(places, r->labels->prompts, &j->labels, err);
    if (st == RADZ_OK && r->anchors != NULL)
        st = radz_anchors_find_card(places, r->anchors->card, &j->anchors, err);
    return st;
}

static radz_status find_start(mllm_job *j, radz_error *err)
{
    radz_status st = radz_train_start_find(j->job->home, j->job->recipe, &j->start, err);
    if (st != RADZ_OK || j->job->recipe->validation == NULL)
        return st;
    const radz_encoder_options how = radz_session_encoder_options(j->start.card);
    return radz_encoder_open(j->start.card->family, j->start.folder, &how, &j->sight, err);
}

/* The configuration of a new model around the tower of a CLIP folder. */
static radz_status make_config(mllm_job *j, radz_error *err)
{
    const radz_recipe_decoder *d = j->job->recipe->decoder;
    const radz_tokenizer_info *tokens = radz_tokenizer_info_of(j->job->tokenizer);
    llava_config c = {.layout = LLAVA_HF, .image_token = IMAGE_TOKEN, .projector_layers = 2, .projector_activation = CLIP_GELU,
                      .projector_bias = true};
    radz_status st = clip_vision_config_load(j->start.folder, &c.vision, err);
    if (st != RADZ_OK)
        return st;
    c.feature_layer = c.vision.tower.layers + 1 + d->vision_layer;
    if (c.feature_layer < 0)
        return radz_fail(err, RADZ_E_VALUE, "recipe '%s': decoder.vision_layer: %" PRId32 ", but the vision tower in '%s' has %" PRId64
                         " layers", j->job->recipe->base.name, d->vision_layer, j->start.folder, c.vision.tower.layers);
    c.image_tokens = clip_vision_patches(&c.vision);
    c.decoder = (decoder_config){.family = DECODER_LLAMA, .hidden = d->hidden, .mlp = d->mlp, .layers = d->layers, .heads = d->heads,
                                 .kv_heads = d->kv_heads, .head_dim = d->hidden / d->heads, .vocabulary = (int64_t)tokens->vocab_size,
                                 .context = d->context, .norm_eps = 1e-5, .tied = true, .bos_token = tokens->bos_id,
                                 .eos_tokens = {tokens->eos_id}, .eos_count = 1,
                                 .rope = {.scaling = ROPE_PLAIN, .theta = d->theta, .factor = 1}};
    j->config = c;
    return RADZ_OK;
}

static radz_status make_tokenizer(mllm_job *j, radz_error *err)
{
    const radz_recipe_card *r = j->job->recipe;
    const radz_dataset *train = j->job->train;
    radz_strlist corpus = {0};
    radz_bpe_train_options how = {.kind = RADZ_BPE_GPT2, .vocab_size = r->tokenizer->vocabulary, .context = r->decoder->context,
                                  .first = FIRST_TOKENS, .n_first = sizeof FIRST_TOKENS / sizeof *FIRST_TOKENS};
    radz_status st = radz_dialogue_corpus(r, train, j->job->data.card, j->template_card, j->questions, j->terms, &corpus, err);
    if (st == RADZ_OK)
        st = radz_bpe_train((const char *const *)corpus.items, corpus.count, &how, j->job->output, NULL, err);
    radz_strlist_free(&corpus);
    return st;
}

/* Names of K special tokens: "<ImgCls_0>", ... */
static radz_status name_tokens(const char *stem, size_t count, radz_special_token *out, const char **names, radz_error *err)
{
    if (count > RADZ_SPECIAL_MAX)
        return radz_fail(err, RADZ_E_VALUE, "%zu special tokens, wanted at most %d", count, RADZ_SPECIAL_MAX);
    for (size_t i = 0; i < count; i++) {
        snprintf(out[i].text, sizeof out[i].text, "<%s_%zu>", stem, i);
        names[i] = out[i].text;
    }
    return RADZ_OK;
}

static radz_status make_radz(mllm_job *j, const char *tokenizer_from, radz_error *err)
{
    const radz_recipe_radz *from = j->job->recipe->radz;
    const radz_recipe_lora *lora = j->job->recipe->lora;
    radz_config *r = &j->radz;
    const char *names[2 * RADZ_SPECIAL_MAX];
    int32_t ids[2 * RADZ_SPECIAL_MAX];
    *r = radz_config_default();
    r->layer = from->layer;
    r->head_hidden = from->head_hidden;
    r->head_dim = from->head_dim;
    r->tau = from->tau;
    r->image_token_count = from->image_tokens;
    r->text_token_count = from->text_tokens;
    if (lora != NULL) {
        r->lora_rank = lora->rank;
        r->lora_alpha = lora->alpha;
    }
    const char *image_prompt = from->image_prompt != NULL ? from->image_prompt : r->image_prompt;
    const char *text_prompt = from->text_prompt != NULL ? from->text_prompt : RADZ_TEXT_PROMPT;
    if (strlen(image_prompt) >= RADZ_PROMPT_SIZE || strlen(text_prompt) >= RADZ_PROMPT_SIZE)
        return radz_fail(err, RADZ_E_VALUE, "recipe '%s': radz: a prompt is longer than %d bytes", j->job->recipe->base.name, RADZ_PROMPT_SIZE - 1);
    if (image_prompt != r->image_prompt)
        strcpy(r->image_prompt, image_prompt);
    strcpy(r->text_prompt, text_prompt);
    int64_t layers = j->config.decoder.layers;
    if (r->layer > layers || r->layer < -layers - 1)
        return radz_fail(err, RADZ_E_VALUE, "recipe '%s': radz.layer: %" PRId64 ", but the decoder has hidden states 0 to %" PRId64,
                         j->job->recipe->base.name, r->layer, layers);
    if (strstr(r->image_prompt, "<image>") == NULL || strstr(r->text_prompt, "{text}") == NULL)
        return radz_fail(err, RADZ_E_VALUE, "recipe '%s': radz: the image prompt must hold <image>, the text prompt {text}; they are '%s' "
                         "and '%s'", j->job->recipe->base.name, r->image_prompt, r->text_prompt);
    radz_status st = radz_pooling_parse(from->pooling, &r->pooling, err);
    if (st == RADZ_OK)
        st = name_tokens("ImgCls", r->image_token_count, r->image_tokens, names, err);
    if (st == RADZ_OK)
        st = name_tokens("TxtCls", r->text_token_count, r->text_tokens, names + r->image_token_count, err);
    size_t n = r->image_token_count + r->text_token_count;
    if (st == RADZ_OK)
        st = radz_tokenizer_extend(tokenizer_from, j->job->output, names, n, ids, err);
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        (i < r->image_token_count ? &r->image_tokens[i] : &r->text_tokens[i - r->image_token_count])->id = ids[i];
    return st;
}

/* Tokenizer, configuration and reading of the model that is going to be. */
static radz_status make_start(mllm_job *j, radz_error *err)
{
    const radz_recipe_card *r = j->job->recipe;
    radz_status st = RADZ_OK;
    if (r->decoder != NULL && j->template_card == NULL)
        return radz_fail(err, RADZ_E_VALUE, "recipe '%s': a new model's tokenizer is learnt from its dialogues: section 'dialogue' is "
                         "missing", r->base.name);
    if (r->decoder != NULL)
        st = make_tokenizer(j, err);
    else
        st = llava_config_load(j->start.folder, NULL, NULL, &j->config, err);
    const char *tokenizer_from = r->decoder != NULL ? j->job->output : j->start.folder;
    if (st == RADZ_OK && r->decoder != NULL) {
        st = radz_tokenizer_load(j->job->output, &j->job->tokenizer, err);
        if (st == RADZ_OK)
            st = make_config(j, err);
    }
    if (st == RADZ_OK && r->radz != NULL)
        st = make_radz(j, tokenizer_from, err);
    else if (st == RADZ_OK && r->decoder == NULL)
        st = radz_tokenizer_extend(tokenizer_from, j->job->output, NULL, 0, NULL, err);
    if (st == RADZ_OK) {
        radz_tokenizer_free(j->job->tokenizer);
        j->job->tokenizer = NULL;
        st = radz_tokenizer_load(j->job->output, &j->job->tokenizer, err);
    }
    return st;
}

/* What the weights depend on beside the recipe's card: the other cards, and the weights of the start. */
static radz_status identify(mllm_job *j, radz_error *err)
{
    radz_strbuf text = {0};
    radz_status st = radz_train_start_identify(&j->start, &text, err);
    const char *const hashes[] = {j->template_card != NULL ? j->template_card->base.sha256 : NULL,
                                  j->questions != NULL ? j->questions->base.sha256 : NULL,
                                  j->labels != NULL ? j->labels->base.sha256 : NULL,
                                  j->anchors != NULL ? j->anchors->base.sha256 : NULL, j->terms->base.sha256};
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes && st == RADZ_OK; i++)
        st = radz_strbuf_printf(&text, err, " %s", hashes[i] != NULL ? hashes[i] : "-");
    if (st == RADZ_OK)
        st = radz_train_job_identify(j->job, text.text, err);
    radz_strbuf_free(&text);
    return st;
}

/* ---- the training ------------------------------------------------------------------------------------------------- */

static radz_status make_feed(mllm_job *j, radz_feed_source source, radz_dialogue_feed **out, radz_error *err)
{
    const radz_recipe_card *r = j->job->recipe;
    radz_dialogue_feed_options o = {.recipe = r, .source = source, .card = j->job->data.card, .image_size = (size_t)j->config.vision.image_size, .image_token = (int32_t)j->config.image_token,
                                    .context = (size_t)j->config.decoder.context, .tokenizer = j->job->tokenizer,
                                    .radz = r->radz != NULL ? &j->radz : NULL, .template_card = j->template_card,
                                    .questions = j->questions, .labels = j->labels, .anchors = j->anchors, .terms = j->terms,
                                    .threads = j->job->options->threads};
    return radz_dialogue_feed_create(&o, out, err);
}

static radz_status read_text(void *context, const char *text, int32_t *ids, uint8_t *roles, radz_error *err)
{
    return radz_dialogue_feed_text(context, text, ids, roles, err);
}

static radz_status prepare_validation(mllm_job *j, radz_error *err)
{
    const llava_config *c = &j->config;
    const radz_recipe *steps = radz_encoder_info(j->sight)->recipe;
    radz_status st = radz_train_validation_open(j->job, steps, (size_t)c->vision.image_size, &j->validation, err);
    if (st == RADZ_OK)
        st = make_feed(j, radz_train_validation_source(&j->validation), &j->validation_feed, err);
    const radz_text_reader reader = {.tokens = (size_t)c->decoder.context, .context = j->validation_feed, .read = read_text};
    int64_t dim = j->radz.head_dim > 0 ? j->radz.head_dim : c->decoder.hidden;
    return st == RADZ_OK ? radz_train_validation_ask(&j->validation, SCORER, (size_t)dim, &reader, err) : st;
}

static radz_status run_training(mllm_job *j, radz_error *err)
{
    const radz_recipe_card *r = j->job->recipe;
    bool is_new = r->decoder != NULL;
    radz_train_mllm_options o = {.how = radz_train_job_options(j->job), .model = is_new ? NULL : j->start.folder,
                                 .tower = is_new ? j->start.folder : NULL,
                                 .config = is_new ? &j->config : NULL, .radz = r->radz != NULL ? &j->radz : NULL,
                                 .train_tower = r->train != NULL && r->train->tower,
                                 .train_projector = r->train == NULL || r->train->projector,
                                 .train_decoder = r->train != NULL ? r->train->decoder : r->lora == NULL,
                                 .dtype = r->dtype, .store = r->store, .lm = r->losses->lm, .cross = r->losses->cross,
                                 .anchor = r->losses->anchor, .lm_by_answer = r->losses->lm_by_answer,
                                 .crossed = r->losses->pairs == RADZ_PAIRS_CROSSED, .learn_tau = r->radz != NULL && r->radz->learn_tau,
                                 .anchors_decoder = r->anchors != NULL && r->anchors->form == RADZ_ANCHORS_DECODER,
                                 .anchor_refresh = r->anchors != NULL ? r->anchors->refresh : 1};
    radz_dialogue_feed_describe(j->feed, &o);
    if (j->validation_feed != NULL) { /* its dialogues may be longer */
        radz_train_mllm_options other = o;
        radz_dialogue_feed_describe(j->validation_feed, &other);
        o.branch_tokens = other.branch_tokens > o.branch_tokens ? other.branch_tokens : o.branch_tokens;
    }
    const radz_mllm_source source = {.context = j->feed, .batch = radz_dialogue_feed_batch, .validation = j->validation_feed,
                                     .measure = radz_train_validation_measure(&j->validation), .measure_context = &j->validation};
    return j->job->door->train_mllm(&o, &source, err);
}

static void put_more(void *context, radz_json_writer *w)
{
    const mllm_job *j = context;
    const radz_recipe_start *start = j->job->recipe->start;
    radz_json_put_string(w, "start", start->model != NULL ? start->model : start->vision);
    if (j->anchors != NULL)
        radz_json_put_string(w, "anchors_sha256", j->anchors->base.sha256);
    radz_train_validation_put(&j->validation, w);
}

radz_status radz_train_mllm_recipe(radz_train_job *job, radz_error *err)
{
    mllm_job j = {.job = job};
    double begun = radz_clock_seconds();
    radz_status st;
    if ((st = load_cards(&j, err)) || (st = find_start(&j, err)) || (st = radz_train_job_load(job, err)) ||
        (st = make_start(&j, err)) || (st = radz_file_copy(j.start.folder, job->output, "preprocessor_config.json", (size_t)1 << 20, err)) ||
        (st = identify(&j, err)) || (st = make_feed(&j, radz_train_job_source(job), &j.feed, err)) ||
        (job->val != NULL && (st = prepare_validation(&j, err))))
        goto done;
    radz_info("training '%s' from '%s' on %zu images of %s/%s: %" PRIu32 " steps of %" PRIu32 "; checkpoints and log in '%s'",
              job->recipe->base.name, j.start.folder, job->train->n, job->train->name, job->train->split, job->recipe->training->steps,
              job->recipe->training->batch * job->recipe->training->accumulate, job->folder);
    st = run_training(&j, err);
    if (st == RADZ_OK && job->options->steps == 0)
        st = radz_train_job_summarise(job, radz_clock_seconds() - begun, put_more, &j, err);
done:
    radz_dialogue_feed_free(j.feed);
    radz_dialogue_feed_free(j.validation_feed);
    radz_train_validation_free(&j.validation);
    radz_encoder_free(j.sight);
    radz_template_card_free(j.template_card);
    radz_prompts_card_free(j.questions);
    radz_prompts_card_free(j.labels);
    radz_anchors_card_free(j.anchors);
    radz_terms_card_free(j.terms);
    radz_train_start_free(&j.start);
    return st;
}
