// The only file that sees libtorch: tensor.h on ATen. Every entry point catches everything.
#include "torch/tensor.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/version.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <vector>

// at::scaled_dot_product_attention takes a scale since 2.1.
#define RADZ_HAVE_FUSED_ATTENTION (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1))

struct Tensor {
    at::Tensor value;
    Scope *owner;
    size_t slot; // its place in the owner's list
};

struct Scope {
    ScopeKind kind;
    radz_error error = {};
    std::vector<Tensor *> tensors; // in order of creation; a moved or dropped one leaves a NULL
    size_t live = 0;
};

namespace
{

// libtorch keeps the number of threads per calling thread (OpenMP's control variable), so a thread that has not called
// yet gets it set on its first operation.
std::atomic<int> g_threads{0};
thread_local int threads_here = 0;

void apply_threads()
{
    int wanted = g_threads.load(std::memory_order_relaxed);
    if (wanted > 0 && wanted != threads_here) {
        at::set_num_threads(wanted);
        threads_here = wanted;
    }
}

const at::ScalarType SCALAR_TYPES[T_DTYPE_COUNT] = {at::kFloat, at::kHalf, at::kBFloat16, at::kDouble, at::kLong,
                                                    at::kInt,   at::kShort, at::kChar,    at::kByte,   at::kBool};
const char *const DTYPE_NAMES[T_DTYPE_COUNT] = {"f32", "f16", "bf16", "f64", "i64", "i32", "i16", "i8", "u8", "bool"};
const size_t DTYPE_SIZES[T_DTYPE_COUNT] = {4, 2, 2, 8, 8, 4, 2, 1, 1, 1};

at::ScalarType scalar_type(TDtype dtype)
{
    TORCH_CHECK(dtype >= 0 && dtype < T_DTYPE_COUNT, "element type number ", static_cast<int>(dtype), " is not known");
    return SCALAR_TYPES[dtype];
}

at::Device device_of(TDevice device)
{
    if (device.kind == T_CUDA)
        return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device.index));
    return at::Device(at::kCPU);
}

at::IntArrayRef shape_of(int ndim, const int64_t *shape)
{
    TORCH_CHECK(ndim >= 0 && (ndim == 0 || shape != nullptr), "a shape of ", ndim, " dimensions is not possible");
    return at::IntArrayRef(shape, static_cast<size_t>(ndim));
}

std::string text_of(const Tensor *x)
{
    if (x == nullptr)
        return "none";
    char text[T_SHAPE_TEXT_SIZE];
    t_shape_text(x, text);
    return text;
}

using Operands = std::initializer_list<const Tensor *>;

// Records what is being handled; called from catch blocks only.
void record(Scope *s, const char *name, const std::string &operands)
{
    radz_status code = RADZ_E_BACKEND;
    std::string message;
    try {
        throw;
    } catch (const c10::Error &e) {
        message = e.what_without_backtrace();
        if (message.find("allocate memory") != std::string::npos || message.find("out of memory") != std::string::npos)
            code = RADZ_E_NOMEM;
    } catch (const std::bad_alloc &) {
        code = RADZ_E_NOMEM;
        message = "out of memory";
    } catch (const std::exception &e) {
        message = e.what();
    } catch (...) {
        message = "an exception of unknown type";
    }
    for (char &c : message)
        if (c == '\n')
            c = ' ';
    while (!message.empty() && message.back() == ' ')
        message.pop_back();
    radz_error_set(&s->error, code, name, 0, "%s(%s): %s", name, operands.c_str(), message.c_str());
}

std::string list_operands(const Operands &required, const Operands &optional)
{
    std::string text;
    for (const Tensor *x : required)
        text += (text.empty() ? "" : ", ") + text_of(x);
    for (const Tensor *x : optional)
        if (x != nullptr)
            text += (text.empty() ? "" : ", ") + text_of(x);
    return text;
}

Tensor *put(Scope *s, at::Tensor &&value)
{
    TORCH_CHECK(value.defined(), "no result");
    s->tensors.reserve(s->tensors.size() + 1);
    Tensor *x = new Tensor{std::move(value), s, s->tensors.size()};
    s->tensors.push_back(x);
    s->live++;
    return x;
}

// True when the operation may run: scope without error, all required operands there.
bool admit(Scope *s, const char *name, const Operands &required)
{
    if (s == nullptr || s->error.code != RADZ_OK)
        return false;
    size_t i = 0;
    for (const Tensor *x : required) {
        i++;
        if (x == nullptr) {
            radz_error_set(&s->error, RADZ_E_INTERNAL, name, 0,
                           "%s: operand %zu is missing (made in a scope that had failed?)", name, i);
            return false;
        }
    }
    return true;
}

template <class Body>
bool guarded(Scope *s, const char *name, const Operands &required, const Operands &optional, bool grad, Body &&body)
{
    if (!admit(s, name, required))
        return false;
    try {
        try {
            apply_threads();
            at::AutoGradMode mode(grad);
            body();
            return true;
        } catch (...) {
            record(s, name, list_operands(required, optional));
        }
    } catch (...) { // no memory even for the message
        radz_error_set(&s->error, RADZ_E_NOMEM, name, 0, "%s: out of memory", name);
    }
    return false;
}

