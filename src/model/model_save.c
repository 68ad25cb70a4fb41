#include "model/model_save.h"

#include <stdlib.h>

#include "base/mem.h"

typedef struct writing {
    const save_piece *pieces;
    Scope *scope; /* of one piece */
} writing;

static radz_status fetch(void *context, size_t i, void *buffer, size_t bytes, radz_error *err)
{
    (void)bytes; /* safetensors_write computed it from the same shape and type */
    const writing *w = context;
    const save_piece *p = &w->pieces[i];
    const Tensor *x = p->tensor;
    if (x == NULL)
        x = t_borrow_host(w->scope, p->entry->data, p->entry->ndim, p->entry->shape, p->entry->dtype);
    t_to_host(w->scope, x, p->dtype, buffer, (size_t)t_numel(x));
    radz_status status = scope_error(w->scope, err);
    scope_clear(w->scope);
    return status;
}

radz_status save_tensors(const char *path, const save_piece *pieces, size_t count, radz_error *err)
{
    writing w = {.pieces = pieces};
    safetensors_entry *entries = radz_calloc(count + 1, sizeof *entries, err);
    radz_status status = entries == NULL ? RADZ_E_NOMEM : scope_create(SCOPE_INFERENCE, &w.scope, err);
    for (size_t i = 0; i < count && status == RADZ_OK; i++) {
        const save_piece *p = &pieces[i];
        safetensors_entry *e = &entries[i];
        *e = (safetensors_entry){.name = p->name, .dtype = p->dtype, .ndim = p->tensor != NULL ? t_ndim(p->tensor) : p->entry->ndim};
        for (int d = 0; d < e->ndim; d++)
            e->shape[d] = p->tensor != NULL ? t_size(p->tensor, d) : p->entry->shape[d];
    }
    if (status == RADZ_OK)
        status = safetensors_write(path, entries, count, fetch, &w, err);
    scope_free(w.scope);
    free(entries);
    return status;
}

radz_status save_config_begin(const char *dir, const char *architecture, const char *model_type, radz_out *out, radz_json_writer *w,
                              radz_error *err)
{
    *out = (radz_out){0};
    char *path = radz_path_join(dir, "config.json", err);
    radz_status status = path == NULL ? RADZ_E_NOMEM : radz_out_open(path, out, err);
    free(path);
    if (status)
        return status;
    radz_json_writer_init(w, out->stream);
    radz_json_object_begin(w, NULL);
    radz_json_array_begin_inline(w, "architectures");
    radz_json_put_string(w, NULL, architecture);
    radz_json_array_end(w);
    radz_json_put_string(w, "model_type", model_type);
    return RADZ_OK;
}

radz_status save_config_end(radz_out *out, radz_json_writer *w, radz_status status, radz_error *err)
{
    if (status == RADZ_OK) {
        radz_json_object_end(w);
        fputc('\n', out->stream);
        status = radz_out_commit(out, err);
    }
    radz_out_abandon(out);
    return status;
}

const char *save_dtype_name(TDtype dtype)
{
    return dtype == T_F16 ? "float16" : dtype == T_BF16 ? "bfloat16" : "float32";
}
