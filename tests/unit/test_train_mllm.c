/* The training of multimodal models: losses and gradients of a whole step against PyTorch and transformers
 * (tests/reference/make_mllm_training_goldens.py), the new losses by finite differences, interruption, what is saved. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "encoder/door.h"
#include "model/llava.h"
#include "model/readout.h"
#include "model/safetensors.h"
#include "train/anchor_loss.h"
#include "train/mllm_training.h"

#define MODEL RADZ_TEST_DIR "/golden/mllm/llava"
#define GOLDEN RADZ_TEST_DIR "/golden/mllm_training/"
#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        if ((call) != RADZ_OK)                                                                                         \
            fail_msg("%s", err.message);                                                                               \
    } while (0)

enum { BATCH = 3, SIDE = 24, IMAGE = 400, WORDS = 400, K_IMAGE = 2, K_TEXT = 3, TEXTS = 5, CONTEXT = 20, ANCHORS = 4, SPOKEN = 2 };
enum { FIRST_SPECIAL = 420 /* behind the embedding table */, HIDDEN = 32 };

/* ---- a batch that both sides make from the same formulas ---- */

static int32_t word(int64_t a, int64_t b)
{
    return (int32_t)(3 + (a * 131 + b * 37 + a * b * 11) % (WORDS - 3));
}

static void make_text(int64_t j, int64_t number, int32_t *ids, uint8_t *roles)
{
    int64_t n = 4 + 2 * (j % 3); /* words before the special tokens */
    memset(roles, 0, CONTEXT);
    memset(ids, 0, CONTEXT * sizeof *ids);
    ids[0] = 1;
    for (int64_t k = 1; k < n; k++) {
        ids[k] = word(j + 50, k + number);
        roles[k] = RADZ_ROLE_LOCAL;
    }
    for (int64_t k = 0; k < K_TEXT; k++) {
        ids[n + k] = FIRST_SPECIAL + K_IMAGE + (int32_t)k;
        roles[n + k] = RADZ_ROLE_GLOBAL;
    }
}

static float picture_value(int64_t i, int64_t number)
{
    return (float)((i * 7919 + number * 31) % 1000) / 500 - 1;
}

static radz_status batch(void *context, int64_t number, radz_mllm_batch *out, radz_error *err)
{
    (void)err;
    const int64_t *cancel_at = context;
    if (cancel_at != NULL && number == *cancel_at)
        radz_cancel_request();
    number %= 2; /* two batches, again and again, so that there is something to learn */
    for (int64_t i = 0; i < BATCH * 3 * SIDE * SIDE; i++)
        out->pixels[i] = picture_value(i, number);
    static const int64_t lengths[] = {7, 4}, answers[] = {3, 2}; /* of two dialogues; answers begin there */
    out->spoken = SPOKEN;
    out->branches = 2;
    int64_t columns = lengths[0] + lengths[1];
    for (int64_t i = 0; i < SPOKEN; i++)
        for (int64_t b = 0, at = 0; b < 2; at += lengths[b++]) {
            out->branch_length[b] = lengths[b];
            int64_t used = lengths[b] - (b == 0 && i == 1 ? 2 : 0); /* the second image's is shorter */
            for (int64_t k = 0; k < lengths[b]; k++) {
                out->said[i * columns + at + k] = word(i + 10 * b, k + number);
                out->learnt[i * columns + at + k] = k >= answers[b] && k < used;
            }
        }
    out->texts = TEXTS;
    out->tokens = 0;
    for (int64_t j = 0; j < TEXTS; j++) {
        int64_t n = 4 + 2 * (j % 3) + K_TEXT;
        make_text(j, number, out->ids + j * CONTEXT, out->roles + j * CONTEXT);
        out->tokens = n > out->tokens ? n : out->tokens;
    }
    for (int64_t i = 0; i < BATCH; i++)
        for (int64_t j = 0; j < TEXTS; j++)
            out->positive[i * TEXTS + j] = j % BATCH == i || (i == 0 && j == 1);
    static const uint8_t of_images[BATCH * ANCHORS] = {1, 0, 1, 0, /**/ 0, 0, 0, 0, /**/ 0, 0, 0, 1};
    static const uint8_t of_texts[TEXTS * ANCHORS] = {1, 0, 0, 0, /**/ 0, 0, 0, 0, /**/ 0, 1, 0, 0, /**/ 1, 0, 1, 0, /**/ 0, 0, 0, 0};
    memcpy(out->image_anchors, of_images, sizeof of_images);
    memcpy(out->text_anchors, of_texts, sizeof of_texts);
    return RADZ_OK;
}

