/* The training loop: it learns, it continues after any interruption to the same bytes, it refuses what does not fit. */
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
#include "base/rng.h"
#include "model/clip.h"
#include "train/clip_training.h"
#include "train/infonce.h"

enum { BATCH = 6, SIDE = 16, CONTEXT = 8, CLASSES = 6, STEPS = 20 };

/* Where batches come from: to train on, or to validate on. */
typedef struct stream {
    struct fixture *f;
    uint64_t seed;
    int64_t images;
} stream;

typedef struct fixture {
    char root[64];
    stream train, validation;
    bool measured; /* the AUC, too */
    int64_t cancel_at; /* micro-batch that presses Ctrl-C; -1: none */
    int64_t poison_at; /* micro-batch with a NaN pixel; -1: none */
    int64_t orphan_at; /* micro-batch whose first image has no text; -1: none */
    int64_t validations;
} fixture;

/* Pictures with a bright square whose place the text names. */
static radz_status batch(void *context, int64_t number, radz_train_batch *out, radz_error *err)
{
    const stream *from = context;
    fixture *f = from->f;
    float *pixels = out->pixels;
    (void)err;
    radz_rng rng;
    radz_rng_seed(&rng, from->seed, (uint64_t)number);
    uint32_t classes[BATCH], shown[CLASSES] = {0};
    for (int64_t i = 0; i < from->images; i++) {
        uint32_t class_index = classes[i] = radz_rng_below(&rng, CLASSES);
        shown[class_index]++;
        for (int64_t p = 0; p < 3 * SIDE * SIDE; p++)
            pixels[i * 3 * SIDE * SIDE + p] = (float)radz_rng_range(&rng, -0.1, 0.1);
        for (int64_t p = 0; p < 16; p++)
            pixels[(i * 3 * SIDE + (class_index / 3) * 8 + p / 4) * SIDE + (class_index % 3) * 5 + p % 4] += 2;
    }
    out->texts = 0;
    for (uint32_t c = 0; c < CLASSES; c++) {
        if (shown[c] == 0)
            continue;
        int32_t *row = out->ids + out->texts++ * CONTEXT;
        memset(row, 0, sizeof(int32_t) * CONTEXT);
        row[0] = 30;
        row[1] = (int32_t)c + 1;
        row[2] = row[3] = row[4] = 31;
    }
    out->tokens = 5;
    for (int64_t i = 0; i < from->images; i++)
        for (int64_t j = 0; j < out->texts; j++)
            out->positive[i * out->texts + j] = out->ids[j * CONTEXT + 1] == (int32_t)classes[i] + 1;
    if (from == &f->validation)
        return RADZ_OK;
    if (number == f->orphan_at)
        memset(out->positive, 0, (size_t)out->texts);
    if (number == f->cancel_at)
        radz_cancel_request();
    if (number == f->poison_at)
        pixels[5] = 0.0F / (float)(number - number);
    return RADZ_OK;
}

static radz_status measure(void *context, int64_t step, const radz_train_encoder *encoder, double *auc, radz_error *err)
{
    fixture *f = context;
    float pixels[3 * SIDE * SIDE] = {0}, image[8], text[8];
    int32_t ids[CONTEXT] = {30, 1, 31, 31, 31, 31, 31, 31};
    radz_status st = encoder->images(encoder->model, pixels, 1, image, err);
    if (st == RADZ_OK)
        st = encoder->texts(encoder->model, ids, NULL, 1, CONTEXT, text, err);
    f->validations++;
    *auc = (double)step;
    return st;
}

