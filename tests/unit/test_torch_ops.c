/* The tensor shim: scopes and errors, operations against plain loops, gradients against finite differences. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "torch/tensor.h"

#ifdef __SANITIZE_ADDRESS__
/* An allocation that is too large must fail as it does without the sanitizer. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

static Scope *new_scope(ScopeKind kind)
{
    radz_error err = {0};
    Scope *s = NULL;
    assert_int_equal(scope_create(kind, &s, &err), RADZ_OK);
    return s;
}

static void assert_ok(const Scope *s)
{
    radz_error err = {0};
    if (scope_error(s, &err) != RADZ_OK)
        fail_msg("%s", err.message);
}

/* Ends a scope that must have failed with `code` and a message that holds `part`. */
static void assert_failed(Scope *s, radz_status code, const char *part)
{
    radz_error err = {0};
    assert_int_equal(scope_error(s, &err), code);
    if (strstr(err.message, part) == NULL)
        fail_msg("'%s' does not hold '%s'", err.message, part);
    scope_free(s);
}

static void fill(double *values, size_t count, uint64_t seed)
{
    radz_rng rng;
    radz_rng_seed(&rng, seed, 1);
    for (size_t i = 0; i < count; i++)
        values[i] = radz_rng_normal(&rng);
}

/* Compares a tensor with `wanted`; f64 throughout, so the tolerance is that of summation order. */
static void assert_values(Scope *s, const Tensor *x, const double *wanted, size_t count, double tolerance)
{
    double *found = calloc(count, sizeof *found);
    assert_true(t_to_host(s, x, T_F64, found, count));
    for (size_t i = 0; i < count; i++)
        if (!(fabs(found[i] - wanted[i]) <= tolerance))
            fail_msg("element %zu is %.17g, wanted %.17g", i, found[i], wanted[i]);
    free(found);
}

/* ---- scopes and errors ------------------------------------------------------------------------------------------- */

static void first_error_sticks(void **state)
{
    (void)state;
    Scope *s = new_scope(SCOPE_INFERENCE);
    Tensor *a = t_zeros(s, T_SHAPE(2, 3), T_F32, T_DEVICE_CPU);
    Tensor *b = t_zeros(s, T_SHAPE(4, 5), T_F32, T_DEVICE_CPU);
    assert_true(scope_ok(s));
    size_t before = scope_count(s);
    assert_null(t_matmul(s, a, b));
    assert_false(scope_ok(s));
    assert_null(t_add(s, a, a));
    assert_null(t_reshape(s, a, T_SHAPE(7)));
    float out[6];
    assert_false(t_to_host(s, a, T_F32, out, 6));
    assert_true(isnan(t_item(s, a)));
    assert_int_equal(scope_count(s), before);
    assert_failed(s, RADZ_E_BACKEND, "t_matmul([2,3] f32, [4,5] f32)");
}

static void null_passes_through(void **state)
{
    (void)state;
    Scope *failed = new_scope(SCOPE_INFERENCE), *other = new_scope(SCOPE_INFERENCE);
    Tensor *x = scope_fail(failed, RADZ_E_VALUE, "number %d", 7);
    assert_null(x);
    assert_null(t_relu(failed, x));
    assert_null(t_relu(other, x)); /* not its error, but it must not go unseen */
    assert_failed(failed, RADZ_E_VALUE, "number 7");
    assert_failed(other, RADZ_E_INTERNAL, "t_relu: operand 1 is missing");
    assert_int_equal(t_ndim(NULL), 0);
    assert_int_equal(t_size(NULL, 0), 0);
    assert_false(scope_ok(NULL));
    assert_null(t_relu(NULL, NULL));
    scope_free(NULL);
    scope_clear(NULL);
}

static void errors_of_arguments(void **state)
{
    (void)state;
    Scope *s = new_scope(SCOPE_INFERENCE);
    Tensor *x = t_zeros(s, T_SHAPE(2, 3), T_F32, T_DEVICE_CPU);
    assert_null(t_slice(s, x, 1, 2, 4));
    assert_failed(s, RADZ_E_BACKEND, "[2, 4) is not within size 3");

    s = new_scope(SCOPE_INFERENCE);
    float three[3];
    x = t_zeros(s, T_SHAPE(2, 3), T_F32, T_DEVICE_CPU);
    assert_false(t_to_host(s, x, T_F32, three, 3));
    assert_failed(s, RADZ_E_BACKEND, "6 elements, room is for 3");

    s = new_scope(SCOPE_INFERENCE);
    assert_null(t_zeros(s, T_SHAPE(INT64_C(1) << 45), T_F32, T_DEVICE_CPU));
    assert_failed(s, RADZ_E_NOMEM, "t_zeros");

    s = new_scope(SCOPE_INFERENCE);
    x = t_zeros(s, T_SHAPE(2, 3), T_F32, T_DEVICE_CPU);
    int64_t bad[1] = {9};
    assert_null(t_embedding(s, x, t_from_host(s, bad, T_SHAPE(1), T_I64)));
    assert_failed(s, RADZ_E_BACKEND, "t_embedding([2,3] f32, [1] i64)");

    s = new_scope(SCOPE_INFERENCE);
    Tensor *parts[2] = {t_zeros(s, T_SHAPE(2), T_F32, T_DEVICE_CPU), NULL};
    assert_null(t_cat(s, parts, 2, 0));
    assert_failed(s, RADZ_E_BACKEND, "part 1 is missing");

    s = new_scope(SCOPE_INFERENCE);
    x = t_zeros(s, T_SHAPE(2), T_F32, T_DEVICE_CPU);
    assert_false(t_backward(s, t_sum_all(s, x)));
    assert_failed(s, RADZ_E_BACKEND, "the loss depends on no leaf");
}