// An operation that makes a tensor.
template <class Body> Tensor *make(Scope *s, const char *name, Operands required, Operands optional, Body &&body)
{
    Tensor *result = nullptr;
    guarded(s, name, required, optional, s != nullptr && s->kind == SCOPE_GRAD,
            [&] { result = put(s, body()); });
    return result;
}

template <class Body> Tensor *make(Scope *s, const char *name, Operands required, Body &&body)
{
    return make(s, name, required, {}, std::forward<Body>(body));
}

// An operation that changes `x`, outside gradient recording.
template <class Body> Tensor *change(Scope *s, const char *name, Tensor *x, Operands others, Body &&body)
{
    if (!admit(s, name, others))
        return nullptr;
    return guarded(s, name, {x}, others, false, std::forward<Body>(body)) ? x : nullptr;
}

at::Tensor maybe(const Tensor *x)
{
    return x != nullptr ? x->value : at::Tensor();
}

std::vector<at::Tensor> values(Tensor *const *parts, size_t count)
{
    std::vector<at::Tensor> list;
    list.reserve(count);
    for (size_t i = 0; i < count; i++) {
        TORCH_CHECK(parts[i] != nullptr, "part ", i, " is missing");
        list.push_back(parts[i]->value);
    }
    return list;
}

void forget(Scope *s, size_t from)
{
    // newest first, as a stack unwinds
    for (size_t i = s->tensors.size(); i > from; i--) {
        if (s->tensors[i - 1] != nullptr) {
            delete s->tensors[i - 1];
            s->live--;
        }
    }
    s->tensors.resize(from);
}

template <class Body> radz_status whole_library(const char *name, radz_error *err, Body &&body)
{
    Scope s{SCOPE_INFERENCE, {}, {}, 0};
    if (guarded(&s, name, {}, {}, false, std::forward<Body>(body)))
        return RADZ_OK;
    return scope_error(&s, err);
}

} // namespace

// ---- element types and devices ---------------------------------------------------------------------------------------

const char *t_dtype_name(TDtype dtype)
{
    return dtype >= 0 && dtype < T_DTYPE_COUNT ? DTYPE_NAMES[dtype] : "?";
}

size_t t_dtype_size(TDtype dtype)
{
    return dtype >= 0 && dtype < T_DTYPE_COUNT ? DTYPE_SIZES[dtype] : 0;
}

radz_status t_dtype_parse(const char *name, TDtype *out, radz_error *err)
{
    for (int i = 0; i < T_DTYPE_COUNT; i++) {
        if (std::strcmp(name, DTYPE_NAMES[i]) == 0) {
            *out = static_cast<TDtype>(i);
            return RADZ_OK;
        }
    }
    return radz_fail(err, RADZ_E_USAGE,
                     "unknown element type '%s'; known: f32, f16, bf16, f64, i64, i32, i16, i8, u8, bool", name);
}

void t_device_name(TDevice device, char name[T_DEVICE_NAME_SIZE])
{
    if (device.kind == T_CUDA)
        std::snprintf(name, T_DEVICE_NAME_SIZE, "cuda:%d", device.index);
    else
        std::snprintf(name, T_DEVICE_NAME_SIZE, "cpu");
}

radz_status t_device_parse(const char *name, TDevice *out, radz_error *err)
{
    if (std::strcmp(name, "cpu") == 0) {
        *out = TDevice{T_CPU, 0};
        return RADZ_OK;
    }
    if (std::strncmp(name, "cuda", 4) == 0) {
        const char *rest = name + 4;
        int index = 0;
        bool good = *rest == '\0';
        if (*rest == ':' && rest[1] != '\0' && std::strlen(rest + 1) <= 3) {
            good = true;
            for (const char *c = rest + 1; *c != '\0'; c++) {
                good = good && *c >= '0' && *c <= '9';
                index = 10 * index + (*c - '0');
            }
        }
        if (good && index <= 127) { // libtorch's index is a signed byte
            *out = TDevice{T_CUDA, index};
            return RADZ_OK;
        }
    }
    return radz_fail(err, RADZ_E_USAGE, "unknown device '%s'; known: cpu, cuda, cuda:N (N from 0)", name);
}

radz_status t_device_check(TDevice device, radz_error *err)
{
    if (device.kind == T_CPU)
        return RADZ_OK;
    try {
        char name[T_DEVICE_NAME_SIZE];
        t_device_name(device, name);
        if (!c10::impl::hasDeviceGuardImpl(c10::DeviceType::CUDA))
            return radz_fail(err, RADZ_E_UNSUPPORTED,
                             "device '%s': this libtorch (%s) was built without CUDA; use cpu, or build with a CUDA "
                             "libtorch (-DTorch_DIR=...)", name, TORCH_VERSION);
        int count = c10::impl::getDeviceGuardImpl(c10::DeviceType::CUDA)->deviceCount();
        if (count == 0)
            return radz_fail(err, RADZ_E_UNSUPPORTED,
                             "device '%s': this machine has no CUDA device that the driver reports; use cpu", name);
        if (device.index >= count)
            return radz_fail(err, RADZ_E_UNSUPPORTED, "device '%s': this machine has cuda:0 to cuda:%d", name, count - 1);
        return RADZ_OK;
    } catch (const std::exception &e) {
        return radz_fail(err, RADZ_E_BACKEND, "asking for CUDA devices: %.300s", e.what());
    } catch (...) {
        return radz_fail(err, RADZ_E_BACKEND, "asking for CUDA devices failed");
    }
}

