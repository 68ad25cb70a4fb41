#include "run/checkup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/workers.h"
#include "data/name_table.h"
#include "run/read_picture.h"

enum {
    DIGEST_SIZE = RADZ_SHA256_HEX_SIZE,
    SKETCH_SIDE = 16,                              /* a sketch has 16 x 16 bits */
    SKETCH_WORDS = SKETCH_SIDE * SKETCH_SIDE / 64,
    SKETCH_NEAR = 8                                /* bits that may differ between two forms of one picture */
};
#define NO_IMAGE SIZE_MAX

/* One data set with the splits that could be read: [card->splits_count], NULL for the others. */
typedef struct checked_set {
    const radz_checkup_dataset *in;
    radz_dataset **splits;
    const radz_dataset *evaluated; /* one of them; NULL: not readable */
} checked_set;

/* One image file of a data set, however many splits it is in. */
typedef struct checked_image {
    const radz_sample *sample;
    const int8_t *labels; /* [n_classes] */
    uint32_t set;
    uint64_t splits;      /* bit i: in split i; splits past 64 are not told apart */
    char digest[DIGEST_SIZE]; /* of the pixels; "" when unreadable */
    uint64_t sketch[SKETCH_WORDS]; /* see sketch_picture */
    bool sketched;
    size_t near_own, near_other;   /* an earlier image of nearly the same picture, of its data set and of another; NO_IMAGE */
    char *fault;          /* why it could not be read; owned */
    bool blank, damaged;  /* one value everywhere; read, but the codec complained */
} checked_image;

typedef struct picture_worker {
    radz_picture picture;
    radz_open_archives archives;
    unsigned char *gray;
    size_t capacity;
} picture_worker;

typedef struct checkup {
    const radz_checkup_options *options;
    checked_set *sets; /* [n] */
    size_t n;
    radz_findings *out;
    radz_error *err;
    checked_image *images;
    size_t n_images, images_capacity;
    picture_worker *workers;
    radz_progress progress;
} checkup;

#define TRY(condition)                                                                                                 \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return RADZ_E_NOMEM;                                                                                       \
    } while (0)

static const char *name_of(const checkup *c, size_t set)
{
    return c->sets[set].in->card->base.name;
}

/* ---- data sets side by side ---- */

/* What the card says about where the images come from. */
static radz_status check_origin(checkup *c, size_t i)
{
    const radz_dataset_card *card = c->sets[i].in->card;
    for (size_t k = 0; k < card->images_from_count; k++) {
        bool also_here = false;
        for (size_t j = 0; j < c->n; j++)
            also_here = also_here || strcmp(name_of(c, j), card->images_from[k]) == 0;
        TRY(radz_findings_add(c->out, also_here ? RADZ_SEVERITY_WARNING : RADZ_SEVERITY_INFO, "images-from", card->base.name,
                              NULL, 1,
                              also_here ? "The two figures are not independent, and what was trained or tuned on the one has "
                                          "seen the other."
                                        : "What was trained or tuned on that set has seen these images.",
                              c->err, "its images come, whole or in part, from '%s'%s", card->images_from[k],
                              also_here ? ", which is evaluated too" : "") != NULL);
    }
    return RADZ_OK;
}

/* Ids that the evaluated splits of two data sets have in common; samples are in order of their ids. */
static radz_status check_common_ids(checkup *c, size_t i, size_t j)
{
    const radz_dataset *a = c->sets[i].evaluated, *b = c->sets[j].evaluated;
    radz_finding *f = NULL;
    for (size_t x = 0, y = 0; a != NULL && b != NULL && x < a->n && y < b->n;) {
        int order = strcmp(a->samples[x].image_id, b->samples[y].image_id);
        if (order == 0) {
            if (f == NULL)
                f = radz_findings_add(c->out, RADZ_SEVERITY_WARNING, "common-ids", name_of(c, i), NULL, 0,
                                      "If they are the same images, the two figures are not independent.", c->err,
                                      "images of the evaluated split with the id of an image of '%s'", name_of(c, j));
            TRY(f != NULL && radz_finding_example(c->out, f, a->samples[x].image_id, c->err) == RADZ_OK);
            f->count++;
        }
        x += order <= 0;
        y += order >= 0;
    }
    if (a != NULL && b != NULL && a->n > 0 && strcmp(a->fingerprint, b->fingerprint) == 0)
        TRY(radz_findings_add(c->out, RADZ_SEVERITY_WARNING, "same-split", name_of(c, i), NULL, 1,
                              "One set of figures stands there twice.", c->err,
                              "ids and labels of the evaluated split are those of '%s'", name_of(c, j)) != NULL);
    return RADZ_OK;
}

