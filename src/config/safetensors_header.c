#include "config/safetensors_header.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

enum { HEADER_LIMIT = 100 << 20 };

static const struct {
    const char *name;
    size_t size; /* bytes of an element; 0: known, but of no use here */
} types[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4}, {"I16", 2}, {"I8", 1}, {"U8", 1}, {"BOOL", 1},
             {"U64", 0}, {"U32", 0}, {"U16", 0}, {"C64", 0}, {"F8_E4M3", 0}, {"F8_E5M2", 0}, {"F8_E8M0", 0}, {"F8_E4M3FNUZ", 0},
             {"F8_E5M2FNUZ", 0}, {"F6_E2M3", 0}, {"F6_E3M2", 0}, {"F4", 0}};

typedef struct walk {
    safetensors_header *header;
    const char *file;
    size_t size; /* bytes of data */
    radz_status status;
    radz_error *err;
} walk;

static radz_status find_type(const walk *w, const char *tensor, const char *name, const char **type, size_t *size)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) != 0)
            continue;
        if (types[i].size == 0)
            return radz_fail(w->err, RADZ_E_UNSUPPORTED,
                             "'%s': tensor '%s' has elements of type %s; supported: F64, F32, F16, BF16, I64, I32, I16, "
                             "I8, U8, BOOL", w->file, tensor, name);
        *type = types[i].name;
        *size = types[i].size;
        return RADZ_OK;
    }
    return radz_fail(w->err, RADZ_E_FORMAT, "'%s': tensor '%s': unknown element type '%.40s'", w->file, tensor, name);
}

static radz_status read_shape(const walk *w, const radz_json *value, size_t element, safetensors_place *place)
{
    const radz_json *shape = radz_json_find(value, "shape");
    if (shape == NULL || radz_json_kind_of(shape) != RADZ_JSON_ARRAY)
        return radz_fail(w->err, RADZ_E_FORMAT, "'%s': tensor '%s': 'shape' is missing or not an array", w->file, place->name);
    if (radz_json_size(shape) > SAFETENSORS_MAX_DIMS)
        return radz_fail(w->err, RADZ_E_UNSUPPORTED, "'%s': tensor '%s' has %zu dimensions; at most %d are supported", w->file,
                         place->name, radz_json_size(shape), SAFETENSORS_MAX_DIMS);
    place->ndim = (int)radz_json_size(shape);
    uint64_t bytes = element;
    for (int d = 0; d < place->ndim; d++) {
        int64_t n;
        if (!radz_json_as_i64(radz_json_at(shape, (size_t)d), &n) || n < 0)
            return radz_fail(w->err, RADZ_E_FORMAT, "'%s': tensor '%s': size %d of its shape is not a whole number from 0",
                             w->file, place->name, d);
        if (__builtin_mul_overflow(bytes, (uint64_t)n, &bytes) || bytes > INT64_MAX)
            return radz_fail(w->err, RADZ_E_FORMAT, "'%s': tensor '%s': its shape overflows 64 bits", w->file, place->name);
        place->shape[d] = n;
    }
    place->bytes = (size_t)bytes;
    return RADZ_OK;
}

static radz_status read_offsets(const walk *w, const radz_json *value, safetensors_place *place)
{
    const radz_json *offsets = radz_json_find(value, "data_offsets");
    int64_t begin, end;
    if (offsets == NULL || radz_json_kind_of(offsets) != RADZ_JSON_ARRAY || radz_json_size(offsets) != 2 ||
        !radz_json_as_i64(radz_json_at(offsets, 0), &begin) || !radz_json_as_i64(radz_json_at(offsets, 1), &end))
        return radz_fail(w->err, RADZ_E_FORMAT, "'%s': tensor '%s': 'data_offsets' is not an array of two whole numbers", w->file,
                         place->name);
    if (begin < 0 || end < begin || (uint64_t)end > w->size)
        return radz_fail(w->err, RADZ_E_FORMAT,
                         "'%s': tensor '%s': offsets [%" PRId64 ", %" PRId64 "] are not within the %zu bytes of data%s", w->file,
                         place->name, begin, end, w->size, end >= begin && begin >= 0 ? " (truncated file?)" : "");
    if ((uint64_t)(end - begin) != place->bytes)
        return radz_fail(w->err, RADZ_E_FORMAT,
                         "'%s': tensor '%s': offsets span %" PRId64 " bytes, its shape and type need %zu", w->file, place->name,
                         end - begin, place->bytes);
    place->begin = (size_t)begin;
    return RADZ_OK;
}