static void scopes_own_tensors(void **state)
{
    (void)state;
    Scope *s = new_scope(SCOPE_INFERENCE), *model = new_scope(SCOPE_INFERENCE);
    Tensor *a = t_full(s, T_SHAPE(3), 1, T_F32, T_DEVICE_CPU);
    size_t mark = scope_mark(s);
    Tensor *b = t_shift(s, a, 1);
    Tensor *c = t_mul(s, b, b);
    t_exp(s, c);
    assert_int_equal(scope_count(s), 4);
    assert_ptr_equal(scope_release(s, mark, c), c);
    assert_int_equal(scope_count(s), 2);
    assert_true(t_item(s, t_select(s, c, 0, 2)) == 4);
    assert_ptr_equal(scope_release(s, scope_mark(s), a), a); /* made before the mark: stays */
    Tensor *kept = t_keep(s, c, model);
    assert_ptr_equal(kept, c);
    assert_int_equal(scope_count(model), 1);
    scope_clear(s);
    assert_int_equal(scope_count(s), 0);
    assert_true(t_item(s, t_sum_all(s, kept)) == 12);
    Tensor *extra = t_alias(s, kept);
    t_drop(s, extra);
    t_drop(s, NULL);
    assert_int_equal(scope_count(s), 1); /* the sum */
    assert_null(t_keep(s, kept, model)); /* it is the model's already */
    assert_failed(s, RADZ_E_INTERNAL, "belongs to another scope");
    scope_free(model);
}

static void names(void **state)
{
    (void)state;
    radz_error err = {0};
    TDtype dtype;
    for (int i = 0; i < T_DTYPE_COUNT; i++) {
        assert_int_equal(t_dtype_parse(t_dtype_name((TDtype)i), &dtype, &err), RADZ_OK);
        assert_int_equal(dtype, i);
        assert_true(t_dtype_size(dtype) > 0);
    }
    assert_int_equal(t_dtype_parse("float", &dtype, &err), RADZ_E_USAGE);
    assert_non_null(strstr(err.message, "bf16"));
    static const struct {
        const char *text;
        TDevice device;
        bool good;
    } devices[] = {{"cpu", {T_CPU, 0}, true},      {"cuda", {T_CUDA, 0}, true},    {"cuda:3", {T_CUDA, 3}, true},
                   {"cuda:", {T_CPU, 0}, false},   {"cuda:x", {T_CPU, 0}, false},  {"cuda:-1", {T_CPU, 0}, false},
                   {"cuda:999", {T_CPU, 0}, false}, {"gpu", {T_CPU, 0}, false},    {"CPU", {T_CPU, 0}, false}};
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        TDevice device;
        err = (radz_error){0};
        radz_status status = t_device_parse(devices[i].text, &device, &err);
        assert_int_equal(status, devices[i].good ? RADZ_OK : RADZ_E_USAGE);
        if (devices[i].good) {
            assert_int_equal(device.kind, devices[i].device.kind);
            assert_int_equal(device.index, devices[i].device.index);
        }
    }
    char name[T_DEVICE_NAME_SIZE];
    t_device_name((TDevice){T_CUDA, 12}, name);
    assert_string_equal(name, "cuda:12");
    assert_true(strlen(t_library_version()) >= 5);
    char config[4096];
    t_library_config(config, sizeof config);
    assert_true(strlen(config) > 20);
}

/* On a machine without CUDA the device is refused in words; with it, it computes. */
static void cuda_or_a_clear_error(void **state)
{
    (void)state;
    radz_error err = {0};
    TDevice cuda = {T_CUDA, 0};
    if (t_device_check(cuda, &err) == RADZ_OK) {
        Scope *s = new_scope(SCOPE_INFERENCE);
        Tensor *x = t_full(s, T_SHAPE(4, 4), 0.5, T_F32, cuda);
        assert_true(t_item(s, t_sum_all(s, t_matmul(s, x, x))) == 16);
        assert_ok(s);
        scope_free(s);
        assert_int_equal(t_synchronize(cuda, &err), RADZ_OK);
    } else {
        assert_int_equal(err.code, RADZ_E_UNSUPPORTED);
        assert_non_null(strstr(err.message, "cuda:0"));
    }
    err = (radz_error){0};
    assert_int_equal(t_device_check((TDevice){T_CUDA, 100}, &err), RADZ_E_UNSUPPORTED);
}