/* ---- pictures ---- */

/* The image files of a data set, each once. */
static radz_status collect_images(checkup *c, size_t set)
{
    const checked_set *s = &c->sets[set];
    radz_name_table paths = {0};
    radz_arena arena = {0};
    size_t base = c->n_images;
    radz_status st = RADZ_OK;
    for (size_t k = 0; k < s->in->card->splits_count && st == RADZ_OK; k++) {
        const radz_dataset *d = s->splits[k];
        uint64_t bit = k < 64 ? UINT64_C(1) << k : 0;
        for (size_t i = 0; d != NULL && i < d->n && st == RADZ_OK; i++) {
            uint32_t number;
            bool is_new;
            if (d->samples[i].path == NULL)
                continue;
            st = radz_name_add(&paths, &arena, d->samples[i].path, &number, &is_new, c->err);
            if (st == RADZ_OK && is_new)
                st = radz_grow(&c->images, &c->images_capacity, base + number + 1, sizeof *c->images, c->err);
            if (st == RADZ_OK && is_new) {
                c->images[base + number] = (checked_image){
                    .sample = &d->samples[i], .labels = d->labels + i * d->n_classes, .set = (uint32_t)set};
                c->n_images++;
            }
            if (st == RADZ_OK)
                c->images[base + number].splits |= bit;
        }
    }
    radz_name_table_free(&paths);
    radz_arena_free(&arena);
    return st;
}

static bool all_equal(const unsigned char *bytes, size_t count, size_t unit)
{
    return count <= unit || memcmp(bytes, bytes + unit, count - unit) == 0;
}

/* A gray picture stored in colour is that gray picture. `*size` in bytes. */
static const unsigned char *plain_pixels(picture_worker *w, size_t *size, int *channels, radz_error *err)
{
    const radz_picture *p = &w->picture;
    size_t unit = (size_t)p->bits / 8, n = p->width * p->height;
    const unsigned char *pixels = p->pixels;
    *channels = p->channels;
    *size = n * unit * (size_t)p->channels;
    if (p->channels != 3)
        return pixels;
    for (size_t i = 0; i < n; i++)
        if (memcmp(pixels + 3 * i * unit, pixels + (3 * i + 1) * unit, 2 * unit) != 0)
            return pixels;
    if (radz_grow(&w->gray, &w->capacity, n * unit, 1, err) != RADZ_OK)
        return NULL;
    for (size_t i = 0; i < n; i++)
        memcpy(w->gray + i * unit, pixels + 3 * i * unit, unit);
    *channels = 1;
    *size = n * unit;
    return w->gray;
}

/* A sketch of a picture that recompressing, resizing and any rising change of its gray values leave nearly as it is: bit
 * (y, x) says whether cell (y, x + 1) of a grid of 16 x 17 mean gray values is lighter than cell (y, x) (a "difference hash").
 * Seen on 248 radiographs of ChestX-ray14: JPEG at quality 75 changes at most 2 bits of 256 and at quality 50 at most 6, half
 * the size at most 3; no two different images come nearer than 22. Pictures that are too small have none. */