static radz_train_clip_options options_for(const fixture *f, const char *name, char work[128], char output[128])
{
    snprintf(work, 128, "%s/%s-work", f->root, name);
    snprintf(output, 128, "%s/%s", f->root, name);
    assert_int_equal(radz_mkdirs(work, NULL), RADZ_OK);
    return (radz_train_clip_options){
        .shape = {.vision = {16, 32, 2, 2}, .text = {16, 32, 1, 2}, .image_size = SIDE, .patch = 8, .vocabulary = 32,
                  .context = CONTEXT, .start_id = 30, .end_id = 31, .projection = 8, .activation = "quick_gelu",
                  .log_scale = 2.6592600369327779},
        .texts_per_image = 1,
        .how = {.seed = 3, .steps = STEPS, .batch = BATCH, .accumulate = 2, .learning_rate = 3e-3,
        .final_rate = 0, .warmup = 4, .beta1 = 0.9, .beta2 = 0.98, .eps = 1e-6, .weight_decay = 0.1, .clip_norm = 1,
        .checkpoint_every = 7, .validate_every = 10, .threads = 2, .device = "cpu", .work = work, .output = output,
        .recipe = "0123456789012345678901234567890123456789012345678901234567890123"}};
}

static radz_status train(fixture *f, const radz_train_clip_options *options, radz_error *err)
{
    f->train = (stream){f, 7, BATCH};
    f->validation = (stream){f, 8, options->how.validation_batch};
    const radz_train_source source = {.context = &f->train, .batch = batch, .validation = &f->validation,
                                      .measure = f->measured ? measure : NULL, .measure_context = f};
    return train_clip(options, &source, err);
}

static void assert_same_file(const char *a, const char *b)
{
    char *x = NULL, *y = NULL;
    size_t n = 0, m = 0;
    assert_int_equal(radz_file_read(a, 1 << 24, &x, &n, NULL), RADZ_OK);
    assert_int_equal(radz_file_read(b, 1 << 24, &y, &m, NULL), RADZ_OK);
    assert_true(n > 1000);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
}

static size_t count_lines(const char *path, double *first_loss, double *last_loss)
{
    char *text = NULL;
    size_t size = 0, lines = 0;
    assert_int_equal(radz_file_read(path, 1 << 24, &text, &size, NULL), RADZ_OK);
    assert_true(radz_str_starts(text, "step,loss,logit_scale,learning_rate,gradient_norm,validation,seconds\n"));
    for (char *p = text; (p = strchr(p, '\n')) != NULL && p[1] != '\0'; p++) {
        lines++;
        assert_int_equal(strtol(p + 1, NULL, 10), lines);
        *last_loss = strtod(strchr(p, ',') + 1, NULL);
        if (lines == 1)
            *first_loss = *last_loss;
    }
    free(text);
    return lines;
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    strcpy(f->root, "/tmp/radz-train-XXXXXX");
    f->cancel_at = f->poison_at = f->orphan_at = -1;
    f->measured = true;
    *state = f;
    radz_cancel_reset();
    return mkdtemp(f->root) == NULL;
}

static int clean_up(void **state)
{
    fixture *f = *state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", f->root);
    int rc = system(command);
    free(f);
    radz_cancel_reset();
    return rc;
}

