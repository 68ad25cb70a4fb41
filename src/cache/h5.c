#include "cache/h5.h"

#include <hdf5.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#if !H5_VERSION_GE(1, 10, 5)
#error "HDF5 1.10.5 or newer is needed (H5Dget_chunk_info_by_coord)"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "segments hold little-endian rows that are read without conversion"
#endif

enum { CHUNK_BYTES = 256 * 1024, MAX_DIM = 1 << 20 };

/* Debian's HDF5 happens to be built thread-safe, others are not. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

size_t radz_row_type_size(radz_row_type type)
{
    return type == RADZ_ROW_FLOAT32 ? 4 : 1;
}

const char *radz_row_type_name(radz_row_type type)
{
    return type == RADZ_ROW_FLOAT32 ? "float32" : "uint8";
}

static hid_t file_type(radz_row_type type)
{
    return type == RADZ_ROW_FLOAT32 ? H5T_IEEE_F32LE : H5T_STD_U8LE;
}

void radz_cache_hdf5_version(char text[32])
{
    unsigned major = 0, minor = 0, release = 0;
    pthread_mutex_lock(&library_lock);
    H5get_libversion(&major, &minor, &release);
    pthread_mutex_unlock(&library_lock);
    snprintf(text, 32, "%u.%u.%u", major, minor, release);
}

/* The library prints its error stack unless told not to; the old handler is put back afterwards. */
typedef struct quiet {
    H5E_auto2_t function;
    void *data;
} quiet;

static void library_enter(quiet *q)
{
    pthread_mutex_lock(&library_lock);
    H5Eget_auto2(H5E_DEFAULT, &q->function, &q->data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static void library_leave(const quiet *q)
{
    H5Eclear2(H5E_DEFAULT);
    H5Eset_auto2(H5E_DEFAULT, q->function, q->data);
    pthread_mutex_unlock(&library_lock);
}

/* Keeps the innermost message: it says what really went wrong. */
static herr_t keep_message(unsigned n, const H5E_error2_t *error, void *text)
{
    (void)n;
    snprintf(text, 256, "%s", error->desc == NULL ? "" : error->desc);
    return 1;
}

static radz_status fail_h5(radz_error *err, radz_status code, const char *doing)
{
    char text[256] = "no further message";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_message, text);
    return radz_fail(err, code, "HDF5 could not %s: %s", doing, text);
}

static void close_id(hid_t id)
{
    if (id >= 0 && H5Iis_valid(id) > 0)
        H5Idec_ref(id);
}

/* A chunk holds about CHUNK_BYTES; the rows are spread evenly so that the last chunk is padded by less than one row for
 * every chunk. */
static size_t rows_per_chunk(size_t n, size_t row_bytes)
{
    size_t most = CHUNK_BYTES / row_bytes == 0 ? 1 : CHUNK_BYTES / row_bytes;
    size_t chunks = (n + most - 1) / most;
    return (n + chunks - 1) / chunks;
}

static bool put_number(hid_t file, const char *name, uint32_t value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(file, name, H5T_STD_U32LE, space, H5P_DEFAULT, H5P_DEFAULT);
    bool good = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_UINT32, &value) >= 0;
    close_id(attribute);
    close_id(space);
    return good;
}

/* A data set without time stamps, so that the same rows give the same bytes. `chunk` NULL: contiguous. */
static bool put_dataset(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims, const hsize_t *chunk,
                        const void *data)
{
    hid_t space = H5Screate_simple(rank, dims, NULL);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    static const unsigned char zero[8] = {0};
    bool good = space >= 0 && plist >= 0 && H5Pset_obj_track_times(plist, false) >= 0;
    if (good && chunk != NULL)
        good = H5Pset_chunk(plist, rank, chunk) >= 0 && H5Pset_fletcher32(plist) >= 0 &&
               H5Pset_fill_value(plist, type, zero) >= 0 && H5Pset_fill_time(plist, H5D_FILL_TIME_ALLOC) >= 0;
    hid_t set = good ? H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT) : -1;
    good = set >= 0 && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    close_id(set);
    close_id(plist);
    close_id(space);
    return good;
}