// ---- the library as a whole ------------------------------------------------------------------------------------------

const char *t_library_version(void)
{
    return TORCH_VERSION;
}

bool t_cpu_computes_f16(void)
{
    return TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2);
}

void t_library_config(char *text, size_t size)
{
    if (size == 0)
        return;
    text[0] = '\0';
    try {
        std::snprintf(text, size, "%s", at::show_config().c_str());
    } catch (...) {
    }
}

radz_status t_threads_set(int threads, radz_error *err)
{
    if (threads < 1)
        return radz_fail(err, RADZ_E_USAGE, "%d threads asked for; at least 1 is needed", threads);
    g_threads.store(threads);
    return whole_library("t_threads_set", err, [] {});
}

int t_threads(void)
{
    try {
        apply_threads();
        return at::get_num_threads();
    } catch (...) {
        return 1;
    }
}

radz_status t_deterministic_set(bool on, radz_error *err)
{
    return whole_library("t_deterministic_set", err, [&] {
        at::globalContext().setDeterministicAlgorithms(on, false);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
        // Otherwise every new tensor would be filled with NaN first; no operation here reads what it has not written.
        at::globalContext().setDeterministicFillUninitializedMemory(false);
#endif
    });
}

radz_status t_synchronize(TDevice device, radz_error *err)
{
    if (device.kind == T_CPU)
        return RADZ_OK;
    return whole_library("t_synchronize", err, [&] {
        at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(device.index));
    });
}

// ---- scopes ----------------------------------------------------------------------------------------------------------

radz_status scope_create(ScopeKind kind, Scope **out, radz_error *err)
{
    *out = new (std::nothrow) Scope{kind, {}, {}, 0};
    return *out != nullptr ? RADZ_OK : radz_fail(err, RADZ_E_NOMEM, "no memory for a tensor scope");
}

void scope_clear(Scope *s)
{
    if (s == nullptr)
        return;
    forget(s, 0);
    s->error = radz_error{};
}

void scope_free(Scope *s)
{
    if (s == nullptr)
        return;
    forget(s, 0);
    delete s;
}

ScopeKind scope_kind(const Scope *s)
{
    return s != nullptr ? s->kind : SCOPE_INFERENCE;
}

bool scope_ok(const Scope *s)
{
    return s != nullptr && s->error.code == RADZ_OK;
}

radz_status scope_error(const Scope *s, radz_error *err)
{
    if (s == nullptr)
        return radz_fail(err, RADZ_E_INTERNAL, "no tensor scope");
    if (s->error.code != RADZ_OK && err != nullptr && err->code == RADZ_OK)
        *err = s->error;
    return s->error.code;
}

Tensor *scope_fail(Scope *s, radz_status code, const char *format, ...)
{
    if (s != nullptr) {
        va_list args;
        va_start(args, format);
        radz_error_vset(&s->error, code, "scope_fail", 0, format, args);
        va_end(args);
    }
    return nullptr;
}

size_t scope_count(const Scope *s)
{
    return s != nullptr ? s->live : 0;
}

size_t scope_mark(const Scope *s)
{
    return s != nullptr ? s->tensors.size() : 0;
}

Tensor *scope_release(Scope *s, size_t mark, Tensor *result)
{
    if (s == nullptr || mark > s->tensors.size())
        return result;
    bool kept = result != nullptr && result->owner == s && result->slot >= mark;
    if (kept)
        s->tensors[result->slot] = nullptr;
    forget(s, mark);
    if (kept) { // there is room: the list only shrank
        result->slot = s->tensors.size();
        s->tensors.push_back(result);
    }
    return result;
}

Tensor *t_keep(Scope *from, Tensor *x, Scope *to)
{
    if (x == nullptr || from == nullptr || to == nullptr)
        return nullptr;
    if (x->owner != from)
        return scope_fail(from, RADZ_E_INTERNAL, "t_keep: the tensor %s belongs to another scope", text_of(x).c_str());
    try {
        to->tensors.push_back(x);
    } catch (...) {
        return scope_fail(from, RADZ_E_NOMEM, "t_keep: out of memory");
    }
    from->tensors[x->slot] = nullptr;
    from->live--;
    x->owner = to;
    x->slot = to->tensors.size() - 1;
    to->live++;
    return x;
}

void t_drop(Scope *s, Tensor *x)
{
    if (s == nullptr || x == nullptr || x->owner != s)
        return;
    s->tensors[x->slot] = nullptr;
    s->live--;
    delete x;
}

// ---- facts -----------------------------------------------------------------------------------------------------------

int t_ndim(const Tensor *x)
{
    return x != nullptr ? static_cast<int>(x->value.dim()) : 0;
}

int64_t t_size(const Tensor *x, int dim)
{
    if (x == nullptr)
        return 0;
    int64_t count = x->value.dim();
    int64_t at = dim < 0 ? dim + count : dim;
    return at >= 0 && at < count ? x->value.sizes()[static_cast<size_t>(at)] : 0;
}

int64_t t_numel(const Tensor *x)
{
    return x != nullptr ? x->value.numel() : 0;
}

TDtype t_dtype(const Tensor *x)
{
    if (x != nullptr)
        for (int i = 0; i < T_DTYPE_COUNT; i++)
            if (x->value.scalar_type() == SCALAR_TYPES[i])
                return static_cast<TDtype>(i);
    return T_F32;
}