static void test_continues_to_the_same_bytes(void **state)
{
    fixture *f = *state;
    radz_error err = {0};
    char work[3][128], output[3][128], a[200], b[200];
    radz_train_clip_options straight = options_for(f, "straight", work[0], output[0]);
    assert_int_equal(train(f, &straight, &err), RADZ_OK);
    assert_int_equal(f->validations, 2);
    double first = 0, last = 0;
    snprintf(a, sizeof a, "%s/log.csv", work[0]);
    assert_int_equal(count_lines(a, &first, &last), STEPS);
    print_message("loss %.3f -> %.3f\n", first, last);
    assert_true(last < 0.8 * first);

    /* ten steps, and the rest in another call */
    radz_train_clip_options split = options_for(f, "split", work[1], output[1]);
    split.how.stop_after = 10;
    assert_int_equal(train(f, &split, &err), RADZ_OK);
    snprintf(b, sizeof b, "%s/model.safetensors", output[1]);
    assert_false(radz_file_exists(b));
    split.how.stop_after = 0;
    assert_int_equal(train(f, &split, &err), RADZ_OK);

    /* interrupted twice: at step 4, long before the first checkpoint is due, and at step 9 */
    radz_train_clip_options broken = options_for(f, "broken", work[2], output[2]);
    f->cancel_at = 7;
    assert_int_equal(train(f, &broken, &err), RADZ_E_INTERRUPTED);
    radz_cancel_reset();
    radz_error_clear(&err);
    f->cancel_at = 16;
    assert_int_equal(train(f, &broken, &err), RADZ_E_INTERRUPTED);
    radz_cancel_reset();
    radz_error_clear(&err);
    f->cancel_at = -1;
    assert_int_equal(train(f, &broken, &err), RADZ_OK);

    for (int i = 1; i < 3; i++) {
        snprintf(a, sizeof a, "%s/model.safetensors", output[0]);
        snprintf(b, sizeof b, "%s/model.safetensors", output[i]);
        assert_same_file(a, b);
        snprintf(a, sizeof a, "%s/checkpoint.safetensors", work[0]);
        snprintf(b, sizeof b, "%s/checkpoint.safetensors", work[i]);
        assert_same_file(a, b);
        snprintf(b, sizeof b, "%s/log.csv", work[i]);
        assert_int_equal(count_lines(b, &first, &last), STEPS);
    }

    /* a finished training has nothing left to do, and --fresh does it all again */
    f->cancel_at = 0;
    assert_int_equal(train(f, &split, &err), RADZ_OK);
    assert_false(radz_cancelled());
    f->cancel_at = -1;
    split.how.fresh = true;
    assert_int_equal(train(f, &split, &err), RADZ_OK);
    snprintf(a, sizeof a, "%s/model.safetensors", output[0]);
    snprintf(b, sizeof b, "%s/model.safetensors", output[1]);
    assert_same_file(a, b);
}

/* ---- validation ---- */

/* A field of the log: of the line of a step, in the column of a name; "" where it is empty. */
static void field_of(const char *text, int64_t step, const char *column, char out[32])
{
    size_t at = 0, length = strcspn(text, "\n");
    const char *name = text;
    for (; strncmp(name, column, strlen(column)) != 0 || strchr(",\n", name[strlen(column)]) == NULL; at++) {
        name += strcspn(name, ",\n") + 1;
        assert_true(name < text + length);
    }
    const char *line = text;
    for (int64_t i = 0; i < step; i++)
        line = strchr(line, '\n') + 1;
    for (; at > 0; at--)
        line += strcspn(line, ",\n") + 1;
    snprintf(out, 32, "%.*s", (int)strcspn(line, ",\n"), line);
}

static char *read_log(const char *work)
{
    char path[200], *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/log.csv", work);
    assert_int_equal(radz_file_read(path, 1 << 24, &text, &size, NULL), RADZ_OK);
    return text;
}

/* The mean loss over the validation batches by the weights that were saved. */
static double loss_of_saved(fixture *f, const radz_train_clip_options *o)
{
    enum { MOST = BATCH };
    static float pixels[BATCH * 3 * SIDE * SIDE], to_text[BATCH * MOST], to_image[BATCH * MOST];
    int32_t ids[MOST * CONTEXT];
    int64_t wide[MOST * CONTEXT], batches = o->how.validation_batches, images = o->how.validation_batch;
    uint8_t positive[BATCH * MOST];
    radz_error err = {0};
    clip_model *m = NULL;
    const clip_options how = {.dtype = T_F32, .threads = 1};
    assert_int_equal(clip_open(o->how.output, &how, &m, &err), RADZ_OK);
    double sum = 0;
    for (int64_t k = 0; k < batches; k++) {
        radz_train_batch b = {pixels, ids, positive, 0, 0};
        Scope *s = NULL;
        assert_int_equal(scope_create(SCOPE_INFERENCE, &s, &err), RADZ_OK);
        assert_int_equal(batch(&f->validation, k, &b, &err), RADZ_OK);
        assert_int_equal(infonce_targets(positive, (size_t)images, (size_t)b.texts, to_text, to_image, &err), RADZ_OK);
        for (int64_t i = 0; i < b.texts * CONTEXT; i++)
            wide[i] = ids[i];
        Tensor *image = clip_image_features(s, m, t_from_host(s, pixels, T_SHAPE(images, 3, SIDE, SIDE), T_F32));
        Tensor *text = clip_text_features(s, m, t_from_host(s, wide, T_SHAPE(b.texts, CONTEXT), T_I64));
        sum += t_item(s, infonce_loss(s, image, text, clip_logit_scale(m), t_from_host(s, to_text, T_SHAPE(images, b.texts), T_F32),
                                      t_from_host(s, to_image, T_SHAPE(images, b.texts), T_F32)));
        assert_int_equal(scope_error(s, &err), RADZ_OK);
        scope_free(s);
    }
    clip_free(m);
    return sum / (double)batches;
}

