/* Decoders, LLaVA and RadZ against Hugging Face transformers and PEFT (tests/reference/make_mllm_goldens.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "model/answer.h"
#include "model/llava.h"
#include "model/readout.h"
#include "model_fixture.h"

#define GOLDEN RADZ_TEST_DIR "/golden/mllm/"

enum { MAX_IDS = 512, ANSWER = 12 };

typedef struct golden {
    safetensors *file;
    safetensors *half; /* what bf16 gives; NULL: what f32 gives is wanted */
    llava *model;
    Scope *s;
} golden;

static void open_golden(golden *g, const char *name, const char *model, llava_options options)
{
    char path[512], dir[512];
    snprintf(dir, sizeof dir, GOLDEN "%s", model);
    snprintf(path, sizeof path, GOLDEN "%s/golden.safetensors", name);
    options.threads = 1;
    *g = (golden){0};
    MUST(safetensors_open(path, &g->file, &err));
    if (options.dtype == T_BF16) {
        snprintf(path, sizeof path, GOLDEN "%s/golden_bf16.safetensors", name);
        MUST(safetensors_open(path, &g->half, &err));
    }
    MUST(llava_open(dir, &options, &g->model, &err));
    MUST(scope_create(SCOPE_INFERENCE, &g->s, &err));
}

static void close_golden(golden *g)
{
    scope_free(g->s);
    llava_free(g->model);
    safetensors_free(g->file);
    safetensors_free(g->half);
}

static const safetensors_entry *entry(const golden *g, const char *name)
{
    const safetensors_entry *e = g->half != NULL ? safetensors_find(g->half, name) : NULL;
    e = e != NULL ? e : safetensors_find(g->file, name);
    if (e == NULL)
        fail_msg("golden '%s' is missing", name);
    return e;
}

static Tensor *tensor(golden *g, const char *name)
{
    const safetensors_entry *e = entry(g, name);
    return t_from_host(g->s, e->data, e->ndim, e->shape, e->dtype);
}

