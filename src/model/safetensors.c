#include "model/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/workers.h"
#include "model/state_dict.h"

typedef struct shard {
    radz_map map; /* data NULL when the bytes are the caller's */
    char *path;
    safetensors_header header; /* entries borrow their names from it */
} shard;

struct safetensors {
    shard *shards;
    size_t shard_count, shard_capacity;
    safetensors_entry *entries;
    size_t count, capacity;
    radz_arena names;
};

static const struct {
    const char *name;
    TDtype dtype;
} dtypes[] = {{"F64", T_F64}, {"F32", T_F32}, {"F16", T_F16}, {"BF16", T_BF16}, {"I64", T_I64},
              {"I32", T_I32}, {"I16", T_I16}, {"I8", T_I8},   {"U8", T_U8},     {"BOOL", T_BOOL}};

static bool find_dtype(const char *name, TDtype *out)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (strcmp(dtypes[i].name, name) == 0) {
            *out = dtypes[i].dtype;
            return true;
        }
    }
    return false;
}

/* ---- header ------------------------------------------------------------------------------------------------------ */

static radz_status add_entry(void *context, const safetensors_entry *entry, radz_error *err)
{
    safetensors *st = context;
    if (radz_grow(&st->entries, &st->capacity, st->count + 1, sizeof *st->entries, err))
        return RADZ_E_NOMEM;
    st->entries[st->count++] = *entry;
    return RADZ_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const safetensors_entry *)a)->name, ((const safetensors_entry *)b)->name);
}

/* Adds the tensors of one file in memory; `path` is in the arena, `in` in the shard list. */
static radz_status read_header(safetensors *st, shard *in, const unsigned char *bytes, size_t size, radz_error *err)
{
    radz_status status = safetensors_header_read(bytes, size, in->path, &in->header, err);
    for (size_t i = 0; status == RADZ_OK && i < in->header.count; i++) {
        const safetensors_place *place = &in->header.places[i];
        safetensors_entry entry = {.name = place->name, .file = in->path, .ndim = place->ndim, .bytes = place->bytes,
                                   .data = bytes + in->header.data_at + place->begin};
        memcpy(entry.shape, place->shape, sizeof entry.shape);
        status = find_dtype(place->type, &entry.dtype)
                     ? add_entry(st, &entry, err)
                     : radz_fail(err, RADZ_E_INTERNAL, "'%s': elements of type %s have no counterpart", in->path, place->type);
    }
    return status;
}

/* Sorts by name and refuses a name in two shards. */
static radz_status finish(safetensors *st, radz_error *err)
{
    if (st->count > 0)
        qsort(st->entries, st->count, sizeof *st->entries, by_name);
    for (size_t i = 1; i < st->count; i++)
        if (strcmp(st->entries[i - 1].name, st->entries[i].name) == 0)
            return radz_fail(err, RADZ_E_FORMAT, "tensor '%s' is in '%s' and in '%s'", st->entries[i].name,
                             st->entries[i - 1].file, st->entries[i].file);
    return RADZ_OK;
}

static radz_status new_shard(safetensors *st, const char *path, shard **out, radz_error *err)
{
    *out = NULL;
    if (radz_grow(&st->shards, &st->shard_capacity, st->shard_count + 1, sizeof *st->shards, err))
        return RADZ_E_NOMEM;
    shard *in = &st->shards[st->shard_count];
    *in = (shard){.path = radz_arena_strdup(&st->names, path, err)};
    if (in->path == NULL)
        return RADZ_E_NOMEM;
    st->shard_count++;
    *out = in;
    return RADZ_OK;
}

/* The tensors of a file in memory, whichever of the two formats it has. */
static radz_status read_file(safetensors *st, shard *in, const void *data, size_t size, radz_error *err)
{
    if (state_dict_is(data, size))
        return state_dict_read(data, size, in->path, &st->names, add_entry, st, err);
    return read_header(st, in, data, size, err);
}