radz_status radz_h5_encode(const radz_h5_rows *in, unsigned char **image, size_t *size, radz_error *err)
{
    *image = NULL;
    *size = 0;
    quiet q;
    library_enter(&q);
    radz_status st = RADZ_OK;
    hid_t file = -1, access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0 || H5Pset_fapl_core(access, (size_t)1 << 20, false) < 0 ||
        (file = H5Fcreate("segment", H5F_ACC_TRUNC, H5P_DEFAULT, access)) < 0) {
        st = fail_h5(err, RADZ_E_BACKEND, "make a segment in memory");
        goto done;
    }
    size_t row_bytes = in->dim * radz_row_type_size(in->type);
    hsize_t text_dims[1] = {strlen(in->text)};
    hsize_t key_dims[2] = {in->n, RADZ_CACHE_KEY_SIZE}, row_dims[2] = {in->n, in->dim};
    hsize_t chunk[2] = {rows_per_chunk(in->n, row_bytes), in->dim};
    if (!put_number(file, "radz_segment", RADZ_SEGMENT_FORMAT) ||
        !put_dataset(file, "store", H5T_STD_U8LE, 1, text_dims, NULL, in->text) ||
        !put_dataset(file, "keys", H5T_STD_U8LE, 2, key_dims, NULL, in->keys) ||
        !put_dataset(file, "rows", file_type(in->type), 2, row_dims, chunk, in->rows) ||
        H5Fflush(file, H5F_SCOPE_GLOBAL) < 0) {
        st = fail_h5(err, RADZ_E_BACKEND, "write rows to a segment in memory");
        goto done;
    }
    ssize_t length = H5Fget_file_image(file, NULL, 0);
    unsigned char *bytes = length > 0 ? radz_calloc((size_t)length, 1, err) : NULL;
    if (length > 0 && bytes == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    if (length <= 0 || H5Fget_file_image(file, bytes, (size_t)length) != length) {
        free(bytes);
        st = fail_h5(err, RADZ_E_BACKEND, "give the bytes of a segment");
        goto done;
    }
    *image = bytes;
    *size = (size_t)length;
done:
    close_id(file);
    close_id(access);
    library_leave(&q);
    return st;
}

/* Opens data set `name` of the given rank and element type and gives its dimensions. */
static hid_t get_dataset(hid_t file, const char *name, hid_t type, int rank, hsize_t *dims)
{
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t space = set < 0 ? -1 : H5Dget_space(set), found = set < 0 ? -1 : H5Dget_type(set);
    bool good = space >= 0 && found >= 0 && H5Tequal(found, type) > 0 && H5Sget_simple_extent_ndims(space) == rank &&
                H5Sget_simple_extent_dims(space, dims, NULL) == rank;
    close_id(space);
    close_id(found);
    if (!good) {
        close_id(set);
        return -1;
    }
    return set;
}

/* Does row `row`, read by HDF5, equal the bytes that the chunk's offset points to? Guards the direct reads. */
static bool row_is_where_we_think(hid_t set, const radz_h5_index *x, size_t row, const unsigned char *image, size_t size,
                                  void *scratch)
{
    size_t row_bytes = x->dim * radz_row_type_size(x->type);
    hsize_t start[2] = {row, 0}, count[2] = {1, x->dim};
    hid_t space = H5Dget_space(set), memory = H5Screate_simple(2, count, NULL);
    uint64_t at = x->chunk_at[row / x->chunk_rows] + row % x->chunk_rows * row_bytes;
    bool good = space >= 0 && memory >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                H5Dread(set, file_type(x->type), memory, space, H5P_DEFAULT, scratch) >= 0 && at <= size &&
                row_bytes <= size - at && memcmp(scratch, image + at, row_bytes) == 0;
    close_id(memory);
    close_id(space);
    return good;
}