/* Largest |a - b|; adds the sum of (a - b)^2 and the count of numbers to `sum` and `n`. */
static double difference_sums(golden *g, Tensor *a, Tensor *b, double *sum, double *n)
{
    Scope *s = g->s;
    Tensor *d = t_reshape(s, t_abs(s, t_sub(s, t_cast(s, a, T_F64), t_cast(s, b, T_F64))), T_SHAPE(-1));
    double value = t_item(s, t_max(s, d, 0, false));
    *sum += t_item(s, t_sum(s, t_mul(s, d, d), 0, false));
    *n += (double)t_size(d, 0);
    radz_error err = {0};
    if (scope_error(s, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    return value;
}

static double difference(golden *g, Tensor *a, Tensor *b)
{
    double sum = 0, n = 0;
    return difference_sums(g, a, b, &sum, &n);
}

static size_t ids_of(const golden *g, const char *name, int64_t row, int32_t ids[MAX_IDS])
{
    const safetensors_entry *e = entry(g, name);
    int64_t n = e->shape[e->ndim - 1];
    assert_true(n <= MAX_IDS);
    const int64_t *all = e->data;
    const llava_config *c = llava_config_of(g->model);
    for (int64_t i = 0; i < n; i++) {
        int64_t id = all[(e->ndim > 1 ? row * n : 0) + i];
        ids[i] = (int32_t)(c->layout == LLAVA_ORIGINAL && id == 400 ? c->image_token : id);
    }
    return (size_t)n;
}

static const float *pixels_of(const golden *g, const char *name, int64_t row, int64_t images)
{
    const safetensors_entry *e = entry(g, name);
    return (const float *)e->data + row * images * e->shape[1] * e->shape[2] * e->shape[3];
}

typedef struct differences {
    double states, logits;           /* largest, absolute */
    double states_mean, logits_mean; /* root of the mean square */
} differences;

/* All hidden states and logits of both rows, with `images` pictures each; greedy text must be the same, in bf16 up to the
 * first token that is ahead of the next best by less than `close`: there rounding decides. `*tokens`: how many were compared. */
static differences compare(golden *g, int64_t images, const char *suffix, double close, size_t *tokens)
{
    const llava_config *c = llava_config_of(g->model);
    const decoder *d = llava_decoder(g->model);
    char hidden[32], logits[32], answer[32], ids_name[32], pixels[32];
    snprintf(hidden, sizeof hidden, "hidden%s", suffix);
    snprintf(logits, sizeof logits, "logits%s", suffix);
    snprintf(answer, sizeof answer, "answer%s", suffix);
    snprintf(ids_name, sizeof ids_name, "ids%s", suffix);
    snprintf(pixels, sizeof pixels, "pixels%s", suffix);
    int32_t ids[2][MAX_IDS];
    int64_t length;
    size_t count = ids_of(g, ids_name, 0, ids[0]);
    ids_of(g, ids_name, 1, ids[1]);
    MUST(llava_prompt_length(g->model, ids[0], count, (size_t)images, 0, &length, &err));

    Scope *s = g->s;
    Tensor *rows[2];
    for (int64_t r = 0; r < 2; r++) {
        Tensor *seen = NULL;
        if (images > 0) {
            int64_t side = c->vision.image_size;
            seen = llava_see(s, g->model, t_borrow_host(s, pixels_of(g, pixels, r, images), T_SHAPE(images, 3, side, side), T_F32));
        }
        rows[r] = llava_prompt(s, g->model, ids[r], count, seen, 1, images);
    }
    Tensor *x = t_cat(s, rows, 2, 0), *wanted = tensor(g, hidden);
    decoder_place places[MAX_IDS];
    for (int64_t i = 0; i < length; i++)
        places[i] = (decoder_place){.position = i, .owner = DECODER_ALL};
    differences worst = {0};
    double sum = 0, n = 0;
    assert_int_equal(t_size(wanted, 0), c->decoder.layers + 1);
    for (int64_t layer = 0; layer <= c->decoder.layers; layer++)
        worst.states = fmax(worst.states, difference_sums(g, decoder_run(s, d, NULL, x, places, layer), t_select(s, wanted, 0, layer), &sum, &n));
    worst.states_mean = sqrt(sum / n);
    sum = n = 0;
    Tensor *last = decoder_run(s, d, NULL, x, places, c->decoder.layers);
    worst.logits = difference_sums(g, decoder_logits(s, d, last, NULL), tensor(g, logits), &sum, &n);
    worst.logits_mean = sqrt(sum / n);

    /* greedy text: all but the last three tokens are the prefix */
    const int64_t *expected = entry(g, answer)->data;
    int64_t expected_length = entry(g, answer)->shape[1];
    char margins_name[32];
    snprintf(margins_name, sizeof margins_name, "margins%s", suffix);
    const float *margins = g->half != NULL ? entry(g, margins_name)->data : NULL;
    int64_t margins_length = g->half != NULL ? entry(g, margins_name)->shape[1] : 0;
    *tokens = 0;
    for (int64_t r = 0; r < 2; r++) {
        prefix *p;
        size_t ask = 3, given, got_length;
        int32_t got[ANSWER], stop[DECODER_EOS_MAX];
        for (size_t i = 0; i < c->decoder.eos_count; i++)
            stop[i] = (int32_t)c->decoder.eos_tokens[i];
        given = count - ask;
        MUST(prefix_open(g->model, images > 0 ? pixels_of(g, pixels, r, images) : NULL, 1, images, ids[r], given, &p, &err));
        questions q = {.ids = ids[r] + given, .lengths = &ask, .count = 1, .length = ask};
        MUST(prefix_generate(p, &q, ANSWER, stop, c->decoder.eos_count, got, &got_length, NULL, &err));
        bool turned = false;
        for (size_t i = 0; i < got_length && !turned; i++) {
            turned = margins != NULL && ((int64_t)i >= margins_length || margins[r * margins_length + (int64_t)i] < close);
            if (!turned)
                assert_int_equal(got[i], expected[r * expected_length + (int64_t)i]);
            *tokens += !turned;
        }
        assert_true(turned || got_length == ANSWER || expected[r * expected_length + (int64_t)got_length] == stop[0]);
        prefix_free(p);
    }
    return worst;
}

static double compare_all(golden *g, int64_t images, const char *suffix)
{
    size_t tokens;
    differences d = compare(g, images, suffix, 0, &tokens);
    return fmax(d.states, d.logits);
}

static const char *const TEXT_MODELS[] = {"llama", "llama_gqa_tied", "llama_yarn_bias", "mistral_window", "llama_linear_bf16"};
static const char *const LLAVA_MODELS[] = {"llava", "llava_mistral", "original_mistral", "original_bin"};

static void decoders_equal_transformers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof TEXT_MODELS / sizeof *TEXT_MODELS; i++) {
        golden g;
        open_golden(&g, TEXT_MODELS[i], TEXT_MODELS[i], (llava_options){.dtype = T_F32});
        double d = compare_all(&g, 0, "");
        print_message("%-18s hidden states and logits %.1e\n", TEXT_MODELS[i], d);
        assert_true(d < 1e-4);
        close_golden(&g);
    }
}

