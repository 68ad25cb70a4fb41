#include "run/mistakes.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "image/encode.h"
#include "image/resize.h"
#include "run/read_picture.h"

/* One labelled image of a class, ranked by its score. */
typedef struct ranked {
    double score;
    size_t row;
    bool positive;
    double outranked;
} ranked;

typedef struct thumbnailer {
    const char *run_dir;
    radz_picture picture;
    radz_open_archives archives;
    radz_resizer *resizer;
    uint8_t *gray, *small;
    size_t gray_capacity;
} thumbnailer;

static int by_score(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int by_fault(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->positive != y->positive)
        return x->positive ? -1 : 1;
    if (x->outranked != y->outranked)
        return x->outranked > y->outranked ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Fills outranked: the share of the other label's images on the wrong side, ties one half. */
static void measure(ranked *items, size_t n)
{
    size_t positives = 0, below_positive = 0, below_negative = 0;
    for (size_t i = 0; i < n; i++)
        positives += items[i].positive;
    size_t negatives = n - positives;
    for (size_t i = 0; i < n;) {
        size_t end = i, tied_positive = 0, tied_negative = 0;
        for (; end < n && items[end].score == items[i].score; end++)
            *(items[end].positive ? &tied_positive : &tied_negative) += 1;
        for (; i < end; i++) {
            if (items[i].positive)
                items[i].outranked = negatives == 0 ? 0
                                     : ((double)(negatives - below_negative - tied_negative) + 0.5 * (double)tied_negative) /
                                           (double)negatives;
            else
                items[i].outranked = positives == 0 ? 0
                                     : ((double)below_positive + 0.5 * (double)tied_positive) / (double)positives;
        }
        below_positive += tied_positive;
        below_negative += tied_negative;
    }
}

/* Samples as 8-bit gray in t->gray: 16-bit ones as a share of the picture's maximum, colour as ITU-R 601 luma. */
static radz_status to_gray(thumbnailer *t, radz_error *err)
{
    const radz_picture *p = &t->picture;
    size_t count = p->width * p->height, channels = (size_t)p->channels;
    radz_status st = radz_grow(&t->gray, &t->gray_capacity, count, 1, err);
    if (st != RADZ_OK)
        return st;
    const uint8_t *narrow = p->pixels;
    const uint16_t *wide = p->pixels;
    uint32_t most = 255;
    for (size_t i = 0; p->bits == 16 && i < count * channels; i++)
        most = wide[i] > most ? wide[i] : most;
    for (size_t i = 0; i < count; i++) {
        uint32_t v[3];
        for (size_t c = 0; c < 3; c++) {
            size_t at = i * channels + (channels == 3 ? c : 0);
            v[c] = p->bits == 16 ? wide[at] * 255u / most : narrow[at];
        }
        t->gray[i] = (uint8_t)((299 * v[0] + 587 * v[1] + 114 * v[2] + 500) / 1000);
    }
    return RADZ_OK;
}

/* "thumbnails/HASH.jpg" in `name`, written unless it is there. An unreadable image leaves `name` empty. */
static radz_status write_picture(thumbnailer *t, const char *image, const char *path, radz_strbuf *name, radz_error *err)
{
    radz_error reading = {0};
    name->length = 0;
    if (radz_read_picture(&t->archives, path, NULL, &t->picture, &reading) != RADZ_OK)
        return reading.code == RADZ_E_NOMEM ? radz_fail(err, RADZ_E_NOMEM, "%s", reading.message) : RADZ_OK;
    radz_status st = to_gray(t, err);
    if (st != RADZ_OK)
        return st;
    size_t w = t->picture.width, h = t->picture.height, longer = w > h ? w : h;
    size_t small_w = w, small_h = h;
    if (longer > RADZ_MISTAKE_SIDE) {
        small_w = (w * RADZ_MISTAKE_SIDE + longer / 2) / longer;
        small_h = (h * RADZ_MISTAKE_SIDE + longer / 2) / longer;
    }
    small_w = small_w == 0 ? 1 : small_w;
    small_h = small_h == 0 ? 1 : small_h;
    st = radz_resize_u8(t->resizer, t->gray, w, h, t->small, small_w, small_h, RADZ_FILTER_BICUBIC, err);
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    radz_sha256_add_text(&hash, image);
    radz_sha256_add(&hash, t->small, small_w * small_h);
    radz_status hashed = radz_sha256_end(&hash, hex, st == RADZ_OK ? err : NULL);
    st = st == RADZ_OK ? hashed : st;
    if (st == RADZ_OK)
        st = radz_strbuf_printf(name, err, "thumbnails/%.16s.jpg", hex);
    char *target = st == RADZ_OK ? radz_path_join(t->run_dir, name->text, err) : NULL;
    if (st == RADZ_OK && target == NULL)
        st = RADZ_E_NOMEM;
    if (st == RADZ_OK && !radz_file_exists(target))
        st = radz_jpeg_write(target, &(radz_pixels){t->small, small_w, small_h, 1, 8}, 80, err);
    free(target);
    return st;
}

static radz_status keep_worst(const radz_metric_input *input, size_t class_index, const ranked *items, size_t n,
                              const char *const *paths, thumbnailer *t, radz_results *results, radz_error *err)
{
    radz_strbuf name = {0};
    radz_status st = RADZ_OK;
    size_t kept[2] = {0, 0};
    for (size_t i = 0; i < n && st == RADZ_OK; i++) {
        const ranked *item = &items[i];
        if (item->outranked < 0.5 || kept[item->positive] == RADZ_MISTAKES_KEPT)
            continue;
        kept[item->positive]++;
        name.length = 0;
        if (t->run_dir != NULL && paths[item->row] != NULL)
            st = write_picture(t, input->row_names[item->row], paths[item->row], &name, err);
        radz_result_mistake mistake = {
            .block = results->n_blocks - 1, .class_name = input->class_names[class_index],
            .image = input->row_names[item->row], .positive = item->positive, .score = item->score,
            .outranked = item->outranked, .picture = name.length > 0 ? name.text : NULL,
        };
        if (st == RADZ_OK)
            st = radz_results_add_mistake(results, &mistake, err);
    }
    radz_strbuf_free(&name);
    return st;
}

static radz_status prepare(thumbnailer *t, radz_error *err)
{
    if (t->run_dir == NULL)
        return RADZ_OK;
    radz_status st = radz_resizer_create(&t->resizer, err);
    t->small = radz_calloc(RADZ_MISTAKE_SIDE, RADZ_MISTAKE_SIDE, err);
    char *folder = radz_path_join(t->run_dir, "thumbnails", err);
    if (st == RADZ_OK)
        st = t->small == NULL || folder == NULL ? RADZ_E_NOMEM : radz_mkdirs(folder, err);
    free(folder);
    return st;
}

radz_status radz_mistakes_add(const radz_metric_input *input, const char *const *paths, const char *run_dir,
                              radz_results *results, radz_error *err)
{
    if (results->n_blocks == 0)
        return radz_fail(err, RADZ_E_INTERNAL, "mistakes before any block");
    thumbnailer t = {.run_dir = run_dir};
    ranked *items = radz_calloc(input->rows, sizeof *items, err);
    radz_status st = items == NULL ? RADZ_E_NOMEM : prepare(&t, err);
    for (size_t c = 0; c < input->classes && st == RADZ_OK; c++) {
        size_t n = 0;
        for (size_t r = 0; r < input->rows; r++) {
            size_t at = r * input->classes + c;
            if (input->labels[at] < 0)
                continue;
            double score = input->scores != NULL ? input->scores[at] : (double)input->scores_f32[at];
            items[n++] = (ranked){score, r, input->labels[at] == 1, 0};
        }
        qsort(items, n, sizeof *items, by_score);
        measure(items, n);
        qsort(items, n, sizeof *items, by_fault);
        st = keep_worst(input, c, items, n, paths, &t, results, err);
    }
    radz_picture_free(&t.picture);
    radz_archives_close(&t.archives);
    radz_resizer_free(t.resizer);
    free(t.gray);
    free(t.small);
    free(items);
    return st;
}