static radz_status read_chunk_offsets(hid_t set, radz_h5_index *x, size_t size, radz_error *err)
{
    hsize_t chunk[2] = {0, 0};
    hid_t plist = H5Dget_create_plist(set);
    bool good = plist >= 0 && H5Pget_layout(plist) == H5D_CHUNKED && H5Pget_chunk(plist, 2, chunk) == 2 &&
                chunk[0] > 0 && chunk[1] == x->dim;
    close_id(plist);
    if (!good)
        return radz_fail(err, RADZ_E_CORRUPT, "its rows are not chunked by whole rows");
    x->chunk_rows = (size_t)chunk[0];
    x->chunk_count = (x->n + x->chunk_rows - 1) / x->chunk_rows;
    x->chunk_at = radz_calloc(x->chunk_count, sizeof *x->chunk_at, err);
    if (x->chunk_at == NULL)
        return RADZ_E_NOMEM;
    size_t row_bytes = x->dim * radz_row_type_size(x->type);
    for (size_t i = 0; i < x->chunk_count; i++) {
        hsize_t at[2] = {i * x->chunk_rows, 0}, bytes = 0;
        unsigned mask = 0;
        haddr_t address = HADDR_UNDEF;
        if (H5Dget_chunk_info_by_coord(set, at, &mask, &address, &bytes) < 0)
            return fail_h5(err, RADZ_E_CORRUPT, "find a chunk of rows");
        if (address == HADDR_UNDEF || bytes < x->chunk_rows * row_bytes || address > size || bytes > size - address)
            return radz_fail(err, RADZ_E_CORRUPT, "chunk %zu of its rows is not inside the file", i);
        x->chunk_at[i] = address;
    }
    return RADZ_OK;
}

static radz_status read_format(hid_t file, radz_error *err)
{
    uint32_t format = 0;
    hid_t attribute = H5Aopen(file, "radz_segment", H5P_DEFAULT);
    bool good = attribute >= 0 && H5Aread(attribute, H5T_NATIVE_UINT32, &format) >= 0;
    close_id(attribute);
    if (!good)
        return radz_fail(err, RADZ_E_CORRUPT, "not a segment: it has no number 'radz_segment'");
    if (format != RADZ_SEGMENT_FORMAT)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "segment format %u, this program knows %d", format,
                         RADZ_SEGMENT_FORMAT);
    return RADZ_OK;
}