static void llava_equals_transformers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof LLAVA_MODELS / sizeof *LLAVA_MODELS; i++) {
        golden g;
        open_golden(&g, LLAVA_MODELS[i], LLAVA_MODELS[i], (llava_options){.dtype = T_F32});
        Tensor *seen = llava_see(g.s, g.model, tensor(&g, "pixels1"));
        double ds = difference(&g, seen, tensor(&g, "seen"));
        double d1 = compare_all(&g, 1, "1"), d2 = compare_all(&g, 2, "2");
        print_message("%-18s projected %.1e, one picture %.1e, two pictures %.1e\n", LLAVA_MODELS[i], ds, d1, d2);
        assert_true(ds < 1e-5 && d1 < 1e-4 && d2 < 1e-4);
        close_golden(&g);
    }
}

static void adapter_equals_peft(void **state)
{
    (void)state;
    golden g;
    open_golden(&g, "adapter", "llava", (llava_options){.dtype = T_F32, .adapter_dir = GOLDEN "adapter"});
    double d1 = compare_all(&g, 1, "1"), d2 = compare_all(&g, 2, "2");
    print_message("merged adapter: %.1e, %.1e\n", d1, d2);
    assert_true(d1 < 1e-4 && d2 < 1e-4);
    close_golden(&g);
}

/* A LoRA model as LLaVA's authors publish them, beside the language model that it changes. */
static void lora_release_equals_transformers(void **state)
{
    (void)state;
    golden g;
    open_golden(&g, "lora_release", "lora_base",
                (llava_options){.dtype = T_F32, .adapter_dir = GOLDEN "lora_release", .tower_dir = GOLDEN "original_bin/clip-vit-tiny"});
    double d1 = compare_all(&g, 1, "1"), d2 = compare_all(&g, 2, "2");
    print_message("LoRA with what was trained beside it: %.1e, %.1e\n", d1, d2);
    assert_true(d1 < 1e-4 && d2 < 1e-4);
    close_golden(&g);
}

/* ---- features ----------------------------------------------------------------------------------------------------- */

static double vector_difference(const golden *g, const float *got, const char *format, int row)
{
    char name[64];
    snprintf(name, sizeof name, "%s_%d", format, row);
    const safetensors_entry *e = entry(g, name);
    const float *wanted = e->data;
    double worst = 0;
    for (int64_t i = 0; i < e->shape[0]; i++)
        worst = fmax(worst, fabs((double)got[i] - wanted[i]));
    return worst;
}

