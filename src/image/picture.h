/* A decoded picture, and reading one from a file or from memory. The codec is chosen by the first bytes of the data,
 * not by the file's name. */
#ifndef RADZ_IMAGE_PICTURE_H
#define RADZ_IMAGE_PICTURE_H

#include <stdint.h>

#include "base/status.h"

/* What a codec delivers. Alpha is dropped, palettes are expanded, 1, 2 and 4 bits are stretched to 8, CMYK becomes RGB:
 * the same samples as Pillow's Image.open(f).convert("L"), or "RGB" for a coloured file, but 16-bit files keep 16 bits.
 * Orientation, gamma and colour profiles are not applied (neither does Pillow). */
typedef struct radz_picture {
    size_t width, height;
    int channels;        /* 1 gray, 3 red green blue */
    int bits;            /* 8: uint8_t samples; 16: uint16_t samples in the machine's byte order */
    void *pixels;        /* [height, width, channels], row-major, no padding; owned */
    size_t capacity;     /* bytes behind `pixels` */
    unsigned warnings;   /* faults of the file that the codec could recover from without touching the samples */
    const char *codec;   /* "png", "jpeg"; static storage */
} radz_picture;

/* What a header may ask for before anything is allocated, and the longest file that is read. */
typedef struct radz_picture_limits {
    size_t max_side;   /* pixels */
    size_t max_pixels; /* width x height */
    size_t max_bytes;  /* of the file */
} radz_picture_limits;
extern const radz_picture_limits RADZ_PICTURE_LIMITS; /* 20,000 per side, 256 x 2^20 pixels, 1 GiB */

/* Reads `path` into `*out`, which must be zero or hold an earlier picture, whose memory is then used again: a worker
 * that reads many files of one size allocates once. `limits` NULL: RADZ_PICTURE_LIMITS. On failure `*out` has no size
 * (width 0) but can be used again; free it once at the end.
 * RADZ_E_MISSING or RADZ_E_IO: the file; RADZ_E_FORMAT: empty, not an image, damaged or truncated (no half picture is
 * ever returned); RADZ_E_VALUE: larger than the limits; RADZ_E_UNSUPPORTED: a valid file of a kind not handled.
 * May be called from any number of threads, each with its own picture. */
radz_status radz_picture_read(const char *path, const radz_picture_limits *limits, radz_picture *out,
                              radz_error *err) RADZ_MUST_USE;

/* The same from memory; `name` stands for the file in messages. */
radz_status radz_picture_decode(const void *data, size_t size, const char *name, const radz_picture_limits *limits,
                                radz_picture *out, radz_error *err) RADZ_MUST_USE;

void radz_picture_free(radz_picture *picture); /* the picture can be used again */

/* Bytes of one row. */
static inline size_t radz_picture_stride(const radz_picture *picture)
{
    return picture->width * (size_t)picture->channels * (size_t)(picture->bits / 8);
}

/* i-th codec's name ("png", "jpeg"), NULL past the end. */
const char *radz_picture_codec_name(size_t i);

#endif
