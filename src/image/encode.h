/* Writing pictures. The same samples give the same bytes (no time stamps, every setting fixed) as long as zlib, libpng
 * and libjpeg-turbo stay the same; the file appears under its name only when it is complete. */
#ifndef RADZ_IMAGE_ENCODE_H
#define RADZ_IMAGE_ENCODE_H

#include "base/status.h"

/* Samples of somebody else: [height, width, channels], row-major, no padding. */
typedef struct radz_pixels {
    const void *data;     /* uint8_t, or uint16_t in the machine's byte order */
    size_t width, height; /* 1 to 65,500 */
    int channels;         /* 1 gray, 2 gray + alpha, 3 RGB, 4 RGBA */
    int bits;             /* 8 or 16 */
} radz_pixels;

/* PNG of 1 to 4 channels and 8 or 16 bits. About 30 MB of samples per second. */
radz_status radz_png_write(const char *path, const radz_pixels *pixels, radz_error *err) RADZ_MUST_USE;

/* Baseline JPEG of 1 or 3 channels and 8 bits; `quality` is libjpeg's scale, 1 to 100; colour is stored at half
 * resolution (4:2:0). */
radz_status radz_jpeg_write(const char *path, const radz_pixels *pixels, int quality, radz_error *err) RADZ_MUST_USE;

/* RADZ_E_VALUE unless the fields are in the ranges above and the writer takes them. Used by the writers. */
radz_status radz_pixels_check(const char *path, const radz_pixels *pixels, int max_channels, bool alpha_or_deep,
                              radz_error *err) RADZ_MUST_USE;

#endif