static void features_equal_reference(void **state)
{
    (void)state;
    golden g;
    open_golden(&g, "radz", "radz", (llava_options){.dtype = T_F32});
    const radz_config *r = llava_radz(g.model);
    assert_non_null(r);
    assert_int_equal(r->image_token_count, 3);
    assert_int_equal(r->text_tokens[1].id, 421);
    assert_int_equal(llava_vocabulary(g.model), 422);
    double worst = 0;

    int32_t ids[3][MAX_IDS];
    uint8_t roles[3][MAX_IDS], all[3][MAX_IDS], last[3][MAX_IDS];
    readout_prompt prompts[3];
    float global[3 * 32], local[3 * 32];
    uint64_t positions = 0;
    for (int k = 0; k < 2; k++) {
        size_t n = ids_of(&g, "ids", k, ids[k]);
        for (size_t i = 0; i < n; i++)
            roles[k][i] = ids[k][i] == 400 ? READOUT_LOCAL : i >= n - 3 ? READOUT_GLOBAL : 0;
        prompts[k] = (readout_prompt){.ids = ids[k], .roles = roles[k], .count = n, .pixels = pixels_of(&g, "pixels", k, 1),
                                      .images = 1};
    }
    MUST(readout(g.model, prompts, 2, &(readout_options){.layer = -2}, global, local, &positions, &err));
    assert_int_equal(positions, 2 * (9 + 8 + 3));
    for (int k = 0; k < 2; k++)
        worst = fmax(worst, fmax(vector_difference(&g, global + 32 * k, "image_global", k),
                                 vector_difference(&g, local + 32 * k, "image_local", k)));
    MUST(readout(g.model, prompts, 2, &(readout_options){.layer = -2, .project = true}, global, NULL, NULL, &err));
    for (int k = 0; k < 2; k++)
        worst = fmax(worst, vector_difference(&g, global + 16 * k, "image_global_head", k));

    for (int k = 0; k < 3; k++) {
        char name[32];
        snprintf(name, sizeof name, "text_ids_%d", k);
        size_t n = ids_of(&g, name, 0, ids[k]);
        for (size_t i = 0; i < n; i++) {
            roles[k][i] = i >= n - 2 ? READOUT_GLOBAL : READOUT_LOCAL;
            all[k][i] = READOUT_GLOBAL;
            last[k][i] = i + 1 == n ? READOUT_GLOBAL : 0;
        }
        prompts[k] = (readout_prompt){.ids = ids[k], .roles = roles[k], .count = n};
        float mean[32];
        MUST(readout_embed_mean(g.model, ids[k], n, mean, &err));
        worst = fmax(worst, vector_difference(&g, mean, "embed_mean", k));
    }
    MUST(readout(g.model, prompts, 3, &(readout_options){.layer = -2, .project = true, .pad_to = 20}, global, local, NULL, &err));
    for (int k = 0; k < 3; k++)
        worst = fmax(worst, fmax(vector_difference(&g, global + 16 * k, "text_global_head", k),
                                 vector_difference(&g, local + 16 * k, "text_local_head", k)));
    for (int k = 0; k < 3; k++)
        prompts[k].roles = last[k];
    MUST(readout(g.model, prompts, 3, &(readout_options){.layer = -1}, global, NULL, NULL, &err));
    for (int k = 0; k < 3; k++)
        worst = fmax(worst, vector_difference(&g, global + 32 * k, "text_last", k));
    for (int k = 0; k < 3; k++)
        prompts[k].roles = all[k];
    MUST(readout(g.model, prompts, 3, &(readout_options){.layer = 1}, global, NULL, NULL, &err));
    for (int k = 0; k < 3; k++)
        worst = fmax(worst, vector_difference(&g, global + 32 * k, "text_mean", k));
    print_message("features %.1e\n", worst);
    assert_true(worst < 1e-5);
    close_golden(&g);
}

/* With the same padding a feature has the same bytes, whatever stands beside it. */
static void features_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    golden g;
    open_golden(&g, "radz", "radz", (llava_options){.dtype = T_F32});
    int32_t ids[3][MAX_IDS];
    uint8_t roles[MAX_IDS];
    readout_prompt prompts[3];
    memset(roles, READOUT_GLOBAL, sizeof roles);
    for (int k = 0; k < 3; k++) {
        char name[32];
        snprintf(name, sizeof name, "text_ids_%d", k);
        prompts[k] = (readout_prompt){.ids = ids[k], .roles = roles, .count = ids_of(&g, name, 0, ids[k])};
    }
    float together[3 * 32], turned[3 * 32];
    readout_options how = {.layer = -2, .pad_to = 16};
    MUST(readout(g.model, prompts, 3, &how, together, NULL, NULL, &err));
    readout_prompt reversed[3] = {prompts[2], prompts[1], prompts[0]};
    MUST(readout(g.model, reversed, 3, &how, turned, NULL, NULL, &err));
    for (int k = 0; k < 3; k++)
        assert_memory_equal(together + 32 * k, turned + 32 * (2 - k), 32 * sizeof(float));
    close_golden(&g);
}

/* ---- shared prefixes ---------------------------------------------------------------------------------------------- */

