#include "run/make_phantom.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/phantom.h"
#include "image/encode.h"

enum { JPEG_QUALITY = 92, SHEET_COLUMNS = 8, SHEET_CELL = 192, FINDING_COLUMNS = 6, FINDING_CELL = 256 };

/* The high byte of each 16-bit sample, `repeat` times, plus an opaque alpha when asked for. */
static uint8_t *to_bytes(const uint16_t *pixels, size_t count, int repeat, bool alpha, radz_error *err)
{
    size_t channels = (size_t)repeat + alpha;
    uint8_t *bytes = radz_calloc(count, channels, err);
    for (size_t i = 0; bytes != NULL && i < count; i++) {
        uint8_t *p = bytes + i * channels;
        memset(p, pixels[i] >> 8, (size_t)repeat);
        if (alpha)
            p[repeat] = 255;
    }
    return bytes;
}

static radz_status write_image(void *context, const char *path, radz_phantom_storage storage, const uint16_t *pixels,
                               int width, int height, radz_error *err)
{
    (void)context;
    radz_pixels out = {.data = pixels, .width = (size_t)width, .height = (size_t)height, .channels = 1, .bits = 16};
    if (storage == RADZ_PHANTOM_PNG_GRAY16)
        return radz_png_write(path, &out, err);
    bool rgb = storage == RADZ_PHANTOM_PNG_RGBA8 || storage == RADZ_PHANTOM_JPEG_RGB;
    bool alpha = storage == RADZ_PHANTOM_PNG_RGBA8;
    uint8_t *bytes = to_bytes(pixels, out.width * out.height, rgb ? 3 : 1, alpha, err);
    if (bytes == NULL)
        return RADZ_E_NOMEM;
    out.data = bytes;
    out.bits = 8;
    out.channels = (rgb ? 3 : 1) + alpha;
    bool jpeg = storage == RADZ_PHANTOM_JPEG_GRAY || storage == RADZ_PHANTOM_JPEG_RGB;
    radz_status st = jpeg ? radz_jpeg_write(path, &out, JPEG_QUALITY, err) : radz_png_write(path, &out, err);
    free(bytes);
    return st;
}

static radz_status split_mask(const char *split, unsigned *out, radz_error *err)
{
    static const char *const names[RADZ_PHANTOM_SPLITS] = {
        [RADZ_PHANTOM_TRAIN] = "train", [RADZ_PHANTOM_VAL] = "val", [RADZ_PHANTOM_TEST] = "test"};
    *out = RADZ_PHANTOM_ALL_SPLITS;
    if (split == NULL)
        return RADZ_OK;
    for (unsigned i = 0; i < RADZ_PHANTOM_SPLITS; i++) {
        *out = 1u << i;
        if (strcmp(split, names[i]) == 0)
            return RADZ_OK;
    }
    return radz_fail_unknown_in(err, "split", split, names, RADZ_PHANTOM_SPLITS);
}

radz_status radz_make_phantom(const char *dir, const radz_make_phantom_options *options, radz_error *err)
{
    unsigned splits;
    radz_phantom_plan *plan = NULL;
    radz_status st = split_mask(options->split, &splits, err);
    if (st == RADZ_OK)
        st = radz_phantom_plan_create(&(radz_phantom_options){options->patients, options->seed}, &plan, err);
    if (st == RADZ_OK)
        st = radz_phantom_write(plan, dir, splits, options->threads, &(radz_phantom_sink){write_image, NULL}, err);
    radz_phantom_plan_free(plan);
    return st;
}

static radz_status write_sheet(const radz_phantom_plan *plan, const char *dir, int finding, int threads, radz_error *err)
{
    uint8_t *gray = NULL;
    int width = 0, height = 0;
    radz_strbuf name = {0};
    char *path = NULL;
    bool all = finding < 0;
    radz_status st = radz_phantom_sheet(plan, finding, all ? SHEET_COLUMNS : FINDING_COLUMNS,
                                        all ? SHEET_CELL : FINDING_CELL, threads, &gray, &width, &height, err);
    if (st == RADZ_OK)
        st = all ? radz_strbuf_puts(&name, "sheet.png", err)
                 : radz_strbuf_printf(&name, err, "sheet-%s.png", radz_phantom_finding_name((radz_phantom_finding)finding));
    if (st == RADZ_OK && (path = radz_path_join(dir, name.text, err)) == NULL)
        st = RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = radz_png_write(path, &(radz_pixels){gray, (size_t)width, (size_t)height, 1, 8}, err);
    if (st == RADZ_OK)
        radz_info("wrote '%s'", path);
    free(path);
    radz_strbuf_free(&name);
    free(gray);
    return st;
}

radz_status radz_make_phantom_sheets(const char *dir, const radz_make_phantom_options *options, radz_error *err)
{
    radz_phantom_plan *plan = NULL;
    radz_status st = radz_mkdirs(dir, err);
    if (st == RADZ_OK)
        st = radz_phantom_plan_create(&(radz_phantom_options){options->patients, options->seed}, &plan, err);
    for (int finding = -1; st == RADZ_OK && finding < RADZ_PHANTOM_FINDINGS; finding++)
        st = radz_cancelled() ? radz_fail_interrupted(err) : write_sheet(plan, dir, finding, options->threads, err);
    radz_phantom_plan_free(plan);
    return st;
}
