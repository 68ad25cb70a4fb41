/* JPEG by libjpeg-turbo: baseline and progressive; gray, YCbCr, RGB, CMYK and YCCK. The decoder's settings are
 * libjpeg's defaults (accurate integer DCT, smooth chroma upsampling), as in Pillow. */
#include <errno.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h> /* after jpeglib.h, whose settings it looks at */

#include "base/file.h"
#include "image/codec.h"
#include "image/encode.h"

/* A progressive file may name one scan over and over: each costs a pass over the whole picture. */
enum { MAX_SCANS = 500 };

typedef struct jpeg_errors {
    struct jpeg_error_mgr manager; /* first: libjpeg hands back a pointer to it */
    struct jpeg_progress_mgr progress;
    const char *name;
    size_t size;
    unsigned warnings;
    radz_error *err;
    radz_status status;
    jmp_buf back;
} jpeg_errors;

static bool jpeg_claims(const unsigned char *data, size_t size)
{
    return size >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff;
}

/* Called by libjpeg for what it cannot get over; does not return. */
static void on_error(j_common_ptr cinfo)
{
    jpeg_errors *errors = (jpeg_errors *)cinfo->err;
    char message[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, message);
    if (cinfo->err->msg_code == JERR_FILE_WRITE)
        errors->status = radz_fail(errors->err, RADZ_E_IO, "cannot write '%s': %s", errors->name, strerror(errno));
    else if (cinfo->is_decompressor)
        errors->status = radz_fail(errors->err, RADZ_E_FORMAT, "'%s': damaged JPEG file: %s", errors->name, message);
    else
        errors->status = radz_fail(errors->err, RADZ_E_INTERNAL, "'%s': JPEG writer: %s", errors->name, message);
    longjmp(errors->back, 1);
}

static void on_message(j_common_ptr cinfo, int level)
{
    if (level >= 0)
        return; /* trace */
    jpeg_errors *errors = (jpeg_errors *)cinfo->err;
    switch (cinfo->err->msg_code) {
    case JWRN_JPEG_EOF: /* libjpeg would fill the rest with gray */
    case JWRN_HIT_MARKER:
        errors->status = radz_fail(errors->err, RADZ_E_FORMAT,
                                   "'%s': truncated JPEG file: its %zu bytes end before the image does",
                                   errors->name, errors->size);
        longjmp(errors->back, 1);
    case JWRN_HUFF_BAD_CODE: /* from here on the samples would be guesses */
#if JPEG_LIB_VERSION >= 70 || defined(D_ARITH_CODING_SUPPORTED)
    case JWRN_ARITH_BAD_CODE:
#endif
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
        on_error(cinfo);
        break;
    default:
        errors->warnings++;
    }
}

static void on_progress(j_common_ptr cinfo)
{
    jpeg_errors *errors = (jpeg_errors *)cinfo->err;
    int scans = ((j_decompress_ptr)cinfo)->input_scan_number;
    if (scans > MAX_SCANS) {
        errors->status = radz_fail(errors->err, RADZ_E_FORMAT, "'%s': damaged JPEG file: more than %d scans",
                                   errors->name, MAX_SCANS);
        longjmp(errors->back, 1);
    }
}

static void errors_init(jpeg_errors *errors, const char *name, size_t size, radz_error *err)
{
    memset(errors, 0, sizeof *errors);
    jpeg_std_error(&errors->manager);
    errors->manager.error_exit = on_error;
    errors->manager.emit_message = on_message;
    errors->progress.progress_monitor = on_progress;
    errors->name = name;
    errors->size = size;
    errors->err = err;
}