/* Questions behind a shared prefix have the logits that each has when its whole prompt runs by itself. */
static void sharing_changes_nothing(void **state)
{
    (void)state;
    static const char *const models[] = {"llava", "llava_mistral", "mistral_window"};
    for (size_t m = 0; m < 3; m++) {
        golden g;
        open_golden(&g, models[m], models[m], (llava_options){.dtype = T_F32});
        int64_t images = llava_config_of(g.model)->image_tokens > 0 ? 1 : 0;
        int32_t ids[MAX_IDS], asked[4][6] = {{5, 6, 7, 8, 9, 10}, {11}, {12, 13, 14}, {5, 6, 7, 8, 9, 11}};
        size_t lengths[4] = {6, 1, 3, 6}, count = ids_of(&g, images ? "ids1" : "ids", 0, ids);
        int32_t wanted[3] = {3, 50, 95};
        float shared[2][4][3], alone[3], again[2][4][3];
        const float *pixels = images ? pixels_of(&g, "pixels1", 0, 1) : NULL;
        prefix *p;
        MUST(prefix_open(g.model, pixels, 2, images, ids, count, &p, &err)); /* both pictures, the same words */
        questions q = {.ids = asked[0], .lengths = lengths, .count = 4, .length = 6};
        MUST(prefix_logits(p, &q, wanted, 3, &shared[0][0][0], &err));
        int32_t text[2][4][5];
        size_t text_lengths[2][4];
        MUST(prefix_generate(p, &q, 5, NULL, 0, &text[0][0][0], &text_lengths[0][0], NULL, &err));
        MUST(prefix_logits(p, &q, wanted, 3, &again[0][0][0], &err));
        assert_memory_equal(shared, again, sizeof shared); /* the prefix is as it was */
        prefix_free(p);
        double worst = 0;
        for (int64_t b = 0; b < 2; b++) {
            for (size_t i = 0; i < 4; i++) {
                int32_t whole[MAX_IDS], answer[5];
                size_t one = 1, n = count + lengths[i] - 1, got;
                memcpy(whole, ids, count * sizeof *ids);
                memcpy(whole + count, asked[i], lengths[i] * sizeof *ids);
                MUST(prefix_open(g.model, images ? pixels_of(&g, "pixels1", b, 1) : NULL, 1, images, whole, n, &p, &err));
                questions last = {.ids = whole + n, .lengths = &one, .count = 1, .length = 1};
                MUST(prefix_logits(p, &last, wanted, 3, alone, &err));
                for (int k = 0; k < 3; k++)
                    worst = fmax(worst, fabs((double)alone[k] - shared[b][i][k]));
                MUST(prefix_generate(p, &last, 5, NULL, 0, answer, &got, NULL, &err));
                assert_int_equal(got, 5);
                assert_memory_equal(answer, text[b][i], sizeof answer);
                prefix_free(p);
            }
        }
        print_message("%-16s shared against alone: %.1e\n", models[m], worst);
        assert_true(worst < 1e-4);
        /* and what another question is does not change a byte */
        MUST(prefix_open(g.model, pixels, 2, images, ids, count, &p, &err));
        asked[1][0] = 20;
        lengths[1] = 4;
        MUST(prefix_logits(p, &q, wanted, 3, &again[0][0][0], &err));
        for (int b = 0; b < 2; b++) {
            assert_memory_equal(shared[b][0], again[b][0], sizeof shared[b][0]);
            assert_memory_equal(shared[b][2], again[b][2], 2 * sizeof shared[b][2]);
        }
        prefix_free(p);
        close_golden(&g);
    }
}

/* In bf16 each step rounds to 8 bits, and where one rounds differs between programs. The measure is how far transformers' own
 * bf16 is from its f32 (root of the mean square, stored with the golden values): two that round each in their own way are
 * sqrt(2) of that apart. Seen: 0.7 to 1.7 of it. Text: up to the first token that is ahead by less than five times that, in
 * the logits. */
