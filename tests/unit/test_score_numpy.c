/* The scorers of vectors and logits against numpy (tests/reference/make_metric_goldens.py), block by block, and their
 * errors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "score/scorer.h"

#define GOLDEN RADZ_TEST_DIR "/golden/score/numpy.json"

static uint64_t mix(uint64_t counter)
{
    uint64_t z = (counter + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* Whole numbers of 1/65536, exact in a float. */
static float *vectors(uint64_t first, size_t rows, size_t dim)
{
    float *out = radz_calloc(rows * dim, sizeof *out, NULL);
    for (size_t i = 0; i < rows * dim; i++)
        out[i] = (float)(((double)(mix(first + i) >> 48) - 32767.5) / 32768);
    return out;
}

/* Prompts of every class, polarity and template, in that order. */
typedef struct prompts {
    radz_score_texts texts;
    float *embeddings, *anchors;
    uint32_t *class_of, *template_of;
    uint8_t *polarity_of;
} prompts;

static prompts make_prompts(size_t classes, size_t templates, size_t dim)
{
    prompts p = {0};
    size_t rows = classes * 2 * templates;
    p.embeddings = vectors(2000000, rows, dim);
    p.anchors = vectors(3000000, classes + 2, dim);
    p.class_of = radz_calloc(rows, sizeof *p.class_of, NULL);
    p.template_of = radz_calloc(rows, sizeof *p.template_of, NULL);
    p.polarity_of = radz_calloc(rows, 1, NULL);
    for (size_t i = 0; i < rows; i++) {
        p.class_of[i] = (uint32_t)(i / templates / 2);
        p.polarity_of[i] = (uint8_t)(i / templates % 2);
        p.template_of[i] = (uint32_t)(i % templates);
    }
    p.texts = (radz_score_texts){
        .rows = rows,
        .dim = dim,
        .classes = classes,
        .embeddings = p.embeddings,
        .class_of = p.class_of,
        .polarity_of = p.polarity_of,
        .template_of = p.template_of,
        .anchors = classes + 2,
        .anchor_vectors = p.anchors,
        .yes_tokens = 3,
        .no_tokens = 2,
    };
    return p;
}

static void free_prompts(prompts *p)
{
    free(p->embeddings);
    free(p->anchors);
    free(p->class_of);
    free(p->template_of);
    free(p->polarity_of);
}

static void swap_prompts(prompts *p, size_t i, size_t j)
{
    for (size_t k = 0; k < p->texts.dim; k++) {
        float kept = p->embeddings[i * p->texts.dim + k];
        p->embeddings[i * p->texts.dim + k] = p->embeddings[j * p->texts.dim + k];
        p->embeddings[j * p->texts.dim + k] = kept;
    }
    uint32_t c = p->class_of[i], t = p->template_of[i];
    uint8_t polarity = p->polarity_of[i];
    p->class_of[i] = p->class_of[j];
    p->template_of[i] = p->template_of[j];
    p->polarity_of[i] = p->polarity_of[j];
    p->class_of[j] = c;
    p->template_of[j] = t;
    p->polarity_of[j] = polarity;
}

static bool reads_vectors(const radz_scorer *scorer)
{
    return scorer->evidence == RADZ_EVIDENCE_EMBEDDING || scorer->evidence == RADZ_EVIDENCE_RADZ_FEATURE;
}

static size_t whole(const radz_json *item, const char *key)
{
    int64_t value = -1;
    if (!radz_json_as_i64(radz_json_find(item, key), &value) || value < 0)
        fail_msg("golden file: no count '%s'", key);
    return (size_t)value;
}

