#include "encoder/encoder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "encoder/door.h"

enum { DEFAULT_BATCH = 16, TEXT_BATCH = 16, MAX_BATCH = 4096 };

struct radz_encoder {
    const char *door_dtype; /* facts.dtype as the door spells it */
    radz_encoder_facts facts;
    char *dir, *device;
    radz_recipe *recipe;
    radz_tokenizer *tokenizer;
    char config_sha256[RADZ_SHA256_HEX_SIZE];
    radz_strlist weight_files;
    size_t vocabulary;

    const radz_door *door;    /* NULL until the first embedding */
    radz_door_model *model;   /* NULL until the first embedding and after a release */
    double logit_factor;
    float *pixels;            /* [batch,3,S,S] for a batch that is not full */
    float *rows;              /* [max(batch,text_batch),dim] */
    int32_t *ids;             /* [text_batch,context] */
};

/* ---- families ---------------------------------------------------------------------------------------------------- */

/* What the program must know of a configuration before the weights are there; the plugin reads it wholly and the two are
 * compared when it opens the model. */
typedef struct config_facts {
    int64_t dim, image_size, context, vocabulary;
} config_facts;

typedef struct family {
    const char *name;
    radz_status (*read_config)(const radz_json_doc *doc, config_facts *out, radz_error *err);
} family;

/* transformers before 4.25 wrote sub-configurations as NAME_dict too; where those are given they hold. */
static const radz_json *sub_config(const radz_json *root, const char *name, const char *old_name)
{
    const radz_json *old = radz_json_find(root, old_name);
    if (old != NULL && radz_json_kind_of(old) == RADZ_JSON_OBJECT)
        return old;
    return radz_json_find(root, name);
}

/* A whole number, or an array of two equal ones; an absent key keeps the default in `*out`. */
static radz_status read_size(const radz_json_doc *doc, const radz_json *object, const char *key, int64_t *out,
                             radz_error *err)
{
    const radz_json *value = object != NULL ? radz_json_find(object, key) : NULL;
    if (value == NULL || radz_json_kind_of(value) == RADZ_JSON_NULL)
        return RADZ_OK;
    int64_t n, m;
    bool pair = radz_json_kind_of(value) == RADZ_JSON_ARRAY && radz_json_size(value) == 2;
    if (!radz_json_as_i64(pair ? radz_json_at(value, 0) : value, &n) ||
        (pair && (!radz_json_as_i64(radz_json_at(value, 1), &m) || m != n)) || n < 1 || n > 1 << 24)
        return radz_fail(err, RADZ_E_VALUE, "'%s': key '%s': wanted a positive whole number (square pictures)",
                         radz_json_doc_name(doc), key);
    *out = n;
    return RADZ_OK;
}

static radz_status read_clip(const radz_json_doc *doc, config_facts *out, radz_error *err)
{
    const radz_json *root = radz_json_root(doc);
    const char *type = radz_json_kind_of(root) == RADZ_JSON_OBJECT && radz_json_find(root, "model_type") != NULL
                           ? radz_json_string(radz_json_find(root, "model_type"))
                           : NULL;
    if (type == NULL || strcmp(type, "clip") != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': key 'model_type': '%.60s', wanted 'clip'", radz_json_doc_name(doc),
                         type != NULL ? type : "(none)");
    *out = (config_facts){.dim = 512, .image_size = 224, .context = 77, .vocabulary = 49408}; /* Hugging Face's */
    const radz_json *text = sub_config(root, "text_config", "text_config_dict");
    const radz_json *vision = sub_config(root, "vision_config", "vision_config_dict");
    radz_status status = read_size(doc, root, "projection_dim", &out->dim, err);
    if (status == RADZ_OK)
        status = read_size(doc, vision, "image_size", &out->image_size, err);
    if (status == RADZ_OK)
        status = read_size(doc, text, "max_position_embeddings", &out->context, err);
    if (status == RADZ_OK)
        status = read_size(doc, text, "vocab_size", &out->vocabulary, err);
    return status;
}

