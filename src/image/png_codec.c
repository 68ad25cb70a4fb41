/* PNG by libpng: reading every colour type, writing gray, gray + alpha, RGB and RGBA with 8 or 16 bits. */
#include <errno.h>
#include <png.h>
#include <setjmp.h>
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

static radz_status png_decode(const unsigned char *data, size_t size, const char *name,
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
