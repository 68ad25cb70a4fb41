/* PNG by libpng: reading every colour type, writing gray, gray + alpha, RGB and RGBA with 8 or 16 bits. */
#include <errno.h>
#include <libdeflate.h>
#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "image/codec.h"
#include "image/encode.h"

typedef struct png_source {
    const unsigned char *data;
    size_t size, at;
    const char *name;
    unsigned warnings;
    radz_error *err;
    radz_status status;
    jmp_buf back;
} png_source;

static bool png_claims(const unsigned char *data, size_t size)
{
    return size >= 8 && png_sig_cmp((png_const_bytep)data, 0, 8) == 0;
}

/* Called by libpng; does not return. */
static void read_error(png_structp png, png_const_charp message)
{
    png_source *source = png_get_error_ptr(png);
    source->status = radz_fail(source->err, RADZ_E_FORMAT, "'%s': damaged PNG file: %s (near byte %zu of %zu)",
                               source->name, message, source->at, source->size);
    longjmp(source->back, 1);
}

/* libpng calls the data behind a failed checksum of the compressed stream a matter of taste: here it is damage. Other
 * warnings concern chunks that hold no samples (colour profiles, text, time). */
static void read_warning(png_structp png, png_const_charp message)
{
    png_source *source = png_get_error_ptr(png);
    if (strncmp(message, "IDAT:", 5) == 0 && strstr(message, "compressed data") == NULL &&
        strstr(message, "image data") == NULL)
        read_error(png, message);
    source->warnings++;
}

static void read_bytes(png_structp png, png_bytep to, size_t count)
{
    png_source *source = png_get_io_ptr(png);
    if (count > source->size - source->at) {
        source->status = radz_fail(source->err, RADZ_E_FORMAT,
                                   "'%s': truncated PNG file: it ends after %zu bytes, before the image does",
                                   source->name, source->size);
        longjmp(source->back, 1);
    }
    memcpy(to, source->data + source->at, count);
    source->at += count;
}

static void read_rows(png_structp png, unsigned char *to, size_t stride, size_t height, int passes)
{
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++)
            png_read_row(png, to + y * stride, NULL);
}

/* Indices lie in the last third of the picture's memory; colours are written from its start and never overtake them. */
static bool expand_palette(radz_picture *out, const png_color *palette, int colours, unsigned *beyond)
{
    size_t count = out->width * out->height;
    unsigned char *pixels = out->pixels;
    const unsigned char *indices = pixels + 2 * count;
    for (size_t i = 0; i < count; i++) {
        unsigned index = indices[i];
        if (index >= (unsigned)colours) {
            *beyond = index;
            return false;
        }
        const png_color colour = palette[index];
        pixels[3 * i] = colour.red;
        pixels[3 * i + 1] = colour.green;
        pixels[3 * i + 2] = colour.blue;
    }
    return true;
}

static radz_status decode_any(const unsigned char *data, size_t size, const char *name,
                              const radz_picture_options *options, radz_picture *out, radz_error *err)
{
    png_source source = {.data = data, .size = size, .name = name, .err = err, .status = RADZ_E_FORMAT};
    png_structp volatile png = NULL;
    png_infop volatile info = NULL;
    volatile radz_status st = RADZ_OK;
    if (setjmp(source.back) != 0) {
        st = source.status;
        goto done;
    }
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, read_error, read_warning);
    if (png != NULL)
        info = png_create_info_struct(png);
    if (info == NULL) {
        st = radz_fail(err, RADZ_E_NOMEM, "'%s': no memory for the PNG reader", name);
        goto done;
    }
    png_set_read_fn(png, &source, read_bytes);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours are checked below and name the numbers */
    png_read_info(png, info);

    png_uint_32 width, height;
    int bits, type, interlace;
    png_get_IHDR(png, info, &width, &height, &bits, &type, &interlace, NULL, NULL);
    int channels = type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_GRAY_ALPHA ? 1 : 3;
    st = radz_picture_shape(out, name, &options->limits, width, height, channels, bits == 16 ? 16 : 8, err);
    if (st != RADZ_OK)
        goto done;

    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_packing(png);
    else if (bits < 8)
        png_set_expand_gray_1_2_4_to_8(png);
    if (type & PNG_COLOR_MASK_ALPHA)
        png_set_strip_alpha(png);
    if (bits == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        png_set_swap(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);

    size_t stride = type == PNG_COLOR_TYPE_PALETTE ? width : radz_picture_stride(out);
    if (png_get_rowbytes(png, info) != stride) {
        st = radz_fail(err, RADZ_E_INTERNAL, "'%s': PNG row of %zu bytes, wanted %zu", name,
                       (size_t)png_get_rowbytes(png, info), stride);
        goto done;
    }
    unsigned char *pixels = out->pixels;
    read_rows(png, type == PNG_COLOR_TYPE_PALETTE ? pixels + 2 * (size_t)width * height : pixels, stride, height,
              passes);
    png_read_end(png, NULL);

    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_colorp palette = NULL;
        int colours = 0;
        png_get_PLTE(png, info, &palette, &colours);
        unsigned beyond;
        if (!expand_palette(out, palette, colours, &beyond))
            st =
                radz_fail(err, RADZ_E_FORMAT, "'%s': damaged PNG file: colour index %u, but the palette has %d colours",
                          name, beyond, colours);
    }
    out->warnings = source.warnings;