TDevice t_device(const Tensor *x)
{
    if (x != nullptr && x->value.is_cuda())
        return TDevice{T_CUDA, x->value.device().index()};
    return TDevice{T_CPU, 0};
}

bool t_is_leaf(const Tensor *x)
{
    return x != nullptr && x->value.requires_grad() && x->value.is_leaf();
}

bool t_has_grad(const Tensor *x)
{
    return t_is_leaf(x) && x->value.grad().defined();
}

void t_shape_text(const Tensor *x, char text[T_SHAPE_TEXT_SIZE])
{
    if (x == nullptr) {
        std::snprintf(text, T_SHAPE_TEXT_SIZE, "none");
        return;
    }
    size_t used = static_cast<size_t>(std::snprintf(text, T_SHAPE_TEXT_SIZE, "["));
    for (int i = 0; i < t_ndim(x) && used < T_SHAPE_TEXT_SIZE - 32; i++)
        used += static_cast<size_t>(std::snprintf(text + used, T_SHAPE_TEXT_SIZE - used, "%s%lld", i > 0 ? "," : "",
                                                  static_cast<long long>(t_size(x, i))));
    std::snprintf(text + used, T_SHAPE_TEXT_SIZE - used, "] %s", t_dtype_name(t_dtype(x)));
}

// ---- making tensors --------------------------------------------------------------------------------------------------

Tensor *t_zeros(Scope *s, int ndim, const int64_t *shape, TDtype dtype, TDevice device)
{
    return make(s, "t_zeros", {}, [&] {
        return at::zeros(shape_of(ndim, shape), at::TensorOptions(scalar_type(dtype)).device(device_of(device)));
    });
}

Tensor *t_full(Scope *s, int ndim, const int64_t *shape, double value, TDtype dtype, TDevice device)
{
    return make(s, "t_full", {}, [&] {
        return at::full(shape_of(ndim, shape), value, at::TensorOptions(scalar_type(dtype)).device(device_of(device)));
    });
}

Tensor *t_arange(Scope *s, int64_t start, int64_t end, TDtype dtype, TDevice device)
{
    return make(s, "t_arange", {}, [&] {
        return at::arange(start, end, at::TensorOptions(scalar_type(dtype)).device(device_of(device)));
    });
}

Tensor *t_from_host(Scope *s, const void *data, int ndim, const int64_t *shape, TDtype dtype)
{
    return make(s, "t_from_host", {}, [&] {
        at::Tensor x = at::empty(shape_of(ndim, shape), at::TensorOptions(scalar_type(dtype)));
        if (x.numel() > 0)
            std::memcpy(x.data_ptr(), data, x.nbytes());
        return x;
    });
}

Tensor *t_borrow_host(Scope *s, const void *data, int ndim, const int64_t *shape, TDtype dtype)
{
    return make(s, "t_borrow_host", {}, [&] {
        at::TensorOptions options(scalar_type(dtype));
        int64_t count = 1;
        for (int64_t size : shape_of(ndim, shape))
            count *= size;
        if (count == 0)
            return at::empty(shape_of(ndim, shape), options);
        if (reinterpret_cast<uintptr_t>(data) % t_dtype_size(dtype) != 0) {
            at::Tensor x = at::empty(shape_of(ndim, shape), options);
            std::memcpy(x.data_ptr(), data, x.nbytes());
            return x;
        }
        return at::from_blob(const_cast<void *>(data), shape_of(ndim, shape), options);
    });
}

bool t_to_host(Scope *s, const Tensor *x, TDtype dtype, void *out, size_t count)
{
    return guarded(s, "t_to_host", {x}, {}, false, [&] {
        TORCH_CHECK(static_cast<size_t>(x->value.numel()) == count, "the tensor has ", x->value.numel(),
                    " elements, room is for ", count);
        at::Tensor y = x->value.detach().to(at::kCPU).to(scalar_type(dtype)).contiguous();
        if (count > 0)
            std::memcpy(out, y.data_ptr(), y.nbytes());
    });
}

double t_item(Scope *s, const Tensor *x)
{
    double value = std::numeric_limits<double>::quiet_NaN();
    guarded(s, "t_item", {x}, {}, false, [&] { value = x->value.item().toDouble(); });
    return value;
}

// ---- conversion and shape --------------------------------------------------------------------------------------------

Tensor *t_to(Scope *s, const Tensor *x, TDtype dtype, TDevice device)
{
    return make(s, "t_to", {x}, [&] { return x->value.to(device_of(device), scalar_type(dtype)); });
}

Tensor *t_cast(Scope *s, const Tensor *x, TDtype dtype)
{
    return make(s, "t_cast", {x}, [&] { return x->value.to(scalar_type(dtype)); });
}

Tensor *t_clone(Scope *s, const Tensor *x)
{
    return make(s, "t_clone", {x}, [&] { return x->value.clone(at::MemoryFormat::Contiguous); });
}

Tensor *t_contiguous(Scope *s, const Tensor *x)
{
    return make(s, "t_contiguous", {x}, [&] { return x->value.contiguous(); });
}

Tensor *t_detach(Scope *s, const Tensor *x)
{
    return make(s, "t_detach", {x}, [&] { return x->value.detach(); });
}