static void test_validation(void **state)
{
    fixture *f = *state;
    radz_error err = {0};
    char work[3][128], output[3][128], a[200], b[200], field[32];
    f->measured = false;
    radz_train_clip_options plain = options_for(f, "plain", work[0], output[0]);
    assert_int_equal(train(f, &plain, &err), RADZ_OK);
    f->measured = true;
    radz_train_clip_options measured = options_for(f, "measured", work[1], output[1]);
    measured.how.validate_every = 3;
    measured.how.validation_batches = 2;
    measured.how.validation_batch = BATCH - 2;
    assert_int_equal(train(f, &measured, &err), RADZ_OK);
    assert_int_equal(f->validations, STEPS / 3 + 1);

    /* the training is not moved */
    snprintf(a, sizeof a, "%s/model.safetensors", output[0]);
    snprintf(b, sizeof b, "%s/model.safetensors", output[1]);
    assert_same_file(a, b);
    snprintf(a, sizeof a, "%s/checkpoint.safetensors", work[0]);
    snprintf(b, sizeof b, "%s/checkpoint.safetensors", work[1]);
    assert_same_file(a, b);

    /* and what is logged is what the weights give */
    char *text = read_log(work[1]);
    assert_true(radz_str_starts(text, "step,loss,logit_scale,learning_rate,gradient_norm,validation,validation_loss,seconds\n"));
    for (int64_t step = 1; step <= STEPS; step++) {
        bool due = step % 3 == 0 || step == STEPS;
        field_of(text, step, "validation", field);
        assert_true(due ? strtod(field, NULL) == (double)step : field[0] == '\0');
        field_of(text, step, "validation_loss", field);
        assert_int_equal(field[0] != '\0', due);
    }
    double d = fabs(strtod(field, NULL) - loss_of_saved(f, &measured));
    print_message("loss of validation %s, off by %.2g\n", field, d);
    assert_true(d <= 2e-6); /* seen: 4e-7; the log has six digits */
    free(text);

    /* a log begun without these columns goes on with them */
    radz_train_clip_options older = options_for(f, "older", work[2], output[2]);
    f->measured = false;
    older.how.stop_after = 10;
    assert_int_equal(train(f, &older, &err), RADZ_OK);
    char *before = read_log(work[2]);
    older.how.validation_batches = 1;
    older.how.validation_batch = BATCH;
    older.how.stop_after = 0;
    assert_int_equal(train(f, &older, &err), RADZ_OK);
    text = read_log(work[2]);
    static const char *const columns[] = {"step", "loss", "learning_rate", "gradient_norm", "seconds"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        char was[32];
        field_of(before, 7, columns[i], was);
        field_of(text, 7, columns[i], field);
        assert_string_equal(was, field);
    }
    field_of(text, 10, "validation_loss", field);
    assert_string_equal(field, "");
    field_of(text, STEPS, "validation_loss", field);
    assert_true(strtod(field, NULL) > 0);
    free(before);
    free(text);
    snprintf(b, sizeof b, "%s/model.safetensors", output[2]);
    snprintf(a, sizeof a, "%s/model.safetensors", output[0]);
    assert_same_file(a, b);

    measured.how.validation_batch = BATCH + 1;
    assert_int_equal(train(f, &measured, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "wanted 1 to 6 in a batch"));
}