static radz_status add_file(safetensors *st, const char *path, radz_error *err)
{
    shard *in;
    radz_status status = new_shard(st, path, &in, err);
    if (status == RADZ_OK)
        status = radz_map_open(path, &in->map, err);
    if (status == RADZ_OK)
        status = read_file(st, in, in->map.data, in->map.size, err);
    return status;
}

/* ---- shards ------------------------------------------------------------------------------------------------------ */

typedef struct index_walk {
    const char *path;
    radz_strlist files;
    const safetensors *st; /* NULL on the first pass, which collects the files */
    radz_status status;
    radz_error *err;
} index_walk;

static bool visit_index(void *context, const char *key, const radz_json *value)
{
    index_walk *walk = context;
    const char *file = radz_json_string(value);
    if (file == NULL || *file == '\0' || strchr(file, '/') != NULL || strcmp(file, "..") == 0) {
        walk->status = radz_fail(walk->err, RADZ_E_FORMAT, "'%s': tensor '%s': wanted the name of a file in the same folder",
                                 walk->path, key);
        return false;
    }
    if (walk->st == NULL) {
        if (!radz_strlist_has(&walk->files, file))
            walk->status = radz_strlist_add(&walk->files, file, walk->err);
        return walk->status == RADZ_OK;
    }
    const safetensors_entry *entry = safetensors_find(walk->st, key);
    if (entry == NULL)
        walk->status = radz_fail(walk->err, RADZ_E_MISSING, "'%s': tensor '%s' is not in '%s'", walk->path, key, file);
    else if (strcmp(radz_path_name(entry->file), file) != 0)
        walk->status = radz_fail(walk->err, RADZ_E_FORMAT, "'%s': tensor '%s' is in '%s', the index says '%s'", walk->path,
                                 key, entry->file, file);
    return walk->status == RADZ_OK;
}

static radz_status add_index(safetensors *st, const char *path, radz_error *err)
{
    radz_json_doc *doc = NULL;
    char *dir = NULL;
    const radz_json *map;
    index_walk walk = {.path = path, .err = err};
    radz_status status = radz_json_load(path, &doc, err);
    if (status == RADZ_OK)
        status = radz_json_need_object(doc, radz_json_root(doc), "weight_map", &map, err);
    if (status)
        goto done;
    dir = radz_path_dir(path, err);
    if (dir == NULL) {
        status = RADZ_E_NOMEM;
        goto done;
    }
    radz_json_each(map, visit_index, &walk);
    status = walk.status;
    radz_strlist_sort(&walk.files);
    for (size_t i = 0; status == RADZ_OK && i < walk.files.count; i++) {
        char *file = radz_path_join(dir, walk.files.items[i], err);
        status = file != NULL ? add_file(st, file, err) : RADZ_E_NOMEM;
        free(file);
    }
    if (status == RADZ_OK)
        status = finish(st, err);
    if (status)
        goto done;
    walk.st = st;
    radz_json_each(map, visit_index, &walk);
    status = walk.status;
    if (status == RADZ_OK && radz_json_size(map) != st->count) {
        for (size_t i = 0; i < st->count; i++) {
            if (radz_json_find(map, st->entries[i].name) == NULL) {
                status = radz_fail(err, RADZ_E_FORMAT, "'%s': the index does not list tensor '%s' of '%s'", path,
                                   st->entries[i].name, st->entries[i].file);
                break;
            }
        }
    }
done:
    radz_strlist_free(&walk.files);
    free(dir);
    radz_json_free(doc);
    return status;
}

/* ---- public reading ---------------------------------------------------------------------------------------------- */

radz_status safetensors_open(const char *path, safetensors **out, radz_error *err)
{
    *out = NULL;
    safetensors *st = radz_calloc(1, sizeof *st, err);
    if (st == NULL)
        return RADZ_E_NOMEM;
    radz_status status;
    if (radz_str_ends(path, ".index.json")) {
        status = add_index(st, path, err);
    } else {
        status = add_file(st, path, err);
        if (status == RADZ_OK)
            status = finish(st, err);
    }
    if (status) {
        safetensors_free(st);
        return status;
    }
    *out = st;
    return RADZ_OK;
}