Tensor *t_alias(Scope *s, const Tensor *x)
{
    return make(s, "t_alias", {x}, [&] { return x->value; });
}

Tensor *t_reshape(Scope *s, const Tensor *x, int ndim, const int64_t *shape)
{
    return make(s, "t_reshape", {x}, [&] { return x->value.reshape(shape_of(ndim, shape)); });
}

Tensor *t_expand(Scope *s, const Tensor *x, int ndim, const int64_t *shape)
{
    return make(s, "t_expand", {x}, [&] { return x->value.expand(shape_of(ndim, shape)); });
}

Tensor *t_permute(Scope *s, const Tensor *x, int ndim, const int64_t *dims)
{
    return make(s, "t_permute", {x}, [&] { return x->value.permute(shape_of(ndim, dims)); });
}

Tensor *t_transpose(Scope *s, const Tensor *x, int dim_a, int dim_b)
{
    return make(s, "t_transpose", {x}, [&] { return x->value.transpose(dim_a, dim_b); });
}

Tensor *t_unsqueeze(Scope *s, const Tensor *x, int dim)
{
    return make(s, "t_unsqueeze", {x}, [&] { return x->value.unsqueeze(dim); });
}

Tensor *t_squeeze(Scope *s, const Tensor *x, int dim)
{
    return make(s, "t_squeeze", {x}, [&] { return x->value.squeeze(dim); });
}

Tensor *t_slice(Scope *s, const Tensor *x, int dim, int64_t start, int64_t end)
{
    return make(s, "t_slice", {x}, [&] {
        int64_t size = x->value.size(dim);
        TORCH_CHECK(0 <= start && start <= end && end <= size, "[", start, ", ", end, ") is not within size ", size);
        return x->value.slice(dim, start, end, 1);
    });
}

Tensor *t_select(Scope *s, const Tensor *x, int dim, int64_t index)
{
    return make(s, "t_select", {x}, [&] { return x->value.select(dim, index); });
}

Tensor *t_cat(Scope *s, Tensor *const *parts, size_t count, int dim)
{
    return make(s, "t_cat", {}, [&] { return at::cat(values(parts, count), dim); });
}

Tensor *t_stack(Scope *s, Tensor *const *parts, size_t count, int dim)
{
    return make(s, "t_stack", {}, [&] { return at::stack(values(parts, count), dim); });
}

Tensor *t_index_select(Scope *s, const Tensor *x, int dim, const Tensor *index)
{
    return make(s, "t_index_select", {x, index}, [&] { return at::index_select(x->value, dim, index->value); });
}

Tensor *t_gather(Scope *s, const Tensor *x, int dim, const Tensor *index)
{
    return make(s, "t_gather", {x, index}, [&] { return at::gather(x->value, dim, index->value); });
}

Tensor *t_pick(Scope *s, const Tensor *x, const Tensor *index)
{
    return make(s, "t_pick", {x, index}, [&] {
        TORCH_CHECK(x->value.dim() >= 2 && index->value.dim() == 1 && index->value.size(0) == x->value.size(0),
                    "wanted x [B,T,...] and index [B]");
        at::Tensor rows = at::arange(x->value.size(0), index->value.options());
        return x->value.index({rows, index->value});
    });
}

// ---- arithmetic ------------------------------------------------------------------------------------------------------

Tensor *t_add(Scope *s, const Tensor *x, const Tensor *y)
{
    return make(s, "t_add", {x, y}, [&] { return at::add(x->value, y->value); });
}

Tensor *t_sub(Scope *s, const Tensor *x, const Tensor *y)
{
    return make(s, "t_sub", {x, y}, [&] { return at::sub(x->value, y->value); });
}

Tensor *t_mul(Scope *s, const Tensor *x, const Tensor *y)
{
    return make(s, "t_mul", {x, y}, [&] { return at::mul(x->value, y->value); });
}

Tensor *t_div(Scope *s, const Tensor *x, const Tensor *y)
{
    return make(s, "t_div", {x, y}, [&] { return at::div(x->value, y->value); });
}

Tensor *t_scale(Scope *s, const Tensor *x, double factor)
{
    return make(s, "t_scale", {x}, [&] { return at::mul(x->value, at::Scalar(factor)); });
}

Tensor *t_shift(Scope *s, const Tensor *x, double term)
{
    return make(s, "t_shift", {x}, [&] { return at::add(x->value, at::Scalar(term)); });
}

Tensor *t_exp(Scope *s, const Tensor *x)
{
    return make(s, "t_exp", {x}, [&] { return at::exp(x->value); });
}

Tensor *t_log(Scope *s, const Tensor *x)
{
    return make(s, "t_log", {x}, [&] { return at::log(x->value); });
}

Tensor *t_sqrt(Scope *s, const Tensor *x)
{
    return make(s, "t_sqrt", {x}, [&] { return at::sqrt(x->value); });
}

Tensor *t_pow(Scope *s, const Tensor *x, double exponent)
{
    return make(s, "t_pow", {x}, [&] { return at::pow(x->value, at::Scalar(exponent)); });
}

Tensor *t_abs(Scope *s, const Tensor *x)
{
    return make(s, "t_abs", {x}, [&] { return at::abs(x->value); });
}

Tensor *t_tanh(Scope *s, const Tensor *x)
{
    return make(s, "t_tanh", {x}, [&] { return at::tanh(x->value); });
}

