/* Tensors of libtorch for C: operations take a scope, results belong to it, and the first error sticks to it.
 *
 *     Scope *s = NULL;
 *     if (scope_create(SCOPE_INFERENCE, &s, err))
 *         goto done;
 *     Tensor *q = t_linear(s, x, layer->wq, layer->bq);
 *     Tensor *a = t_attention(s, q, k, v, NULL, false, scale);
 *     if (!scope_ok(s))
 *         status = scope_error(s, err);
 *
 * A failed operation records its name, the shapes of its operands and libtorch's message in the scope and returns NULL.
 * From then on every operation of that scope returns NULL without doing anything, so that a formula is written in one
 * piece and checked once. A required operand that is NULL although the scope is fine (it came from a scope that failed)
 * is an error too. Operands may live in any scope that outlives the call; operations never change their operands unless
 * their name ends in an underscore. No C++ exception leaves these functions.
 *
 * A scope is used by one thread at a time; different scopes may be used by different threads. Shapes are in brackets in
 * the comments, `dim` counts from the end when negative, tensors are dense. */
#ifndef RADZ_TORCH_TENSOR_H
#define RADZ_TORCH_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Scope Scope;
typedef struct Tensor Tensor;

/* ---- element types and devices ------------------------------------------------------------------------------------ */

typedef enum TDtype { T_F32, T_F16, T_BF16, T_F64, T_I64, T_I32, T_I16, T_I8, T_U8, T_BOOL, T_DTYPE_COUNT } TDtype;
const char *t_dtype_name(TDtype dtype); /* "f32", "bf16", ...; static storage */
size_t t_dtype_size(TDtype dtype);      /* bytes of one element */
/* "f32", "f16", "bf16", "f64", "i64", "i32", "i16", "i8", "u8", "bool"; RADZ_E_USAGE lists them. */
radz_status t_dtype_parse(const char *name, TDtype *out, radz_error *err) RADZ_MUST_USE;

typedef enum TDeviceKind { T_CPU, T_CUDA } TDeviceKind;
typedef struct TDevice {
    TDeviceKind kind;
    int index; /* 0 for the cpu */
} TDevice;
enum { T_DEVICE_NAME_SIZE = 16 };
#define T_DEVICE_CPU ((TDevice){T_CPU, 0}) /* for C */
void t_device_name(TDevice device, char name[T_DEVICE_NAME_SIZE]); /* "cpu", "cuda:1" */
/* "cpu", "cuda" (= "cuda:0") or "cuda:N". Only the text is checked: RADZ_E_USAGE. */
radz_status t_device_parse(const char *name, TDevice *out, radz_error *err) RADZ_MUST_USE;
/* RADZ_E_UNSUPPORTED when this libtorch was built without CUDA, or the machine has no such device. */
radz_status t_device_check(TDevice device, radz_error *err) RADZ_MUST_USE;

/* ---- the library as a whole --------------------------------------------------------------------------------------- */

bool t_cpu_computes_f16(void);       /* this libtorch has its f16 kernels for the cpu (2.2 and later) */
const char *t_library_version(void); /* version of the libtorch compiled against, "1.13.0"; static storage */
/* Several lines on how libtorch was built (BLAS, OpenMP, CPU capability). Cut to fit `size` bytes with the NUL. */
void t_library_config(char *text, size_t size);
/* Threads of one operation, at least 1, for every thread of the process that calls operations from now on. libtorch keeps
 * this number per calling thread; the shim carries it over. */
radz_status t_threads_set(int threads, radz_error *err) RADZ_MUST_USE;
int t_threads(void);
/* Refuse algorithms whose result differs from call to call. Matters on CUDA only, where cuBLAS also wants the environment
 * variable CUBLAS_WORKSPACE_CONFIG=:4096:8 to be set before its first use. */
radz_status t_deterministic_set(bool on, radz_error *err) RADZ_MUST_USE;
/* Waits for the device to finish all queued work (no-op on the cpu); for timing. */
radz_status t_synchronize(TDevice device, radz_error *err) RADZ_MUST_USE;

/* ---- scopes ------------------------------------------------------------------------------------------------------- */

typedef enum ScopeKind {
    SCOPE_INFERENCE, /* nothing is recorded for gradients */
    SCOPE_GRAD       /* operations on leaves (t_set_leaf) are recorded, t_backward works */
} ScopeKind;