static void *threads_elsewhere(void *out)
{
    *(int *)out = t_threads();
    return NULL;
}

static void threads_hold_everywhere(void **state)
{
    (void)state;
    radz_error err = {0};
    assert_int_equal(t_threads_set(0, &err), RADZ_E_USAGE);
    for (int n = 2; n >= 1; n--) {
        err = (radz_error){0};
        assert_int_equal(t_threads_set(n, &err), RADZ_OK);
        assert_int_equal(t_threads(), n);
        pthread_t thread;
        int there = 0;
        assert_int_equal(pthread_create(&thread, NULL, threads_elsewhere, &there), 0);
        pthread_join(thread, NULL);
        assert_int_equal(there, n);
    }
}

/* ---- host memory and shapes -------------------------------------------------------------------------------------- */

static void host_memory(void **state)
{
    (void)state;
    Scope *s = new_scope(SCOPE_INFERENCE);
    float values[6] = {0, 1, 2, 3, 4, 5};
    Tensor *copied = t_from_host(s, values, T_SHAPE(2, 3), T_F32);
    Tensor *borrowed = t_borrow_host(s, values, T_SHAPE(2, 3), T_F32);
    values[5] = 50;
    assert_true(t_item(s, t_sum_all(s, copied)) == 15);
    assert_true(t_item(s, t_sum_all(s, borrowed)) == 60);
    unsigned char odd[9] = {0};
    memcpy(odd + 1, &values[1], 8);
    assert_values(s, t_borrow_host(s, odd + 1, T_SHAPE(2), T_F32), (double[]){1, 2}, 2, 0);
    int64_t ids[3];
    assert_true(t_to_host(s, t_arange(s, 5, 8, T_I64, T_DEVICE_CPU), T_I64, ids, 3));
    assert_int_equal(ids[2], 7);
    assert_true(t_to_host(s, t_transpose(s, copied, 0, 1), T_F32, values, 6)); /* row-major of the view */
    assert_true(values[1] == 3);
    Tensor *empty = t_zeros(s, T_SHAPE(0, 3), T_F32, T_DEVICE_CPU);
    assert_true(t_to_host(s, empty, T_F32, NULL, 0));
    assert_int_equal(t_numel(t_from_host(s, NULL, T_SHAPE(0), T_F32)), 0);
    Tensor *half = t_cast(s, t_full(s, T_SHAPE(2), 1.0009765625, T_F32, T_DEVICE_CPU), T_BF16);
    assert_values(s, half, (double[]){1, 1}, 2, 0);
    char text[T_SHAPE_TEXT_SIZE];
    t_shape_text(half, text);
    assert_string_equal(text, "[2] bf16");
    assert_true(t_copy_from_host_(s, t_clone(s, copied), T_F32, values, 6));
    assert_ok(s);
    scope_free(s);
}

