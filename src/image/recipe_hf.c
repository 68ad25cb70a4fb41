/* Hugging Face preprocessor_config.json to a recipe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "image/recipe.h"

/* What an image processor does when its file does not say. */
typedef struct processor_kind {
    const char *name;
    bool int_is_square; /* "size": 224 means 224 x 224, else the shorter side */
    bool crops, pads;
    int resample;       /* Pillow's number */
    const char *mean, *std;
} processor_kind;

#define CLIP_MEAN "0.48145466,0.4578275,0.40821073"
#define CLIP_STD "0.26862954,0.26130258,0.27577711"
static const processor_kind processors[] = {
    {"CLIPImageProcessor", false, true, false, 3, CLIP_MEAN, CLIP_STD},
    {"CLIPImageProcessorFast", false, true, false, 3, CLIP_MEAN, CLIP_STD},
    {"CLIPImageProcessorPil", false, true, false, 3, CLIP_MEAN, CLIP_STD},
    {"CLIPFeatureExtractor", false, true, false, 3, CLIP_MEAN, CLIP_STD},
    {"LlavaImageProcessor", false, true, true, 3, CLIP_MEAN, CLIP_STD},
    {"LlavaImageProcessorFast", false, true, true, 3, CLIP_MEAN, CLIP_STD},
    {"SiglipImageProcessor", true, false, false, 3, "0.5", "0.5"},
    {"SiglipImageProcessorFast", true, false, false, 3, "0.5", "0.5"},
    {"ViTImageProcessor", true, false, false, 2, "0.5", "0.5"},
    {"ViTImageProcessorFast", true, false, false, 2, "0.5", "0.5"},
    {"ViTFeatureExtractor", true, false, false, 2, "0.5", "0.5"},
};
enum { PROCESSOR_COUNT = sizeof processors / sizeof processors[0] };

typedef struct hf_reader {
    const radz_json_doc *doc;
    const radz_json *root;
    const processor_kind *kind;
    radz_error *err;
} hf_reader;

static radz_status wrong(const hf_reader *r, const char *key, const char *wanted)
{
    return radz_fail(r->err, RADZ_E_VALUE, "%s: key '%s': %s wanted", radz_json_doc_name(r->doc), key, wanted);
}

/* NULL when absent or null: then the default holds. */
static const radz_json *member(const hf_reader *r, const char *key)
{
    const radz_json *value = radz_json_find(r->root, key);
    return value == NULL || radz_json_kind_of(value) == RADZ_JSON_NULL ? NULL : value;
}

static radz_status read_flag(const hf_reader *r, const char *key, bool fallback, bool *out)
{
    const radz_json *value = member(r, key);
    *out = fallback;
    if (value != NULL && !radz_json_as_bool(value, out))
        return wrong(r, key, "true or false is");
    return RADZ_OK;
}

static radz_status read_side(const hf_reader *r, const char *key, const radz_json *value, int64_t *out)
{
    if (value == NULL || !radz_json_as_i64(value, out) || *out < 1 || *out > RECIPE_MAX_SIDE)
        return wrong(r, key, "a whole number of pixels from 1 to 16384 is");
    return RADZ_OK;
}

/* {"height": h, "width": w}, [h, w], n, and {"shortest_edge": n} or {"longest_edge"...}. *shortest says which was
 * meant. */
static radz_status read_size(const hf_reader *r, const char *key, bool int_is_square, int64_t *height, int64_t *width,
                             bool *shortest)
{
    const radz_json *value = member(r, key);
    *shortest = false;
    if (value == NULL) {
        *height = *width = 224;
        *shortest = !int_is_square;
        return RADZ_OK;
    }
    radz_status st;
    switch (radz_json_kind_of(value)) {
    case RADZ_JSON_INTEGER:
        st = read_side(r, key, value, height);
        *width = *height;
        *shortest = !int_is_square;
        return st;
    case RADZ_JSON_ARRAY:
        if (radz_json_size(value) != 2)
            return wrong(r, key, "[height, width] is");
        st = read_side(r, key, radz_json_at(value, 0), height);
        return st != RADZ_OK ? st : read_side(r, key, radz_json_at(value, 1), width);
    case RADZ_JSON_OBJECT:
        if (radz_json_find(value, "shortest_edge") != NULL && radz_json_find(value, "longest_edge") == NULL) {
            *shortest = true;
            st = read_side(r, key, radz_json_find(value, "shortest_edge"), height);
            *width = *height;
            return st;
        }
        if (radz_json_find(value, "height") != NULL) {
            st = read_side(r, key, radz_json_find(value, "height"), height);
            return st != RADZ_OK ? st : read_side(r, key, radz_json_find(value, "width"), width);
        }
        break;
    default:
        break;
    }
    return wrong(r, key, "a number, [height, width], {\"height\", \"width\"} or {\"shortest_edge\"} is");
}