static radz_status read_tensor(const walk *w, const char *name, const radz_json *value)
{
    safetensors_header *h = w->header;
    safetensors_place place = {.name = name};
    size_t element = 0;
    if (radz_json_kind_of(value) != RADZ_JSON_OBJECT)
        return radz_fail(w->err, RADZ_E_FORMAT, "'%s': tensor '%s': wanted an object with dtype, shape, data_offsets", w->file,
                         name);
    const char *type = radz_json_string(radz_json_find(value, "dtype"));
    if (type == NULL)
        return radz_fail(w->err, RADZ_E_FORMAT, "'%s': tensor '%s': 'dtype' is missing or not a string", w->file, name);
    radz_status st = find_type(w, name, type, &place.type, &element);
    if (st == RADZ_OK)
        st = read_shape(w, value, element, &place);
    if (st == RADZ_OK)
        st = read_offsets(w, value, &place);
    if (st == RADZ_OK)
        st = radz_grow(&h->places, &h->capacity, h->count + 1, sizeof *h->places, w->err);
    if (st == RADZ_OK)
        h->places[h->count++] = place;
    return st;
}

static bool visit(void *context, const char *key, const radz_json *value)
{
    walk *w = context;
    if (strcmp(key, "__metadata__") != 0)
        w->status = read_tensor(w, key, value);
    else if (radz_json_kind_of(value) != RADZ_JSON_OBJECT)
        w->status = radz_fail(w->err, RADZ_E_FORMAT, "'%s': '__metadata__' is not an object", w->file);
    return w->status == RADZ_OK;
}

static int by_offset(const void *a, const void *b)
{
    const safetensors_place *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static radz_status check_filled(const walk *w)
{
    const safetensors_header *h = w->header;
    size_t at = 0;
    for (size_t i = 0; i < h->count; i++) {
        const safetensors_place *p = &h->places[i];
        if (p->begin < at)
            return radz_fail(w->err, RADZ_E_FORMAT, "'%s': tensors '%s' and '%s' overlap by %zu bytes", w->file,
                             h->places[i - 1].name, p->name, at - p->begin);
        if (p->begin > at)
            return radz_fail(w->err, RADZ_E_FORMAT, "'%s': %zu bytes before tensor '%s' belong to no tensor", w->file,
                             p->begin - at, p->name);
        at = p->begin + p->bytes;
    }
    if (at != w->size)
        return radz_fail(w->err, RADZ_E_FORMAT, "'%s': the last %zu bytes belong to no tensor", w->file, w->size - at);
    return RADZ_OK;
}

radz_status safetensors_header_read(const void *data, size_t size, const char *file, safetensors_header *out, radz_error *err)
{
    const unsigned char *bytes = data;
    *out = (safetensors_header){0};
    if (size < SAFETENSORS_LENGTH_SIZE)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': %zu bytes are too few for a safetensors file", file, size);
    uint64_t length = 0;
    for (int i = 0; i < SAFETENSORS_LENGTH_SIZE; i++)
        length |= (uint64_t)bytes[i] << (8 * i);
    if (length > HEADER_LIMIT)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': header length %" PRIu64 " is over %d bytes: not a safetensors file", file,
                         length, HEADER_LIMIT);
    if (length > size - SAFETENSORS_LENGTH_SIZE)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': header of %" PRIu64 " bytes in a file of %zu bytes: truncated", file, length,
                         size);
    if (length == 0 || bytes[SAFETENSORS_LENGTH_SIZE] != '{')
        return radz_fail(err, RADZ_E_FORMAT, "'%s': the header does not start with '{': not a safetensors file", file);
    radz_status st = radz_json_parse((const char *)bytes + SAFETENSORS_LENGTH_SIZE, (size_t)length, file, &out->json, err);
    if (st != RADZ_OK)
        return st;
    if (radz_json_kind_of(radz_json_root(out->json)) != RADZ_JSON_OBJECT)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': the header is not a JSON object", file);
    out->data_at = SAFETENSORS_LENGTH_SIZE + (size_t)length;
    walk w = {.header = out, .file = file, .size = size - out->data_at, .err = err};
    radz_json_each(radz_json_root(out->json), visit, &w);
    if (w.status != RADZ_OK)
        return w.status;
    if (out->count > 0)
        qsort(out->places, out->count, sizeof *out->places, by_offset);
    return check_filled(&w);
}

void safetensors_header_free(safetensors_header *header)
{
    radz_json_free(header->json);
    free(header->places);
    *header = (safetensors_header){0};
}

radz_status safetensors_check(const char *path, radz_error *err)
{
    radz_map map;
    safetensors_header header = {0};
    radz_status st = radz_map_open(path, &map, err);
    if (st != RADZ_OK)
        return st;
    bool other = map.size >= 4 && memcmp(map.data, "PK\3\4", 4) == 0;
    st = other ? RADZ_OK : safetensors_header_read(map.data, map.size, path, &header, err);
    safetensors_header_free(&header);
    radz_map_close(&map);
    return st;
}