static void shapes(void **state)
{
    (void)state;
    Scope *s = new_scope(SCOPE_INFERENCE);
    Tensor *x = t_reshape(s, t_arange(s, 0, 24, T_F64, T_DEVICE_CPU), T_SHAPE(2, 3, -1));
    assert_int_equal(t_size(x, 2), 4);
    assert_int_equal(t_size(x, -3), 2);
    assert_int_equal(t_size(x, 3), 0);
    assert_int_equal(t_ndim(x), 3);
    assert_values(s, t_select(s, t_select(s, t_permute(s, x, T_SHAPE(2, 0, 1)), 0, 1), 0, 1), (double[]){13, 17, 21}, 3, 0);
    assert_values(s, t_slice(s, t_select(s, x, 0, 0), 1, 1, 2), (double[]){1, 5, 9}, 3, 0);
    int64_t order[2] = {1, 0};
    Tensor *index = t_from_host(s, order, T_SHAPE(2), T_I64);
    assert_values(s, t_select(s, t_index_select(s, x, 0, index), 0, 0), (double[]){12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23},
                  12, 0);
    assert_values(s, t_pick(s, x, index), (double[]){4, 5, 6, 7, 12, 13, 14, 15}, 8, 0);
    Tensor *row = t_reshape(s, t_slice(s, t_reshape(s, x, T_SHAPE(24)), 0, 0, 4), T_SHAPE(2, 2)); /* 0 1 / 2 3 */
    assert_values(s, t_gather(s, row, 1, t_reshape(s, index, T_SHAPE(2, 1))), (double[]){1, 2}, 2, 0);
    Tensor *parts[2] = {row, row};
    assert_values(s, t_cat(s, parts, 2, 1), (double[]){0, 1, 0, 1, 2, 3, 2, 3}, 8, 0);
    assert_int_equal(t_ndim(t_stack(s, parts, 2, 0)), 3);
    assert_values(s, t_expand(s, t_unsqueeze(s, t_select(s, row, 0, 1), 0), T_SHAPE(2, -1)), (double[]){2, 3, 2, 3}, 4, 0);
    assert_int_equal(t_ndim(t_squeeze(s, t_unsqueeze(s, row, 1), 1)), 2);
    assert_values(s, t_argmax(s, t_full(s, T_SHAPE(1, 9), 1, T_F32, T_DEVICE_CPU), 1, false), (double[]){0}, 1, 0);
    assert_values(s, t_max(s, row, 1, false), (double[]){1, 3}, 2, 0);
    assert_values(s, t_mean(s, row, 0, false), (double[]){1, 2}, 2, 0);
    assert_values(s, t_sum(s, row, -1, true), (double[]){1, 5}, 2, 0);
    assert_true(t_item(s, t_mean_all(s, row)) == 1.5);
    assert_values(s, t_where(s, t_equal_to(s, row, 2), t_scale(s, row, 10), row), (double[]){0, 1, 20, 3}, 4, 0);
    assert_values(s, t_masked_fill(s, row, t_less(s, row, t_full(s, T_SHAPE(1), 2, T_F64, T_DEVICE_CPU)), -1),
                  (double[]){-1, -1, 2, 3}, 4, 0);
    assert_values(s, t_equal(s, row, row), (double[]){1, 1, 1, 1}, 4, 0);
    assert_true(t_all_finite(s, row));
    assert_false(t_all_finite(s, t_log(s, t_shift(s, row, -1))));
    assert_ok(s);
    scope_free(s);
}

static void arithmetic(void **state)
{
    (void)state;
    Scope *s = new_scope(SCOPE_INFERENCE);
    double a[3] = {0.5, -2, 3}, b[3] = {4, 0.25, -1};
    Tensor *x = t_from_host(s, a, T_SHAPE(3), T_F64), *y = t_from_host(s, b, T_SHAPE(3), T_F64);
    double want[3];
#define EACH(EXPRESSION)                                                                                               \
    for (int i = 0; i < 3; i++)                                                                                        \
        want[i] = (EXPRESSION);
#define CHECK(TENSOR, EXPRESSION)                                                                                      \
    EACH(EXPRESSION)                                                                                                   \
    assert_values(s, TENSOR, want, 3, 1e-15 * 32)
    CHECK(t_add(s, x, y), a[i] + b[i]);
    CHECK(t_sub(s, x, y), a[i] - b[i]);
    CHECK(t_mul(s, x, y), a[i] * b[i]);
    CHECK(t_div(s, x, y), a[i] / b[i]);
    CHECK(t_scale(s, x, 3), a[i] * 3);
    CHECK(t_shift(s, x, 3), a[i] + 3);
    CHECK(t_exp(s, x), exp(a[i]));
    CHECK(t_log(s, t_abs(s, x)), log(fabs(a[i])));
    CHECK(t_sqrt(s, t_abs(s, x)), sqrt(fabs(a[i])));
    CHECK(t_pow(s, x, 2), a[i] * a[i]);
    CHECK(t_tanh(s, x), tanh(a[i]));
    CHECK(t_sigmoid(s, x), 1 / (1 + exp(-a[i])));
    CHECK(t_sin(s, x), sin(a[i]));
    CHECK(t_cos(s, x), cos(a[i]));
    CHECK(t_clamp(s, x, -1, 1), fmax(-1, fmin(1, a[i])));
    CHECK(t_relu(s, x), fmax(0, a[i]));
    CHECK(t_gelu(s, x), a[i] * 0.5 * erfc(-a[i] / sqrt(2)));
    CHECK(t_gelu_tanh(s, x), 0.5 * a[i] * (1 + tanh(sqrt(2 / acos(-1)) * (a[i] + 0.044715 * a[i] * a[i] * a[i]))));
    CHECK(t_quick_gelu(s, x), a[i] / (1 + exp(-1.702 * a[i])));
    CHECK(t_silu(s, x), a[i] / (1 + exp(-a[i])));
    double total = exp(0.5) + exp(-2) + exp(3);
    CHECK(t_softmax(s, x, 0), exp(a[i]) / total);
    CHECK(t_log_softmax(s, x, 0), a[i] - log(total));
    double norm = sqrt(0.25 + 4 + 9);
    CHECK(t_l2_normalize(s, x, 0, 0), a[i] / norm);
    CHECK(t_l2_normalize(s, x, 0, 10), a[i] / 10);
    assert_ok(s);
    scope_free(s);
}