radz_status scope_create(ScopeKind kind, Scope **out, radz_error *err) RADZ_MUST_USE; /* *out is the caller's */
void scope_free(Scope *s);  /* frees its tensors; NULL is fine */
void scope_clear(Scope *s); /* frees its tensors and forgets its error: for one iteration of a loop */
ScopeKind scope_kind(const Scope *s);
bool scope_ok(const Scope *s);
/* RADZ_OK, or the scope's error copied into `err` (unless that already holds one). */
radz_status scope_error(const Scope *s, radz_error *err) RADZ_MUST_USE;
/* Puts an error of the caller's into the scope, unless it has one. Always returns NULL, for `return scope_fail(...)`. */
Tensor *scope_fail(Scope *s, radz_status code, const char *format, ...) RADZ_PRINTF(3, 4);
size_t scope_count(const Scope *s); /* tensors it owns now */

/* Early release inside a long formula: everything made in the scope since `mark` is freed, except `result` (may be NULL),
 * which is returned. Recorded gradients keep what they need.
 *     size_t mark = scope_mark(s);
 *     for each layer: x = scope_release(s, mark, layer_forward(s, layer, x)); */
size_t scope_mark(const Scope *s);
Tensor *scope_release(Scope *s, size_t mark, Tensor *result);
/* Moves a tensor from `from`, which owns it, into `to`, and returns it. */
Tensor *t_keep(Scope *from, Tensor *x, Scope *to);
/* Frees one tensor that the scope owns, before its time. NULL is fine. */
void t_drop(Scope *s, Tensor *x);

/* ---- facts about a tensor (NULL: 0, false, T_F32, the cpu) -------------------------------------------------------- */

int t_ndim(const Tensor *x);
int64_t t_size(const Tensor *x, int dim); /* 0 when dim is out of range */
int64_t t_numel(const Tensor *x);
TDtype t_dtype(const Tensor *x);
TDevice t_device(const Tensor *x);
bool t_is_leaf(const Tensor *x);  /* asked to collect a gradient */
bool t_has_grad(const Tensor *x); /* a backward pass has given it one */
enum { T_SHAPE_TEXT_SIZE = 96 };
void t_shape_text(const Tensor *x, char text[T_SHAPE_TEXT_SIZE]); /* "[2,77,512] f32" */

/* ---- making tensors ----------------------------------------------------------------------------------------------- */

/* Shapes are written in place: t_zeros(s, T_SHAPE(b, n, d), T_F32, T_DEVICE_CPU). */
#define T_SHAPE(...) (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__}

Tensor *t_zeros(Scope *s, int ndim, const int64_t *shape, TDtype dtype, TDevice device);
Tensor *t_full(Scope *s, int ndim, const int64_t *shape, double value, TDtype dtype, TDevice device);
Tensor *t_arange(Scope *s, int64_t start, int64_t end, TDtype dtype, TDevice device); /* [end-start]: start, ... end-1 */
/* On the cpu, from row-major host memory: copied, or borrowed. Borrowed memory must outlive the tensor, may be read-only
 * (a file map) as long as no operation with an underscore is used on it, and should be aligned to the element size
 * (otherwise it is copied). */
Tensor *t_from_host(Scope *s, const void *data, int ndim, const int64_t *shape, TDtype dtype);
Tensor *t_borrow_host(Scope *s, const void *data, int ndim, const int64_t *shape, TDtype dtype);
/* Copies all elements, converted to `dtype`, row-major, into `out`, which has room for `count` elements; `count` must
 * equal t_numel. False (and the scope's error) on failure. Waits for the device. */
bool t_to_host(Scope *s, const Tensor *x, TDtype dtype, void *out, size_t count);
/* The value of a one-element tensor; NaN on failure. */
double t_item(Scope *s, const Tensor *x);

/* ---- conversion and shape (views share memory with their operand) ------------------------------------------------- */

Tensor *t_to(Scope *s, const Tensor *x, TDtype dtype, TDevice device); /* the same data when nothing changes */
Tensor *t_cast(Scope *s, const Tensor *x, TDtype dtype);
Tensor *t_clone(Scope *s, const Tensor *x);      /* own contiguous memory */
Tensor *t_contiguous(Scope *s, const Tensor *x); /* row-major; no copy if it is already */
Tensor *t_detach(Scope *s, const Tensor *x);     /* same data, outside gradient recording */
Tensor *t_alias(Scope *s, const Tensor *x);      /* another handle of the same tensor */
Tensor *t_reshape(Scope *s, const Tensor *x, int ndim, const int64_t *shape); /* one size may be -1 */
Tensor *t_expand(Scope *s, const Tensor *x, int ndim, const int64_t *shape);  /* sizes 1 repeated; -1 keeps a size */
Tensor *t_permute(Scope *s, const Tensor *x, int ndim, const int64_t *dims);
Tensor *t_transpose(Scope *s, const Tensor *x, int dim_a, int dim_b);
Tensor *t_unsqueeze(Scope *s, const Tensor *x, int dim);
Tensor *t_squeeze(Scope *s, const Tensor *x, int dim);
Tensor *t_slice(Scope *s, const Tensor *x, int dim, int64_t start, int64_t end); /* [start, end), within the size */
Tensor *t_select(Scope *s, const Tensor *x, int dim, int64_t index);             /* dim disappears */
Tensor *t_cat(Scope *s, Tensor *const *parts, size_t count, int dim);
Tensor *t_stack(Scope *s, Tensor *const *parts, size_t count, int dim);
Tensor *t_index_select(Scope *s, const Tensor *x, int dim, const Tensor *index /* i64 [K] */);
Tensor *t_gather(Scope *s, const Tensor *x, int dim, const Tensor *index /* i64, as many dims as x */);
/* out[b] = x[b, index[b]]: x [B,T,...], index i64 [B] -> [B,...]. */
Tensor *t_pick(Scope *s, const Tensor *x, const Tensor *index);