static const family families[] = {{"clip", read_clip}};

const char *radz_encoder_family_name(size_t i)
{
    return i < sizeof families / sizeof *families ? families[i].name : NULL;
}

static const char *nth_family(const void *context, size_t i)
{
    (void)context;
    return radz_encoder_family_name(i);
}

static radz_status find_family(const char *name, const family **out, radz_error *err)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (strcmp(families[i].name, name) == 0) {
            *out = &families[i];
            return RADZ_OK;
        }
    }
    return radz_fail_unknown(err, "model family", name, nth_family, NULL);
}

/* ---- the small files --------------------------------------------------------------------------------------------- */

static radz_status set_device(radz_encoder *e, const char *name, radz_error *err)
{
    bool cuda = strcmp(name, "cuda") == 0;
    int64_t index = 0;
    if (radz_str_starts(name, "cuda:")) {
        radz_error bad = {0};
        cuda = radz_parse_i64(name + 5, 0, 127, &index, &bad) == RADZ_OK;
    }
    if (!cuda && strcmp(name, "cpu") != 0)
        return radz_fail(err, RADZ_E_USAGE, "unknown device '%s'; known: cpu, cuda, cuda:N (N from 0)", name);
    char text[32];
    snprintf(text, sizeof text, cuda ? "cuda:%d" : "cpu", (int)index);
    e->device = radz_strdup(text, err);
    if (e->device == NULL)
        return RADZ_E_NOMEM;
    e->facts.device = e->device;
    e->facts.device_class = cuda ? "cuda" : "cpu";
    return RADZ_OK;
}

static radz_status set_dtype(radz_encoder *e, const char *name, radz_error *err)
{
    static const char *const known[] = {"float32", "bfloat16", "float16"};
    static const char *const of_door[] = {"f32", "bf16", "f16"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i], name) == 0) {
            e->facts.dtype = known[i];
            e->door_dtype = of_door[i];
            return RADZ_OK;
        }
    }
    return radz_fail_unknown_in(err, "number type", name, known, sizeof known / sizeof *known);
}

static radz_status read_config(radz_encoder *e, const family *kind, const char *path, config_facts *out, radz_error *err)
{
    char *text = NULL;
    size_t size;
    radz_json_doc *doc = NULL;
    radz_status status = radz_file_read(path, (size_t)16 << 20, &text, &size, err);
    if (status == RADZ_OK)
        status = radz_sha256_data(text, size, e->config_sha256, err);
    if (status == RADZ_OK)
        status = radz_json_parse(text, size, path, &doc, err);
    if (status == RADZ_OK)
        status = kind->read_config(doc, out, err);
    radz_json_free(doc);
    free(text);
    return status;
}