/* (a * b) / 255, rounded. */
static inline int multiply_255(int a, int b)
{
    int t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

/* Four inks to RGB. Files store the inks inverted (Adobe's convention, assumed for all as Pillow does), so `in` holds
 * 255 minus the ink. */
static void cmyk_row(const unsigned char *in, unsigned char *out, size_t width)
{
    for (size_t x = 0; x < width; x++, in += 4, out += 3) {
        int light = in[3];
        for (int c = 0; c < 3; c++) {
            int v = light - multiply_255(255 - in[c], light);
            out[c] = (unsigned char)(v < 0 ? 0 : v);
        }
    }
}

/* The largest of 8, 4, 2, 1 by which the picture can be divided without falling below what is asked, as in Pillow's
 * Image.draft. */
static unsigned draft_divisor(size_t width, size_t height, const radz_decoding *how)
{
    const size_t shorter = width < height ? width : height, longer = width < height ? height : width;
    const size_t have[4] = {shorter, longer, width, height};
    const size_t least[4] = {how->least_shorter, how->least_longer, how->least_width, how->least_height};
    size_t possible = 0;
    for (int i = 0; i < 4; i++)
        if (least[i] != 0 && (possible == 0 || have[i] / least[i] < possible))
            possible = have[i] / least[i] < 1 ? 1 : have[i] / least[i];
    return possible >= 8 ? 8 : possible >= 4 ? 4 : possible >= 2 ? 2 : 1;
}

static radz_status jpeg_decode(const unsigned char *data, size_t size, const char *name,
                               const radz_picture_options *options, radz_picture *out, radz_error *err)
{
    jpeg_errors errors;
    errors_init(&errors, name, size, err);
    struct jpeg_decompress_struct cinfo;
    memset(&cinfo, 0, sizeof cinfo);
    cinfo.err = &errors.manager;
    unsigned char *volatile inks = NULL; /* one row of CMYK */
    volatile radz_status st = RADZ_OK;
    if (setjmp(errors.back) != 0) {
        st = errors.status;
        goto done;
    }
    jpeg_create_decompress(&cinfo);
    cinfo.progress = &errors.progress;
    jpeg_mem_src(&cinfo, data, size);
    jpeg_read_header(&cinfo, TRUE);

    int colours = cinfo.num_components;
    if (colours != 1 && colours != 3 && colours != 4) {
        st = radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': JPEG file with %d colour components; 1, 3 and 4 are handled",
                       name, colours);
        goto done;
    }
    cinfo.out_color_space = colours == 1 ? JCS_GRAYSCALE : colours == 3 ? JCS_RGB : JCS_CMYK;
    st = radz_picture_shape(out, name, &options->limits, cinfo.image_width, cinfo.image_height, colours == 1 ? 1 : 3, 8, err);
    if (st != RADZ_OK)
        goto done;
    cinfo.scale_num = 1;
    cinfo.scale_denom = draft_divisor(out->width, out->height, &options->decoding);
    jpeg_calc_output_dimensions(&cinfo);
    out->width = cinfo.output_width;
    out->height = cinfo.output_height;
    if (colours == 4) {
        inks = malloc(out->width * 4);
        if (inks == NULL) {
            st = radz_fail(err, RADZ_E_NOMEM, "'%s': no memory for one row", name);
            goto done;
        }
    }
    jpeg_start_decompress(&cinfo);
    const size_t stride = radz_picture_stride(out);
    while (cinfo.output_scanline < cinfo.output_height) {
        unsigned char *row = (unsigned char *)out->pixels + cinfo.output_scanline * stride;
        if (inks != NULL) {
            JSAMPROW rows[1] = {inks};
            jpeg_read_scanlines(&cinfo, rows, 1);
            cmyk_row(inks, row, out->width);
            continue;
        }
        /* libjpeg delivers up to a row of blocks per call when it is offered more than one line */
        JSAMPROW rows[16];
        JDIMENSION wanted = cinfo.output_height - cinfo.output_scanline;
        if (wanted > 16)
            wanted = 16;
        for (JDIMENSION i = 0; i < wanted; i++)
            rows[i] = row + i * stride;
        jpeg_read_scanlines(&cinfo, rows, wanted);
    }
    jpeg_finish_decompress(&cinfo);
    out->warnings = errors.warnings;
done:
    free(inks);
    jpeg_destroy_decompress(&cinfo);
    return st;
}

const radz_codec radz_codec_jpeg = {"jpeg", jpeg_claims, jpeg_decode};

/* --- writing --- */

radz_status radz_pixels_check(const char *path, const radz_pixels *pixels, int max_channels, bool alpha_or_deep,
                              radz_error *err)
{
    enum { MAX_SIDE = 65500 };
    if (pixels->width < 1 || pixels->width > MAX_SIDE || pixels->height < 1 || pixels->height > MAX_SIDE)
        return radz_fail(err, RADZ_E_VALUE, "cannot write '%s': %zu x %zu pixels; 1 to %d per side are possible", path,
                         pixels->width, pixels->height, MAX_SIDE);
    if (pixels->channels < 1 || pixels->channels > max_channels || (!alpha_or_deep && pixels->channels == 2))
        return radz_fail(err, RADZ_E_VALUE, "cannot write '%s': %d channels; %s are possible", path, pixels->channels,
                         alpha_or_deep ? "1 to 4" : "1 and 3");
    if (pixels->bits != 8 && (!alpha_or_deep || pixels->bits != 16))
        return radz_fail(err, RADZ_E_VALUE, "cannot write '%s': %d bits per sample; %s possible", path, pixels->bits,
                         alpha_or_deep ? "8 and 16 are" : "8 is");
    return RADZ_OK;
}

radz_status radz_jpeg_write(const char *path, const radz_pixels *pixels, int quality, radz_error *err)
{
    radz_status checked = radz_pixels_check(path, pixels, 3, false, err);
    if (checked != RADZ_OK)
        return checked;
    if (quality < 1 || quality > 100)
        return radz_fail(err, RADZ_E_VALUE, "cannot write '%s': JPEG quality %d; 1 to 100 are possible", path, quality);
    radz_out file;
    checked = radz_out_open(path, &file, err);
    if (checked != RADZ_OK)
        return checked;
    jpeg_errors errors;
    errors_init(&errors, path, 0, err);
    struct jpeg_compress_struct cinfo;
    memset(&cinfo, 0, sizeof cinfo);
    cinfo.err = &errors.manager;
    volatile radz_status st = RADZ_OK;
    if (setjmp(errors.back) != 0) {
        st = errors.status;
        goto done;
    }
    jpeg_create_compress(&cinfo);
    jpeg_stdio_dest(&cinfo, file.stream);
    cinfo.image_width = (JDIMENSION)pixels->width;
    cinfo.image_height = (JDIMENSION)pixels->height;
    cinfo.input_components = pixels->channels;
    cinfo.in_color_space = pixels->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&cinfo);
    jpeg_set_quality(&cinfo, quality, TRUE);
    cinfo.dct_method = JDCT_ISLOW;
    jpeg_start_compress(&cinfo, TRUE);
    const size_t stride = pixels->width * (size_t)pixels->channels;
    while (cinfo.next_scanline < cinfo.image_height) {
        /* libjpeg takes rows as writable but does not write to them */
        JSAMPROW row = (JSAMPROW)(uintptr_t)((const unsigned char *)pixels->data + cinfo.next_scanline * stride);
        jpeg_write_scanlines(&cinfo, &row, 1);
    }
    jpeg_finish_compress(&cinfo);
done:
    jpeg_destroy_compress(&cinfo);
    if (st == RADZ_OK)
        return radz_out_commit(&file, err);
    radz_out_abandon(&file);
    return st;
}