static void test_seed_matters(void **state)
{
    fixture *f = *state;
    char work[2][128], output[2][128], paths[2][200], *data[2];
    size_t size[2];
    for (int i = 0; i < 2; i++) {
        radz_train_clip_options o = options_for(f, i == 0 ? "one" : "two", work[i], output[i]);
        o.how.seed = (uint64_t)i;
        o.how.steps = 4;
        assert_int_equal(train(f, &o, NULL), RADZ_OK);
        snprintf(paths[i], sizeof paths[i], "%s/model.safetensors", output[i]);
        assert_int_equal(radz_file_read(paths[i], 1 << 24, &data[i], &size[i], NULL), RADZ_OK);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_not_equal(data[0], data[1], size[0]);
    free(data[0]);
    free(data[1]);
}

static void expect_error(fixture *f, const radz_train_clip_options *o, radz_status status, const char *part)
{
    radz_error err = {0};
    assert_int_equal(train(f, o, &err), status);
    if (strstr(err.message, part) == NULL)
        fail_msg("'%s' does not say '%s'", err.message, part);
}

static void test_errors(void **state)
{
    fixture *f = *state;
    char work[128], output[128], path[200];
    radz_train_clip_options o = options_for(f, "bad", work, output);
    o.how.stop_after = 3;
    assert_int_equal(train(f, &o, NULL), RADZ_OK);

    radz_train_clip_options other = o;
    other.how.recipe = "another";
    expect_error(f, &other, RADZ_E_VALUE, "belongs to another training");
    other = o;
    other.shape.text.width = 32; /* the same recipe cannot have another shape, but a damaged file could */
    expect_error(f, &other, RADZ_E_VALUE, "another shape");
    other = o;
    other.shape.vision.layers = 3;
    expect_error(f, &other, RADZ_E_VALUE, "tensors, wanted");

    snprintf(path, sizeof path, "%s/checkpoint.safetensors", work);
    char *data = NULL;
    size_t size = 0;
    assert_int_equal(radz_file_read(path, 1 << 24, &data, &size, NULL), RADZ_OK);
    assert_int_equal(radz_file_write(path, data, size - 100, NULL), RADZ_OK);
    free(data);
    expect_error(f, &o, RADZ_E_FORMAT, "checkpoint.safetensors");

    other = o;
    other.how.fresh = true;
    other.how.device = "cuda:0";
    expect_error(f, &other, RADZ_E_UNSUPPORTED, "cuda:0");
    other.how.device = "cpu";
    other.shape.activation = "swish";
    expect_error(f, &other, RADZ_E_USAGE, "swish");
    other.shape.activation = "gelu";
    other.shape.vision.heads = 3;
    expect_error(f, &other, RADZ_E_VALUE, "heads");
    other.shape.vision.heads = 2;
    other.how.warmup = STEPS + 1;
    expect_error(f, &other, RADZ_E_VALUE, "warm-up");
    other.how.warmup = 0;
    f->poison_at = 3;
    expect_error(f, &other, RADZ_E_VALUE, "diverged");
    f->poison_at = -1;
    f->orphan_at = 2;
    expect_error(f, &other, RADZ_E_VALUE, "no text belongs to image 0");
    other.texts_per_image = 0;
    expect_error(f, &other, RADZ_E_VALUE, "0 texts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_continues_to_the_same_bytes, set_up, clean_up),
        cmocka_unit_test_setup_teardown(test_validation, set_up, clean_up),
        cmocka_unit_test_setup_teardown(test_seed_matters, set_up, clean_up),
        cmocka_unit_test_setup_teardown(test_errors, set_up, clean_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