typedef struct fixture {
    char root[64], work[96], output[96];
    radz_config radz;
    int32_t prompt[2 + K_IMAGE], anchor_ids[ANCHORS][9];
    uint8_t prompt_roles[2 + K_IMAGE], anchor_roles[9];
    radz_train_text anchors[ANCHORS];
    radz_train_mllm_options options;
    bool measured;
    float seen[HIDDEN], read[HIDDEN]; /* the last measured features of a picture and of a text */
} fixture;

/* Two texts of unlike length, and more pictures at once than a batch has. */
static radz_status measure(void *context, int64_t step, const radz_train_encoder *encoder, double *auc, radz_error *err)
{
    enum { N = BATCH + 2 };
    fixture *f = context;
    static float pixels[N * 3 * SIDE * SIDE], features[N * HIDDEN];
    int32_t ids[2 * CONTEXT];
    uint8_t roles[2 * CONTEXT];
    for (int64_t i = 0; i < N * 3 * SIDE * SIDE; i++)
        pixels[i] = picture_value(i, 0);
    make_text(0, 0, ids, roles);
    make_text(1, 0, ids + CONTEXT, roles + CONTEXT);
    radz_status st = encoder->images(encoder->model, pixels, N, features, err);
    memcpy(f->seen, features, sizeof f->seen);
    if (st == RADZ_OK)
        st = encoder->texts(encoder->model, ids, roles, 2, CONTEXT, features, err);
    memcpy(f->read, features, sizeof f->read);
    *auc = (double)step / 100;
    return st;
}

static void fill(fixture *f, const char *name)
{
    snprintf(f->work, sizeof f->work, "%s/%s-work", f->root, name);
    snprintf(f->output, sizeof f->output, "%s/%s", f->root, name);
    assert_int_equal(radz_mkdirs(f->work, NULL), RADZ_OK);
    f->radz = radz_config_default();
    f->radz.pooling = RADZ_POOL_SPECIAL;
    f->radz.tau = 0.07;
    f->radz.image_token_count = K_IMAGE;
    f->radz.text_token_count = K_TEXT;
    for (int i = 0; i < K_IMAGE + K_TEXT; i++) {
        radz_special_token *t = i < K_IMAGE ? &f->radz.image_tokens[i] : &f->radz.text_tokens[i - K_IMAGE];
        snprintf(t->text, sizeof t->text, "<T_%d>", i);
        t->id = FIRST_SPECIAL + i;
    }
    f->prompt[0] = 1;
    f->prompt[1] = IMAGE;
    f->prompt_roles[1] = RADZ_ROLE_LOCAL;
    for (int i = 0; i < K_IMAGE; i++) {
        f->prompt[2 + i] = FIRST_SPECIAL + i;
        f->prompt_roles[2 + i] = RADZ_ROLE_GLOBAL;
    }
    for (int k = 0; k < ANCHORS; k++) {
        f->anchor_ids[k][0] = 1;
        for (int i = 1; i < 6; i++)
            f->anchor_ids[k][i] = word(k + 90, i);
        for (int i = 0; i < K_TEXT; i++) {
            f->anchor_ids[k][6 + i] = FIRST_SPECIAL + K_IMAGE + i;
            f->anchor_roles[6 + i] = RADZ_ROLE_GLOBAL;
        }
        f->anchors[k] = (radz_train_text){f->anchor_ids[k], f->anchor_roles, 9};
    }
    f->options = (radz_train_mllm_options){
        .how = {.seed = 5, .steps = 1, .batch = BATCH, .accumulate = 1, .learning_rate = 0, .beta1 = 0.9, .beta2 = 0.98, .eps = 1e-6,
                .threads = 1, .device = "cpu", .work = f->work, .output = f->output,
                .recipe = "0123456789012345678901234567890123456789012345678901234567890123"},
        .model = MODEL, .radz = &f->radz, .train_projector = true, .train_decoder = true, .dtype = "f32", .store = "f32",
        .lm = 1, .cross = 0.5, .anchor = 0.25, .crossed = true, .image_prompt = {f->prompt, f->prompt_roles, 2 + K_IMAGE}, .shared = 2,
        .anchors = f->anchors, .anchor_count = ANCHORS, .anchors_decoder = true, .anchor_refresh = 1,
        .texts_per_image = 2, .context = CONTEXT, .branches = 2, .branch_tokens = 11};
    f->options.how.validation_batches = 1; /* of the same batches */
    f->options.how.validation_batch = BATCH;
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    strcpy(f->root, "/tmp/radz-mllm-XXXXXX");
    *state = f;
    radz_cancel_reset();
    return mkdtemp(f->root) == NULL;
}

