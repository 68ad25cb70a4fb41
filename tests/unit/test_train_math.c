/* The contrastive loss, AdamW and the schedule against PyTorch (tests/reference/make_train_goldens.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "train/infonce.h"
#include "train/optimizer.h"
#include "train/schedule.h"

static radz_json_doc *golden;

static int load(void **state)
{
    (void)state;
    radz_error err = {0};
    if (radz_json_load(RADZ_TEST_DIR "/golden/train.json", &golden, &err))
        fail_msg("%s", err.message);
    return t_threads_set(1, &err);
}

static int unload(void **state)
{
    (void)state;
    radz_json_free(golden);
    return 0;
}

static double number(const radz_json *object, const char *key)
{
    double value = 0;
    assert_true(radz_json_as_double(radz_json_find(object, key), &value));
    return value;
}

/* The caller frees it. */
static float *floats(const radz_json *object, const char *key, size_t *count)
{
    const radz_json *array = radz_json_find(object, key);
    *count = radz_json_size(array);
    assert_true(*count > 0);
    float *out = calloc(*count, sizeof *out);
    for (size_t i = 0; i < *count; i++) {
        double value = 0;
        assert_true(radz_json_as_double(radz_json_at(array, i), &value));
        out[i] = (float)value;
    }
    return out;
}

static double largest_difference(Scope *s, const Tensor *x, const radz_json *object, const char *key)
{
    size_t count = 0;
    float *wanted = floats(object, key, &count), *found = calloc(count, sizeof *found);
    assert_true(t_to_host(s, x, T_F32, found, count));
    double worst = 0;
    for (size_t i = 0; i < count; i++)
        worst = fmax(worst, fabs((double)found[i] - (double)wanted[i]));
    free(wanted);
    free(found);
    return worst;
}

static Tensor *leaf(Scope *s, const radz_json *object, const char *key, int64_t rows, int64_t columns)
{
    size_t count = 0;
    float *data = floats(object, key, &count);
    assert_int_equal(count, rows * columns);
    Tensor *x = columns > 1 ? t_from_host(s, data, T_SHAPE(rows, columns), T_F32)
                            : t_from_host(s, data, T_SHAPE(rows), T_F32);
    free(data);
    return t_set_leaf(s, x, true);
}

/* Rows of zeros and ones. The caller frees it. */
static uint8_t *positives(const radz_json *rows, size_t *images, size_t *texts)
{
    *images = radz_json_size(rows);
    *texts = radz_json_size(radz_json_at(rows, 0));
    uint8_t *out = calloc(*images, *texts);
    for (size_t i = 0; i < *images; i++)
        for (size_t j = 0; j < *texts; j++) {
            int64_t one = 0;
            assert_true(radz_json_as_i64(radz_json_at(radz_json_at(rows, i), j), &one));
            out[i * *texts + j] = (uint8_t)one;
        }
    return out;
}

static void test_infonce(void **state)
{
    (void)state;
    const radz_json *cases = radz_json_find(radz_json_root(golden), "infonce");
    assert_int_equal(radz_json_size(cases), 6);
    for (size_t c = 0; c < radz_json_size(cases); c++) {
        const radz_json *g = radz_json_at(cases, c);
        size_t batch = 0, count = 0, width = (size_t)number(g, "width");
        uint8_t *positive = positives(radz_json_find(g, "positive"), &batch, &count);
        float *p = calloc(2 * batch * count, sizeof *p), *q = p + batch * count;
        assert_int_equal(infonce_targets(positive, batch, count, p, q, NULL), RADZ_OK);
        int64_t rows = (int64_t)batch, columns = (int64_t)count;
        Scope *s = NULL;
        assert_int_equal(scope_create(SCOPE_GRAD, &s, NULL), RADZ_OK);
        Tensor *images = leaf(s, g, "images", rows, (int64_t)width), *texts = leaf(s, g, "texts", columns, (int64_t)width);
        float scale_value = (float)number(g, "log_scale");
        Tensor *scale = t_set_leaf(s, t_from_host(s, &scale_value, 0, NULL, T_F32), true);
        Tensor *loss = infonce_loss(s, images, texts, scale, t_from_host(s, p, T_SHAPE(rows, columns), T_F32),
                                    t_from_host(s, q, T_SHAPE(rows, columns), T_F32));
        free(positive);
        free(p);
        double value = t_item(s, loss);
        assert_true(t_backward(s, loss));
        double d_loss = fabs(value - number(g, "loss"));
        double d_images = largest_difference(s, t_grad(s, images), g, "images_grad");
        double d_texts = largest_difference(s, t_grad(s, texts), g, "texts_grad");
        double d_scale = fabs(t_item(s, t_grad(s, scale)) - number(g, "scale_grad"));
        print_message("infonce %zu: loss %.2g, gradients %.2g %.2g %.2g\n", c, d_loss, d_images, d_texts, d_scale);
        assert_true(scope_ok(s));
        assert_true(d_loss <= 1e-5); /* seen: 9.5e-7; gradients 6e-7, of the scale 1.9e-6 */
        assert_true(d_images <= 1e-5);
        assert_true(d_texts <= 1e-5);
        assert_true(d_scale <= 1e-5);
        scope_free(s);
    }
}