static void changes_in_place(void **state)
{
    (void)state;
    Scope *s = new_scope(SCOPE_INFERENCE);
    Tensor *x = t_full(s, T_SHAPE(2), 2, T_F64, T_DEVICE_CPU), *y = t_full(s, T_SHAPE(2), 3, T_F64, T_DEVICE_CPU);
    assert_ptr_equal(t_add_(s, x, y, 2), x);                                  /* 8 */
    t_scale_(s, x, 0.5);                                                      /* 4 */
    t_lerp_(s, x, y, 0.25);                                                   /* 3.75 */
    t_addcmul_(s, x, y, y, 2);                                                /* 21.75 */
    t_addcdiv_(s, x, y, y, -1);                                               /* 20.75 */
    assert_values(s, x, (double[]){20.75, 20.75}, 2, 1e-14);
    t_clamp_(s, x, 0, 5);
    assert_values(s, x, (double[]){5, 5}, 2, 0);
    t_copy_(s, x, t_full(s, T_SHAPE(1), 7, T_F32, T_DEVICE_CPU));
    assert_values(s, x, (double[]){7, 7}, 2, 0);
    t_fill_(s, x, 1);
    assert_values(s, x, (double[]){1, 1}, 2, 0);
    assert_ok(s);
    scope_free(s);
}

/* ---- layers against loops ---------------------------------------------------------------------------------------- */

static void layers(void **state)
{
    (void)state;
    enum { R = 5, K = 7, N = 4 };
    Scope *s = new_scope(SCOPE_INFERENCE);
    double x[R * K], w[N * K], b[K], want[R * K];
    fill(x, R * K, 1);
    fill(w, N * K, 2);
    fill(b, K, 3);
    Tensor *tx = t_from_host(s, x, T_SHAPE(R, K), T_F64), *tw = t_from_host(s, w, T_SHAPE(N, K), T_F64);
    Tensor *tb = t_from_host(s, b, T_SHAPE(K), T_F64), *bias = t_slice(s, tb, 0, 0, N);
    for (int r = 0; r < R; r++)
        for (int n = 0; n < N; n++) {
            double sum = b[n];
            for (int k = 0; k < K; k++)
                sum += x[r * K + k] * w[n * K + k];
            want[r * N + n] = sum;
        }
    assert_values(s, t_linear(s, tx, tw, bias), want, R * N, 1e-13);
    assert_values(s, t_add(s, t_matmul(s, tx, t_transpose(s, tw, 0, 1)), bias), want, R * N, 1e-13);
    assert_values(s, t_linear(s, t_reshape(s, tx, T_SHAPE(1, R, K)), tw, bias), want, R * N, 1e-13);

    Tensor *scale = t_select(s, tw, 0, 0);
    for (int r = 0; r < R; r++) {
        double mean = 0, square = 0;
        for (int k = 0; k < K; k++)
            mean += x[r * K + k] / K;
        for (int k = 0; k < K; k++)
            square += (x[r * K + k] - mean) * (x[r * K + k] - mean) / K;
        for (int k = 0; k < K; k++)
            want[r * K + k] = (x[r * K + k] - mean) / sqrt(square + 1e-3) * w[k] + b[k];
    }
    assert_values(s, t_layer_norm(s, tx, scale, tb, 1e-3), want, R * K, 1e-13);
    for (int r = 0; r < R; r++) {
        double square = 0;
        for (int k = 0; k < K; k++)
            square += x[r * K + k] * x[r * K + k] / K;
        for (int k = 0; k < K; k++)
            want[r * K + k] = x[r * K + k] / sqrt(square + 1e-3) * w[k];
    }
    assert_values(s, t_rms_norm(s, tx, scale, 1e-3), want, R * K, 2e-6); /* computed in f32 by definition */

    int64_t targets[R] = {0, 3, -100, 2, 3};
    Tensor *target = t_from_host(s, targets, T_SHAPE(R), T_I64), *logits = t_linear(s, tx, tw, NULL);
    double values[R * N], loss = 0;
    assert_true(t_to_host(s, logits, T_F64, values, R * N));
    for (int r = 0; r < R; r++) {
        double total = 0;
        for (int n = 0; n < N; n++)
            total += exp(values[r * N + n]);
        if (targets[r] >= 0)
            loss += (log(total) - values[r * N + targets[r]]) / 4;
    }
    assert_true(fabs(t_item(s, t_cross_entropy(s, logits, target, -100, 0)) - loss) < 1e-13);
    assert_true(fabs(t_item(s, t_nll(s, t_log_softmax(s, logits, 1), target, -100)) - loss) < 1e-13);

    int64_t ids[3] = {3, 0, 3};
    memcpy(want, w + 3 * K, K * sizeof *w);
    memcpy(want + K, w, K * sizeof *w);
    memcpy(want + 2 * K, w + 3 * K, K * sizeof *w);
    assert_values(s, t_embedding(s, tw, t_from_host(s, ids, T_SHAPE(3), T_I64)), want, 3 * K, 0);
    assert_ok(s);
    scope_free(s);
}