/* ---- arithmetic, with broadcasting -------------------------------------------------------------------------------- */

Tensor *t_add(Scope *s, const Tensor *x, const Tensor *y);
Tensor *t_sub(Scope *s, const Tensor *x, const Tensor *y);
Tensor *t_mul(Scope *s, const Tensor *x, const Tensor *y);
Tensor *t_div(Scope *s, const Tensor *x, const Tensor *y);
Tensor *t_scale(Scope *s, const Tensor *x, double factor);
Tensor *t_shift(Scope *s, const Tensor *x, double term);
Tensor *t_exp(Scope *s, const Tensor *x);
Tensor *t_log(Scope *s, const Tensor *x);
Tensor *t_sqrt(Scope *s, const Tensor *x);
Tensor *t_pow(Scope *s, const Tensor *x, double exponent);
Tensor *t_abs(Scope *s, const Tensor *x);
Tensor *t_tanh(Scope *s, const Tensor *x);
Tensor *t_sigmoid(Scope *s, const Tensor *x);
Tensor *t_sin(Scope *s, const Tensor *x);
Tensor *t_cos(Scope *s, const Tensor *x);
Tensor *t_clamp(Scope *s, const Tensor *x, double low, double high);
Tensor *t_equal(Scope *s, const Tensor *x, const Tensor *y);              /* bool */
Tensor *t_equal_to(Scope *s, const Tensor *x, double value);              /* bool */
Tensor *t_less(Scope *s, const Tensor *x, const Tensor *y);               /* bool */
Tensor *t_where(Scope *s, const Tensor *condition, const Tensor *x, const Tensor *y);
Tensor *t_masked_fill(Scope *s, const Tensor *x, const Tensor *mask /* bool */, double value);

/* ---- reductions --------------------------------------------------------------------------------------------------- */

Tensor *t_sum(Scope *s, const Tensor *x, int dim, bool keep_dim);
Tensor *t_mean(Scope *s, const Tensor *x, int dim, bool keep_dim);
Tensor *t_max(Scope *s, const Tensor *x, int dim, bool keep_dim);         /* the values */
Tensor *t_argmax(Scope *s, const Tensor *x, int dim, bool keep_dim);      /* i64; the first of equal maxima */
Tensor *t_sum_all(Scope *s, const Tensor *x);                             /* [] */
Tensor *t_mean_all(Scope *s, const Tensor *x);                            /* [] */
bool t_all_finite(Scope *s, const Tensor *x); /* no NaN, no infinity; false also on failure */

/* ---- layers ------------------------------------------------------------------------------------------------------- */

Tensor *t_matmul(Scope *s, const Tensor *x, const Tensor *y);             /* [...,M,K] x [...,K,N] */
/* x [...,K], weight [N,K], bias [N] or NULL -> [...,N]: x weight^T + bias. */
Tensor *t_linear(Scope *s, const Tensor *x, const Tensor *weight, const Tensor *bias);
Tensor *t_embedding(Scope *s, const Tensor *table /* [V,d] */, const Tensor *ids /* i64 [...] */); /* [...,d] */
/* Over the last dimension; weight, bias [d] or NULL. */
Tensor *t_layer_norm(Scope *s, const Tensor *x, const Tensor *weight, const Tensor *bias, double eps);
/* x / sqrt(mean(x^2) + eps) * weight over the last dimension, computed in f32 (Zhang and Sennrich 2019). */
Tensor *t_rms_norm(Scope *s, const Tensor *x, const Tensor *weight, double eps);
Tensor *t_relu(Scope *s, const Tensor *x);
Tensor *t_gelu(Scope *s, const Tensor *x);       /* x Phi(x), exact */
Tensor *t_gelu_tanh(Scope *s, const Tensor *x);  /* its tanh approximation (Hendrycks and Gimpel 2016) */
Tensor *t_quick_gelu(Scope *s, const Tensor *x); /* x sigmoid(1.702 x) */
Tensor *t_silu(Scope *s, const Tensor *x);
Tensor *t_softmax(Scope *s, const Tensor *x, int dim);
Tensor *t_log_softmax(Scope *s, const Tensor *x, int dim);
Tensor *t_l2_normalize(Scope *s, const Tensor *x, int dim, double eps); /* x / max(|x|, eps); no eps when 0 */
/* x [B,C,H,W], weight [O,C/groups,h,w], bias [O] or NULL. */
Tensor *t_conv2d(Scope *s, const Tensor *x, const Tensor *weight, const Tensor *bias, int stride, int padding,
                 int groups);