static void test_infonce_targets(void **state)
{
    (void)state;
    radz_error err = {0};
    uint8_t positive[] = {1, 0, 1, 1, /**/ 0, 1, 0, 1};
    float p[8], q[8];
    assert_int_equal(infonce_targets(positive, 2, 4, p, q, &err), RADZ_OK);
    const float to_text[] = {1 / 3.0F, 0, 1 / 3.0F, 1 / 3.0F, /**/ 0, 0.5F, 0, 0.5F};
    const float to_image[] = {1, 0, 1, 0.5F, /**/ 0, 1, 0, 0.5F};
    assert_memory_equal(p, to_text, sizeof p);
    assert_memory_equal(q, to_image, sizeof q);
    positive[5] = 0;
    assert_int_equal(infonce_targets(positive, 2, 4, p, q, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "no image belongs to text 1"));
    positive[7] = 0;
    radz_error_clear(&err);
    assert_int_equal(infonce_targets(positive, 2, 4, p, q, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "no text belongs to image 1"));
}

/* Central differences in double: the gradient is that of the loss, not only that of another implementation. */
enum { B = 3, M = 4, D = 4, N = (B + M) * D + 1 };
static const double difference_p[B * M] = {0.5, 0, 0.5, 0, 0, 1, 0, 0, 0.25, 0.25, 0.25, 0.25};
static const double difference_q[B * M] = {0.5, 0, 0.5, 0, 0, 0.5, 0, 0, 0.5, 0.5, 0.5, 1};

static Tensor *loss_of(Scope *s, const Tensor *u, const Tensor *v, const Tensor *a)
{
    return infonce_loss(s, u, v, a, t_from_host(s, difference_p, T_SHAPE(B, M), T_F64),
                        t_from_host(s, difference_q, T_SHAPE(B, M), T_F64));
}

static double loss_at(const double *x)
{
    Scope *s = NULL;
    assert_int_equal(scope_create(SCOPE_INFERENCE, &s, NULL), RADZ_OK);
    Tensor *loss = loss_of(s, t_from_host(s, x, T_SHAPE(B, D), T_F64), t_from_host(s, x + B * D, T_SHAPE(M, D), T_F64),
                           t_from_host(s, x + N - 1, 0, NULL, T_F64));
    double value = t_item(s, loss);
    assert_true(scope_ok(s));
    scope_free(s);
    return value;
}

static void test_infonce_differences(void **state)
{
    (void)state;
    double x[N], grad[N];
    for (int i = 0; i < N; i++)
        x[i] = sin(1.7 * i + 0.3);
    x[N - 1] = 2.0;
    Scope *s = NULL;
    assert_int_equal(scope_create(SCOPE_GRAD, &s, NULL), RADZ_OK);
    Tensor *u = t_set_leaf(s, t_from_host(s, x, T_SHAPE(B, D), T_F64), true);
    Tensor *v = t_set_leaf(s, t_from_host(s, x + B * D, T_SHAPE(M, D), T_F64), true);
    Tensor *a = t_set_leaf(s, t_from_host(s, x + N - 1, 0, NULL, T_F64), true);
    assert_true(t_backward(s, loss_of(s, u, v, a)));
    assert_true(t_to_host(s, t_grad(s, u), T_F64, grad, B * D));
    assert_true(t_to_host(s, t_grad(s, v), T_F64, grad + B * D, M * D));
    assert_true(t_to_host(s, t_grad(s, a), T_F64, grad + N - 1, 1));
    scope_free(s);
    double worst = 0;
    for (int i = 0; i < N; i++) {
        const double h = 1e-5, keep = x[i];
        x[i] = keep + h;
        double high = loss_at(x);
        x[i] = keep - h;
        double low = loss_at(x);
        x[i] = keep;
        worst = fmax(worst, fabs((high - low) / (2 * h) - grad[i]));
    }
    print_message("infonce: finite differences %.2g\n", worst);
    assert_true(worst <= 1e-8); /* seen: 9.3e-11 */
}

static void test_infonce_mismatch(void **state)
{
    (void)state;
    Scope *s = NULL;
    radz_error err = {0};
    assert_int_equal(scope_create(SCOPE_INFERENCE, &s, NULL), RADZ_OK);
    Tensor *loss = infonce_loss(s, t_zeros(s, T_SHAPE(3, 2), T_F32, T_DEVICE_CPU),
                                t_zeros(s, T_SHAPE(4, 2), T_F32, T_DEVICE_CPU),
                                t_zeros(s, 0, NULL, T_F32, T_DEVICE_CPU),
                                t_zeros(s, T_SHAPE(4, 3), T_F32, T_DEVICE_CPU),
                                t_zeros(s, T_SHAPE(4, 3), T_F32, T_DEVICE_CPU));
    assert_null(loss);
    assert_int_equal(scope_error(s, &err), RADZ_E_BACKEND);
    assert_non_null(strstr(err.message, "[3,4]"));
    assert_non_null(strstr(err.message, "[4,3]"));
    scope_free(s);
}