static void convolution(void **state)
{
    (void)state;
    enum { C = 2, H = 6, O = 3, P = 2, G = H / P };
    Scope *s = new_scope(SCOPE_INFERENCE);
    double x[C * H * H], w[O * C * P * P], b[O], want[O * G * G];
    fill(x, C * H * H, 4);
    fill(w, O * C * P * P, 5);
    fill(b, O, 6);
    for (int o = 0; o < O; o++)
        for (int i = 0; i < G; i++)
            for (int j = 0; j < G; j++) {
                double sum = b[o];
                for (int c = 0; c < C; c++)
                    for (int y = 0; y < P; y++)
                        for (int z = 0; z < P; z++)
                            sum += x[(c * H + i * P + y) * H + j * P + z] * w[((o * C + c) * P + y) * P + z];
                want[(o * G + i) * G + j] = sum;
            }
    Tensor *y = t_conv2d(s, t_from_host(s, x, T_SHAPE(1, C, H, H), T_F64), t_from_host(s, w, T_SHAPE(O, C, P, P), T_F64),
                         t_from_host(s, b, T_SHAPE(O), T_F64), P, 0, 1);
    assert_values(s, y, want, O * G * G, 1e-13);
    assert_ok(s);
    scope_free(s);
}

/* mode 0: none, 1: causal, 2: bool mask, 3: added mask */
static void check_attention(int mode, TDtype dtype, double tolerance)
{
    enum { B = 2, H = 3, T = 5, D = 4, SIZE = B * H * T * D };
    Scope *s = new_scope(SCOPE_INFERENCE);
    double q[SIZE], k[SIZE], v[SIZE], want[SIZE], added[T * T];
    unsigned char allowed[T * T];
    fill(q, SIZE, 7);
    fill(k, SIZE, 8);
    fill(v, SIZE, 9);
    fill(added, T * T, 10);
    for (int i = 0; i < T * T; i++)
        allowed[i] = i % T == 0 || i % 3 != 0;
    for (int h = 0; h < B * H; h++)
        for (int t = 0; t < T; t++) {
            double weight[T], total = 0;
            for (int u = 0; u < T; u++) {
                double dot = 0;
                for (int d = 0; d < D; d++)
                    dot += q[(h * T + t) * D + d] * k[(h * T + u) * D + d];
                bool sees = mode == 1 ? u <= t : mode == 2 ? allowed[t * T + u] : true;
                weight[u] = sees ? exp(dot * 0.7 + (mode == 3 ? added[t * T + u] : 0)) : 0;
                total += weight[u];
            }
            for (int d = 0; d < D; d++) {
                double sum = 0;
                for (int u = 0; u < T; u++)
                    sum += weight[u] / total * v[(h * T + u) * D + d];
                want[(h * T + t) * D + d] = sum;
            }
        }
    Tensor *x[3];
    const double *from[3] = {q, k, v};
    for (int i = 0; i < 3; i++)
        x[i] = t_cast(s, t_from_host(s, from[i], T_SHAPE(B, H, T, D), T_F64), dtype);
    Tensor *mask = mode == 2   ? t_from_host(s, allowed, T_SHAPE(T, T), T_BOOL)
                   : mode == 3 ? t_cast(s, t_from_host(s, added, T_SHAPE(T, T), T_F64), dtype)
                               : NULL;
    assert_values(s, t_attention(s, x[0], x[1], x[2], mask, mode == 1, 0.7), want, SIZE, tolerance);
    assert_ok(s);
    scope_free(s);
}