radz_status radz_h5_decode(const unsigned char *image, size_t size, radz_h5_index *out, radz_error *err)
{
    *out = (radz_h5_index){0};
    radz_h5_index x = {0};
    void *scratch = NULL;
    quiet q;
    library_enter(&q);
    radz_status st = RADZ_OK;
    hid_t file = -1, text = -1, keys = -1, rows = -1, access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0 || H5Pset_fapl_core(access, (size_t)1 << 20, false) < 0 ||
        H5Pset_file_image(access, (void *)image, size) < 0) {
        st = fail_h5(err, RADZ_E_BACKEND, "take a segment from memory");
        goto done;
    }
    if ((file = H5Fopen("segment", H5F_ACC_RDONLY, access)) < 0) {
        st = fail_h5(err, RADZ_E_CORRUPT, "read the segment");
        goto done;
    }
    st = read_format(file, err);
    if (st != RADZ_OK)
        goto done;
    hsize_t text_dims[1] = {0}, key_dims[2] = {0, 0}, row_dims[2] = {0, 0};
    text = get_dataset(file, "store", H5T_STD_U8LE, 1, text_dims);
    keys = get_dataset(file, "keys", H5T_STD_U8LE, 2, key_dims);
    x.type = RADZ_ROW_FLOAT32;
    rows = get_dataset(file, "rows", file_type(x.type), 2, row_dims);
    if (rows < 0) {
        x.type = RADZ_ROW_UINT8;
        rows = get_dataset(file, "rows", file_type(x.type), 2, row_dims);
    }
    if (text < 0 || keys < 0 || rows < 0 || text_dims[0] > size || key_dims[0] == 0 || key_dims[0] > size ||
        key_dims[1] != RADZ_CACHE_KEY_SIZE || row_dims[0] != key_dims[0] || row_dims[1] == 0 || row_dims[1] > MAX_DIM) {
        st = radz_fail(err, RADZ_E_CORRUPT, "its data sets 'store', 'keys' and 'rows' are absent or of unexpected shape");
        goto done;
    }
    x.n = (size_t)row_dims[0];
    x.dim = (size_t)row_dims[1];
    x.text = radz_calloc((size_t)text_dims[0] + 1, 1, err);
    x.keys = radz_calloc(x.n, RADZ_CACHE_KEY_SIZE, err);
    scratch = radz_calloc(x.dim, radz_row_type_size(x.type), err);
    if (x.text == NULL || x.keys == NULL || scratch == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    if (H5Dread(text, H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x.text) < 0 ||
        H5Dread(keys, H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x.keys) < 0) {
        st = fail_h5(err, RADZ_E_CORRUPT, "read the keys");
        goto done;
    }
    for (size_t i = 1; i < x.n; i++)
        if (memcmp(x.keys + (i - 1) * RADZ_CACHE_KEY_SIZE, x.keys + i * RADZ_CACHE_KEY_SIZE, RADZ_CACHE_KEY_SIZE) >= 0) {
            st = radz_fail(err, RADZ_E_CORRUPT, "its keys are not in ascending order at row %zu", i);
            goto done;
        }
    st = read_chunk_offsets(rows, &x, size, err);
    if (st != RADZ_OK)
        goto done;
    if (!row_is_where_we_think(rows, &x, 0, image, size, scratch) ||
        !row_is_where_we_think(rows, &x, x.n - 1, image, size, scratch)) {
        st = radz_fail(err, RADZ_E_CORRUPT, "its rows are not stored as plain little-endian values");
        goto done;
    }
    *out = x;
    x = (radz_h5_index){0};
done:
    free(scratch);
    radz_h5_index_free(&x);
    close_id(rows);
    close_id(keys);
    close_id(text);
    close_id(file);
    close_id(access);
    library_leave(&q);
    return st;
}

void radz_h5_index_free(radz_h5_index *index)
{
    free(index->text);
    free(index->keys);
    free(index->chunk_at);
    *index = (radz_h5_index){0};
}

/* ---- score tables ---- */

bool radz_h5_is_file(const unsigned char *bytes, size_t size)
{
    return size >= 8 && memcmp(bytes, "\x89HDF\r\n\x1a\n", 8) == 0;
}

static void free_texts(char **texts, size_t n)
{
    for (size_t i = 0; texts != NULL && i < n; i++)
        free(texts[i]);
    free(texts);
}

/* A one-dimensional data set of strings, each copied. */
static radz_status read_texts(hid_t file, const char *name, size_t limit, char ***out, size_t *n, radz_error *err)
{
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT), space = -1, type = -1, memory = -1;
    hsize_t dims[1] = {0};
    void *raw = NULL;
    radz_status st = RADZ_OK;
    if (set < 0)
        return radz_fail(err, RADZ_E_FORMAT, "no data set '%s'; wanted 'ids', 'classes' and 'scores'", name);
    space = H5Dget_space(set);
    type = H5Dget_type(set);
    if (space < 0 || type < 0 || H5Tget_class(type) != H5T_STRING || H5Sget_simple_extent_ndims(space) != 1 ||
        H5Sget_simple_extent_dims(space, dims, NULL) != 1 || dims[0] == 0 || dims[0] > limit) {
        st = radz_fail(err, RADZ_E_FORMAT, "data set '%s': wanted a list of strings", name);
        goto done;
    }
    bool variable = H5Tis_variable_str(type) > 0;
    size_t width = variable ? sizeof(char *) : H5Tget_size(type);
    memory = H5Tcopy(type);
    raw = radz_calloc((size_t)dims[0], width + 1, err);
    *out = radz_calloc((size_t)dims[0], sizeof **out, err);
    if (raw == NULL || *out == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    *n = (size_t)dims[0];
    if (memory < 0 || H5Dread(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw) < 0) {
        st = fail_h5(err, RADZ_E_FORMAT, "read the strings of a data set");
        goto done;
    }
    bool padded = !variable && H5Tget_strpad(type) == H5T_STR_SPACEPAD;
    for (size_t i = 0; i < *n && st == RADZ_OK; i++) {
        const char *text = variable ? ((char **)raw)[i] : (char *)raw + i * width;
        size_t length = text == NULL ? 0 : variable ? strlen(text) : strnlen(text, width);
        while (padded && length > 0 && text[length - 1] == ' ')
            length--;
        (*out)[i] = radz_strndup(text == NULL ? "" : text, length, err);
        st = (*out)[i] == NULL ? RADZ_E_NOMEM : RADZ_OK;
    }
    if (variable)
        H5Dvlen_reclaim(memory, space, H5P_DEFAULT, raw);
done:
    free(raw);
    close_id(memory);
    close_id(type);
    close_id(space);
    close_id(set);
    return st;
}