static bool sketch_picture(const radz_picture *p, uint64_t sketch[SKETCH_WORDS])
{
    enum { COLUMNS = SKETCH_SIDE + 1 };
    if (p->width < 2 * COLUMNS || p->height < 2 * SKETCH_SIDE)
        return false;
    memset(sketch, 0, SKETCH_WORDS * sizeof *sketch);
    for (size_t row = 0; row < SKETCH_SIDE; row++) {
        size_t top = row * p->height / SKETCH_SIDE, bottom = (row + 1) * p->height / SKETCH_SIDE;
        uint64_t sum[COLUMNS] = {0}, cells[COLUMNS];
        for (size_t c = 0; c < COLUMNS; c++) {
            size_t left = c * p->width / COLUMNS, right = (c + 1) * p->width / COLUMNS;
            cells[c] = right - left;
            for (size_t y = top; y < bottom; y++) {
                size_t at = (y * p->width + left) * (size_t)p->channels, end = (y * p->width + right) * (size_t)p->channels;
                for (; at < end; at++)
                    sum[c] += p->bits == 8 ? ((const uint8_t *)p->pixels)[at] : ((const uint16_t *)p->pixels)[at];
            }
        }
        for (size_t c = 0; c < SKETCH_SIDE; c++) { /* mean c + 1 > mean c, in whole numbers */
            size_t bit = row * SKETCH_SIDE + c;
            if (sum[c + 1] * cells[c] > sum[c] * cells[c + 1])
                sketch[bit / 64] |= UINT64_C(1) << (bit % 64);
        }
    }
    return true;
}

static radz_status look_at_picture(void *context, size_t i, int worker, radz_error *err)
{
    checkup *c = context;
    checked_image *image = &c->images[i];
    picture_worker *w = &c->workers[worker];
    radz_error why = {0};
    radz_status st = radz_read_picture(&w->archives, image->sample->path, NULL, &w->picture, &why);
    if (st == RADZ_E_NOMEM || st == RADZ_E_INTERRUPTED)
        return radz_fail(err, st, "%s", why.message);
    if (st != RADZ_OK) {
        radz_finding_scrub(why.message, c->sets[image->set].in->root);
        image->fault = radz_strdup(why.message, err);
        radz_progress_step(&c->progress, 1);
        return image->fault != NULL ? RADZ_OK : RADZ_E_NOMEM;
    }
    size_t size;
    int channels;
    const unsigned char *pixels = plain_pixels(w, &size, &channels, err);
    if (pixels == NULL)
        return RADZ_E_NOMEM;
    image->damaged = w->picture.warnings > 0;
    image->sketched = sketch_picture(&w->picture, image->sketch);
    image->blank = all_equal(pixels, size, (size_t)channels * (size_t)w->picture.bits / 8);
    char head[80];
    snprintf(head, sizeof head, "%zu %zu %d %d", w->picture.width, w->picture.height, channels, w->picture.bits);
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    radz_sha256_add_text(&hash, head);
    radz_sha256_add(&hash, pixels, size);
    st = radz_sha256_end(&hash, image->digest, err);
    radz_progress_step(&c->progress, 1);
    return st;
}

static radz_status look_at_pictures(checkup *c)
{
    int threads = c->options->threads > 0 ? c->options->threads : 1;
    c->workers = radz_calloc((size_t)threads, sizeof *c->workers, c->err);
    if (c->workers == NULL)
        return RADZ_E_NOMEM;
    radz_progress_begin(&c->progress, "check images", "images", c->n_images);
    radz_status st = radz_parallel_for(c->n_images, threads, look_at_picture, c, c->err);
    radz_progress_end(&c->progress);
    for (int i = 0; i < threads; i++) {
        radz_picture_free(&c->workers[i].picture);
        radz_archives_close(&c->workers[i].archives);
        free(c->workers[i].gray);
    }
    free(c->workers);
    return st;
}

/* One finding per data set over the images that `wanted` names. */
static radz_status report_images(checkup *c, size_t set, bool (*wanted)(const checked_image *), radz_severity severity,
                                 const char *code, const char *what, const char *effect)
{
    radz_finding *f = NULL;
    for (size_t i = 0; i < c->n_images; i++) {
        const checked_image *image = &c->images[i];
        if (image->set != set || !wanted(image))
            continue;
        if (f == NULL)
            TRY(f = radz_findings_add(c->out, severity, code, name_of(c, set), NULL, 0, effect, c->err, "%s", what));
        f->count++;
        char text[700];
        const char *id = image->sample->image_id, *fault = image->fault;
        if (fault == NULL)
            snprintf(text, sizeof text, "%.150s", id);
        else if (strstr(fault, id) != NULL) /* it names the file */
            snprintf(text, sizeof text, "%.500s", fault);
        else
            snprintf(text, sizeof text, "%.150s: %.500s", id, fault);
        TRY(radz_finding_example(c->out, f, text, c->err) == RADZ_OK);
    }
    return RADZ_OK;
}