Tensor *t_sigmoid(Scope *s, const Tensor *x)
{
    return make(s, "t_sigmoid", {x}, [&] { return at::sigmoid(x->value); });
}

Tensor *t_sin(Scope *s, const Tensor *x)
{
    return make(s, "t_sin", {x}, [&] { return at::sin(x->value); });
}

Tensor *t_cos(Scope *s, const Tensor *x)
{
    return make(s, "t_cos", {x}, [&] { return at::cos(x->value); });
}

Tensor *t_clamp(Scope *s, const Tensor *x, double low, double high)
{
    return make(s, "t_clamp", {x}, [&] { return at::clamp(x->value, at::Scalar(low), at::Scalar(high)); });
}

Tensor *t_equal(Scope *s, const Tensor *x, const Tensor *y)
{
    return make(s, "t_equal", {x, y}, [&] { return at::eq(x->value, y->value); });
}

Tensor *t_equal_to(Scope *s, const Tensor *x, double value)
{
    return make(s, "t_equal_to", {x}, [&] { return at::eq(x->value, at::Scalar(value)); });
}

Tensor *t_less(Scope *s, const Tensor *x, const Tensor *y)
{
    return make(s, "t_less", {x, y}, [&] { return at::lt(x->value, y->value); });
}

Tensor *t_where(Scope *s, const Tensor *condition, const Tensor *x, const Tensor *y)
{
    return make(s, "t_where", {condition, x, y},
                [&] { return at::where(condition->value, x->value, y->value); });
}

Tensor *t_masked_fill(Scope *s, const Tensor *x, const Tensor *mask, double value)
{
    return make(s, "t_masked_fill", {x, mask},
                [&] { return at::masked_fill(x->value, mask->value, at::Scalar(value)); });
}

// ---- reductions ------------------------------------------------------------------------------------------------------

Tensor *t_sum(Scope *s, const Tensor *x, int dim, bool keep_dim)
{
    return make(s, "t_sum", {x}, [&] { return at::sum(x->value, {static_cast<int64_t>(dim)}, keep_dim); });
}

Tensor *t_mean(Scope *s, const Tensor *x, int dim, bool keep_dim)
{
    return make(s, "t_mean", {x}, [&] { return at::mean(x->value, {static_cast<int64_t>(dim)}, keep_dim); });
}

Tensor *t_max(Scope *s, const Tensor *x, int dim, bool keep_dim)
{
    return make(s, "t_max", {x}, [&] { return std::get<0>(at::max(x->value, static_cast<int64_t>(dim), keep_dim)); });
}

Tensor *t_argmax(Scope *s, const Tensor *x, int dim, bool keep_dim)
{
    return make(s, "t_argmax", {x}, [&] { return at::argmax(x->value, static_cast<int64_t>(dim), keep_dim); });
}

Tensor *t_sum_all(Scope *s, const Tensor *x)
{
    return make(s, "t_sum_all", {x}, [&] { return at::sum(x->value); });
}

Tensor *t_mean_all(Scope *s, const Tensor *x)
{
    return make(s, "t_mean_all", {x}, [&] { return at::mean(x->value); });
}

bool t_all_finite(Scope *s, const Tensor *x)
{
    bool finite = false;
    guarded(s, "t_all_finite", {x}, {}, false, [&] { finite = at::isfinite(x->value).all().item<bool>(); });
    return finite;
}

// ---- layers ----------------------------------------------------------------------------------------------------------

Tensor *t_matmul(Scope *s, const Tensor *x, const Tensor *y)
{
    return make(s, "t_matmul", {x, y}, [&] { return at::matmul(x->value, y->value); });
}

Tensor *t_linear(Scope *s, const Tensor *x, const Tensor *weight, const Tensor *bias)
{
    return make(s, "t_linear", {x, weight}, {bias},
                [&] { return at::linear(x->value, weight->value, maybe(bias)); });
}

Tensor *t_embedding(Scope *s, const Tensor *table, const Tensor *ids)
{
    return make(s, "t_embedding", {table, ids}, [&] { return at::embedding(table->value, ids->value); });
}

Tensor *t_layer_norm(Scope *s, const Tensor *x, const Tensor *weight, const Tensor *bias, double eps)
{
    return make(s, "t_layer_norm", {x}, {weight, bias}, [&] {
        return at::layer_norm(x->value, {x->value.size(-1)}, maybe(weight), maybe(bias), eps);
    });
}

Tensor *t_rms_norm(Scope *s, const Tensor *x, const Tensor *weight, double eps)
{
    return make(s, "t_rms_norm", {x, weight}, [&] {
        at::Tensor wide = x->value.to(at::kFloat);
        at::Tensor y = wide * at::rsqrt(at::mean(wide * wide, {-1}, true) + eps);
        return y.to(x->value.scalar_type()) * weight->value;
    });
}

Tensor *t_relu(Scope *s, const Tensor *x)
{
    return make(s, "t_relu", {x}, [&] { return at::relu(x->value); });
}

Tensor *t_gelu(Scope *s, const Tensor *x)
{
    return make(s, "t_gelu", {x}, [&] { return at::gelu(x->value, "none"); });
}

Tensor *t_gelu_tanh(Scope *s, const Tensor *x)
{
    return make(s, "t_gelu_tanh", {x}, [&] { return at::gelu(x->value, "tanh"); });
}

