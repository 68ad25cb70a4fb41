/* Files of named tensors in the safetensors format: an 8-byte little-endian header length, a JSON header, then the data.
 * Reading maps the file and copies nothing; a file is accepted only when its tensors fill the data exactly, without gap
 * or overlap, as the format demands (https://github.com/huggingface/safetensors, "Format"). Files of torch.save are read too,
 * known by their first bytes (state_dict.h). */
#ifndef RADZ_MODEL_SAFETENSORS_H
#define RADZ_MODEL_SAFETENSORS_H

#include "config/safetensors_header.h"
#include "torch/tensor.h"

typedef struct safetensors_entry {
    const char *name; /* borrowed from the file */
    const char *file; /* path it is in, borrowed */
    TDtype dtype;
    int ndim;
    int64_t shape[SAFETENSORS_MAX_DIMS];
    const void *data; /* row-major, little-endian, read-only, aligned as the file has it */
    size_t bytes;
} safetensors_entry;

typedef struct safetensors safetensors;

/* One file, or, when `path` ends in ".index.json", all the shards that the index names (beside it).
 * RADZ_E_FORMAT: not the format; RADZ_E_UNSUPPORTED: an element type that libtorch has no counterpart for here;
 * RADZ_E_MISSING: a shard, or a tensor the index promises, is not there. The caller frees `*out`. */
radz_status safetensors_open(const char *path, safetensors **out, radz_error *err) RADZ_MUST_USE;
/* A model folder: the first that is there of model.safetensors, model.safetensors.index.json, pytorch_model.bin and
 * pytorch_model.bin.index.json. */
radz_status safetensors_open_dir(const char *dir, safetensors **out, radz_error *err) RADZ_MUST_USE;
/* The same from memory, which must outlive it; `name` stands for the file in messages. */
radz_status safetensors_parse(const void *data, size_t size, const char *name, safetensors **out,
                              radz_error *err) RADZ_MUST_USE;
void safetensors_free(safetensors *st);

size_t safetensors_count(const safetensors *st);
const safetensors_entry *safetensors_at(const safetensors *st, size_t i);             /* sorted by name */
const safetensors_entry *safetensors_find(const safetensors *st, const char *name);   /* NULL when absent */

/* RADZ_E_VALUE with the tensor's name and the index of the first NaN or infinity in any tensor of a floating type.
 * Reads everything once, at the speed of memory (or of the disk). */
radz_status safetensors_check_finite(const safetensors *st, int threads, radz_error *err) RADZ_MUST_USE;

/* Writes a file: same entries, same bytes; complete or not at all. `fetch` fills entry i's bytes into `buffer`; it is
 * called in file order (element size descending, then name). Of the entries, name, dtype, ndim and shape are used. The
 * header says format "pt", which transformers asks for. */
typedef radz_status (*safetensors_fetch)(void *context, size_t i, void *buffer, size_t bytes, radz_error *err);
radz_status safetensors_write(const char *path, const safetensors_entry *entries, size_t count,
                              safetensors_fetch fetch, void *context, radz_error *err) RADZ_MUST_USE;

#endif