radz_status safetensors_open_dir(const char *dir, safetensors **out, radz_error *err)
{
    static const char *const names[] = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                                        "pytorch_model.bin.index.json"};
    *out = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = radz_path_join(dir, names[i], err);
        if (path == NULL)
            return RADZ_E_NOMEM;
        bool there = radz_file_exists(path);
        radz_status status = there ? safetensors_open(path, out, err) : RADZ_OK;
        free(path);
        if (there)
            return status;
    }
    return radz_fail(err, RADZ_E_MISSING,
                     "'%s': none of model.safetensors, model.safetensors.index.json, pytorch_model.bin and "
                     "pytorch_model.bin.index.json is there", dir);
}

radz_status safetensors_parse(const void *data, size_t size, const char *name, safetensors **out, radz_error *err)
{
    *out = NULL;
    safetensors *st = radz_calloc(1, sizeof *st, err);
    if (st == NULL)
        return RADZ_E_NOMEM;
    shard *in;
    radz_status status = new_shard(st, name, &in, err);
    if (status == RADZ_OK)
        status = read_file(st, in, data, size, err);
    if (status == RADZ_OK)
        status = finish(st, err);
    if (status) {
        safetensors_free(st);
        return status;
    }
    *out = st;
    return RADZ_OK;
}

void safetensors_free(safetensors *st)
{
    if (st == NULL)
        return;
    for (size_t i = 0; i < st->shard_count; i++) {
        safetensors_header_free(&st->shards[i].header);
        radz_map_close(&st->shards[i].map);
    }
    free(st->shards);
    free(st->entries);
    radz_arena_free(&st->names);
    free(st);
}

size_t safetensors_count(const safetensors *st)
{
    return st->count;
}

const safetensors_entry *safetensors_at(const safetensors *st, size_t i)
{
    return i < st->count ? &st->entries[i] : NULL;
}

const safetensors_entry *safetensors_find(const safetensors *st, const char *name)
{
    if (st->count == 0)
        return NULL;
    safetensors_entry key = {.name = name};
    return bsearch(&key, st->entries, st->count, sizeof *st->entries, by_name);
}

/* ---- NaN and infinity -------------------------------------------------------------------------------------------- */

/* A number is not finite when all bits of its exponent are set. The blocks have a constant length so that the compiler
 * uses vector instructions at -O2 as well. memcpy because a file may not be aligned. */
enum { SCAN_BLOCK = 4096, SCAN_PIECE = 4 << 20, SCAN_SHOWN = 1 << 30 };

#define DEFINE_SCAN(NAME, WORD, EXPONENT)                                                                              \
    static bool NAME(const unsigned char *data, size_t bytes, size_t *at)                                             \
    {                                                                                                                  \
        enum { STEP = SCAN_BLOCK / sizeof(WORD) };                                                                     \
        WORD block[STEP];                                                                                              \
        for (size_t done = 0; done < bytes; done += SCAN_BLOCK) {                                                      \
            size_t part = bytes - done < SCAN_BLOCK ? bytes - done : SCAN_BLOCK;                                       \
            if (part < SCAN_BLOCK)                                                                                     \
                memset(block, 0, sizeof block);                                                                        \
            memcpy(block, data + done, part);                                                                          \
            WORD bad = 0;                                                                                              \
            for (int i = 0; i < STEP; i++)                                                                             \
                bad |= (WORD)((block[i] & (EXPONENT)) == (EXPONENT));                                                  \
            if (bad != 0) {                                                                                            \
                size_t i = 0;                                                                                          \
                while ((block[i] & (EXPONENT)) != (EXPONENT))                                                          \
                    i++;                                                                                               \
                *at = done / sizeof(WORD) + i;                                                                         \
                return true;                                                                                           \
            }                                                                                                          \
        }                                                                                                              \
        return false;                                                                                                  \
    }
DEFINE_SCAN(scan_f64, uint64_t, UINT64_C(0x7ff0000000000000))
DEFINE_SCAN(scan_f32, uint32_t, UINT32_C(0x7f800000))
DEFINE_SCAN(scan_f16, uint16_t, 0x7c00)
DEFINE_SCAN(scan_bf16, uint16_t, 0x7f80)

