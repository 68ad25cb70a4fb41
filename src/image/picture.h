/* A decoded picture, and reading one from a file or from memory. The codec is chosen by the first bytes of the data,
 * not by the file's name. */
#ifndef RADZ_IMAGE_PICTURE_H
#define RADZ_IMAGE_PICTURE_H

#include <stdint.h>

#include "base/status.h"

/* What a codec delivers. Alpha is dropped, palettes are expanded, 1, 2 and 4 bits are stretched to 8, CMYK becomes RGB:
 * the same samples as Pillow's Image.open(f).convert("L"), or "RGB" for a coloured file, but 16-bit files keep 16 bits.
 * Orientation, gamma and colour profiles are not applied (neither does Pillow). DICOM: see dicom_codec.c. */
typedef struct radz_picture {
    size_t width, height;
    int channels;        /* 1 gray, 3 red green blue */
    int bits;            /* 8: uint8_t samples; 16: uint16_t samples in the machine's byte order */
    void *pixels;        /* [height, width, channels], row-major, no padding; owned */
    size_t capacity;     /* bytes behind `pixels` */
    unsigned warnings;   /* faults of the file that the codec could recover from without touching the samples */
    unsigned white;      /* 16 bits: the sample that is to be shown white, where the file says so (a DICOM window does); 0:
                          * it does not, and the picture's greatest sample is as good a white as any */
    const char *codec;   /* "png", "jpeg", "dicom"; static storage */
} radz_picture;

/* What a header may ask for before anything is allocated, and the longest file that is read. */
typedef struct radz_picture_limits {
    size_t max_side;   /* pixels */
    size_t max_pixels; /* width x height */
    size_t max_bytes;  /* of the file */
} radz_picture_limits;
/* 20,000 per side, 256 x 2^20 pixels, 1 GiB. */
#define RADZ_PICTURE_LIMITS {20000, (size_t)256 << 20, (size_t)1 << 30}

/* What a decoder may do in different ways. All zero is what a picture is meant to look like. */
typedef struct radz_decoding {
    /* DICOM: leave out the rescaling (slope and intercept, modality LUT), the VOI LUT, the window, the inversion of
     * MONOCHROME1. All four: the samples as they are stored (signed ones moved up to begin at 0). */
    bool no_rescale, no_lut, no_window, no_invert;
    /* JPEG: decode at 1/2, 1/4 or 1/8 of the size as long as the shorter side, the longer side, the width and the height do
     * not fall below these (0: no demand), as Pillow's Image.draft does. All zero: at full size. */
    size_t least_shorter, least_longer, least_width, least_height;
} radz_decoding;

typedef struct radz_picture_options {
    radz_picture_limits limits;
    radz_decoding decoding;
} radz_picture_options;

/* Reads `path` into `*out`, which must be zero or hold an earlier picture, whose memory is then used again: a worker
 * that reads many files of one size allocates once. `options` NULL: RADZ_PICTURE_LIMITS and the plain way. On failure `*out` has no size
 * (width 0) but can be used again; free it once at the end.
 * RADZ_E_MISSING or RADZ_E_IO: the file; RADZ_E_FORMAT: empty, not an image, damaged or truncated (no half picture is
 * ever returned); RADZ_E_VALUE: larger than the limits; RADZ_E_UNSUPPORTED: a valid file of a kind not handled.
 * May be called from any number of threads, each with its own picture. */
radz_status radz_picture_read(const char *path, const radz_picture_options *options, radz_picture *out,
                              radz_error *err) RADZ_MUST_USE;

/* The same from memory; `name` stands for the file in messages. */
radz_status radz_picture_decode(const void *data, size_t size, const char *name, const radz_picture_options *options,
                                radz_picture *out, radz_error *err) RADZ_MUST_USE;

void radz_picture_free(radz_picture *picture); /* the picture can be used again */

/* Bytes of one row. */
static inline size_t radz_picture_stride(const radz_picture *picture)
{
    return picture->width * (size_t)picture->channels * (size_t)(picture->bits / 8);
}

/* i-th codec's name ("png", "jpeg", "dicom"), NULL past the end. */
const char *radz_picture_codec_name(size_t i);

#endif