static radz_status read_numbers(hid_t file, radz_h5_scores *x, radz_error *err)
{
    hid_t set = H5Dopen2(file, "scores", H5P_DEFAULT), space = -1, type = -1;
    hsize_t dims[2] = {0, 0};
    radz_status st = RADZ_OK;
    if (set < 0)
        return radz_fail(err, RADZ_E_FORMAT, "no data set 'scores'; wanted 'ids', 'classes' and 'scores'");
    space = H5Dget_space(set);
    type = H5Dget_type(set);
    H5T_class_t kind = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    if (space < 0 || (kind != H5T_FLOAT && kind != H5T_INTEGER) || H5Sget_simple_extent_ndims(space) != 2 ||
        H5Sget_simple_extent_dims(space, dims, NULL) != 2 || dims[0] != x->n || dims[1] != x->n_classes) {
        st = radz_fail(err, RADZ_E_FORMAT, "data set 'scores': wanted %zu x %zu numbers (ids x classes), found %llu x %llu",
                       x->n, x->n_classes, (unsigned long long)dims[0], (unsigned long long)dims[1]);
        goto done;
    }
    x->scores = x->n_classes > SIZE_MAX / x->n ? NULL : radz_calloc(x->n * x->n_classes, sizeof *x->scores, err);
    if (x->scores == NULL)
        st = RADZ_E_NOMEM;
    else if (H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x->scores) < 0)
        st = fail_h5(err, RADZ_E_FORMAT, "read the data set 'scores'");
done:
    close_id(type);
    close_id(space);
    close_id(set);
    return st;
}

radz_status radz_h5_read_scores(const unsigned char *image, size_t size, radz_h5_scores *out, radz_error *err)
{
    *out = (radz_h5_scores){0};
    radz_h5_scores x = {0};
    quiet q;
    library_enter(&q);
    radz_status st = RADZ_OK;
    hid_t file = -1, access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0 || H5Pset_fapl_core(access, (size_t)1 << 20, false) < 0 ||
        H5Pset_file_image(access, (void *)image, size) < 0)
        st = fail_h5(err, RADZ_E_BACKEND, "take a file from memory");
    else if ((file = H5Fopen("scores", H5F_ACC_RDONLY, access)) < 0)
        st = fail_h5(err, RADZ_E_FORMAT, "read the file");
    if (st == RADZ_OK) /* variable strings may repeat: a list is at most as long as the file has bytes */
        st = read_texts(file, "ids", size, &x.ids, &x.n, err);
    if (st == RADZ_OK)
        st = read_texts(file, "classes", MAX_DIM, &x.classes, &x.n_classes, err);
    if (st == RADZ_OK)
        st = read_numbers(file, &x, err);
    if (st == RADZ_OK)
        *out = x;
    else
        radz_h5_scores_free(&x);
    close_id(file);
    close_id(access);
    library_leave(&q);
    return st;
}

void radz_h5_scores_free(radz_h5_scores *scores)
{
    free_texts(scores->ids, scores->n);
    free_texts(scores->classes, scores->n_classes);
    free(scores->scores);
    *scores = (radz_h5_scores){0};
}