Tensor *t_quick_gelu(Scope *s, const Tensor *x)
{
    return make(s, "t_quick_gelu", {x}, [&] {
        at::Tensor gate = at::mul(x->value, at::Scalar(1.702));
        if (s->kind == SCOPE_GRAD)
            return at::mul(x->value, at::sigmoid(gate));
        return gate.sigmoid_().mul_(x->value); // one buffer instead of three
    });
}

Tensor *t_silu(Scope *s, const Tensor *x)
{
    return make(s, "t_silu", {x}, [&] { return at::silu(x->value); });
}

Tensor *t_softmax(Scope *s, const Tensor *x, int dim)
{
    return make(s, "t_softmax", {x}, [&] { return at::softmax(x->value, dim); });
}

Tensor *t_log_softmax(Scope *s, const Tensor *x, int dim)
{
    return make(s, "t_log_softmax", {x}, [&] { return at::log_softmax(x->value, dim); });
}

Tensor *t_l2_normalize(Scope *s, const Tensor *x, int dim, double eps)
{
    return make(s, "t_l2_normalize", {x}, [&] {
        at::Tensor norm = at::norm(x->value, 2, {static_cast<int64_t>(dim)}, true);
        return at::div(x->value, eps > 0 ? at::clamp_min(norm, at::Scalar(eps)) : norm);
    });
}

Tensor *t_conv2d(Scope *s, const Tensor *x, const Tensor *weight, const Tensor *bias, int stride, int padding, int groups)
{
    return make(s, "t_conv2d", {x, weight}, {bias}, [&] {
        int64_t strides[2] = {stride, stride}, paddings[2] = {padding, padding}, dilations[2] = {1, 1};
        return at::conv2d(x->value, weight->value, maybe(bias), at::IntArrayRef(strides, 2),
                          at::IntArrayRef(paddings, 2), at::IntArrayRef(dilations, 2), groups);
    });
}

Tensor *t_attention(Scope *s, const Tensor *q, const Tensor *k, const Tensor *v, const Tensor *mask, bool causal,
                    double scale)
{
    return make(s, "t_attention", {q, k, v}, {mask}, [&]() -> at::Tensor {
        TORCH_CHECK(q->value.dim() == 4 && k->value.dim() == 4 && v->value.dim() == 4,
                    "wanted q [B,H,T,dh] and k, v [B,H,S,dh]");
        TORCH_CHECK(!causal || (mask == nullptr && q->value.size(2) == k->value.size(2)),
                    "causal attention wants as many queries as keys and no mask");
#if RADZ_HAVE_FUSED_ATTENTION
        if (mask != nullptr)
            return at::scaled_dot_product_attention(q->value, k->value, v->value, mask->value, 0.0, false, scale);
        return at::scaled_dot_product_attention(q->value, k->value, v->value, {}, 0.0, causal, scale);
#else
        const double low = -std::numeric_limits<double>::infinity();
        at::Tensor scores = at::matmul(at::mul(q->value, at::Scalar(scale)), k->value.transpose(-2, -1));
        if (causal) {
            int64_t n = q->value.size(2);
            at::Tensor future = at::ones({n, n}, q->value.options().dtype(at::kBool)).triu(1);
            scores = scores.masked_fill(future, low);
        } else if (mask != nullptr && mask->value.scalar_type() == at::kBool) {
            scores = scores.masked_fill(at::logical_not(mask->value), low);
        } else if (mask != nullptr) {
            scores = at::add(scores, mask->value);
        }
        return at::matmul(at::softmax(scores, -1), v->value);
#endif
    });
}

Tensor *t_rope(Scope *s, const Tensor *x, const Tensor *cos, const Tensor *sin)
{
    return make(s, "t_rope", {x, cos, sin}, [&] {
        int64_t half = x->value.size(-1) / 2;
        at::Tensor a = x->value.narrow(-1, 0, half), b = x->value.narrow(-1, half, half);
        return at::cat({at::sub(at::mul(a, cos->value), at::mul(b, sin->value)),
                        at::add(at::mul(b, cos->value), at::mul(a, sin->value))}, -1);
    });
}

Tensor *t_cross_entropy(Scope *s, const Tensor *logits, const Tensor *target, int64_t ignore, double label_smoothing)
{
    return make(s, "t_cross_entropy", {logits, target}, [&] {
        return at::cross_entropy_loss(logits->value, target->value, {}, at::Reduction::Mean, ignore, label_smoothing);
    });
}

Tensor *t_nll(Scope *s, const Tensor *log_probabilities, const Tensor *target, int64_t ignore)
{
    return make(s, "t_nll", {log_probabilities, target}, [&] {
        return at::nll_loss(log_probabilities->value, target->value, {}, at::Reduction::Mean, ignore);
    });
}

// ---- gradients -------------------------------------------------------------------------------------------------------

Tensor *t_set_leaf(Scope *s, Tensor *x, bool collect)
{
    return change(s, "t_set_leaf", x, {}, [&] { x->value.requires_grad_(collect); });
}

bool t_backward(Scope *s, const Tensor *loss)
{
    return guarded(s, "t_backward", {loss}, {}, true, [&] {
        TORCH_CHECK(loss->value.requires_grad(), "the loss depends on no leaf, or was made in an inference scope");
        loss->value.backward();
    });
}