static bool is_unreadable(const checked_image *image)
{
    return image->fault != NULL;
}

static bool is_blank(const checked_image *image)
{
    return image->blank;
}

static bool is_damaged(const checked_image *image)
{
    return image->damaged;
}

static int compare_digests(const void *a, const void *b)
{
    const checked_image *x = *(const checked_image *const *)a, *y = *(const checked_image *const *)b;
    int order = strcmp(x->digest, y->digest);
    if (order == 0)
        order = (x->set > y->set) - (x->set < y->set);
    return order != 0 ? order : strcmp(x->sample->image_id, y->sample->image_id);
}

/* What two images with the same pixels mean. */
typedef enum twin_kind { TWIN_WITHIN, TWIN_ACROSS_SPLITS, TWIN_ACROSS_SETS, TWIN_OTHER_LABELS, TWIN_KINDS } twin_kind;

static const struct {
    radz_severity severity;
    const char *code, *what, *effect;
} twin_texts[TWIN_KINDS] = {
    [TWIN_WITHIN] = {RADZ_SEVERITY_WARNING, "same-picture", "images whose picture another image of the set has too",
                     "They count twice, and intervals are too narrow."},
    [TWIN_ACROSS_SPLITS] = {RADZ_SEVERITY_ERROR, "picture-overlap", "images whose picture is in another split too",
                            "What was learnt or chosen on the one split is known to the other: figures are too good."},
    [TWIN_ACROSS_SETS] = {RADZ_SEVERITY_WARNING, "shared-pictures", "images whose picture another data set has too",
                          "The two figures are not independent, and what was trained or tuned on the one has seen the other."},
    [TWIN_OTHER_LABELS] = {RADZ_SEVERITY_WARNING, "same-picture-other-labels",
                           "images whose picture another image of the set has too, with other labels",
                           "At least one of the two is labelled wrongly; no model can be right on both."},
};

/* Whether the two images are in splits that must not overlap. */
static bool leaks(const radz_dataset_card *card, const checked_image *a, const checked_image *b)
{
    for (size_t i = 0; i < card->splits_count && i < 64; i++)
        for (size_t j = 0; j < card->splits_count && j < 64; j++)
            if (i != j && (a->splits >> i & 1) && (b->splits >> j & 1) &&
                radz_check_must_be_disjoint(&card->splits[i], &card->splits[j]))
                return true;
    return false;
}

static bool are_twins(const checkup *c, const checked_image *a, const checked_image *b, twin_kind kind)
{
    if (kind == TWIN_ACROSS_SETS)
        return a->set != b->set;
    if (a->set != b->set)
        return false;
    if (kind == TWIN_ACROSS_SPLITS)
        return leaks(c->sets[a->set].in->card, a, b);
    const radz_dataset_card *card = c->sets[a->set].in->card;
    /* two questions about a picture may well have different answers */
    return kind == TWIN_WITHIN || (card->columns->question == NULL && memcmp(a->labels, b->labels, card->classes_count) != 0);
}

/* `order` [n_images]: images by digest. Each image is compared with the first of its group, and counted once. */
static radz_status report_twins(checkup *c, checked_image *const *order, size_t set, twin_kind kind)
{
    radz_finding *f = NULL;
    for (size_t i = 0; i < c->n_images;) {
        size_t end = i + 1;
        while (end < c->n_images && strcmp(order[i]->digest, order[end]->digest) == 0)
            end++;
        for (size_t x = i; x < end && order[i]->digest[0] != '\0' && !order[i]->blank; x++) {
            const checked_image *twin = NULL;
            for (size_t y = i; y < end && y < i + 64 && twin == NULL; y++)
                if (y != x && are_twins(c, order[x], order[y], kind) && (kind == TWIN_ACROSS_SETS || y < x))
                    twin = order[y];
            if (twin == NULL || order[x]->set != set || (kind == TWIN_ACROSS_SETS && twin->set < set))
                continue;
            if (f == NULL)
                TRY(f = radz_findings_add(c->out, twin_texts[kind].severity, twin_texts[kind].code, name_of(c, set), NULL, 0,
                                          twin_texts[kind].effect, c->err, "%s", twin_texts[kind].what));
            f->count++;
            char text[400];
            snprintf(text, sizeof text, "%.150s = %s%s%.150s", order[x]->sample->image_id,
                     kind == TWIN_ACROSS_SETS ? name_of(c, twin->set) : "", kind == TWIN_ACROSS_SETS ? "/" : "",
                     twin->sample->image_id);
            TRY(radz_finding_example(c->out, f, text, c->err) == RADZ_OK);
        }
        i = end;
    }
    return RADZ_OK;
}