done:
    if (png != NULL) {
        png_structp p = png;
        png_infop i = info;
        png_destroy_read_struct(&p, &i, NULL);
    }
    return st;
}

/* --- the quick way --- */

/* Most files are plain: not interlaced, 8 or 16 bits, no palette, nothing wrong anywhere. Their stream is unpacked in one
 * piece by libdeflate, which takes a third of zlib's time, and unfiltered where it lies. Whatever is not plain, and every
 * fault, is left to libpng above, which knows what to say. */

static uint32_t big32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

typedef struct plain_png {
    uint32_t width, height;
    int bits, channels;       /* of the file, alpha included */
    unsigned char *stream;    /* the contents of all IDAT chunks; owned */
    size_t size;
} plain_png;

static bool is_chunk(const unsigned char *chunk, const char *type)
{
    return memcmp(chunk + 4, type, 4) == 0;
}

/* Chunks that say nothing about samples and that libpng has nothing to say about. */
static bool is_harmless(const unsigned char *chunk)
{
    const size_t length = big32(chunk);
    return (is_chunk(chunk, "tIME") && length == 7) || (is_chunk(chunk, "pHYs") && length == 9) ||
           (is_chunk(chunk, "gAMA") && length == 4) || (is_chunk(chunk, "sRGB") && length == 1) || is_chunk(chunk, "tEXt");
}

/* Reads all chunks. False: not plain. `out->stream` is the caller's either way. */
static bool read_plain(const unsigned char *data, size_t size, plain_png *out)
{
    static const int channels_of[7] = {1, 0, 3, 0, 2, 0, 4};
    bool stream_over = false;
    for (size_t at = 8; size - at >= 12;) {
        const unsigned char *chunk = data + at;
        const size_t length = big32(chunk);
        if (length > size - at - 12 || libdeflate_crc32(0, chunk + 4, length + 4) != big32(chunk + 8 + length))
            return false;
        if ((at == 8) != is_chunk(chunk, "IHDR"))
            return false;
        if (at == 8) {
            out->width = big32(chunk + 8);
            out->height = big32(chunk + 12);
            out->bits = chunk[16];
            const bool known = length == 13 && (out->bits == 8 || out->bits == 16) && chunk[17] < 7;
            if (!known || channels_of[chunk[17]] == 0 || chunk[18] != 0 || chunk[19] != 0 || chunk[20] != 0)
                return false;
            out->channels = channels_of[chunk[17]];
            out->stream = malloc(size);
            if (out->stream == NULL)
                return false;
        } else if (is_chunk(chunk, "IDAT")) {
            if (stream_over)
                return false;
            memcpy(out->stream + out->size, chunk + 8, length);
            out->size += length;
        } else if (is_chunk(chunk, "IEND")) {
            return length == 0 && out->size > 0;
        } else if (is_harmless(chunk)) {
            stream_over = out->size > 0;
        } else {
            return false;
        }
        at += 12 + length;
    }
    return false;
}

/* PNG specification 9.2. Row of `stride` bytes from `in` to `out`, which may lie up to any number of bytes before `in` in the
 * same memory; `up` is the row above, already unfiltered. `step` is the bytes of a pixel. */
static void unfilter_sub(const unsigned char *in, unsigned char *out, size_t stride, size_t step)
{
    memmove(out, in, step);
    for (size_t i = step; i < stride; i++)
        out[i] = (unsigned char)(in[i] + out[i - step]);
}