static void attention(void **state)
{
    (void)state;
    for (int mode = 0; mode < 4; mode++) {
        check_attention(mode, T_F64, 1e-13);
        check_attention(mode, T_F32, 2e-6); /* seen: 7e-7 */
    }
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

typedef Tensor *(*formula)(Scope *s, Tensor *const *x);

static const int64_t TARGETS[3] = {1, 0, 3};

/* Each takes x[0] [3,4], x[1] [4,4], x[2] [4] and gives any tensor; the loss is the sum of its sines. */
static Tensor *f_linear(Scope *s, Tensor *const *x)
{
    return t_linear(s, x[0], x[1], x[2]);
}
static Tensor *f_layer_norm(Scope *s, Tensor *const *x)
{
    return t_layer_norm(s, t_matmul(s, x[0], x[1]), x[2], x[2], 1e-5);
}
static Tensor *f_activations(Scope *s, Tensor *const *x)
{
    Tensor *y = t_add(s, t_quick_gelu(s, x[0]), t_gelu(s, t_scale(s, x[0], 0.5)));
    return t_mul(s, t_add(s, y, t_gelu_tanh(s, x[0])), t_silu(s, x[2]));
}
static Tensor *heads(Scope *s, Tensor *x)
{
    return t_transpose(s, t_reshape(s, x, T_SHAPE(1, 3, 2, 2)), 1, 2);
}
static Tensor *f_attention(Scope *s, Tensor *const *x)
{
    Tensor *k = t_matmul(s, x[0], x[1]);
    return t_attention(s, heads(s, x[0]), heads(s, k), heads(s, t_mul(s, k, x[2])), NULL, true, 0.5);
}
static Tensor *f_loss(Scope *s, Tensor *const *x)
{
    Tensor *u = t_l2_normalize(s, x[0], -1, 0), *w = t_l2_normalize(s, x[1], -1, 1e-9);
    Tensor *logits = t_add(s, t_scale(s, t_matmul(s, u, t_transpose(s, w, 0, 1)), 3), x[2]);
    return t_cross_entropy(s, logits, t_from_host(s, TARGETS, T_SHAPE(3), T_I64), -100, 0.1);
}
static Tensor *f_pick(Scope *s, Tensor *const *x)
{
    Tensor *ids = t_from_host(s, TARGETS, T_SHAPE(3), T_I64);
    Tensor *rows = t_embedding(s, x[1], ids); /* [3,4] */
    Tensor *parts[3] = {x[0], rows, t_expand(s, t_unsqueeze(s, x[2], 0), T_SHAPE(3, 4))};
    Tensor *y = t_pick(s, t_stack(s, parts, 3, 1), t_from_host(s, (const int64_t[]){1, 0, 2}, T_SHAPE(3), T_I64));
    return t_cat(s, (Tensor *[]){y, t_slice(s, x[0], 0, 1, 2)}, 2, 0);
}
static Tensor *f_rest(Scope *s, Tensor *const *x)
{
    Tensor *y = t_div(s, t_exp(s, t_tanh(s, x[0])), t_shift(s, t_pow(s, x[2], 2), 1));
    y = t_scale(s, t_sub(s, y, t_log_softmax(s, t_matmul(s, x[0], x[1]), 1)), 0.1); /* small: or sin is too curved */
    Tensor *grid = t_reshape(s, y, T_SHAPE(1, 1, 3, 4));
    y = t_conv2d(s, grid, t_reshape(s, x[1], T_SHAPE(4, 1, 2, 2)), x[2], 1, 0, 1);
    return t_mul(s, t_max(s, y, 1, false), t_sqrt(s, t_mean(s, t_pow(s, y, 2), 1, false)));
}

static void gradients(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        formula f;
    } formulas[] = {{"linear", f_linear}, {"layer norm", f_layer_norm}, {"activations", f_activations},
                    {"attention", f_attention}, {"loss", f_loss}, {"pick", f_pick}, {"rest", f_rest}};
    enum { PARTS = 3 };
    static const size_t sizes[PARTS] = {12, 16, 4};
    static const int64_t dims[PARTS][2] = {{3, 4}, {4, 4}, {4, 0}};
    for (size_t f = 0; f < sizeof formulas / sizeof *formulas; f++) {
        Scope *s = new_scope(SCOPE_GRAD), *plain = new_scope(SCOPE_INFERENCE), *leaves = new_scope(SCOPE_INFERENCE);
        double values[PARTS][16], grad[16], worst = 0;
        Tensor *x[PARTS];
        for (size_t p = 0; p < PARTS; p++) {
            fill(values[p], sizes[p], 20 + p);
            x[p] = t_from_host(leaves, values[p], p == 2 ? 1 : 2, dims[p], T_F64);
            t_set_leaf(leaves, x[p], true);
            assert_true(t_is_leaf(x[p]));
            assert_false(t_has_grad(x[p]));
        }
        assert_true(t_backward(s, t_sum_all(s, t_sin(s, formulas[f].f(s, x)))));
        for (size_t p = 0; p < PARTS; p++) {
            memset(grad, 0, sizeof grad); /* a formula need not use all parts */
            assert_true(!t_has_grad(x[p]) || t_to_host(s, t_grad(s, x[p]), T_F64, grad, sizes[p]));
            for (size_t i = 0; i < sizes[p]; i++) {
                double difference = 0, kept = values[p][i];
                for (int side = -1; side <= 1; side += 2) {
                    values[p][i] = kept + side * 1e-5;
                    t_copy_from_host_(plain, x[p], T_F64, values[p], sizes[p]);
                    difference += side * t_item(plain, t_sum_all(plain, t_sin(plain, formulas[f].f(plain, x)))) / 2e-5;
                }
                values[p][i] = kept;
                t_copy_from_host_(plain, x[p], T_F64, values[p], sizes[p]);
                worst = fmax(worst, fabs(difference - grad[i]));
            }
        }
        assert_ok(s);
        assert_ok(plain);
        assert_ok(leaves);
        print_message("%-12s largest difference %.1e\n", formulas[f].name, worst);
        if (!(worst < 1e-8)) /* seen: 2.3e-9 at most, of which the step itself makes most */
            fail_msg("%s: gradient and finite difference differ by %g", formulas[f].name, worst);
        scope_free(s);
        scope_free(plain);
        scope_free(leaves);
    }
}

