/* What writing models takes: named tensors in one safetensors file, and a configuration as Hugging Face's config.json. */
#ifndef RADZ_MODEL_MODEL_SAVE_H
#define RADZ_MODEL_MODEL_SAVE_H

#include "base/file.h"
#include "base/json.h"
#include "model/safetensors.h"

/* One tensor of the file. All borrowed. */
typedef struct save_piece {
    const char *name;
    TDtype dtype; /* in the file */
    const Tensor *tensor;           /* or, NULL: */
    const safetensors_entry *entry; /* as it lies in memory: dtype, ndim, shape, data */
} save_piece;

/* Same pieces, same bytes; the file appears completely or not at all. */
radz_status save_tensors(const char *path, const save_piece *pieces, size_t count, radz_error *err) RADZ_MUST_USE;

/* Opens dir/config.json with `architectures` and `model_type`; the caller adds members and ends with save_config_end, which
 * takes its status so far and closes the file also after an error. */
radz_status save_config_begin(const char *dir, const char *architecture, const char *model_type, radz_out *out, radz_json_writer *w,
                              radz_error *err) RADZ_MUST_USE;
radz_status save_config_end(radz_out *out, radz_json_writer *w, radz_status status, radz_error *err) RADZ_MUST_USE;
const char *save_dtype_name(TDtype dtype); /* of f16, bf16 and f32, for `torch_dtype` */

#endif