/* The recipe of the card or of the model's folder. */
static radz_status read_own_recipe(radz_encoder *e, const radz_encoder_options *o, radz_error *err)
{
    if (o->n_preprocess_steps > 0 && o->preprocess != NULL)
        return radz_fail(err, RADZ_E_USAGE, "preprocessing is given twice: as '%s' and as steps", o->preprocess);
    if (o->n_preprocess_steps > 0) {
        radz_strbuf text = {0};
        radz_status status = RADZ_OK;
        for (size_t i = 0; status == RADZ_OK && i < o->n_preprocess_steps; i++)
            status = radz_strbuf_printf(&text, err, "%s%s", i > 0 ? "; " : "", o->preprocess_steps[i]);
        if (status == RADZ_OK)
            status = radz_recipe_parse("preprocess_steps", text.text, &e->recipe, err);
        radz_strbuf_free(&text);
        return status;
    }
    if (o->preprocess != NULL && strcmp(o->preprocess, "model") != 0)
        return radz_recipe_preset(o->preprocess, &e->recipe, err);
    char *path = radz_path_join(e->dir, "preprocessor_config.json", err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_status status;
    if (radz_file_exists(path))
        status = radz_recipe_load_hf(path, &e->recipe, err);
    else
        status = radz_fail(err, RADZ_E_MISSING,
                           "'%s' is missing: it says how pictures are prepared; a model card's 'preprocess' can say it instead",
                           path);
    free(path);
    return status;
}

static radz_status read_recipe(radz_encoder *e, const radz_encoder_options *o, radz_error *err)
{
    radz_status status = read_own_recipe(e, o, err);
    if (status != RADZ_OK || o->decode == NULL)
        return status;
    radz_strbuf text = {0};
    radz_recipe *recipe = NULL;
    status = radz_strbuf_printf(&text, err, "decode %s; %s", o->decode, radz_recipe_text(e->recipe));
    if (status == RADZ_OK)
        status = radz_recipe_parse("decode", text.text, &recipe, err);
    radz_strbuf_free(&text);
    if (status != RADZ_OK)
        return status;
    radz_recipe_free(e->recipe);
    e->recipe = recipe;
    return RADZ_OK;
}

static bool add_shard(void *context, const char *key, const radz_json *value)
{
    (void)key;
    radz_strlist *files = context;
    const char *name = radz_json_string(value);
    /* the plugin checks the index properly; here only sound names become paths */
    if (name != NULL && strchr(name, '/') == NULL && !radz_strlist_has(files, name))
        return radz_strlist_add(files, name, NULL) == RADZ_OK;
    return true;
}

static radz_status find_weights(radz_encoder *e, radz_error *err)
{
    radz_status status = RADZ_OK;
    radz_strlist names = {0};
    radz_json_doc *doc = NULL;
    char *one = radz_path_join(e->dir, "model.safetensors", err);
    char *index = radz_path_join(e->dir, "model.safetensors.index.json", err);
    if (one == NULL || index == NULL) {
        status = RADZ_E_NOMEM;
    } else if (radz_file_exists(one)) {
        status = radz_strlist_add(&e->weight_files, one, err);
    } else if (radz_file_exists(index)) {
        const radz_json *map;
        if ((status = radz_json_load(index, &doc, err)) == RADZ_OK &&
            (status = radz_json_need_object(doc, radz_json_root(doc), "weight_map", &map, err)) == RADZ_OK) {
            radz_json_each(map, add_shard, &names);
            status = radz_strlist_add(&e->weight_files, index, err);
        }
        for (size_t i = 0; status == RADZ_OK && i < names.count; i++) {
            char *path = radz_path_join(e->dir, names.items[i], err);
            status = path != NULL ? radz_strlist_add(&e->weight_files, path, err) : RADZ_E_NOMEM;
            if (status == RADZ_OK && !radz_file_exists(path))
                status = radz_fail(err, RADZ_E_MISSING, "'%s', which '%s' names, is missing", path, index);
            free(path);
        }
        radz_strlist_sort(&e->weight_files);
    } else {
        status = radz_fail(err, RADZ_E_MISSING, "'%s': neither model.safetensors nor model.safetensors.index.json is there",
                           e->dir);
    }
    radz_json_free(doc);
    radz_strlist_free(&names);
    free(one);
    free(index);
    return status;
}

static radz_status read_small_files(radz_encoder *e, const family *kind, const radz_encoder_options *o, radz_error *err)
{
    config_facts c;
    radz_status status;
    char *config = radz_path_join(e->dir, "config.json", err);
    if (config == NULL)
        return RADZ_E_NOMEM;
    if (!radz_file_is_dir(e->dir))
        status = radz_fail(err, RADZ_E_MISSING, "model folder '%s' is not there", e->dir);
    else
        status = read_config(e, kind, config, &c, err);
    if (status || (status = find_weights(e, err)) != RADZ_OK || (status = read_recipe(e, o, err)) != RADZ_OK ||
        (status = radz_tokenizer_load(e->dir, &e->tokenizer, err)) != RADZ_OK)
        goto done;

    const radz_tokenizer_info *t = radz_tokenizer_info_of(e->tokenizer);
    size_t side = (size_t)c.image_size;
    if (radz_recipe_height(e->recipe) != side || radz_recipe_width(e->recipe) != side) {
        status = radz_fail(err, RADZ_E_VALUE, "'%s': the preprocessing makes pictures of %zu x %zu pixels, the model wants %zu x %zu",
                           e->dir, radz_recipe_width(e->recipe), radz_recipe_height(e->recipe), side, side);
        goto done;
    }
    if (t->vocab_size > (size_t)c.vocabulary) {
        status = radz_fail(err, RADZ_E_VALUE, "'%s': the tokenizer has ids up to %zu, the model's vocabulary has %" PRId64 " rows",
                           e->dir, t->vocab_size - 1, c.vocabulary);
        goto done;
    }
    e->vocabulary = (size_t)c.vocabulary;
    e->facts.dim = (size_t)c.dim;
    e->facts.image_size = side;
    e->facts.pixels_per_image = 3 * side * side;
    e->facts.context = (size_t)c.context;
    e->facts.recipe = e->recipe;
    e->facts.recipe_text = radz_recipe_text(e->recipe);
    e->facts.tokenizer = e->tokenizer;
    e->facts.tokenizer_sha256 = t->sha256;
    e->facts.config_sha256 = e->config_sha256;
    e->facts.weight_files = (const char *const *)e->weight_files.items;
    e->facts.n_weight_files = e->weight_files.count;
done:
    free(config);
    return status;
}

radz_status radz_encoder_open(const char *family_name, const char *dir, const radz_encoder_options *options,
                              radz_encoder **out, radz_error *err)
{
    static const radz_encoder_options none = {0};
    const radz_encoder_options *o = options != NULL ? options : &none;
    *out = NULL;
    const family *kind;
    radz_status status = find_family(family_name, &kind, err);
    if (status)
        return status;
    if (o->batch > MAX_BATCH)
        return radz_fail(err, RADZ_E_USAGE, "a batch of %zu images: wanted 1 to %d", o->batch, MAX_BATCH);
    if (o->threads < 0)
        return radz_fail(err, RADZ_E_USAGE, "%d threads: wanted 1 or more", o->threads);
    radz_encoder *e = radz_calloc(1, sizeof *e, err);
    if (e == NULL)
        return RADZ_E_NOMEM;
    e->dir = radz_strdup(dir, err);
    status = e->dir != NULL ? RADZ_OK : RADZ_E_NOMEM;
    e->facts = (radz_encoder_facts){.family = kind->name,
                                    .dir = e->dir,
                                    .batch = o->batch > 0 ? o->batch : DEFAULT_BATCH,
                                    .text_batch = TEXT_BATCH,
                                    .threads = o->threads > 0 ? o->threads : radz_cpu_count()};
    if (status == RADZ_OK)
        status = set_device(e, o->device != NULL ? o->device : "cpu", err);
    if (status == RADZ_OK)
        status = set_dtype(e, o->dtype != NULL ? o->dtype : "float32", err);
    if (status == RADZ_OK)
        status = read_small_files(e, kind, o, err);
    if (status) {
        radz_encoder_free(e);
        return status;
    }
    *out = e;
    return RADZ_OK;
}

void radz_encoder_release(radz_encoder *e)
{
    if (e->model != NULL)
        e->door->model_close(e->model);
    e->model = NULL;
    free(e->pixels);
    free(e->rows);
    free(e->ids);
    e->pixels = NULL;
    e->rows = NULL;
    e->ids = NULL;
}

void radz_encoder_free(radz_encoder *e)
{
    if (e == NULL)
        return;
    radz_encoder_release(e);
    radz_tokenizer_free(e->tokenizer);
    radz_recipe_free(e->recipe);
    radz_strlist_free(&e->weight_files);
    free(e->device);
    free(e->dir);
    free(e);
}

const radz_encoder_facts *radz_encoder_info(const radz_encoder *e)
{
    return &e->facts;
}

/* ---- embeddings -------------------------------------------------------------------------------------------------- */

static radz_status need_model(radz_encoder *e, radz_error *err)
{
    if (e->model != NULL)
        return RADZ_OK;
    const radz_encoder_facts *f = &e->facts;
    radz_door_info info;
    radz_status status = radz_door_open(&e->door, err);
    if (status)
        return status;
    radz_door_options how = {.device = f->device, .dtype = e->door_dtype, .threads = f->threads};
    if ((status = e->door->model_open(e->dir, &how, &e->model, &info, err)) != RADZ_OK)
        return status;
    if (info.embed_dim != f->dim || info.image_size != f->image_size || info.context != f->context ||
        info.vocabulary != e->vocabulary) {
        status = radz_fail(err, RADZ_E_INTERNAL,
                           "'%s': program and plugin read the configuration differently: dim %zu and %zu, image size %zu "
                           "and %zu, context %zu and %zu, vocabulary %zu and %zu", e->dir, f->dim, info.embed_dim,
                           f->image_size, info.image_size, f->context, info.context, e->vocabulary, info.vocabulary);
        goto fail;
    }
    size_t rows = f->batch > f->text_batch ? f->batch : f->text_batch;
    e->logit_factor = info.logit_factor;
    e->pixels = radz_calloc(f->batch * f->pixels_per_image, sizeof *e->pixels, err);
    e->rows = radz_calloc(rows * f->dim, sizeof *e->rows, err);
    e->ids = radz_calloc(f->text_batch * f->context, sizeof *e->ids, err);
    if (e->pixels != NULL && e->rows != NULL && e->ids != NULL)
        return RADZ_OK;
    status = RADZ_E_NOMEM;
fail:
    radz_encoder_release(e);
    return status;
}

radz_status radz_encoder_images(radz_encoder *e, const float *pixels, size_t n, float *out, radz_error *err)
{
    const radz_encoder_facts *f = &e->facts;
    radz_status status = need_model(e, err);
    size_t floats = f->pixels_per_image;
    for (size_t i = 0; status == RADZ_OK && i < n; i += f->batch) {
        size_t count = n - i < f->batch ? n - i : f->batch;
        if (radz_cancelled())
            return radz_fail_interrupted(err);
        if (count == f->batch) {
            status = e->door->encode_images(e->model, pixels + i * floats, count, out + i * f->dim, err);
            continue;
        }
        memcpy(e->pixels, pixels + i * floats, count * floats * sizeof *pixels);
        memset(e->pixels + count * floats, 0, (f->batch - count) * floats * sizeof *pixels);
        status = e->door->encode_images(e->model, e->pixels, f->batch, e->rows, err);
        if (status == RADZ_OK)
            memcpy(out + i * f->dim, e->rows, count * f->dim * sizeof *out);
    }
    return status;
}

radz_status radz_encoder_texts(radz_encoder *e, const char *const *texts, size_t n, float *out, radz_error *err)
{
    const radz_encoder_facts *f = &e->facts;
    radz_status status = need_model(e, err);
    for (size_t i = 0; status == RADZ_OK && i < n; i += f->text_batch) {
        size_t count = n - i < f->text_batch ? n - i : f->text_batch;
        if (radz_cancelled())
            return radz_fail_interrupted(err);
        for (size_t r = 0; status == RADZ_OK && r < f->text_batch; r++) { /* rows past the end repeat the last text */
            size_t used;
            status = radz_tokenizer_encode(e->tokenizer, texts[i + (r < count ? r : count - 1)], f->context,
                                           e->ids + r * f->context, &used, err);
        }
        if (status == RADZ_OK)
            status = e->door->encode_texts(e->model, e->ids, f->text_batch, f->context, e->rows, err);
        if (status == RADZ_OK)
            memcpy(out + i * f->dim, e->rows, count * f->dim * sizeof *out);
    }
    return status;
}

radz_status radz_encoder_logit_factor(radz_encoder *e, double *out, radz_error *err)
{
    radz_status status = need_model(e, err);
    if (status == RADZ_OK)
        *out = e->logit_factor;
    return status;
}