/* A list of three numbers (or one) as an argument of `normalize`. */
static radz_status print_numbers(const hf_reader *r, const char *key, const char *fallback, radz_strbuf *text)
{
    const radz_json *value = member(r, key);
    if (value == NULL)
        return radz_strbuf_puts(text, fallback, r->err);
    const bool list = radz_json_kind_of(value) == RADZ_JSON_ARRAY;
    const size_t count = list ? radz_json_size(value) : 1;
    if (count != 1 && count != 3)
        return wrong(r, key, "a list of three numbers is");
    for (size_t i = 0; i < count; i++) {
        double x;
        char number[32];
        if (!radz_json_as_double(list ? radz_json_at(value, i) : value, &x))
            return wrong(r, key, "a list of three numbers is");
        radz_double_text(x, number);
        radz_status st = radz_strbuf_printf(text, r->err, "%s%s", i > 0 ? "," : "", number);
        if (st != RADZ_OK)
            return st;
    }
    return RADZ_OK;
}

static radz_status print_pad(const hf_reader *r, radz_strbuf *text)
{
    bool pads;
    radz_status st = read_flag(r, "do_pad", r->kind->pads, &pads);
    if (st != RADZ_OK || !pads)
        return st;
    if (!r->kind->pads)
        return radz_fail(r->err, RADZ_E_UNSUPPORTED, "%s: key 'do_pad' is true, which %s is not known to do",
                         radz_json_doc_name(r->doc), r->kind->name);
    /* the colour is the processor's mean, cut to whole levels */
    radz_strbuf mean = {0};
    st = print_numbers(r, "image_mean", r->kind->mean, &mean);
    if (st == RADZ_OK)
        st = radz_strbuf_puts(text, "; pad size=square fill=", r->err);
    for (char *p = mean.text; st == RADZ_OK && p != NULL && *p != '\0';) {
        char *end;
        const double x = strtod(p, &end);
        const int level = (int)(x < 0 ? 0 : x > 1 ? 255 : x * 255);
        st = radz_strbuf_printf(text, r->err, "%s%d", p == mean.text ? "" : ",", level);
        p = *end == ',' ? end + 1 : end;
    }
    radz_strbuf_free(&mean);
    return st;
}

static radz_status print_resize(const hf_reader *r, radz_strbuf *text)
{
    /* Pillow's numbers: nearest 0, lanczos 1, bilinear 2, bicubic 3, box 4, hamming 5 */
    static const radz_filter filters[] = {RADZ_FILTER_NEAREST, RADZ_FILTER_LANCZOS, RADZ_FILTER_BILINEAR,
                                          RADZ_FILTER_BICUBIC, RADZ_FILTER_BOX, RADZ_FILTER_HAMMING};
    bool wanted, shortest;
    radz_status st = read_flag(r, "do_resize", true, &wanted);
    if (st != RADZ_OK || !wanted)
        return st;
    int64_t height, width, resample = r->kind->resample;
    st = read_size(r, "size", r->kind->int_is_square, &height, &width, &shortest);
    if (st != RADZ_OK)
        return st;
    const radz_json *value = member(r, "resample");
    if (value != NULL && (!radz_json_as_i64(value, &resample) || resample < 0 || resample > 5))
        return wrong(r, "resample", "a filter number from 0 to 5 is");
    return radz_strbuf_printf(text, r->err, "; resize mode=%s size=%lldx%lld filter=%s",
                              shortest ? "shorter" : "squash", (long long)height, (long long)width,
                              radz_filter_name(filters[resample]));
}