static void bf16_equals_transformers(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int64_t images;
        const char *suffix;
    } rows[] = {{"llama", 0, ""}, {"llama_gqa_tied", 0, ""}, {"llama_linear_bf16", 0, ""}, {"mistral_window", 0, ""},
                {"llava", 1, "1"}, {"llava", 2, "2"}, {"llava_mistral", 1, "1"}, {"llava_mistral", 2, "2"},
                {"original_mistral", 1, "1"}, {"original_mistral", 2, "2"}};
    size_t all_tokens = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        golden g;
        char own_name[8];
        open_golden(&g, rows[i].model, rows[i].model, (llava_options){.dtype = T_BF16});
        assert_int_equal(decoder_dtype(llava_decoder(g.model)), T_BF16);
        snprintf(own_name, sizeof own_name, "own%s", rows[i].suffix);
        const float *own = entry(&g, own_name)->data;
        size_t tokens;
        differences d = compare(&g, rows[i].images, rows[i].suffix, 5 * own[1], &tokens);
        print_message("%-18s %d pictures: states differ by %.4f (transformers from its f32: %.4f; largest %.2f), logits by %.4f "
                      "(%.4f; %.2f), %zu tokens of text alike\n", rows[i].model, (int)rows[i].images, d.states_mean, (double)own[0],
                      d.states, d.logits_mean, (double)own[1], d.logits, tokens);
        all_tokens += tokens;
        assert_true(d.states_mean < 2 * own[0] && d.logits_mean < 2 * own[1]);
        close_golden(&g);
    }
    assert_true(all_tokens > 40); /* 47 seen */
}

/* ---- bad input ---------------------------------------------------------------------------------------------------- */

/* A folder whose files are links to the golden model's, but for `file`, a copy in which `old` is `new` once (NULL: it is
 * left out). */
static void altered(const char *model, const char *file, const char *old, const char *new, char dir[256])
{
    static int number;
    char from[512], to[512];
    radz_strlist names = {0};
    snprintf(dir, 256, "%s/%d", folder, number++);
    snprintf(from, sizeof from, GOLDEN "%s", model);
    MUST(radz_mkdirs(dir, &err));
    MUST(radz_dir_list(from, "", &names, &err));
    bool found = false;
    for (size_t i = 0; i < names.count; i++) {
        snprintf(from, sizeof from, GOLDEN "%s/%s", model, names.items[i]);
        snprintf(to, sizeof to, "%s/%s", dir, names.items[i]);
        if (strcmp(names.items[i], file) != 0) {
            assert_int_equal(symlink(from, to), 0);
            continue;
        }
        found = true;
        if (old == NULL)
            continue;
        char *data;
        size_t size;
        MUST(radz_file_read(from, 1 << 24, &data, &size, &err));
        char *at = memmem(data, size, old, strlen(old));
        if (at == NULL)
            fail_msg("'%s' has no %s", from, old);
        size_t head = (size_t)(at - data), tail = size - head - strlen(old);
        char *edited = malloc(size + strlen(new));
        assert_non_null(edited);
        memcpy(edited, data, head);
        memcpy(edited + head, new, strlen(new));
        memcpy(edited + head + strlen(new), at + strlen(old), tail);
        MUST(radz_file_write(to, edited, head + strlen(new) + tail, &err));
        free(data);
        free(edited);
    }
    assert_true(found);
    radz_strlist_free(&names);
}

static void refused(const char *dir, llava_options options, radz_status code, const char *one, const char *other)
{
    radz_error err = {0};
    llava *m;
    options.threads = 1;
    radz_status status = llava_open(dir, &options, &m, &err);
    if (m != NULL)
        fail_msg("%s is accepted (wanted %s)", dir, one);
    if (status != code || err.code != code || strstr(err.message, one) == NULL || strstr(err.message, other) == NULL)
        fail_msg("status %s, '%s' (wanted '%s', '%s')", radz_status_name(status), err.message, one, other);
}