static int clean_up(void **state)
{
    fixture *f = *state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", f->root);
    int rc = getenv("RADZ_KEEP") != NULL ? 0 : system(command); /* the script reads the start of a kept one */
    if (getenv("RADZ_KEEP") != NULL)
        print_message("kept in %s\n", f->root);
    free(f);
    radz_cancel_reset();
    return rc;
}

static void train(fixture *f, int64_t *cancel_at, radz_status wanted)
{
    const radz_mllm_source source = {.context = cancel_at, .batch = batch, .measure = f->measured ? measure : NULL, .measure_context = f};
    radz_error err = {0};
    radz_status st = train_mllm(&f->options, &source, &err);
    if (st != wanted)
        fail_msg("status %d, wanted %d: %s", (int)st, (int)wanted, err.message);
}

/* The value of a column in the log's line of a step; 0: the last. */
static double logged_at(const fixture *f, int64_t step, const char *column)
{
    char path[128], *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/log.csv", f->work);
    assert_int_equal(radz_file_read(path, 1 << 20, &text, &size, NULL), RADZ_OK);
    size_t at = 0;
    const char *header = text, *name = strstr(header, column);
    assert_non_null(name);
    for (const char *p = header; p < name; p++)
        at += *p == ',';
    char *line = step > 0 ? text : text + size - 1;
    while (step == 0 && line > text && line[-1] != '\n')
        line--;
    for (int64_t i = 0; i < step; i++)
        line = strchr(line, '\n') + 1;
    for (; at > 0; line++)
        at -= *line == ',';
    double value = strtod(line, NULL);
    free(text);
    return value;
}

static double logged(const fixture *f, const char *column)
{
    return logged_at(f, 0, column);
}

static double worst_difference(const safetensors *a, const char *name, double scale, const safetensors *b, const char *other)
{
    const safetensors_entry *x = safetensors_find(a, name), *y = safetensors_find(b, other);
    if (x == NULL || y == NULL || x->bytes != y->bytes)
        fail_msg("'%s' against '%s': not there, or of another size", name, other);
    const float *p = x->data, *q = y->data;
    double worst = 0;
    for (size_t i = 0; i < x->bytes / sizeof(float); i++)
        worst = fmax(worst, fabs(scale * (double)p[i] - (double)q[i]));
    return worst;
}

