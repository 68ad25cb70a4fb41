#include "train/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/model_save.h"

enum { KINDS = 3 };
static const char *const kind_names[KINDS] = {"weights", "first", "second"};

static Tensor *tensor_of(const optimizer *o, size_t kind, size_t i)
{
    return kind == 0 ? o->parameters[i] : kind == 1 ? o->first[i] : o->second[i];
}

radz_status checkpoint_write(const char *path, const optimizer *o, const char *const *names, const char *recipe,
                             radz_error *err)
{
    radz_arena arena = {0};
    size_t n = KINDS * o->count;
    const safetensors_entry step = {.dtype = T_I64, .ndim = 1, .shape = {1}, .data = &o->step},
                            made_for = {.dtype = T_U8, .ndim = 1, .shape = {(int64_t)strlen(recipe)}, .data = recipe};
    save_piece *pieces = radz_arena_alloc(&arena, n + 2, sizeof *pieces, err);
    radz_status st = pieces == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; i < n && st == RADZ_OK; i++) {
        const Tensor *x = tensor_of(o, i % KINDS, i / KINDS);
        pieces[i] = (save_piece){radz_arena_printf(&arena, err, "%s/%s", kind_names[i % KINDS], names[i / KINDS]), t_dtype(x), x, NULL};
        if (pieces[i].name == NULL)
            st = RADZ_E_NOMEM;
    }
    if (st == RADZ_OK) {
        pieces[n] = (save_piece){"step", step.dtype, NULL, &step};
        pieces[n + 1] = (save_piece){"recipe", made_for.dtype, NULL, &made_for};
        st = save_tensors(path, pieces, n + 2, err);
    }
    radz_arena_free(&arena);
    return st;
}

static radz_status check_fit(const char *path, const safetensors_entry *e, const char *name, const Tensor *x,
                             radz_error *err)
{
    if (e == NULL)
        return radz_fail(err, RADZ_E_VALUE, "checkpoint '%.300s' has no tensor '%.200s'", path, name);
    bool same = e->dtype == t_dtype(x) && e->ndim == t_ndim(x);
    for (int d = 0; same && d < e->ndim; d++)
        same = e->shape[d] == t_size(x, d);
    if (!same) {
        char wanted[T_SHAPE_TEXT_SIZE];
        t_shape_text(x, wanted);
        return radz_fail(err, RADZ_E_VALUE, "checkpoint '%.300s': tensor '%.200s' has another shape than %s", path,
                         name, wanted);
    }
    return RADZ_OK;
}

radz_status checkpoint_read(const char *path, optimizer *o, const char *const *names, const char *recipe,
                            radz_error *err)
{
    safetensors *file = NULL;
    Scope *s = NULL;
    radz_arena arena = {0};
    size_t n = KINDS * o->count;
    const safetensors_entry **entries = radz_calloc(n, sizeof *entries, err);
    if (entries == NULL)
        return RADZ_E_NOMEM;
    radz_status st = safetensors_open(path, &file, err);
    if (st != RADZ_OK)
        goto done;
    if ((st = scope_create(SCOPE_INFERENCE, &s, err)))
        goto done;
    const safetensors_entry *step = safetensors_find(file, "step"), *made_for = safetensors_find(file, "recipe");
    if (step == NULL || step->dtype != T_I64 || step->bytes != sizeof(int64_t) || made_for == NULL) {
        st = radz_fail(err, RADZ_E_FORMAT, "'%.300s' is not a checkpoint of a training", path);
        goto done;
    }
    if (made_for->bytes != strlen(recipe) || memcmp(made_for->data, recipe, made_for->bytes) != 0) {
        st = radz_fail(err, RADZ_E_VALUE,
                       "checkpoint '%.300s' belongs to another training: recipe %.20s..., wanted %.20s... "
                       "(start anew with --fresh, or write to another folder)",
                       path, made_for->bytes >= 20 ? (const char *)made_for->data : "?", recipe);
        goto done;
    }
    if (safetensors_count(file) != n + 2) {
        st = radz_fail(err, RADZ_E_VALUE, "checkpoint '%.300s' has %zu tensors, wanted %zu", path,
                       safetensors_count(file), n + 2);
        goto done;
    }
    for (size_t i = 0; i < n && st == RADZ_OK; i++) {
        const char *name = radz_arena_printf(&arena, err, "%s/%s", kind_names[i % KINDS], names[i / KINDS]);
        if (name == NULL) {
            st = RADZ_E_NOMEM;
            goto done;
        }
        entries[i] = safetensors_find(file, name);
        st = check_fit(path, entries[i], name, tensor_of(o, i % KINDS, i / KINDS), err);
    }
    for (size_t i = 0; i < n && st == RADZ_OK; i++) {
        Tensor *x = tensor_of(o, i % KINDS, i / KINDS);
        t_copy_from_host_(s, x, entries[i]->dtype, entries[i]->data, (size_t)t_numel(x));
    }
    if (st == RADZ_OK)
        st = scope_error(s, err);
    if (st == RADZ_OK)
        memcpy(&o->step, step->data, sizeof o->step);
done:
    scope_free(s);
    safetensors_free(file);
    radz_arena_free(&arena);
    free(entries);
    return st;
}