static void bad_models_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *model, *file, *old, *new;
        radz_status code;
        const char *one, *other;
    } cases[] = {
        {"llava", "config.json", "\"vocab_size\": 420", "\"vocab_size\": 421", RADZ_E_VALUE, "embed_tokens.weight' has shape [420,32]",
         "the configuration wants [421,32]"},
        {"llava", "config.json", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2", RADZ_E_VALUE, "no place for", "layers.2."},
        {"llava", "config.json", "\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\"", RADZ_E_UNSUPPORTED, "'gelu'", "wanted 'silu'"},
        {"llava", "config.json", "\"rope_type\": \"default\"", "\"rope_type\": \"longrope\", \"factor\": 2.0", RADZ_E_UNSUPPORTED,
         "'longrope' is not known", "known: default, linear, dynamic, yarn, llama3"},
        {"llava", "config.json", "\"num_key_value_heads\": 4", "\"num_key_value_heads\": 3", RADZ_E_VALUE, "num_attention_heads, 4",
         "num_key_value_heads, 3"},
        {"llava", "config.json", "\"vision_feature_layer\": -2", "\"vision_feature_layer\": -7", RADZ_E_VALUE, "-7",
         "the vision tower has 3 layers"},
        {"llava", "config.json", "\"model_type\": \"llava\"", "\"model_type\": \"qwen2_vl\"", RADZ_E_UNSUPPORTED, "'qwen2_vl'", "known: llava"},
        {"llava", "config.json", "\"max_position_embeddings\": 128", "\"max_position_embeddings\": 9", RADZ_E_VALUE, "takes 9 tokens",
         "context is 9"},
        {"llava_mistral", "model-00002-of-00004.safetensors", NULL, NULL, RADZ_E_MISSING, "model-00002-of-00004.safetensors", ""},
        {"original_mistral", "config.json", "\"mm_hidden_size\": 16", "\"mm_hidden_size\": 20", RADZ_E_VALUE, "'mm_hidden_size': 20",
         "width of 16"},
        {"original_mistral", "config.json", "mlp2x_gelu", "resampler", RADZ_E_UNSUPPORTED, "'resampler'", "known: linear, mlp2x_gelu"},
        {"original_mistral", "clip-vit-tiny", NULL, NULL, RADZ_E_MISSING, "'mm_vision_tower': 'openai/clip-vit-tiny'", "vision_tower'"},
        {"radz", "radz.safetensors", NULL, NULL, RADZ_E_MISSING, "radz.safetensors", ""},
        {"radz", "radz.json", "\"layer\": -2", "\"layer\": -9", RADZ_E_VALUE, "'layer': -9", "the decoder has 3 layers"},
        {"radz", "radz.json", "\"dim\": 16", "\"dim\": 17", RADZ_E_VALUE, "head.fc2.weight' has shape [16,24]", "wants [17,24]"},
        {"radz", "radz.json", "\"rank\": 2", "\"rank\": 3", RADZ_E_VALUE, "lora_A.weight", "3"},
        {"radz", "radz.json", "\"tau\"", "\"tua\"", RADZ_E_VALUE, "unknown key 'tua'", "did you mean 'tau'"},
        {"radz", "radz.json", "\"pooling\": \"special\"", "\"pooling\": \"max\"", RADZ_E_VALUE, "'max'", "known: special, last, mean"},
        {"radz", "radz.json", "\"id\": 402", "\"id\": 401", RADZ_E_VALUE, "<ImgCls_0>", "must differ"},
        {"original_bin", "pytorch_model-00001-of-00002.bin", "_rebuild_tensor_v2", "_rebuild_tensor_v9", RADZ_E_UNSUPPORTED,
         "'torch._utils._rebuild_tensor_v9'", "nothing was run"},
        {"original_bin", "pytorch_model-00001-of-00002.bin", "PK\5\6", "PK\5\7", RADZ_E_FORMAT, "pytorch_model-00001", "no directory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char dir[256];
        altered(cases[i].model, cases[i].file, cases[i].old, cases[i].new, dir);
        refused(dir, (llava_options){.dtype = T_F32}, cases[i].code, cases[i].one, cases[i].other);
    }
    refused(GOLDEN "llava", (llava_options){.dtype = T_F32, .tower_dir = "/tmp"}, RADZ_E_USAGE, "vision tower '/tmp'", "has its own");
    refused(GOLDEN "llama_linear_bf16", (llava_options){.dtype = T_F32, .radz_dir = GOLDEN "radz"}, RADZ_E_VALUE, "shape [32,32]",
            "[8,32]");
    refused(GOLDEN "llama", (llava_options){.dtype = T_I32}, RADZ_E_USAGE, "f32, f16 or bf16", "i32");
}

static void bad_adapters_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *old, *new;
        radz_status code;
        const char *one, *other;
    } cases[] = {
        {"\"use_dora\": false", "\"use_dora\": true", RADZ_E_UNSUPPORTED, "'use_dora'", "wanted false"},
        {"\"r\": 3", "\"r\": 4", RADZ_E_VALUE, "lora_A.weight", "4"},
        {"\"peft_type\": \"LORA\"", "\"peft_type\": \"IA3\"", RADZ_E_UNSUPPORTED, "'IA3'", "wanted 'LORA'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char dir[256];
        altered("adapter", "adapter_config.json", cases[i].old, cases[i].new, dir);
        refused(GOLDEN "llava", (llava_options){.dtype = T_F32, .adapter_dir = dir}, cases[i].code, cases[i].one, cases[i].other);
    }
    refused(GOLDEN "original_bin", (llava_options){.dtype = T_F32, .adapter_dir = GOLDEN "adapter"}, RADZ_E_VALUE, "layers.2.",
            "belongs to no weight"); /* it has two layers */
    refused(GOLDEN "mistral_window", (llava_options){.dtype = T_F32, .adapter_dir = GOLDEN "adapter"}, RADZ_E_VALUE, "[16,32]",
            "shape [32,32]");
}