/* The first moment after one step is (1 - beta1) times the gradient. */
static void compare(fixture *f, const char *name)
{
    char path[256];
    radz_error err = {0};
    safetensors *found = NULL, *golden = NULL;
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", f->work);
    MUST(safetensors_open(path, &found, &err));
    snprintf(path, sizeof path, GOLDEN "%s.safetensors", name);
    MUST(safetensors_open(path, &golden, &err));
    assert_true(worst_difference(found, "weights/image_tokens", 1, golden, "start.image_tokens") == 0); /* the script's start */
    static const char *const losses[] = {"lm", "cross", "anchor"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "loss.%s", losses[i]);
        const safetensors_entry *e = safetensors_find(golden, path);
        assert_non_null(e);
        double d = fabs(logged(f, losses[i]) - (double)*(const float *)e->data);
        print_message("%s: %s %.2g\n", name, losses[i], d);
        assert_true(d <= 1e-5); /* seen: 9e-7 */
        snprintf(path, sizeof path, "validation_%s", losses[i]); /* without a learning rate the weights are those of the start */
        d = fabs(logged(f, path) - (double)*(const float *)e->data);
        assert_true(d <= 1e-5); /* seen: 9e-7 */
    }
    double worst = 0;
    size_t compared = 0;
    for (size_t i = 0; i < safetensors_count(golden); i++) {
        const char *key = safetensors_at(golden, i)->name;
        if (strncmp(key, "grad.", 5) != 0)
            continue;
        snprintf(path, sizeof path, "first/%s", key + 5);
        double d = worst_difference(found, path, 10, golden, key);
        worst = fmax(worst, d);
        compared++;
        if (d > 1e-5)
            print_message("%s: %s %.2g\n", name, key, d);
    }
    print_message("%s: %zu gradients %.2g\n", name, compared, worst);
    assert_true(compared >= 30);
    assert_true(worst <= 1e-5); /* seen: 2.8e-6 */
    safetensors_free(found);
    safetensors_free(golden);
}

static void test_step_like_pytorch(void **state)
{
    fixture *f = *state;
    fill(f, "crossed");
    train(f, NULL, RADZ_OK);
    compare(f, "crossed");
    fill(f, "plain");
    f->options.crossed = false;
    f->options.anchors_decoder = false;
    f->options.lm_by_answer = true;
    train(f, NULL, RADZ_OK);
    compare(f, "plain");
}

/* ---- finite differences, in double ---- */

enum { FB = 3, FK = 4, FD = 5 };
static const double fd_anchors[FK * FD] = {0.6, 0.8, 0, 0, 0, /**/ 0, 0, 1, 0, 0, /**/ 0, 0.6, 0, 0.8, 0, /**/ 0.5, 0.5, 0.5, 0, 0.5};
static const double fd_targets[FB * FK] = {0.5, 0, 0.5, 0, /**/ 0, 0, 0, 0, /**/ 0, 0, 0, 1};
static const double fd_pairs[FB * FK] = {0.5, 0, 0.5, 0, /**/ 0, 1, 0, 0, /**/ 0, 0, 0, 1};

static Tensor *fd_loss(Scope *s, const Tensor *features, const Tensor *texts, const Tensor *scale)
{
    Tensor *anchors = t_from_host(s, fd_anchors, T_SHAPE(FK, FD), T_F64), *pairs = t_from_host(s, fd_pairs, T_SHAPE(FB, FK), T_F64);
    Tensor *a = anchor_loss(s, features, anchors, scale, t_from_host(s, fd_targets, T_SHAPE(FB, FK), T_F64), 2);
    return t_add(s, a, cross_loss(s, features, t_scale(s, features, -0.5), texts, t_add(s, texts, anchors), scale, pairs, pairs, true));
}

static double fd_value(const double *x)
{
    Scope *s = NULL;
    assert_int_equal(scope_create(SCOPE_INFERENCE, &s, NULL), RADZ_OK);
    double value = t_item(s, fd_loss(s, t_from_host(s, x, T_SHAPE(FB, FD), T_F64), t_from_host(s, x + FB * FD, T_SHAPE(FK, FD), T_F64),
                                     t_from_host(s, x + (FB + FK) * FD, T_SHAPE(1), T_F64)));
    assert_true(scope_ok(s));
    scope_free(s);
    return value;
}