static void equals_numpy(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_json_doc *doc;
    if (radz_json_load(GOLDEN, &doc, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    const radz_json *cases = radz_json_find(radz_json_root(doc), "cases");
    assert_int_equal(radz_json_size(cases), 4);
    double largest = 0;
    for (size_t i = 0; i < radz_json_size(cases); i++) {
        const radz_json *item = radz_json_at(cases, i);
        size_t images = whole(item, "images"), dim = whole(item, "dim"), classes = whole(item, "classes");
        radz_score_options options = radz_score_defaults();
        assert_true(radz_json_as_double(radz_json_find(item, "logit_scale"), &options.logit_scale));
        prompts p = make_prompts(classes, whole(item, "templates"), dim);
        float *image = vectors(1000000, images, dim), *logits = vectors(4000000, images * classes, 5);
        for (size_t k = 0; k < images * classes * 5; k++)
            logits[k] *= 20;
        assert_true(radz_json_as_double(radz_json_find(item, "temperature"), &options.temperature));
        double *scores = radz_calloc(images * classes, sizeof *scores, NULL);
        for (size_t s = 0; radz_scorer_at(s) != NULL; s++) {
            const radz_scorer *scorer = radz_scorer_at(s);
            const radz_json *wanted = radz_json_find(item, scorer->name);
            if (scorer->hard) /* answers in words: test_score_answer.c */
                continue;
            assert_int_equal(radz_json_size(wanted), images * classes);
            radz_score_state *prepared;
            if (scorer->prepare(&p.texts, &options, &prepared, &err) != RADZ_OK)
                fail_msg("%s: %s", scorer->name, err.message);
            bool odds = scorer->evidence == RADZ_EVIDENCE_YES_NO_LOGITS;
            radz_score_block block = {.rows = images, .dim = odds ? classes * 5 : dim, .embeddings = odds ? logits : image};
            assert_int_equal(scorer->score(prepared, &block, scores, &err), RADZ_OK);
            for (size_t k = 0; k < images * classes; k++) {
                double value;
                assert_true(radz_json_as_double(radz_json_at(wanted, k), &value));
                double scale = scorer->uses_logit_scale ? options.logit_scale : fabs(value) > 1 ? fabs(value) : 1;
                double difference = fabs(scores[k] - value) / scale;
                largest = difference > largest ? difference : largest;
                if (!(difference < 1e-14)) /* largest seen: 1.9e-16 */
                    fail_msg("%s, score %zu: %.17g, numpy %.17g", scorer->name, k, scores[k], value);
            }
            scorer->free(prepared);
        }
        free(scores);
        free(image);
        free(logits);
        free_prompts(&p);
    }
    print_message("largest difference %.2g\n", largest);
    radz_json_free(doc);
}

/* The same bits whatever the block size, the order of the images and the order of the prompts. */
static void blocks_and_orders_change_nothing(void **state)
{
    (void)state;
    enum { IMAGES = 23, CLASSES = 3, DIM = 53, TEMPLATES = 5 };
    prompts p = make_prompts(CLASSES, TEMPLATES, DIM);
    float *image = vectors(1000000, IMAGES, DIM), *reversed = radz_calloc(IMAGES * DIM, sizeof *reversed, NULL);
    for (size_t i = 0; i < IMAGES; i++)
        memcpy(reversed + i * DIM, image + (IMAGES - 1 - i) * DIM, DIM * sizeof *image);
    for (size_t s = 0; radz_scorer_at(s) != NULL; s++) {
        const radz_scorer *scorer = radz_scorer_at(s);
        if (!reads_vectors(scorer))
            continue;
        double first[IMAGES * CLASSES], other[IMAGES * CLASSES];
        radz_score_state *prepared;
        assert_int_equal(scorer->prepare(&p.texts, NULL, &prepared, NULL), RADZ_OK);
        radz_score_block block = {.rows = IMAGES, .dim = DIM, .embeddings = image};
        assert_int_equal(scorer->score(prepared, &block, first, NULL), RADZ_OK);
        for (size_t size = 1; size < IMAGES; size += 3) {
            memset(other, 0, sizeof other);
            for (size_t at = 0; at < IMAGES; at += size) {
                block = (radz_score_block){.rows = IMAGES - at < size ? IMAGES - at : size,
                                           .dim = DIM,
                                           .embeddings = image + at * DIM,
                                           .first_row = at};
                assert_int_equal(scorer->score(prepared, &block, other + at * CLASSES, NULL), RADZ_OK);
            }
            assert_memory_equal(first, other, sizeof first);
        }
        block = (radz_score_block){.rows = IMAGES, .dim = DIM, .embeddings = reversed};
        assert_int_equal(scorer->score(prepared, &block, other, NULL), RADZ_OK);
        for (size_t i = 0; i < IMAGES; i++)
            assert_memory_equal(first + i * CLASSES, other + (IMAGES - 1 - i) * CLASSES, CLASSES * sizeof *first);
        scorer->free(prepared);
        for (size_t i = 0; i < p.texts.rows; i++)
            swap_prompts(&p, i, (i * 7 + 3) % p.texts.rows);
        assert_int_equal(scorer->prepare(&p.texts, NULL, &prepared, NULL), RADZ_OK);
        block.embeddings = image;
        assert_int_equal(scorer->score(prepared, &block, other, NULL), RADZ_OK);
        assert_memory_equal(first, other, sizeof first);
        block.rows = 0;
        block.dim = 0;
        assert_int_equal(scorer->score(prepared, &block, other, NULL), RADZ_OK); /* an empty block is fine */
        scorer->free(prepared);
        scorer->free(NULL);
    }
    free(image);
    free(reversed);
    free_prompts(&p);
}

/* Values one can work out by hand. */
static void by_hand(void **state)
{
    (void)state;
    const float text[] = {2, 0, 0, 3};
    const uint32_t class_of[] = {0, 0}, template_of[] = {0, 0};
    const uint8_t polarity_of[] = {RADZ_PROMPT_POSITIVE, RADZ_PROMPT_NEGATIVE};
    radz_score_texts texts = {.rows = 2,
                              .dim = 2,
                              .classes = 1,
                              .embeddings = text,
                              .class_of = class_of,
                              .polarity_of = polarity_of,
                              .template_of = template_of};
    const float image[] = {5, 0, 0, 1, 1, 1, -1e-30f, 0};
    double scores[4];
    const radz_scorer *scorer;
    radz_score_state *prepared;
    radz_score_block block = {.rows = 4, .dim = 2, .embeddings = image};
    assert_int_equal(radz_scorer_find("clip-posneg", &scorer, NULL), RADZ_OK);
    assert_true(scorer->needs_negatives);
    assert_int_equal(scorer->prepare(&texts, NULL, &prepared, NULL), RADZ_OK);
    assert_int_equal(scorer->score(prepared, &block, scores, NULL), RADZ_OK);
    assert_true(fabs(scores[0] - 0.7310585786300049) < 1e-15); /* e / (e + 1) */
    assert_true(fabs(scores[1] - 0.2689414213699951) < 1e-15);
    assert_true(scores[2] == 0.5);
    assert_true(fabs(scores[3] - 0.2689414213699951) < 1e-15);
    scorer->free(prepared);
    static const char *const cosines[] = {"clip-cosine", "clip-anchor"}; /* they differ in whose texts these are */
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(radz_scorer_find(cosines[i], &scorer, NULL), RADZ_OK);
        assert_true(scorer->needs_anchors == (i == 1));
        radz_score_options options = {.logit_scale = 100};
        texts.rows = 1; /* it needs no negative prompt */
        assert_int_equal(scorer->prepare(&texts, &options, &prepared, NULL), RADZ_OK);
        assert_int_equal(scorer->score(prepared, &block, scores, NULL), RADZ_OK);
        assert_true(scores[0] == 100 && scores[1] == 0 && fabs(scores[2] - 70.71067811865476) < 1e-13 && scores[3] == -100);
        scorer->free(prepared);
    }
}

static void expect_prepare(const char *name, const radz_score_texts *texts, const radz_score_options *options,
                           radz_status code, const char *message)
{
    const radz_scorer *scorer;
    radz_score_state *prepared = (radz_score_state *)&scorer;
    radz_error err = {0};
    assert_int_equal(radz_scorer_find(name, &scorer, NULL), RADZ_OK);
    assert_int_equal(scorer->prepare(texts, options, &prepared, &err), code);
    assert_null(prepared);
    if (strstr(err.message, message) == NULL)
        fail_msg("message '%s', wanted '%s' in it", err.message, message);
}

static void prepare_errors(void **state)
{
    (void)state;
    static const char *const classes[] = {"Edema", "Mass"};
    prompts p = make_prompts(2, 2, 4); /* rows: Edema +0 +1 -0 -1, Mass +0 +1 -0 -1 */
    radz_score_texts *texts = &p.texts;
    texts->class_names = classes;
    texts->rows = 6;
    expect_prepare("clip-posneg", texts, NULL, RADZ_E_MISSING, "class 1 ('Mass') has no negative prompt");
    texts->rows = 4;
    expect_prepare("clip-cosine", texts, NULL, RADZ_E_MISSING, "class 1 ('Mass') has no positive prompt");
    texts->rows = 8;
    p.template_of[5] = 0;
    expect_prepare("clip-cosine", texts, NULL, RADZ_E_VALUE,
                   "prompt rows 4 and 5: both class 1 ('Mass'), positive, template 0");
    p.template_of[5] = 1;
    p.class_of[2] = 2;
    expect_prepare("clip-posneg", texts, NULL, RADZ_E_VALUE, "prompt row 2: class 2, wanted one below 2");
    p.class_of[2] = 0;
    p.polarity_of[3] = 2;
    expect_prepare("clip-posneg", texts, NULL, RADZ_E_VALUE, "prompt row 3: polarity 2");
    p.polarity_of[3] = 1;
    p.embeddings[7 * 4 + 2] = NAN;
    expect_prepare("clip-posneg", texts, NULL, RADZ_E_VALUE,
                   "class 1 ('Mass'), negative prompt, template 1 (row 7): embedding has NaN at position 2 of 4");
    memset(p.embeddings + 7 * 4, 0, 4 * sizeof(float));
    expect_prepare("clip-posneg", texts, NULL, RADZ_E_VALUE, "embedding is zero in all 4 positions");
    for (size_t k = 0; k < 4; k++)
        p.embeddings[7 * 4 + k] = -2 * p.embeddings[6 * 4 + k];
    expect_prepare("clip-posneg", texts, NULL, RADZ_E_VALUE, "class 1 ('Mass'): its 2 negative prompts cancel out");
    radz_score_options options = {.logit_scale = 0};
    expect_prepare("clip-cosine", texts, &options, RADZ_E_USAGE, "logit scale 0, wanted");
    options.logit_scale = INFINITY;
    expect_prepare("clip-cosine", texts, &options, RADZ_E_USAGE, "logit scale inf, wanted");
    texts->classes = 0;
    texts->rows = 0;
    expect_prepare("clip-cosine", texts, NULL, RADZ_E_VALUE, "0 classes of 4 dimensions");
    free_prompts(&p);
}

static void score_errors(void **state)
{
    (void)state;
    prompts p = make_prompts(2, 1, 4);
    float image[] = {1, 2, 3, 4, 1, INFINITY, 3, 4, 0, 0, 0, 0};
    const char *names[] = {"a.png", "b.png", "c.png"};
    double scores[6];
    for (size_t s = 0; radz_scorer_at(s) != NULL; s++) {
        const radz_scorer *scorer = radz_scorer_at(s);
        if (!reads_vectors(scorer))
            continue;
        radz_error err = {0};
        radz_score_state *prepared;
        assert_int_equal(scorer->prepare(&p.texts, NULL, &prepared, NULL), RADZ_OK);
        radz_score_block block = {.rows = 3, .dim = 4, .embeddings = image, .first_row = 100, .row_names = names};
        assert_int_equal(scorer->score(prepared, &block, scores, &err), RADZ_E_VALUE);
        assert_string_equal(err.message, "image row 101 ('b.png'): embedding has an infinity at position 1 of 4, "
                                         "wanted finite numbers");
        radz_error_clear(&err);
        block.embeddings = image + 8;
        block.rows = 1;
        block.row_names = NULL;
        assert_int_equal(scorer->score(prepared, &block, scores, &err), RADZ_E_VALUE);
        assert_string_equal(err.message,
                            "image row 100: embedding is zero in all 4 positions, wanted a direction");
        radz_error_clear(&err);
        block.embeddings = image;
        block.dim = 3;
        assert_int_equal(scorer->score(prepared, &block, scores, &err), RADZ_E_VALUE);
        assert_string_equal(err.message, "image embeddings have 3 dimensions, wanted the 4 of the prompts");
        scorer->free(prepared);
    }
    free_prompts(&p);
}

static void table_is_complete(void **state)
{
    (void)state;
    radz_error err = {0};
    const radz_scorer *found;
    size_t count = 0;
    for (; radz_scorer_at(count) != NULL; count++) {
        const radz_scorer *s = radz_scorer_at(count);
        assert_true(s->name && s->description && s->source && s->prepare && s->score && s->free);
        assert_string_equal(radz_scorer_name(count), s->name);
        assert_int_equal(radz_scorer_find(s->name, &found, NULL), RADZ_OK);
        assert_ptr_equal(found, s); /* so names are unique */
        assert_true(strcmp(radz_evidence_name(s->evidence), "unknown") != 0);
    }
    assert_true(count >= 2);
    assert_null(radz_scorer_name(count));
    assert_int_equal(radz_scorer_find("clip-posnegg", &found, &err), RADZ_E_USAGE);
    assert_null(found);
    assert_non_null(strstr(err.message, "did you mean 'clip-posneg'"));
    assert_non_null(strstr(err.message, "clip-posneg, clip-cosine"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_numpy),   cmocka_unit_test(blocks_and_orders_change_nothing),
        cmocka_unit_test(by_hand),        cmocka_unit_test(prepare_errors),
        cmocka_unit_test(score_errors),   cmocka_unit_test(table_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