static void gradient_bookkeeping(void **state)
{
    (void)state;
    Scope *s = new_scope(SCOPE_GRAD), *leaves = new_scope(SCOPE_INFERENCE);
    Tensor *x[2] = {t_full(leaves, T_SHAPE(4), 3, T_F32, T_DEVICE_CPU), t_full(leaves, T_SHAPE(2), 1, T_F32, T_DEVICE_CPU)};
    t_set_leaf(leaves, x[0], true);
    t_set_leaf(leaves, x[1], true);
    for (int pass = 1; pass <= 2; pass++) { /* gradients add up: 6, then 12 */
        size_t mark = scope_mark(s);
        Tensor *loss = scope_release(s, mark, t_sum_all(s, t_mul(s, x[0], x[0]))); /* the graph outlives its handles */
        assert_true(t_backward(s, loss));
        assert_true(t_item(s, t_select(s, t_grad(s, x[0]), 0, 1)) == 6 * pass);
    }
    assert_false(t_has_grad(x[1]));
    assert_true(fabs(t_grad_norm(s, x, 2) - 24) < 1e-12);
    assert_true(fabs(t_clip_grad_norm(s, x, 2, 100) - 24) < 1e-12);
    assert_true(fabs(t_clip_grad_norm(s, x, 2, 1) - 24) < 1e-12);
    assert_true(fabs(t_grad_norm(s, x, 2) - 1) < 1e-6);
    t_zero_grad(s, x, 2);
    assert_false(t_has_grad(x[0]));
    assert_ok(s);
    assert_null(t_grad(s, x[0]));
    assert_failed(s, RADZ_E_BACKEND, "has no gradient");

    s = new_scope(SCOPE_GRAD);
    assert_false(t_backward(s, t_sum_all(s, t_detach(s, x[0]))));
    assert_failed(s, RADZ_E_BACKEND, "depends on no leaf");
    scope_free(leaves);
}

/* Against the formulas in double, element by element, for f64 tensors. */
static void adamw(void **state)
{
    (void)state;
    enum { N = 6 };
    Scope *s = new_scope(SCOPE_INFERENCE);
    double x[N], g[N], m[N] = {0}, v[N] = {0};
    fill(x, N, 30);
    Tensor *tx = t_from_host(s, x, T_SHAPE(N), T_F64);
    Tensor *tm = t_zeros(s, T_SHAPE(N), T_F64, T_DEVICE_CPU), *tv = t_zeros(s, T_SHAPE(N), T_F64, T_DEVICE_CPU);
    TAdamW o = {.learning_rate = 0.01, .beta1 = 0.9, .beta2 = 0.98, .eps = 1e-6, .weight_decay = 0.2};
    for (o.step = 1; o.step <= 5; o.step++) {
        fill(g, N, 30 + (uint64_t)o.step);
        for (int i = 0; i < N; i++) {
            x[i] *= 1 - o.learning_rate * o.weight_decay;
            m[i] = o.beta1 * m[i] + (1 - o.beta1) * g[i];
            v[i] = o.beta2 * v[i] + (1 - o.beta2) * g[i] * g[i];
            double mh = m[i] / (1 - pow(o.beta1, (double)o.step)), vh = v[i] / (1 - pow(o.beta2, (double)o.step));
            x[i] -= o.learning_rate * mh / (sqrt(vh) + o.eps);
        }
        assert_ptr_equal(t_adamw_step_(s, tx, t_from_host(s, g, T_SHAPE(N), T_F64), tm, tv, &o), tx);
        assert_values(s, tx, x, N, 1e-14);
    }
    assert_values(s, tm, m, N, 1e-15);
    assert_ok(s);
    o.step = 0;
    assert_null(t_adamw_step_(s, tx, tm, tm, tv, &o));
    assert_failed(s, RADZ_E_BACKEND, "step 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_error_sticks), cmocka_unit_test(null_passes_through),
        cmocka_unit_test(errors_of_arguments), cmocka_unit_test(scopes_own_tensors),
        cmocka_unit_test(names), cmocka_unit_test(cuda_or_a_clear_error),
        cmocka_unit_test(threads_hold_everywhere), cmocka_unit_test(host_memory),
        cmocka_unit_test(shapes), cmocka_unit_test(arithmetic),
        cmocka_unit_test(changes_in_place), cmocka_unit_test(layers),
        cmocka_unit_test(convolution), cmocka_unit_test(attention),
        cmocka_unit_test(gradients), cmocka_unit_test(gradient_bookkeeping),
        cmocka_unit_test(adamw)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