static void test_adamw(void **state)
{
    (void)state;
    const radz_json *cases = radz_json_find(radz_json_root(golden), "adamw");
    assert_int_equal(radz_json_size(cases), 2);
    for (size_t c = 0; c < 2; c++) {
        const radz_json *g = radz_json_at(cases, c), *start = radz_json_find(g, "start");
        const radz_json *steps = radz_json_find(g, "steps");
        Scope *weights = NULL, *s = NULL;
        assert_int_equal(scope_create(SCOPE_INFERENCE, &weights, NULL), RADZ_OK);
        assert_int_equal(scope_create(SCOPE_GRAD, &s, NULL), RADZ_OK);
        Tensor *x[2] = {leaf(weights, start, "matrix", 4, 3), leaf(weights, start, "vector", 5, 1)};
        optimizer_options options = {number(g, "beta1"), number(g, "beta2"), number(g, "eps"),
                                     number(g, "weight_decay")};
        optimizer *o = NULL;
        assert_int_equal(optimizer_create(x, 2, &options, &o, NULL), RADZ_OK);
        assert_int_equal(radz_json_size(steps), 5);
        double worst = 0;
        for (size_t i = 0; i < 5; i++) {
            const radz_json *step = radz_json_at(steps, i);
            size_t count = 0;
            float *a = floats(step, "a", &count), *b = floats(step, "b", &count);
            Tensor *loss = t_add(s, t_sum_all(s, t_mul(s, t_mul(s, x[0], x[0]), t_from_host(s, a, T_SHAPE(4, 3), T_F32))),
                                 t_sum_all(s, t_mul(s, t_mul(s, x[1], x[1]), t_from_host(s, b, T_SHAPE(5), T_F32))));
            free(a);
            free(b);
            assert_true(t_backward(s, loss));
            assert_int_equal(optimizer_step(o, number(step, "rate"), NULL), RADZ_OK);
            t_zero_grad(s, x, 2);
            worst = fmax(worst, largest_difference(s, x[0], step, "matrix"));
            worst = fmax(worst, largest_difference(s, x[1], step, "vector"));
            scope_clear(s);
        }
        print_message("adamw %zu: %.2g\n", c, worst);
        assert_int_equal(o->step, 5);
        assert_true(worst <= 1e-6); /* seen: 0 (libtorch 1.13) */
        optimizer_free(o);
        scope_free(s);
        scope_free(weights);
    }
}

/* A parameter that got no gradient does not move, not even by decay. */
static void test_adamw_without_gradient(void **state)
{
    (void)state;
    Scope *s = NULL;
    assert_int_equal(scope_create(SCOPE_GRAD, &s, NULL), RADZ_OK);
    Tensor *x[2] = {t_set_leaf(s, t_full(s, T_SHAPE(2, 2), 3, T_F32, T_DEVICE_CPU), true),
                    t_set_leaf(s, t_full(s, T_SHAPE(2, 2), 3, T_F32, T_DEVICE_CPU), true)};
    optimizer_options options = {0.9, 0.98, 1e-6, 0.5};
    optimizer *o = NULL;
    assert_int_equal(optimizer_create(x, 2, &options, &o, NULL), RADZ_OK);
    assert_true(t_backward(s, t_sum_all(s, x[0])));
    assert_int_equal(optimizer_step(o, 0.1, NULL), RADZ_OK);
    float value[4];
    assert_true(t_to_host(s, x[1], T_F32, value, 4));
    assert_true(value[0] == 3.0F && value[3] == 3.0F);
    assert_true(t_to_host(s, x[0], T_F32, value, 4));
    /* decay 3 (1 - 0.1 0.5) = 2.85, then a first step of rate 0.1 */
    assert_true(fabs((double)value[0] - 2.75) < 1e-5);
    optimizer_free(o);
    scope_free(s);
}

static void test_schedule(void **state)
{
    (void)state;
    const radz_json *cases = radz_json_find(radz_json_root(golden), "schedule");
    assert_int_equal(radz_json_size(cases), 3);
    for (size_t c = 0; c < 3; c++) {
        const radz_json *g = radz_json_at(cases, c), *values = radz_json_find(g, "values");
        assert_true(radz_json_size(values) > 5);
        for (size_t i = 0; i < radz_json_size(values); i++) {
            double wanted = 0;
            assert_true(radz_json_as_double(radz_json_at(values, i), &wanted));
            double found = schedule_rate(number(g, "peak"), number(g, "final"), (int64_t)number(g, "warmup"),
                                         (int64_t)number(g, "steps"), (int64_t)i);
            assert_true(fabs(found - wanted) <= 1e-15); /* seen: 0 to 3e-16 */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_infonce),          cmocka_unit_test(test_infonce_targets),
        cmocka_unit_test(test_infonce_differences), cmocka_unit_test(test_infonce_mismatch),
        cmocka_unit_test(test_adamw),            cmocka_unit_test(test_adamw_without_gradient),
        cmocka_unit_test(test_schedule),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