static radz_status report_pictures(checkup *c)
{
    checked_image **order = radz_calloc(c->n_images, sizeof *order, c->err);
    if (order == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < c->n_images; i++)
        order[i] = &c->images[i];
    qsort(order, c->n_images, sizeof *order, compare_digests);
    radz_status st = RADZ_OK;
    for (size_t s = 0; s < c->n && st == RADZ_OK; s++) {
        st = report_images(c, s, is_unreadable, RADZ_SEVERITY_ERROR, "unreadable-images", "images that cannot be read",
                           "A run stops at the first, or leaves them out and counts them (--on-error skip).");
        if (st == RADZ_OK)
            st = report_images(c, s, is_blank, RADZ_SEVERITY_WARNING, "blank-images", "images of one value everywhere",
                               "A model sees nothing there, whatever the label says.");
        if (st == RADZ_OK)
            st = report_images(c, s, is_damaged, RADZ_SEVERITY_INFO, "odd-files",
                               "image files with faults that did not touch the pixels", "Other programs may refuse them.");
        for (twin_kind kind = 0; kind < TWIN_KINDS && st == RADZ_OK; kind++)
            st = report_twins(c, order, s, kind);
    }
    free(order);
    return st;
}

/* ---- nearly the same pictures ---- */

static bool is_near(const checked_image *a, const checked_image *b)
{
    int bits = 0;
    for (int w = 0; w < SKETCH_WORDS && bits <= SKETCH_NEAR; w++)
        bits += __builtin_popcountll(a->sketch[w] ^ b->sketch[w]);
    return bits <= SKETCH_NEAR;
}

/* The first earlier image that looks like image i, of its own data set and of another. The very same pixels are told apart
 * elsewhere. */
static radz_status look_for_near(void *context, size_t i, int worker, radz_error *err)
{
    (void)worker;
    (void)err;
    checkup *c = context;
    checked_image *image = &c->images[i];
    image->near_own = image->near_other = NO_IMAGE;
    radz_progress_step(&c->progress, 1);
    if (!image->sketched || image->blank)
        return RADZ_OK;
    for (size_t j = 0; j < i; j++) {
        const checked_image *other = &c->images[j];
        size_t *found = other->set == image->set ? &image->near_own : &image->near_other;
        if (*found == NO_IMAGE && other->sketched && !other->blank && is_near(image, other) &&
            strcmp(image->digest, other->digest) != 0)
            *found = j;
    }
    return RADZ_OK;
}

static radz_status report_near(checkup *c, size_t set, bool other_set)
{
    radz_finding *f = NULL;
    for (size_t i = 0; i < c->n_images; i++) {
        const checked_image *image = &c->images[i];
        size_t twin = other_set ? image->near_other : image->near_own;
        if (image->set != set || twin == NO_IMAGE)
            continue;
        if (f == NULL)
            TRY(f = radz_findings_add(c->out, RADZ_SEVERITY_WARNING, other_set ? "shared-near-pictures" : "near-pictures",
                                      name_of(c, set), NULL, 0,
                                      other_set ? "If they are one picture in two forms, the two figures are not independent, and "
                                                  "what was trained or tuned on the one has seen the other."
                                                : "If they are one picture in two forms, it counts twice, and may be in two splits.",
                                      c->err, "images that look like an image of %s, but for compression, size or gray values",
                                      other_set ? "another data set" : "the same set"));
        f->count++;
        const checked_image *like = &c->images[twin];
        bool leak = !other_set && leaks(c->sets[set].in->card, image, like);
        char text[420];
        snprintf(text, sizeof text, "%.150s ~ %s%s%.150s%s", image->sample->image_id, other_set ? name_of(c, like->set) : "",
                 other_set ? "/" : "", like->sample->image_id, leak ? " (of another split)" : "");
        TRY(radz_finding_example(c->out, f, text, c->err) == RADZ_OK);
    }
    return RADZ_OK;
}