typedef struct scan {
    const safetensors *st;
    size_t *first_piece, *first_byte; /* [count + 1]: number of pieces and of bytes before entry i */
    radz_progress *progress; /* NULL: too little to be shown */
} scan;

static radz_status scan_piece(void *context, size_t piece, int worker, radz_error *err)
{
    (void)worker;
    const scan *job = context;
    size_t low = 0, high = job->st->count; /* the entry with first_piece[low] <= piece < first_piece[low + 1] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (job->first_piece[middle] <= piece)
            low = middle;
        else
            high = middle;
    }
    const safetensors_entry *e = &job->st->entries[low];
    size_t begin = (piece - job->first_piece[low]) * SCAN_PIECE;
    size_t bytes = e->bytes - begin < SCAN_PIECE ? e->bytes - begin : SCAN_PIECE;
    const unsigned char *data = (const unsigned char *)e->data + begin;
    size_t at = 0;
    bool bad = e->dtype == T_F32    ? scan_f32(data, bytes, &at)
               : e->dtype == T_BF16 ? scan_bf16(data, bytes, &at)
               : e->dtype == T_F16  ? scan_f16(data, bytes, &at)
                                    : scan_f64(data, bytes, &at);
    if (bad)
        return radz_fail(err, RADZ_E_VALUE, "'%s': tensor '%s' holds a NaN or an infinity at element %zu", e->file, e->name,
                         begin / t_dtype_size(e->dtype) + at);
    if (job->progress != NULL)
        radz_progress_step(job->progress, ((job->first_byte[low] + begin + bytes) >> 20) - ((job->first_byte[low] + begin) >> 20));
    return RADZ_OK;
}

radz_status safetensors_check_finite(const safetensors *st, int threads, radz_error *err)
{
    scan job = {.st = st, .first_piece = radz_calloc(st->count + 1, sizeof *job.first_piece, err),
                .first_byte = radz_calloc(st->count + 1, sizeof *job.first_byte, err)};
    radz_status status = RADZ_E_NOMEM;
    if (job.first_piece == NULL || job.first_byte == NULL)
        goto done;
    for (size_t i = 0; i < st->count; i++) {
        TDtype dtype = st->entries[i].dtype;
        bool floating = dtype == T_F32 || dtype == T_F16 || dtype == T_BF16 || dtype == T_F64;
        size_t pieces = floating ? (st->entries[i].bytes + SCAN_PIECE - 1) / SCAN_PIECE : 0;
        job.first_piece[i + 1] = job.first_piece[i] + pieces;
        job.first_byte[i + 1] = job.first_byte[i] + (floating ? st->entries[i].bytes : 0);
    }
    size_t pieces = job.first_piece[st->count];
    radz_progress progress;
    if (pieces >= SCAN_SHOWN / SCAN_PIECE) {
        job.progress = &progress;
        radz_progress_begin(&progress, "read weights", "MiB", job.first_byte[st->count] >> 20);
    }
    status = radz_parallel_for(pieces, threads > 0 ? threads : 1, scan_piece, &job, err);
    if (job.progress != NULL)
        radz_progress_end(&progress);
done:
    free(job.first_piece);
    free(job.first_byte);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static const safetensors_entry *entry_of(const void *item)
{
    return *(const safetensors_entry *const *)item;
}

static int in_file_order(const void *a, const void *b)
{
    const safetensors_entry *x = entry_of(a), *y = entry_of(b);
    size_t n = t_dtype_size(x->dtype), m = t_dtype_size(y->dtype);
    if (n != m)
        return n > m ? -1 : 1;
    return strcmp(x->name, y->name);
}

static const char *format_name(TDtype dtype)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (dtypes[i].dtype == dtype)
            return dtypes[i].name;
    return "?";
}

static radz_status size_of(const char *path, const safetensors_entry *e, size_t *bytes, radz_error *err)
{
    size_t n = t_dtype_size(e->dtype);
    if (n == 0 || e->ndim < 0 || e->ndim > SAFETENSORS_MAX_DIMS)
        return radz_fail(err, RADZ_E_INTERNAL, "'%s': tensor '%s': element type or dimensions out of range", path, e->name);
    for (int d = 0; d < e->ndim; d++)
        if (e->shape[d] < 0 || __builtin_mul_overflow(n, (size_t)e->shape[d], &n))
            return radz_fail(err, RADZ_E_INTERNAL, "'%s': tensor '%s': shape out of range", path, e->name);
    *bytes = n;
    return RADZ_OK;
}

radz_status safetensors_write(const char *path, const safetensors_entry *entries, size_t count, safetensors_fetch fetch,
                              void *context, radz_error *err)
{
    radz_status status = RADZ_OK;
    radz_out out = {0};
    char *header = NULL;
    size_t header_size = 0;
    FILE *memory = NULL;
    void *buffer = NULL;
    size_t largest = 1;
    const safetensors_entry **order = radz_calloc(count, sizeof *order, err);
    if (order == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        order[i] = &entries[i];
    qsort(order, count, sizeof *order, in_file_order);

    memory = open_memstream(&header, &header_size);
    if (memory == NULL) {
        status = radz_fail(err, RADZ_E_NOMEM, "'%s': no memory for the header", path);
        goto done;
    }
    radz_json_writer w;
    radz_json_writer_init(&w, memory);
    radz_json_object_begin(&w, NULL);
    radz_json_object_begin(&w, "__metadata__");
    radz_json_put_string(&w, "format", "pt");
    radz_json_object_end(&w);
    size_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        const safetensors_entry *e = order[i];
        size_t bytes;
        if ((status = size_of(path, e, &bytes, err)) != RADZ_OK)
            goto done;
        if (i > 0 && strcmp(order[i - 1]->name, e->name) == 0) {
            status = radz_fail(err, RADZ_E_INTERNAL, "'%s': tensor '%s' is given twice", path, e->name);
            goto done;
        }
        largest = bytes > largest ? bytes : largest;
        radz_json_object_begin(&w, e->name);
        radz_json_put_string(&w, "dtype", format_name(e->dtype));
        radz_json_array_begin_inline(&w, "shape");
        for (int d = 0; d < e->ndim; d++)
            radz_json_put_i64(&w, NULL, e->shape[d]);
        radz_json_array_end(&w);
        radz_json_array_begin_inline(&w, "data_offsets");
        radz_json_put_i64(&w, NULL, (int64_t)offset);
        radz_json_put_i64(&w, NULL, (int64_t)(offset + bytes));
        radz_json_array_end(&w);
        radz_json_object_end(&w);
        offset += bytes;
    }
    radz_json_object_end(&w);
    if (fflush(memory) != 0) {
        status = radz_fail(err, RADZ_E_NOMEM, "'%s': no memory for the header", path);
        goto done;
    }
    while ((SAFETENSORS_LENGTH_SIZE + header_size) % 8 != 0) { /* the data begins aligned */
        fputc(' ', memory);
        fflush(memory);
    }

    buffer = radz_calloc(largest, 1, err);
    if (buffer == NULL) {
        status = RADZ_E_NOMEM;
        goto done;
    }
    if ((status = radz_out_open(path, &out, err)) != RADZ_OK)
        goto done;
    unsigned char length[SAFETENSORS_LENGTH_SIZE];
    for (int i = 0; i < SAFETENSORS_LENGTH_SIZE; i++)
        length[i] = (unsigned char)((uint64_t)header_size >> (8 * i));
    fwrite(length, 1, sizeof length, out.stream); /* commit reports what stdio could not write */
    fwrite(header, 1, header_size, out.stream);
    for (size_t i = 0; i < count; i++) {
        size_t bytes;
        if ((status = size_of(path, order[i], &bytes, err)) != RADZ_OK ||
            (status = fetch(context, (size_t)(order[i] - entries), buffer, bytes, err)) != RADZ_OK)
            goto done;
        fwrite(buffer, 1, bytes, out.stream);
    }
    status = radz_out_commit(&out, err);
done:
    radz_out_abandon(&out);
    if (memory != NULL)
        fclose(memory);
    free(header);
    free(buffer);
    free(order);
    return status;
}
