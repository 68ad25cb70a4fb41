/* Changing the size of one plane of samples, with the very same result as Pillow's Image.resize. */
#ifndef RADZ_IMAGE_RESIZE_H
#define RADZ_IMAGE_RESIZE_H

#include <stdint.h>

#include "base/status.h"

typedef enum radz_filter {
    RADZ_FILTER_NEAREST,
    RADZ_FILTER_BOX,
    RADZ_FILTER_BILINEAR,
    RADZ_FILTER_HAMMING,
    RADZ_FILTER_BICUBIC, /* a = -0.5, widened when shrinking ("antialias") */
    RADZ_FILTER_LANCZOS, /* 3 lobes */
    RADZ_FILTER_AREA,    /* OpenCV's INTER_AREA: exact averages of pixel areas */
    RADZ_FILTER_BICUBIC_PLAIN, /* torch.nn.functional.interpolate(mode="bicubic", align_corners=False): a = -0.75, four
                                * taps whatever the scale; float samples only */
    RADZ_FILTER_COUNT
} radz_filter;

/* "nearest", ..., "bicubic-plain"; NULL out of range. */
const char *radz_filter_name(size_t i);

/* Filter weights and scratch memory that outlive one call: create one per thread. Weights of the sizes seen last are
 * kept, so that a folder of equal pictures computes them once. */
typedef struct radz_resizer radz_resizer;
radz_status radz_resizer_create(radz_resizer **out, radz_error *err) RADZ_MUST_USE;
void radz_resizer_free(radz_resizer *resizer);

/* in [in_height, in_width] -> out [out_height, out_width], both without padding, not overlapping; sides 1 to 100,000.
 * u8: equal to Pillow's modes "L" and, plane by plane, "RGB" (integer weights of 22 bits, each pass rounded to 8 bits;
 * as in Pillow 13 the horizontal pass comes first unless the height shrinks by more than twice the pixels the width
 * does: there, and only there, earlier versions differ, mostly by one level). u16: equal to "I;16" (double sums, each
 * pass rounded). f32: equal to "F" (double sums, each pass rounded to float; no clipping). AREA follows OpenCV instead:
 * averages where the picture shrinks in both directions or stays, OpenCV's linear interpolation where a side grows.
 * BICUBIC_PLAIN is RADZ_E_UNSUPPORTED but for f32. Sources: Pillow src/libImaging/Resample.c, OpenCV
 * modules/imgproc/src/resize.cpp, PyTorch UpSample.h. */
radz_status radz_resize_u8(radz_resizer *resizer, const uint8_t *in, size_t in_width, size_t in_height, uint8_t *out,
                           size_t out_width, size_t out_height, radz_filter filter, radz_error *err) RADZ_MUST_USE;
radz_status radz_resize_u16(radz_resizer *resizer, const uint16_t *in, size_t in_width, size_t in_height, uint16_t *out,
                            size_t out_width, size_t out_height, radz_filter filter, radz_error *err) RADZ_MUST_USE;
radz_status radz_resize_f32(radz_resizer *resizer, const float *in, size_t in_width, size_t in_height, float *out,
                            size_t out_width, size_t out_height, radz_filter filter, radz_error *err) RADZ_MUST_USE;

#endif