static void unfilter_up(const unsigned char *in, unsigned char *out, const unsigned char *up, size_t stride)
{
    for (size_t i = 0; i < stride; i++)
        out[i] = (unsigned char)(in[i] + up[i]);
}

static void unfilter_average(const unsigned char *in, unsigned char *out, const unsigned char *up, size_t stride, size_t step)
{
    for (size_t i = 0; i < step; i++)
        out[i] = (unsigned char)(in[i] + up[i] / 2);
    if (step == 1) { /* the sample to the left stays in a register */
        unsigned left = out[0];
        for (size_t i = 1; i < stride; i++)
            out[i] = (unsigned char)(left = (in[i] + ((left + up[i]) >> 1)) & 0xff);
        return;
    }
    for (size_t i = step; i < stride; i++)
        out[i] = (unsigned char)(in[i] + ((out[i - step] + up[i]) >> 1));
}

static inline int paeth(int left, int above, int corner)
{
    const int to_left = abs(above - corner), to_above = abs(left - corner), to_corner = abs(left + above - 2 * corner);
    const int second = to_above <= to_corner ? above : corner, least = to_above <= to_corner ? to_above : to_corner;
    return to_left <= least ? left : second;
}

static void unfilter_paeth(const unsigned char *in, unsigned char *out, const unsigned char *up, size_t stride, size_t step)
{
    for (size_t i = 0; i < step; i++)
        out[i] = (unsigned char)(in[i] + up[i]);
    if (step == 1) {
        int left = out[0], corner = up[0];
        for (size_t i = 1; i < stride; i++) {
            const int above = up[i];
            left = (in[i] + paeth(left, above, corner)) & 0xff;
            out[i] = (unsigned char)left;
            corner = above;
        }
        return;
    }
    for (size_t i = step; i < stride; i++)
        out[i] = (unsigned char)(in[i] + paeth(out[i - step], up[i], up[i - step]));
}

/* All rows in place: `pixels` holds height x (1 + stride) bytes and then height x stride. False: an unknown filter. */
static bool unfilter(unsigned char *pixels, size_t stride, size_t height, size_t step, const unsigned char *zeros)
{
    const unsigned char *up = zeros;
    for (size_t y = 0; y < height; y++) {
        unsigned char *out = pixels + y * stride;
        const unsigned char *in = pixels + y * (stride + 1);
        const int kind = *in++;
        if (kind == 0)
            memmove(out, in, stride);
        else if (kind == 1)
            unfilter_sub(in, out, stride, step);
        else if (kind == 2)
            unfilter_up(in, out, up, stride);
        else if (kind == 3)
            unfilter_average(in, out, up, stride, step);
        else if (kind == 4)
            unfilter_paeth(in, out, up, stride, step);
        else
            return false;
        up = out;
    }
    return true;
}

/* Drops alpha and brings 16-bit samples into the machine's byte order, in place. */
static void finish_samples(unsigned char *pixels, size_t count, int from_channels, int to_channels, int bits)
{
    const size_t bytes = (size_t)bits / 8, from = (size_t)from_channels * bytes, to = (size_t)to_channels * bytes;
    if (from != to)
        for (size_t i = 0; i < count; i++)
            memmove(pixels + i * to, pixels + i * from, to);
    if (bits == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        uint16_t *samples = (uint16_t *)(void *)pixels;
        for (size_t i = 0; i < count * (size_t)to_channels; i++)
            samples[i] = (uint16_t)(samples[i] >> 8 | samples[i] << 8);
    }
}