static radz_status check_near(checkup *c)
{
    radz_progress_begin(&c->progress, "compare images", "images", c->n_images);
    radz_status st = radz_parallel_for(c->n_images, c->options->threads > 0 ? c->options->threads : 1, look_for_near, c, c->err);
    radz_progress_end(&c->progress);
    for (size_t s = 0; s < c->n && st == RADZ_OK; s++) {
        st = report_near(c, s, false);
        if (st == RADZ_OK)
            st = report_near(c, s, true);
    }
    return st;
}

/* ---- the whole ---- */

static radz_status check_each(checkup *c, const radz_terms_card *terms)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < c->n && st == RADZ_OK; i++) {
        checked_set *s = &c->sets[i];
        const radz_dataset_card *card = s->in->card;
        radz_check_options options = {.split = c->options->split, .terms = terms, .splits = &s->splits};
        st = radz_check_dataset(card, s->in->root, &options, c->out, c->err);
        const char *split = c->options->split != NULL ? c->options->split : card->split;
        for (size_t k = 0; st == RADZ_OK && s->splits != NULL && k < card->splits_count; k++)
            if (s->splits[k] != NULL && strcmp(s->splits[k]->split, split) == 0)
                s->evaluated = s->splits[k];
        if (st == RADZ_OK)
            st = check_origin(c, i);
    }
    for (size_t i = 0; i < c->n && st == RADZ_OK; i++)
        for (size_t j = i + 1; j < c->n && st == RADZ_OK; j++)
            st = check_common_ids(c, i, j);
    return st;
}

radz_status radz_checkup(const radz_home *home, const radz_checkup_dataset *datasets, size_t n,
                         const radz_checkup_options *options, radz_findings *out, radz_error *err)
{
    checkup c = {.options = options, .n = n, .out = out, .err = err};
    radz_terms_card *terms = NULL;
    radz_status st = radz_terms_find_card(&home->places, RADZ_TERMS_DEFAULT, &terms, err);
    if (st != RADZ_OK)
        return st;
    c.sets = radz_calloc(n, sizeof *c.sets, err);
    if (c.sets == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        c.sets[i].in = &datasets[i];
    st = check_each(&c, terms);
    for (size_t i = 0; i < n && st == RADZ_OK && options->pictures; i++)
        st = c.sets[i].splits != NULL ? collect_images(&c, i) : RADZ_OK;
    if (st == RADZ_OK && c.n_images > 0)
        st = look_at_pictures(&c);
    if (st == RADZ_OK && c.n_images > 0)
        st = report_pictures(&c);
    if (st == RADZ_OK && c.n_images > 0)
        st = check_near(&c);
    if (st == RADZ_OK)
        st = radz_findings_settle(out, err);
done:
    for (size_t i = 0; c.sets != NULL && i < n; i++) {
        for (size_t k = 0; c.sets[i].splits != NULL && k < datasets[i].card->splits_count; k++)
            radz_dataset_free(c.sets[i].splits[k]);
        free(c.sets[i].splits);
    }
    for (size_t i = 0; i < c.n_images; i++)
        free(c.images[i].fault);
    free(c.images);
    free(c.sets);
    radz_terms_card_free(terms);
    return st;
}

/* ---- files ---- */

typedef struct keyed_file {
    const unsigned char *key;
    const char *name;
    size_t split;
} keyed_file;

enum { KEY_SIZE = RADZ_SHA256_SIZE };

static int compare_files(const void *a, const void *b)
{
    const keyed_file *x = a, *y = b;
    int order = memcmp(x->key, y->key, KEY_SIZE);
    if (order == 0)
        order = (x->split > y->split) - (x->split < y->split);
    return order != 0 ? order : strcmp(x->name, y->name);
}

/* What split `split` shares with itself (within) or with a later one; `files` sorted. Examples as "a = b", "a = set/b". */
static radz_status report_same_files(const keyed_file *files, size_t count, const radz_checkup_files *splits, size_t split,
                                     bool within, radz_results *results, radz_error *err)
{
    radz_arena arena = {0};
    radz_result_finding f = {.dataset = splits[split].dataset, .split = splits[split].split, .severity = "warning",
                             .code = within ? "same-file" : "shared-files"};
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < count && st == RADZ_OK; i++) {
        const keyed_file *twin = NULL;
        if (files[i].split != split)
            continue;
        if (within && i > 0 && files[i - 1].split == split && memcmp(files[i - 1].key, files[i].key, KEY_SIZE) == 0)
            twin = &files[i - 1];
        for (size_t j = i + 1; !within && twin == NULL && j < count && memcmp(files[j].key, files[i].key, KEY_SIZE) == 0; j++)
            if (files[j].split != split)
                twin = &files[j];
        if (twin == NULL)
            continue;
        if (f.count < RADZ_RESULT_EXAMPLES) {
            f.examples[f.count] = radz_arena_printf(&arena, err, "%s = %s%s%s", files[i].name,
                                                    within ? "" : splits[twin->split].dataset, within ? "" : "/", twin->name);
            st = f.examples[f.count] != NULL ? RADZ_OK : RADZ_E_NOMEM;
        }
        f.count++;
    }
    if (st == RADZ_OK && f.count > 0) {
        f.what = radz_arena_printf(&arena, err, within ? "images whose file is another image's, byte for byte: %zu"
                                                       : "images whose file another data set has too, byte for byte: %zu",
                                   (size_t)f.count);
        f.effect = within ? "They count twice, and intervals are too narrow."
                          : "The two figures are not independent, and what was trained or tuned on the one has seen the other.";
        st = f.what != NULL ? radz_results_add_finding(results, &f, err) : RADZ_E_NOMEM;
    }
    radz_arena_free(&arena);
    return st;
}

