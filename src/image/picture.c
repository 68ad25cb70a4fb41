#include "image/picture.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "image/codec.h"

static const radz_codec *const codecs[] = {&radz_codec_png, &radz_codec_jpeg, &radz_codec_dicom};
enum { CODEC_COUNT = sizeof codecs / sizeof codecs[0] };

static const radz_picture_options defaults = {.limits = RADZ_PICTURE_LIMITS};

const char *radz_picture_codec_name(size_t i)
{
    return i < CODEC_COUNT ? codecs[i]->name : NULL;
}

radz_status radz_picture_reserve(radz_picture *out, const char *name, size_t bytes, radz_error *err)
{
    if (bytes <= out->capacity)
        return RADZ_OK;
    free(out->pixels);
    out->capacity = 0;
    out->pixels = malloc(bytes);
    if (out->pixels == NULL)
        return radz_fail(err, RADZ_E_NOMEM, "'%s': no memory for its samples (%zu bytes)", name, bytes);
    out->capacity = bytes;
    return RADZ_OK;
}

radz_status radz_picture_shape(radz_picture *out, const char *name, const radz_picture_limits *limits, size_t width,
                               size_t height, int channels, int bits, radz_error *err)
{
    if (width == 0 || height == 0)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': a picture of %zu x %zu pixels has no content", name, width, height);
    if (width > limits->max_side || height > limits->max_side)
        return radz_fail(err, RADZ_E_VALUE, "'%s': %zu x %zu pixels, but at most %zu per side are allowed", name, width,
                         height, limits->max_side);
    if (width > limits->max_pixels / height)
        return radz_fail(err, RADZ_E_VALUE, "'%s': %zu x %zu is %zu pixels, but at most %zu are allowed", name, width,
                         height, width * height, limits->max_pixels);
    const radz_status st = radz_picture_reserve(out, name, width * height * (size_t)channels * (size_t)(bits / 8), err);
    if (st != RADZ_OK)
        return st;
    out->width = width;
    out->height = height;
    out->channels = channels;
    out->bits = bits;
    return RADZ_OK;
}

/* The first bytes of a file that no codec claims, as a person can read them. */
static void describe_start(const unsigned char *data, size_t size, char text[64])
{
    bool plain = true;
    size_t shown = size < 12 ? size : 12;
    for (size_t i = 0; i < shown; i++)
        plain = plain && (isprint(data[i]) || isspace(data[i]));
    size_t used = 0;
    for (size_t i = 0; i < shown; i++)
        used += (size_t)(plain ? snprintf(text + used, 64 - used, "%c", isprint(data[i]) ? data[i] : ' ')
                               : snprintf(text + used, 64 - used, "%s%02x", i == 0 ? "" : " ", data[i]));
}

radz_status radz_picture_decode(const void *data, size_t size, const char *name, const radz_picture_options *options,
                                radz_picture *out, radz_error *err)
{
    out->width = out->height = 0;
    out->channels = out->bits = 0;
    out->warnings = out->white = 0;
    out->codec = NULL;
    if (options == NULL)
        options = &defaults;
    if (size == 0)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': the file is empty (0 bytes), an image was wanted", name);
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        if (!codecs[i]->claims(data, size))
            continue;
        radz_status st = codecs[i]->decode(data, size, name, options, out, err);
        if (st == RADZ_OK)
            out->codec = codecs[i]->name;
        else
            out->width = out->height = 0;
        return st;
    }
    char start[64];
    describe_start(data, size, start);
    return radz_fail(err, RADZ_E_FORMAT,
                     "'%s': not an image of a known kind: %zu bytes beginning with '%s', wanted a PNG, JPEG or DICOM file", name,
                     size, start);
}

radz_status radz_picture_read(const char *path, const radz_picture_options *options, radz_picture *out, radz_error *err)
{
    out->width = out->height = 0;
    char *data;
    size_t size;
    radz_status st =
        radz_file_read(path, options != NULL ? options->limits.max_bytes : defaults.limits.max_bytes, &data, &size, err);
    if (st == RADZ_OK)
        st = radz_picture_decode(data, size, path, options, out, err);
    free(data);
    return st;
}

void radz_picture_free(radz_picture *picture)
{
    if (picture != NULL) {
        free(picture->pixels);
        *picture = (radz_picture){0};
    }
}