/* *done is false when the file is not plain or anything is wrong: then nothing was said, and libpng is to be asked. */
static radz_status decode_plain(const unsigned char *data, size_t size, const char *name, const radz_picture_options *options,
                                radz_picture *out, bool *done, radz_error *err)
{
    plain_png png = {0};
    struct libdeflate_decompressor *inflater = NULL;
    unsigned char *zeros = NULL;
    radz_status st = RADZ_OK;
    *done = false;
    if (!read_plain(data, size, &png) || png.width == 0 || png.height == 0)
        goto end;
    const int channels = png.channels <= 2 ? 1 : 3;
    st = radz_picture_shape(out, name, &options->limits, png.width, png.height, channels, png.bits, err);
    if (st != RADZ_OK)
        goto end;
    const size_t step = (size_t)png.channels * (size_t)(png.bits / 8), stride = png.width * step;
    const size_t packed = png.height * (stride + 1);
    st = radz_picture_reserve(out, name, packed, err);
    if (st != RADZ_OK)
        goto end;
    inflater = libdeflate_alloc_decompressor();
    zeros = calloc(1, stride);
    if (inflater == NULL || zeros == NULL)
        goto end;
    size_t used;
    if (libdeflate_zlib_decompress_ex(inflater, png.stream, png.size, out->pixels, packed, &used, NULL) != LIBDEFLATE_SUCCESS ||
        used != png.size || !unfilter(out->pixels, stride, png.height, step, zeros))
        goto end;
    finish_samples(out->pixels, (size_t)png.width * png.height, png.channels, channels, png.bits);
    *done = true;
end:
    free(png.stream);
    free(zeros);
    libdeflate_free_decompressor(inflater);
    return st;
}

static radz_status png_decode(const unsigned char *data, size_t size, const char *name, const radz_picture_options *options,
                              radz_picture *out, radz_error *err)
{
    bool done;
    const radz_status st = decode_plain(data, size, name, options, out, &done, err);
    return st != RADZ_OK || done ? st : decode_any(data, size, name, options, out, err);
}

const radz_codec radz_codec_png = {"png", png_claims, png_decode};

/* --- writing --- */

typedef struct png_sink {
    radz_out file;
    radz_error *err;
    radz_status status;
    jmp_buf back;
} png_sink;

static void write_error(png_structp png, png_const_charp message)
{
    png_sink *sink = png_get_error_ptr(png);
    sink->status = radz_fail(sink->err, RADZ_E_INTERNAL, "'%s': PNG writer: %s", sink->file.path, message);
    longjmp(sink->back, 1);
}

static void write_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void write_bytes(png_structp png, png_bytep from, size_t count)
{
    png_sink *sink = png_get_io_ptr(png);
    if (fwrite(from, 1, count, sink->file.stream) == count)
        return;
    sink->status = radz_fail(sink->err, RADZ_E_IO, "cannot write '%s': %s", sink->file.path, strerror(errno));
    longjmp(sink->back, 1);
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

radz_status radz_png_write(const char *path, const radz_pixels *pixels, radz_error *err)
{
    static const int types[5] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                 PNG_COLOR_TYPE_RGBA};
    radz_status checked = radz_pixels_check(path, pixels, 4, true, err);
    if (checked != RADZ_OK)
        return checked;
    png_sink sink = {.err = err, .status = RADZ_E_INTERNAL};
    checked = radz_out_open(path, &sink.file, err);
    if (checked != RADZ_OK)
        return checked;
    png_structp volatile png = NULL;
    png_infop volatile info = NULL;
    volatile radz_status st = RADZ_OK;
    if (setjmp(sink.back) != 0) {
        st = sink.status;
        goto done;
    }
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &sink, write_error, write_warning);
    if (png != NULL)
        info = png_create_info_struct(png);
    if (info == NULL) {
        st = radz_fail(err, RADZ_E_NOMEM, "'%s': no memory for the PNG writer", path);
        goto done;
    }
    png_set_write_fn(png, &sink, write_bytes, flush_nothing);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    /* Everything that shapes the bytes is fixed here, none of it left to the library's defaults. */
    png_set_compression_level(png, 4);
    png_set_compression_strategy(png, Z_FILTERED);
    png_set_compression_mem_level(png, 8);
    png_set_compression_window_bits(png, 15);
    png_set_compression_buffer_size(png, 65536);
    png_set_filter(png, 0, PNG_FILTER_AVG);
    png_set_IHDR(png, info, (png_uint_32)pixels->width, (png_uint_32)pixels->height, pixels->bits,
                 types[pixels->channels], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    png_write_info(png, info);
    if (pixels->bits == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        png_set_swap(png);
    const unsigned char *row = pixels->data;
    const size_t stride = pixels->width * (size_t)pixels->channels * (size_t)(pixels->bits / 8);
    for (size_t y = 0; y < pixels->height; y++)
        png_write_row(png, row + y * stride);
    png_write_end(png, NULL);
done:
    if (png != NULL) {
        png_structp p = png;
        png_infop i = info;
        png_destroy_write_struct(&p, &i);
    }
    if (st == RADZ_OK)
        return radz_out_commit(&sink.file, err);
    radz_out_abandon(&sink.file);
    return st;
}