Tensor *t_grad(Scope *s, const Tensor *x)
{
    return make(s, "t_grad", {x}, [&] {
        at::Tensor grad = x->value.grad();
        TORCH_CHECK(grad.defined(), "the tensor has no gradient: not a leaf, or no backward pass has reached it");
        return grad;
    });
}

void t_zero_grad(Scope *s, Tensor *const *leaves, size_t count)
{
    guarded(s, "t_zero_grad", {}, {}, false, [&] {
        for (size_t i = 0; i < count; i++)
            if (leaves[i] != nullptr)
                leaves[i]->value.mutable_grad() = at::Tensor();
    });
}

double t_grad_norm(Scope *s, Tensor *const *leaves, size_t count)
{
    double total = 0;
    bool good = guarded(s, "t_grad_norm", {}, {}, false, [&] {
        for (size_t i = 0; i < count; i++) {
            if (!t_has_grad(leaves[i]))
                continue;
            double norm = at::norm(leaves[i]->value.grad().to(at::kDouble)).item<double>();
            total += norm * norm;
        }
    });
    return good ? std::sqrt(total) : std::numeric_limits<double>::quiet_NaN();
}

double t_clip_grad_norm(Scope *s, Tensor *const *leaves, size_t count, double max_norm)
{
    double norm = t_grad_norm(s, leaves, count);
    guarded(s, "t_clip_grad_norm", {}, {}, false, [&] {
        TORCH_CHECK(max_norm > 0, "the largest norm is ", max_norm, ", wanted a positive number");
        double factor = max_norm / (norm + 1e-6);
        if (!(factor < 1))
            return;
        for (size_t i = 0; i < count; i++)
            if (t_has_grad(leaves[i]))
                leaves[i]->value.mutable_grad().mul_(at::Scalar(factor));
    });
    return norm;
}

// ---- in place --------------------------------------------------------------------------------------------------------

Tensor *t_add_(Scope *s, Tensor *x, const Tensor *y, double alpha)
{
    return change(s, "t_add_", x, {y}, [&] { x->value.add_(y->value, at::Scalar(alpha)); });
}

Tensor *t_scale_(Scope *s, Tensor *x, double factor)
{
    return change(s, "t_scale_", x, {}, [&] { x->value.mul_(at::Scalar(factor)); });
}

Tensor *t_clamp_(Scope *s, Tensor *x, double low, double high)
{
    return change(s, "t_clamp_", x, {}, [&] { x->value.clamp_(at::Scalar(low), at::Scalar(high)); });
}

Tensor *t_lerp_(Scope *s, Tensor *x, const Tensor *y, double weight)
{
    return change(s, "t_lerp_", x, {y}, [&] { x->value.lerp_(y->value, at::Scalar(weight)); });
}

Tensor *t_addcmul_(Scope *s, Tensor *x, const Tensor *a, const Tensor *b, double value)
{
    return change(s, "t_addcmul_", x, {a, b}, [&] { x->value.addcmul_(a->value, b->value, at::Scalar(value)); });
}

Tensor *t_addcdiv_(Scope *s, Tensor *x, const Tensor *a, const Tensor *b, double value)
{
    return change(s, "t_addcdiv_", x, {a, b}, [&] { x->value.addcdiv_(a->value, b->value, at::Scalar(value)); });
}

Tensor *t_fill_(Scope *s, Tensor *x, double value)
{
    return change(s, "t_fill_", x, {}, [&] { x->value.fill_(at::Scalar(value)); });
}

Tensor *t_copy_(Scope *s, Tensor *x, const Tensor *y)
{
    return change(s, "t_copy_", x, {y}, [&] { x->value.copy_(y->value); });
}

bool t_copy_from_host_(Scope *s, Tensor *x, TDtype dtype, const void *data, size_t count)
{
    return guarded(s, "t_copy_from_host_", {x}, {}, false, [&] {
        TORCH_CHECK(static_cast<size_t>(x->value.numel()) == count, "the tensor has ", x->value.numel(),
                    " elements, the data ", count);
        if (count > 0)
            x->value.copy_(at::from_blob(const_cast<void *>(data), x->value.sizes(),
                                         at::TensorOptions(scalar_type(dtype))));
    });
}

Tensor *t_adamw_step_(Scope *s, Tensor *x, const Tensor *grad, Tensor *first, Tensor *second, const TAdamW *options)
{
    return change(s, "t_adamw_step_", x, {grad, first, second}, [&] {
        const TAdamW &o = *options;
        TORCH_CHECK(o.step >= 1, "step ", o.step, ", wanted 1 or more");
        double step = static_cast<double>(o.step);
        double correction1 = 1 - std::pow(o.beta1, step), correction2 = 1 - std::pow(o.beta2, step);
        const at::Tensor &g = grad->value;
        if (o.weight_decay != 0)
            x->value.mul_(at::Scalar(1 - o.learning_rate * o.weight_decay));
        first->value.lerp_(g, at::Scalar(1 - o.beta1));
        second->value.mul_(at::Scalar(o.beta2)).addcmul_(g, g, at::Scalar(1 - o.beta2));
        at::Tensor root = second->value.sqrt().div_(at::Scalar(std::sqrt(correction2))).add_(at::Scalar(o.eps));
        x->value.addcdiv_(first->value, root, at::Scalar(-o.learning_rate / correction1));
    });
}