/* softmax(q k^T scale + mask) v. q [B,H,T,dh], k v [B,H,S,dh]; mask NULL, bool (true: may look) or of q's type (added),
 * broadcast to [B,H,T,S]; `causal` lets position t look at s <= t only (T == S, no mask). -> [B,H,T,dh] */
Tensor *t_attention(Scope *s, const Tensor *q, const Tensor *k, const Tensor *v, const Tensor *mask, bool causal,
                    double scale);
/* Rotary position embedding with halves (Su et al. 2021, as in Llama): the pair (x[i], x[i + dh/2]) turned by an angle of its
 * own. x [B,H,T,dh], cos and sin [T,dh/2] of x's type. */
Tensor *t_rope(Scope *s, const Tensor *x, const Tensor *cos, const Tensor *sin);
/* Mean over the rows whose target is not `ignore` (use -100) of -log softmax(logits)[target]: logits [N,C],
 * target i64 [N] -> []. */
Tensor *t_cross_entropy(Scope *s, const Tensor *logits, const Tensor *target, int64_t ignore, double label_smoothing);
Tensor *t_nll(Scope *s, const Tensor *log_probabilities, const Tensor *target, int64_t ignore); /* same, after log_softmax */

/* ---- gradients ---------------------------------------------------------------------------------------------------- */

/* Makes a tensor a leaf that collects gradients, or stops it. Floating types only; returns x. */
Tensor *t_set_leaf(Scope *s, Tensor *x, bool collect);
/* Adds d loss / d leaf to the gradient of each leaf behind `loss` ([], made in a SCOPE_GRAD scope). */
bool t_backward(Scope *s, const Tensor *loss);
/* The gradient collected so far (shares memory; in-place operations on it change it). An error when there is none. */
Tensor *t_grad(Scope *s, const Tensor *x);
void t_zero_grad(Scope *s, Tensor *const *leaves, size_t count); /* t_has_grad is false afterwards */
/* sqrt of the sum of squares over all gradients (leaves without one count 0), accumulated in double. */
double t_grad_norm(Scope *s, Tensor *const *leaves, size_t count);
/* Scales all gradients by max_norm / (norm + 1e-6) if that is below 1; returns the norm before (NaN on failure). */
double t_clip_grad_norm(Scope *s, Tensor *const *leaves, size_t count, double max_norm);

/* ---- in place, never recorded; all return x ----------------------------------------------------------------------- */

Tensor *t_add_(Scope *s, Tensor *x, const Tensor *y, double alpha);                         /* x += alpha y */
Tensor *t_scale_(Scope *s, Tensor *x, double factor);                                       /* x *= factor */
Tensor *t_clamp_(Scope *s, Tensor *x, double low, double high);
Tensor *t_lerp_(Scope *s, Tensor *x, const Tensor *y, double weight);                       /* x += weight (y - x) */
Tensor *t_addcmul_(Scope *s, Tensor *x, const Tensor *a, const Tensor *b, double value);    /* x += value a b */
Tensor *t_addcdiv_(Scope *s, Tensor *x, const Tensor *a, const Tensor *b, double value);    /* x += value a / b */
Tensor *t_fill_(Scope *s, Tensor *x, double value);
Tensor *t_copy_(Scope *s, Tensor *x, const Tensor *y);                                      /* converts, broadcasts */
bool t_copy_from_host_(Scope *s, Tensor *x, TDtype dtype, const void *data, size_t count);  /* count == t_numel(x) */

/* One step of AdamW (Loshchilov and Hutter 2019) in PyTorch's order of operations: decay, moments, bias correction.
 * x, first, second: same shape, changed; grad: same shape. `step` counts from 1. Returns x. */
typedef struct TAdamW {
    double learning_rate, beta1, beta2, eps, weight_decay;
    int64_t step;
} TAdamW;
Tensor *t_adamw_step_(Scope *s, Tensor *x, const Tensor *grad, Tensor *first, Tensor *second, const TAdamW *options);

#ifdef __cplusplus
}
#endif
#endif