static void test_differences(void **state)
{
    (void)state;
    enum { N = (FB + FK) * FD + 1 };
    double x[N], grad[N], worst = 0;
    for (int i = 0; i < N; i++)
        x[i] = sin(1.3 * i + 0.2);
    x[N - 1] = 1.5;
    Scope *s = NULL;
    assert_int_equal(scope_create(SCOPE_GRAD, &s, NULL), RADZ_OK);
    Tensor *leaves[3] = {t_set_leaf(s, t_from_host(s, x, T_SHAPE(FB, FD), T_F64), true),
                         t_set_leaf(s, t_from_host(s, x + FB * FD, T_SHAPE(FK, FD), T_F64), true),
                         t_set_leaf(s, t_from_host(s, x + N - 1, T_SHAPE(1), T_F64), true)};
    assert_true(t_backward(s, fd_loss(s, leaves[0], leaves[1], leaves[2])));
    assert_true(t_to_host(s, t_grad(s, leaves[0]), T_F64, grad, FB * FD));
    assert_true(t_to_host(s, t_grad(s, leaves[1]), T_F64, grad + FB * FD, FK * FD));
    assert_true(t_to_host(s, t_grad(s, leaves[2]), T_F64, grad + N - 1, 1));
    scope_free(s);
    for (int i = 0; i < N; i++) {
        const double h = 1e-5, keep = x[i];
        x[i] = keep + h;
        double high = fd_value(x);
        x[i] = keep - h;
        double low = fd_value(x);
        x[i] = keep;
        worst = fmax(worst, fabs((high - low) / (2 * h) - grad[i]));
    }
    print_message("finite differences: %.2g\n", worst);
    assert_true(worst <= 1e-8); /* seen: 8e-11 */
}

static void test_anchor_rows(void **state)
{
    (void)state;
    const uint8_t member[] = {1, 0, 1, /**/ 0, 0, 0, /**/ 0, 1, 0};
    const float wanted[] = {0.5F, 0, 0.5F, /**/ 0, 0, 0, /**/ 0, 1, 0};
    float targets[9];
    assert_int_equal(anchor_targets(member, 3, 3, targets), 2);
    assert_memory_equal(targets, wanted, sizeof wanted);
    Scope *s = NULL;
    assert_int_equal(scope_create(SCOPE_INFERENCE, &s, NULL), RADZ_OK);
    const float x[] = {1, 2, 3, 4}, zero[4] = {0};
    Tensor *f = t_from_host(s, x, T_SHAPE(2, 2), T_F32), *none = t_from_host(s, zero, T_SHAPE(2, 2), T_F32);
    assert_true(t_item(s, anchor_loss(s, f, f, t_full(s, T_SHAPE(1), 1, T_F32, T_DEVICE_CPU), none, 0)) == 0);
    scope_free(s);
}

/* ---- interruption, learning, saving ---- */

static void assert_same_file(const char *a, const char *b, const char *name)
{
    char path[256], *x = NULL, *y = NULL;
    size_t n = 0, m = 0;
    snprintf(path, sizeof path, "%s/%s", a, name);
    assert_int_equal(radz_file_read(path, 1 << 24, &x, &n, NULL), RADZ_OK);
    snprintf(path, sizeof path, "%s/%s", b, name);
    assert_int_equal(radz_file_read(path, 1 << 24, &y, &m, NULL), RADZ_OK);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
}

static void learn(fixture *f)
{
    f->options.how.steps = 12;
    f->options.how.learning_rate = 3e-3;
    f->options.how.warmup = 2;
    f->options.how.accumulate = 2;
    f->options.how.clip_norm = 1;
    f->options.how.weight_decay = 0.01;
    f->options.how.checkpoint_every = 5;
    f->options.anchor_refresh = 4; /* the checkpoint at 6 lies between two refreshes */
    f->options.learn_tau = true;
}

static void test_interrupted(void **state)
{
    fixture *f = *state;
    char through[96];
    fill(f, "through");
    learn(f);
    train(f, NULL, RADZ_OK);
    double last = logged(f, "loss");
    snprintf(through, sizeof through, "%s", f->output);
    fill(f, "parts");
    learn(f);
    int64_t cancel_at = 11; /* in step 6 */
    train(f, &cancel_at, RADZ_E_INTERRUPTED);
    radz_cancel_reset();
    train(f, NULL, RADZ_OK);
    assert_same_file(through, f->output, "model.safetensors");
    assert_same_file(through, f->output, "radz.safetensors");
    assert_same_file(through, f->output, "radz.json");
    assert_true(logged(f, "loss") == last);
    fill(f, "first");
    learn(f);
    f->options.how.stop_after = 1;
    train(f, NULL, RADZ_OK);
    double first = logged(f, "loss");
    print_message("loss %.3f -> %.3f\n", first, last);
    assert_true(last < 0.8 * first); /* seen: 0.42 of it */
    fill(f, "parts");
    learn(f);
    f->options.how.recipe = "another";
    train(f, NULL, RADZ_E_VALUE); /* its checkpoint is of another recipe */
}

