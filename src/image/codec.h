/* What a picture codec is, for the files of this folder. A new format is one file and one line in picture.c. */
#ifndef RADZ_IMAGE_CODEC_H
#define RADZ_IMAGE_CODEC_H

#include "image/picture.h"

typedef struct radz_codec {
    const char *name;
    bool (*claims)(const unsigned char *data, size_t size); /* by magic bytes */
    /* `out` has no size yet; call radz_picture_shape once the header is known. `name` is the file, for messages. */
    radz_status (*decode)(const unsigned char *data, size_t size, const char *name, const radz_picture_options *options,
                          radz_picture *out, radz_error *err);
} radz_codec;

extern const radz_codec radz_codec_png;
extern const radz_codec radz_codec_jpeg;
extern const radz_codec radz_codec_dicom;

/* Checks a header against the limits and makes room. The samples are not initialised. */
radz_status radz_picture_shape(radz_picture *out, const char *name, const radz_picture_limits *limits, size_t width,
                               size_t height, int channels, int bits, radz_error *err) RADZ_MUST_USE;
/* Makes sure that at least `bytes` lie behind out->pixels, for decoders that need more room on the way. What is there is
 * lost. */
radz_status radz_picture_reserve(radz_picture *out, const char *name, size_t bytes, radz_error *err) RADZ_MUST_USE;

#endif
