#include "model/weights.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

struct weights {
    safetensors *files;
    safetensors *others; /* that stand in for some of them; NULL: none */
    size_t skip;         /* characters of the others' names that do not count */
    bool *other_used;    /* [safetensors_count(others)] */
    weights_options options;
    Scope *scope; /* owns the tensors; its sticky error is the first that happened */
    bool *used;   /* [safetensors_count] */
    radz_strlist missing;
    char *dir;
};

radz_status weights_open(const char *path, const weights_options *options, weights **out, radz_error *err)
{
    *out = NULL;
    radz_status status;
    weights *w = radz_calloc(1, sizeof *w, err);
    if (w == NULL)
        return RADZ_E_NOMEM;
    w->options = *options;
    w->dir = radz_strdup(path, err);
    status = w->dir != NULL ? scope_create(SCOPE_INFERENCE, &w->scope, err) : RADZ_E_NOMEM;
    if (status == RADZ_OK)
        status = radz_file_is_dir(path) ? safetensors_open_dir(path, &w->files, err) : safetensors_open(path, &w->files, err);
    if (status == RADZ_OK)
        status = safetensors_check_finite(w->files, options->threads, err);
    if (status == RADZ_OK) {
        w->used = radz_calloc(safetensors_count(w->files), sizeof *w->used, err);
        status = w->used != NULL ? RADZ_OK : RADZ_E_NOMEM;
    }
    if (status) {
        weights_free(w);
        return status;
    }
    *out = w;
    return RADZ_OK;
}

void weights_free(weights *w)
{
    if (w == NULL)
        return;
    scope_free(w->scope); /* before the files it borrows from */
    safetensors_free(w->files);
    safetensors_free(w->others);
    free(w->other_used);
    radz_strlist_free(&w->missing);
    free(w->used);
    free(w->dir);
    free(w);
}

radz_status weights_replace(weights *w, const char *path, radz_error *err)
{
    static const char *const before[] = {"base_model.", "model."};
    radz_status status = safetensors_open(path, &w->others, err);
    if (status == RADZ_OK)
        status = safetensors_check_finite(w->others, w->options.threads, err);
    if (status)
        return status;
    size_t n = safetensors_count(w->others);
    for (int i = 0; i < 2; i++) {
        bool all = n > 0;
        for (size_t k = 0; k < n && all; k++) {
            const char *name = safetensors_at(w->others, k)->name;
            all = strlen(name) > w->skip && radz_str_starts(name + w->skip, before[i]) &&
                  (i == 0 || radz_str_starts(name + w->skip + strlen(before[i]), "model.") ||
                   radz_str_starts(name + w->skip + strlen(before[i]), "lm_head."));
        }
        w->skip += all ? strlen(before[i]) : 0;
    }
    w->other_used = radz_calloc(n, sizeof *w->other_used, err);
    return w->other_used != NULL ? RADZ_OK : RADZ_E_NOMEM;
}

/* The tensor that has the name; NULL: none. */
static const safetensors_entry *find(const weights *w, const char *name)
{
    for (size_t i = 0; w->others != NULL && i < safetensors_count(w->others); i++)
        if (strcmp(safetensors_at(w->others, i)->name + w->skip, name) == 0)
            return safetensors_at(w->others, i);
    return safetensors_find(w->files, name);
}

/* Takes it, and what it stands in for, off the list of tensors without a place. */
static void mark_used(weights *w, const char *name)
{
    const safetensors_entry *e = safetensors_find(w->files, name), *other = find(w, name);
    if (e != NULL)
        w->used[e - safetensors_at(w->files, 0)] = true;
    if (other != NULL && other != e)
        w->other_used[other - safetensors_at(w->others, 0)] = true;
}

static void shape_text(int ndim, const int64_t *shape, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "[");
    for (int d = 0; d < ndim && used < size; d++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRId64, d > 0 ? "," : "", shape[d]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}

Tensor *weights_take(weights *w, int ndim, const int64_t *shape, const char *format, ...)
{
    char name[256];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    if (!scope_ok(w->scope))
        return NULL;

    const safetensors_entry *e = find(w, name);
    if (e == NULL) {
        radz_error err = {0};
        if (radz_strlist_add(&w->missing, name, &err))
            scope_fail(w->scope, err.code, "%s", err.message);
        return NULL;
    }
    mark_used(w, name);
    if (e->ndim != ndim || (ndim > 0 && memcmp(e->shape, shape, (size_t)ndim * sizeof *shape) != 0)) {
        char found[128], wanted[128];
        shape_text(e->ndim, e->shape, found, sizeof found);
        shape_text(ndim, shape, wanted, sizeof wanted);
        return scope_fail(w->scope, RADZ_E_VALUE, "'%s': tensor '%s' has shape %s, the configuration wants %s", e->file, name,
                          found, wanted);
    }
    if (e->dtype != T_F32 && e->dtype != T_F16 && e->dtype != T_BF16 && e->dtype != T_F64)
        return scope_fail(w->scope, RADZ_E_VALUE, "'%s': tensor '%s' is of type %s, wanted a floating type", e->file, name,
                          t_dtype_name(e->dtype));
    size_t mark = scope_mark(w->scope);
    Tensor *x = t_borrow_host(w->scope, e->data, ndim, shape, e->dtype);
    if (w->options.writable)
        x = t_clone(w->scope, x);
    x = t_to(w->scope, x, w->options.dtype, w->options.device);
    return scope_release(w->scope, mark, x);
}

bool weights_has(const weights *w, const char *name)
{
    return find(w, name) != NULL;
}

void weights_ignore(weights *w, const char *name)
{
    mark_used(w, name);
}

void weights_ignore_prefix(weights *w, const char *prefix)
{
    for (size_t i = 0; i < safetensors_count(w->files); i++)
        if (radz_str_starts(safetensors_at(w->files, i)->name, prefix))
            w->used[i] = true;
}

const safetensors *weights_files(const weights *w)
{
    return w->files;
}

/* Appends ", name" to a text of fixed size while there is room. */
static void add_name(char *text, size_t size, const char *name)
{
    size_t used = strlen(text);
    if (used + strlen(name) + 8 < size)
        snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", name);
    else if (used + 6 < size && !radz_str_ends(text, "..."))
        snprintf(text + used, size - used, ", ...");
}

radz_status weights_finish(weights *w, radz_error *err)
{
    if (!scope_ok(w->scope))
        return scope_error(w->scope, err);
    char names[480] = "";
    if (w->missing.count > 0) {
        for (size_t i = 0; i < w->missing.count; i++)
            add_name(names, sizeof names, w->missing.items[i]);
        return radz_fail(err, RADZ_E_MISSING, "'%s': %zu of the model's tensors missing from its weight files: %s",
                         w->dir, w->missing.count, names);
    }
    size_t surplus = 0;
    for (size_t i = 0; i < safetensors_count(w->files); i++) {
        if (!w->used[i]) {
            surplus++;
            add_name(names, sizeof names, safetensors_at(w->files, i)->name);
        }
    }
    for (size_t i = 0; w->others != NULL && i < safetensors_count(w->others); i++) {
        if (!w->other_used[i]) {
            surplus++;
            add_name(names, sizeof names, safetensors_at(w->others, i)->name);
        }
    }
    if (surplus > 0)
        return radz_fail(err, RADZ_E_VALUE,
                         "'%s': %zu tensors in its weight files that the configuration has no place for: %s", w->dir,
                         surplus, names);
    return RADZ_OK;
}