/* Validation moves nothing, and says what the weights give. */
static void test_validation(void **state)
{
    fixture *f = *state;
    static const char *const files[] = {"model.safetensors", "radz.safetensors", "radz.json"};
    char plain[96], plain_work[96];
    fill(f, "plain");
    learn(f);
    f->options.how.validation_batches = 0;
    train(f, NULL, RADZ_OK);
    strcpy(plain, f->output);
    strcpy(plain_work, f->work);
    fill(f, "validated");
    learn(f);
    f->options.how.validate_every = 1; /* also between two refreshes of the anchors */
    f->options.how.validation_batches = 2;
    f->measured = true;
    int64_t cancel_at = 11;
    train(f, &cancel_at, RADZ_E_INTERRUPTED);
    radz_cancel_reset();
    train(f, NULL, RADZ_OK);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_same_file(plain, f->output, files[i]);
    assert_same_file(plain_work, f->work, "checkpoint.safetensors");
    assert_true(logged(f, "validation") == 0.12);

    /* the measured features are those of the saved model */
    radz_error err = {0};
    llava *m = NULL;
    const llava_options how = {.dtype = T_F32, .threads = 1};
    MUST(llava_open(f->output, &how, &m, &err));
    int32_t ids[CONTEXT];
    uint8_t roles[CONTEXT];
    static float pixels[3 * SIDE * SIDE];
    float wanted[HIDDEN];
    make_text(0, 0, ids, roles);
    for (int64_t i = 0; i < 3 * SIDE * SIDE; i++)
        pixels[i] = picture_value(i, 0);
    const readout_prompt prompts[] = {{f->prompt, f->prompt_roles, 2 + K_IMAGE, pixels, 1}, {ids, roles, 4 + K_TEXT, NULL, 0}};
    const readout_options reading = {.layer = f->radz.layer};
    for (int k = 0; k < 2; k++) {
        const float *found = k == 0 ? f->seen : f->read;
        double length = 0, worst = 0;
        MUST(readout(m, &prompts[k], 1, &reading, wanted, NULL, NULL, &err));
        for (int i = 0; i < HIDDEN; i++)
            length += (double)found[i] * (double)found[i];
        for (int i = 0; i < HIDDEN; i++)
            worst = fmax(worst, fabs((double)found[i] / sqrt(length) - (double)wanted[i]));
        print_message("measured feature off by %.2g\n", worst);
        assert_true(worst <= 1e-5); /* seen: 2e-7 */
    }
    llava_free(m);

    /* a loss of validation is the one that the next step begins with, when it is of the same batch */
    f->measured = false;
    fill(f, "next");
    learn(f);
    f->options.how.accumulate = 1;
    f->options.anchor_refresh = 1;
    f->options.how.validate_every = 2;
    train(f, NULL, RADZ_OK);
    static const char *const columns[] = {"loss", "lm", "cross", "anchor"};
    for (int64_t step = 2; step < 12; step += 2)
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
            char name[32];
            snprintf(name, sizeof name, "validation_%s", columns[i]);
            double v = logged_at(f, step, name), next = logged_at(f, step + 1, columns[i]);
            if (fabs(v - next) > 2e-6) /* seen: 0 */
                fail_msg("%s after step %d is %.6f, the next step's %.6f", name, (int)step, v, next);
        }
    assert_true(logged_at(f, 10, "validation_loss") < logged_at(f, 2, "validation_loss"));
}