static void bad_prompts_are_refused(void **state)
{
    (void)state;
    golden g;
    open_golden(&g, "radz", "radz", (llava_options){.dtype = T_F32});
    int32_t ids[MAX_IDS] = {1, 400, 5};
    int64_t length;
    float out[64];
    radz_error err = {0};
    assert_int_equal(llava_prompt_length(g.model, ids, 3, 0, 0, &length, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "1 places for pictures, but 0"));
    ids[2] = 500;
    err = (radz_error){0};
    assert_int_equal(llava_prompt_length(g.model, ids, 3, 1, 0, &length, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "id 500"));
    ids[2] = 421; /* a special token */
    err = (radz_error){0};
    assert_int_equal(llava_prompt_length(g.model, ids, 3, 1, 0, &length, &err), RADZ_OK);
    assert_int_equal(length, 11);
    for (int i = 0; i < 130; i++)
        ids[i] = 5;
    assert_int_equal(llava_prompt_length(g.model, ids, 129, 0, 0, &length, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "129 positions, the model's context is 128"));

    uint8_t roles[MAX_IDS] = {0};
    readout_prompt p = {.ids = ids, .roles = roles, .count = 4};
    err = (radz_error){0};
    assert_int_equal(readout(g.model, &p, 1, &(readout_options){.layer = -2}, out, NULL, NULL, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "no position for the global feature"));
    roles[0] = READOUT_GLOBAL;
    err = (radz_error){0};
    assert_int_equal(readout(g.model, &p, 1, &(readout_options){.layer = 4}, out, NULL, NULL, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "hidden state 4"));
    err = (radz_error){0};
    assert_int_equal(readout(g.model, &p, 1, &(readout_options){.layer = -2, .pad_to = 3}, out, NULL, NULL, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "padded to"));

    prefix *q;
    err = (radz_error){0};
    assert_int_equal(prefix_open(g.model, NULL, 1, 0, ids, 100, &q, &err), RADZ_OK);
    size_t n = 20, got;
    int32_t answer[32], wanted = 999;
    questions asked = {.ids = ids, .lengths = &n, .count = 1, .length = 20};
    err = (radz_error){0};
    assert_int_equal(prefix_generate(q, &asked, 16, NULL, 0, answer, &got, NULL, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "question 0 of 20 tokens behind 100 positions"));
    err = (radz_error){0};
    assert_int_equal(prefix_logits(q, &asked, &wanted, 1, out, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "id 999"));
    wanted = 7; /* and it still works */
    err = (radz_error){0};
    assert_int_equal(prefix_logits(q, &asked, &wanted, 1, out, &err), RADZ_OK);
    prefix_free(q);
    close_golden(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoders_equal_transformers),
        cmocka_unit_test(llava_equals_transformers),
        cmocka_unit_test(adapter_equals_peft),
        cmocka_unit_test(lora_release_equals_transformers),
        cmocka_unit_test(features_equal_reference),
        cmocka_unit_test(features_do_not_depend_on_the_batch),
        cmocka_unit_test(sharing_changes_nothing),
        cmocka_unit_test(bf16_equals_transformers),
        cmocka_unit_test(bad_models_are_refused),
        cmocka_unit_test(bad_adapters_are_refused),
        cmocka_unit_test(bad_prompts_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