static radz_status print_crop(const hf_reader *r, radz_strbuf *text)
{
    bool wanted, shortest;
    radz_status st = read_flag(r, "do_center_crop", r->kind->crops, &wanted);
    if (st != RADZ_OK || !wanted)
        return st;
    int64_t height, width;
    st = read_size(r, "crop_size", true, &height, &width, &shortest);
    if (st == RADZ_OK && shortest)
        st = wrong(r, "crop_size", "a number, [height, width] or {\"height\", \"width\"} is");
    if (st != RADZ_OK)
        return st;
    return radz_strbuf_printf(text, r->err, "; crop size=%lldx%lld round=down", (long long)height, (long long)width);
}

static radz_status print_values(const hf_reader *r, radz_strbuf *text)
{
    bool wanted;
    radz_status st = read_flag(r, "do_rescale", true, &wanted);
    if (st == RADZ_OK && wanted) {
        double factor = 1.0 / 255.0;
        char number[32];
        const radz_json *value = member(r, "rescale_factor");
        if (value != NULL && !radz_json_as_double(value, &factor))
            return wrong(r, "rescale_factor", "a number is");
        radz_double_text(factor, number);
        st = radz_strbuf_printf(text, r->err, "; scale factor=%s", number);
    }
    if (st == RADZ_OK)
        st = read_flag(r, "do_normalize", true, &wanted);
    if (st != RADZ_OK || !wanted)
        return st;
    st = radz_strbuf_puts(text, "; normalize mean=", r->err);
    if (st == RADZ_OK)
        st = print_numbers(r, "image_mean", r->kind->mean, text);
    if (st == RADZ_OK)
        st = radz_strbuf_puts(text, " std=", r->err);
    return st == RADZ_OK ? print_numbers(r, "image_std", r->kind->std, text) : st;
}

static const char *nth_processor(const void *context, size_t i)
{
    (void)context;
    return i < PROCESSOR_COUNT ? processors[i].name : NULL;
}

static radz_status find_kind(hf_reader *r)
{
    const radz_json *value = member(r, "image_processor_type");
    if (value == NULL)
        value = member(r, "feature_extractor_type");
    if (value == NULL) { /* very old files */
        r->kind = &processors[0];
        return RADZ_OK;
    }
    const char *name = radz_json_string(value);
    if (name == NULL)
        return wrong(r, "image_processor_type", "a name is");
    for (size_t i = 0; i < PROCESSOR_COUNT; i++)
        if (strcmp(processors[i].name, name) == 0) {
            r->kind = &processors[i];
            return RADZ_OK;
        }
    radz_fail_unknown(r->err, "image processor", name, nth_processor, NULL);
    return radz_prefix(r->err, "%s: key 'image_processor_type'", radz_json_doc_name(r->doc));
}

radz_status radz_recipe_from_hf(const radz_json_doc *doc, radz_recipe **out, radz_error *err)
{
    *out = NULL;
    hf_reader r = {.doc = doc, .root = radz_json_root(doc), .err = err};
    if (radz_json_kind_of(r.root) != RADZ_JSON_OBJECT)
        return radz_fail(err, RADZ_E_FORMAT, "%s: an object of preprocessing settings is wanted",
                         radz_json_doc_name(doc));
    /* newer processor_config.json files hold the image part in one member */
    const radz_json *inner = member(&r, "image_processor");
    if (inner != NULL && radz_json_kind_of(inner) == RADZ_JSON_OBJECT)
        r.root = inner;
    radz_strbuf text = {0};
    radz_status st = find_kind(&r);
    if (st == RADZ_OK)
        st = radz_strbuf_puts(&text, "depth8 from=max; rgb", err);
    if (st == RADZ_OK)
        st = print_pad(&r, &text);
    if (st == RADZ_OK)
        st = print_resize(&r, &text);
    if (st == RADZ_OK)
        st = print_crop(&r, &text);
    if (st == RADZ_OK)
        st = print_values(&r, &text);
    if (st == RADZ_OK)
        st = radz_recipe_parse(radz_json_doc_name(doc), text.text, out, err);
    radz_strbuf_free(&text);
    return st;
}

radz_status radz_recipe_load_hf(const char *path, radz_recipe **out, radz_error *err)
{
    *out = NULL;
    radz_json_doc *doc;
    radz_status st = radz_json_load(path, &doc, err);
    if (st != RADZ_OK)
        return st;
    st = radz_recipe_from_hf(doc, out, err);
    radz_json_free(doc);
    return st;
}