/* Losses that are off cost nothing and want nothing. */
static void test_parts(void **state)
{
    fixture *f = *state;
    for (int part = 0; part < 3; part++) {
        fill(f, part == 0 ? "lm" : part == 1 ? "cross" : "anchor");
        learn(f);
        f->options.how.steps = 2;
        f->options.lm = part == 0;
        f->options.cross = part == 1;
        f->options.anchor = part == 2;
        train(f, NULL, RADZ_OK);
        assert_int_equal(logged(f, "lm") > 0, part == 0);
        assert_int_equal(logged(f, "cross") > 0, part == 1);
        assert_int_equal(logged(f, "anchor") > 0, part == 2);
        double scale = part == 0 ? logged(f, "lm") : part == 1 ? logged(f, "cross") : logged(f, "anchor");
        assert_true(fabs(logged(f, "loss") - scale) <= 2e-6); /* seen: 0 */
    }
}

/* What was saved opens, and is read as it was trained: the features of a branch are those of a prompt alone. */
static void test_update_saved(void **state)
{
    fixture *f = *state;
    fill(f, "lora");
    learn(f);
    f->radz.lora_rank = 2;
    f->radz.lora_alpha = 4;
    f->options.train_decoder = f->options.train_projector = false;
    train(f, NULL, RADZ_OK);
    char path[128];
    snprintf(path, sizeof path, "%s/model.safetensors", f->output);
    assert_false(radz_file_exists(path)); /* the base stays where it is */
    radz_error err = {0};
    llava *m = NULL, *base = NULL;
    llava_options how = {.dtype = T_F32, .threads = 1, .radz_dir = f->output};
    MUST(llava_open(MODEL, &how, &m, &err));
    assert_int_equal(llava_radz(m)->lora_rank, 2);
    assert_true(llava_radz(m)->tau > 0.01 && llava_radz(m)->tau != 0.07); /* it was learned */
    how.radz_dir = NULL;
    MUST(llava_open(MODEL, &how, &base, &err));
    Scope *s = NULL;
    assert_int_equal(scope_create(SCOPE_INFERENCE, &s, NULL), RADZ_OK);
    const int32_t ids[] = {1, 17, 33};
    decoder_place places[3];
    for (int i = 0; i < 3; i++)
        places[i] = (decoder_place){.position = i, .owner = DECODER_ALL};
    float a[96], b[96];
    assert_true(t_to_host(s, decoder_run(s, llava_decoder(m), NULL, llava_embed_rows(s, m, ids, 1, 3), places, 3), T_F32, a, 96));
    assert_true(t_to_host(s, decoder_run(s, llava_decoder(base), NULL, llava_embed_rows(s, base, ids, 1, 3), places, 3), T_F32, b, 96));
    double moved = 0;
    for (int i = 0; i < 96; i++)
        moved = fmax(moved, fabs((double)(a[i] - b[i])));
    assert_true(moved > 1e-3); /* the update does something */
    scope_free(s);
    llava_free(m);
    llava_free(base);
}

static void test_refused(void **state)
{
    fixture *f = *state;
    fill(f, "refused");
    f->options.lm = f->options.cross = f->options.anchor = 0;
    train(f, NULL, RADZ_E_VALUE);
    fill(f, "refused");
    f->options.radz = NULL;
    train(f, NULL, RADZ_E_VALUE);
    fill(f, "refused");
    f->options.dtype = "f16";
    train(f, NULL, RADZ_E_UNSUPPORTED);
    fill(f, "refused");
    f->options.anchor_count = 1;
    train(f, NULL, RADZ_E_VALUE);
    fill(f, "refused");
    f->options.branch_tokens = 200; /* more than the context */
    train(f, NULL, RADZ_E_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_step_like_pytorch, set_up, clean_up),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_anchor_rows),
        cmocka_unit_test_setup_teardown(test_interrupted, set_up, clean_up),
        cmocka_unit_test_setup_teardown(test_validation, set_up, clean_up),
        cmocka_unit_test_setup_teardown(test_parts, set_up, clean_up),
        cmocka_unit_test_setup_teardown(test_update_saved, set_up, clean_up),
        cmocka_unit_test_setup_teardown(test_refused, set_up, clean_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