radz_status radz_checkup_same_files(const radz_checkup_files *splits, size_t n, radz_results *results, radz_error *err)
{
    size_t total = 0, count = 0;
    for (size_t s = 0; s < n; s++)
        total += splits[s].n;
    keyed_file *files = radz_calloc(total, sizeof *files, err);
    if (files == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    for (size_t s = 0; s < n && st == RADZ_OK; s++) {
        radz_name_table paths = {0};
        radz_arena arena = {0};
        for (size_t i = 0; i < splits[s].n && st == RADZ_OK; i++) {
            uint32_t number;
            bool is_new = false;
            if (splits[s].usable[i])
                st = radz_name_add(&paths, &arena, splits[s].paths[i], &number, &is_new, err);
            if (st == RADZ_OK && is_new)
                files[count++] = (keyed_file){splits[s].keys + i * KEY_SIZE, splits[s].names[i], s};
        }
        radz_name_table_free(&paths);
        radz_arena_free(&arena);
    }
    qsort(files, count, sizeof *files, compare_files);
    for (size_t s = 0; s < n && st == RADZ_OK; s++) {
        st = report_same_files(files, count, splits, s, true, results, err);
        if (st == RADZ_OK && n > 1)
            st = report_same_files(files, count, splits, s, false, results, err);
    }
    free(files);
    return st;
}

radz_status radz_checkup_report(const radz_findings *findings, const char *dataset, const char *split, radz_results *results,
                                radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < findings->count && st == RADZ_OK; i++) {
        const radz_finding *f = &findings->items[i];
        if (strcmp(f->dataset, dataset) != 0 || (f->split != NULL && strcmp(f->split, split) != 0))
            continue;
        radz_result_finding r = {.dataset = f->dataset, .split = f->split, .severity = radz_severity_name(f->severity),
                                 .code = f->code, .what = f->what, .effect = f->effect, .count = f->count};
        for (size_t e = 0; e < RADZ_FINDING_EXAMPLES; e++)
            r.examples[e] = f->examples[e];
        st = radz_results_add_finding(results, &r, err);
    }
    return st;
}
