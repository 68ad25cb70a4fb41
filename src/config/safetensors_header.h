/* The header of a safetensors file: which tensors lie where in it. 8 bytes of length (little-endian), a JSON object, then the
 * data; tensors fill the data exactly, without gap or overlap, as the format demands
 * (https://github.com/huggingface/safetensors, "Format"). Says whether a file is whole without reading the data. */
#ifndef RADZ_CONFIG_SAFETENSORS_HEADER_H
#define RADZ_CONFIG_SAFETENSORS_HEADER_H

#include "base/json.h"
#include "base/status.h"

enum { SAFETENSORS_MAX_DIMS = 8, SAFETENSORS_LENGTH_SIZE = 8 };

typedef struct safetensors_place {
    const char *name; /* borrowed from the header */
    const char *type; /* "F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"; static */
    int ndim;
    int64_t shape[SAFETENSORS_MAX_DIMS];
    size_t begin, bytes; /* from the first byte after the header */
} safetensors_place;

typedef struct safetensors_header {
    radz_json_doc *json;
    safetensors_place *places; /* [count], in the order of the data */
    size_t count, capacity;
    size_t data_at; /* the first byte after the header */
} safetensors_header;

/* Reads the header of a whole file in memory; `file` stands for it in messages. RADZ_E_FORMAT: not the format, or cut off;
 * RADZ_E_UNSUPPORTED: an element type or a number of dimensions that nothing here can use. Free `*out`, also after an error. */
radz_status safetensors_header_read(const void *data, size_t size, const char *file, safetensors_header *out,
                                    radz_error *err) RADZ_MUST_USE;
void safetensors_header_free(safetensors_header *header);

/* Is the file at `path` whole? Reads its header alone. A file of torch.save under that name (a zip archive) is passed over. */
radz_status safetensors_check(const char *path, radz_error *err) RADZ_MUST_USE;

#endif
