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
#include "encoder/encoder_parts.h"

enum { MAX_BATCH = 4096 };

/* ---- families ---------------------------------------------------------------------------------------------------- */

static const encoder_family *const families[] = {&encoder_clip, &encoder_llava};
enum { FAMILIES = sizeof families / sizeof *families };

const char *radz_encoder_family_name(size_t i)
{
    return i < FAMILIES ? families[i]->name : NULL;
}

static const char *nth_family(const void *context, size_t i)
{
    (void)context;
    return radz_encoder_family_name(i);
}

static radz_status find_family(const char *name, const encoder_family **out, radz_error *err)
{
    for (size_t i = 0; i < FAMILIES; i++) {
        if (strcmp(families[i]->name, name) == 0) {
            *out = families[i];
            return RADZ_OK;
        }
    }
    return radz_fail_unknown(err, "model family", name, nth_family, NULL);
}

radz_status radz_encoder_family_evidence(const char *name, unsigned *evidence, radz_error *err)
{
    const encoder_family *family;
    radz_status status = find_family(name, &family, err);
    *evidence = status == RADZ_OK ? family->evidence : 0;
    return status;
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

static radz_status hash_config(radz_encoder *e, radz_error *err)
{
    char *text = NULL, *path = radz_path_join(e->dir, "config.json", err);
    size_t size;
    radz_status status = path != NULL ? radz_file_read(path, (size_t)16 << 20, &text, &size, err) : RADZ_E_NOMEM;
    if (status == RADZ_OK)
        status = radz_sha256_data(text, size, e->config_sha256, err);
    free(text);
    free(path);
    return status;
}

/* The recipe with the picture first padded to a square in the colour of its own mean, as LLaVA's expand2square does it. */
static radz_status pad_to_square(radz_encoder *e, radz_error *err)
{
    const char *text = radz_recipe_text(e->recipe), *resize = strstr(text, "resize "), *mean = strstr(text, "mean=");
    double fill[3] = {0, 0, 0};
    if (strstr(text, "size=square") != NULL)
        return RADZ_OK;
    if (resize == NULL || mean == NULL)
        return radz_fail(err, RADZ_E_VALUE, "'%s': pictures are to be padded to a square in the mean colour, but '%s' has no "
                         "resize or no mean", e->dir, text);
    int n = sscanf(mean, "mean=%lf,%lf,%lf", &fill[0], &fill[1], &fill[2]);
    for (int i = n; i < 3; i++)
        fill[i] = fill[0];
    radz_strbuf padded = {0};
    radz_recipe *recipe = NULL;
    radz_status status = radz_strbuf_printf(&padded, err, "%.*spad size=square fill=%d,%d,%d at=centre; %s",
                                            (int)(resize - text), text, (int)(fill[0] * 255), (int)(fill[1] * 255),
                                            (int)(fill[2] * 255), resize);
    if (status == RADZ_OK)
        status = radz_recipe_parse(e->dir, padded.text, &recipe, err);
    if (status == RADZ_OK) {
        radz_recipe_free(e->recipe);
        e->recipe = recipe;
    }
    radz_strbuf_free(&padded);
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
    if (path != NULL && !radz_file_exists(path) && e->preprocessor_dir != NULL) {
        free(path);
        path = radz_path_join(e->preprocessor_dir, "preprocessor_config.json", err);
    }
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
    return status == RADZ_OK && e->pad_square ? pad_to_square(e, err) : status;
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

/* The files of an index, as paths. */
static radz_status add_indexed(radz_encoder *e, const char *dir, const char *index, radz_error *err)
{
    radz_strlist names = {0};
    radz_json_doc *doc = NULL;
    const radz_json *map;
    radz_status status = radz_json_load(index, &doc, err);
    if (status == RADZ_OK && (status = radz_json_need_object(doc, radz_json_root(doc), "weight_map", &map, err)) == RADZ_OK) {
        radz_json_each(map, add_shard, &names);
        status = radz_strlist_add(&e->weight_files, index, err);
    }
    for (size_t i = 0; status == RADZ_OK && i < names.count; i++) {
        char *path = radz_path_join(dir, names.items[i], err);
        status = path != NULL ? radz_strlist_add(&e->weight_files, path, err) : RADZ_E_NOMEM;
        if (status == RADZ_OK && !radz_file_exists(path))
            status = radz_fail(err, RADZ_E_MISSING, "'%s', which '%s' names, is missing", path, index);
        free(path);
    }
    radz_json_free(doc);
    radz_strlist_free(&names);
    return status;
}

/* Every file that can change a weight: the model's, and those of the further folders. */
static radz_status find_weights(radz_encoder *e, const char *dir, bool needed, radz_error *err)
{
    static const char *const alone[] = {"model.safetensors", "pytorch_model.bin"};
    static const char *const beside[] = {"radz.json", "radz.safetensors", "adapter_config.json", "adapter_model.safetensors",
                                         "adapter_model.bin", "mm_projector.bin", "non_lora_trainables.bin", "config.json"};
    radz_status status = RADZ_OK;
    size_t before = e->weight_files.count;
    for (size_t i = 0; status == RADZ_OK && i < sizeof alone / sizeof *alone && e->weight_files.count == before; i++) {
        radz_strbuf one = {0}, index = {0};
        status = radz_strbuf_printf(&one, err, "%s/%s", dir, alone[i]);
        if (status == RADZ_OK)
            status = radz_strbuf_printf(&index, err, "%s/%s.index.json", dir, alone[i]);
        if (status == RADZ_OK && radz_file_exists(one.text))
            status = radz_strlist_add(&e->weight_files, one.text, err);
        else if (status == RADZ_OK && radz_file_exists(index.text))
            status = add_indexed(e, dir, index.text, err);
        radz_strbuf_free(&one);
        radz_strbuf_free(&index);
    }
    if (status == RADZ_OK && needed && e->weight_files.count == before)
        return radz_fail(err, RADZ_E_MISSING,
                         "'%s': neither model.safetensors nor model.safetensors.index.json is there, nor pytorch_model.bin", dir);
    size_t others = sizeof beside / sizeof *beside - (needed ? 1 : 0); /* the model's own config.json is hashed by itself */
    for (size_t i = 0; status == RADZ_OK && i < others; i++) {
        char *path = radz_path_join(dir, beside[i], err);
        if (path == NULL)
            status = RADZ_E_NOMEM;
        else if (radz_file_exists(path))
            status = radz_strlist_add(&e->weight_files, path, err);
        free(path);
    }
    return status;
}

static radz_status read_small_files(radz_encoder *e, const radz_encoder_options *o, radz_error *err)
{
    radz_status status;
    if (!radz_file_is_dir(e->dir))
        return radz_fail(err, RADZ_E_MISSING, "model folder '%s' is not there", e->dir);
    if ((status = e->family->read(e, o, err)) != RADZ_OK || (status = hash_config(e, err)) != RADZ_OK ||
        (status = find_weights(e, e->dir, true, err)) != RADZ_OK)
        return status;
    for (size_t i = 0; i < e->weight_folders.count; i++)
        if ((status = find_weights(e, e->weight_folders.items[i], false, err)) != RADZ_OK)
            return status;
    radz_strlist_sort(&e->weight_files);
    if ((status = read_recipe(e, o, err)) != RADZ_OK ||
        (status = radz_tokenizer_load(e->dir, &e->tokenizer, err)) != RADZ_OK)
        return status;
    radz_encoder_facts *f = &e->facts;
    if (radz_recipe_height(e->recipe) != f->image_size || radz_recipe_width(e->recipe) != f->image_size)
        return radz_fail(err, RADZ_E_VALUE, "'%s': the preprocessing makes pictures of %zu x %zu pixels, the model wants %zu x %zu",
                         e->dir, radz_recipe_width(e->recipe), radz_recipe_height(e->recipe), f->image_size, f->image_size);
    f->pixels_per_image = 3 * f->image_size * f->image_size;
    f->recipe = e->recipe;
    f->recipe_text = radz_recipe_text(e->recipe);
    f->tokenizer = e->tokenizer;
    f->tokenizer_sha256 = radz_tokenizer_info_of(e->tokenizer)->sha256;
    f->config_sha256 = e->config_sha256;
    f->weight_files = (const char *const *)e->weight_files.items;
    f->n_weight_files = e->weight_files.count;
    return e->family->finish(e, o, err);
}

radz_status radz_encoder_open(const char *family_name, const char *dir, const radz_encoder_options *options,
                              radz_encoder **out, radz_error *err)
{
    static const radz_encoder_options none = {0};
    const radz_encoder_options *o = options != NULL ? options : &none;
    *out = NULL;
    const encoder_family *kind;
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
    e->family = kind;
    e->dir = radz_strdup(dir, err);
    status = e->dir != NULL ? RADZ_OK : RADZ_E_NOMEM;
    e->facts = (radz_encoder_facts){.family = kind->name,
                                    .evidence = kind->evidence,
                                    .dir = e->dir,
                                    .batch = o->batch > 0 ? o->batch : kind->batch,
                                    .text_batch = kind->text_batch,
                                    .threads = o->threads > 0 ? o->threads : radz_cpu_count()};
    if (status == RADZ_OK)
        status = set_device(e, o->device != NULL ? o->device : "cpu", err);
    if (status == RADZ_OK)
        status = set_dtype(e, o->dtype != NULL ? o->dtype : "float32", err);
    if (status == RADZ_OK)
        status = read_small_files(e, o, err);
    if (status) {
        radz_encoder_free(e);
        return status;
    }
    *out = e;
    return RADZ_OK;
}

radz_status radz_encoder_check_device(const radz_encoder *e, radz_error *err)
{
    return radz_door_check_device(e->facts.device, err);
}

void radz_encoder_release(radz_encoder *e)
{
    if (e->loaded)
        e->family->unload(e);
    e->loaded = false;
    free(e->pixels);
    free(e->rows);
    e->pixels = NULL;
    e->rows = NULL;
}

void radz_encoder_free(radz_encoder *e)
{
    if (e == NULL)
        return;
    radz_encoder_release(e);
    e->family->free(e);
    radz_tokenizer_free(e->tokenizer);
    radz_recipe_free(e->recipe);
    radz_strlist_free(&e->weight_files);
    radz_strlist_free(&e->weight_folders);
    free(e->preprocessor_dir);
    free(e->device);
    free(e->dir);
    free(e);
}

const radz_encoder_facts *radz_encoder_info(const radz_encoder *e)
{
    return &e->facts;
}

radz_cost radz_encoder_cost(const radz_encoder *e)
{
    return e->cost;
}

/* ---- embeddings -------------------------------------------------------------------------------------------------- */

radz_status encoder_need_model(radz_encoder *e, radz_error *err)
{
    if (e->loaded)
        return RADZ_OK;
    const radz_encoder_facts *f = &e->facts;
    radz_status status = radz_door_open(&e->door, err);
    if (status)
        return status;
    if ((status = e->family->load(e, err)) != RADZ_OK)
        return status;
    e->loaded = true;
    size_t rows = f->batch > f->text_batch ? f->batch : f->text_batch;
    e->pixels = radz_calloc(f->batch * f->pixels_per_image, sizeof *e->pixels, err);
    e->rows = radz_calloc(rows * f->dim, sizeof *e->rows, err);
    if (e->pixels != NULL && e->rows != NULL)
        return RADZ_OK;
    radz_encoder_release(e);
    return RADZ_E_NOMEM;
}

radz_status radz_encoder_images(radz_encoder *e, const float *pixels, size_t n, float *out, radz_error *err)
{
    const radz_encoder_facts *f = &e->facts;
    radz_status status = encoder_need_model(e, err);
    size_t floats = f->pixels_per_image;
    double begun = radz_clock_seconds();
    for (size_t i = 0; status == RADZ_OK && i < n; i += f->batch) {
        size_t count = n - i < f->batch ? n - i : f->batch;
        if (radz_cancelled())
            return radz_fail_interrupted(err);
        if (count == f->batch) {
            status = e->family->images(e, pixels + i * floats, out + i * f->dim, err);
            continue;
        }
        memcpy(e->pixels, pixels + i * floats, count * floats * sizeof *pixels);
        memset(e->pixels + count * floats, 0, (f->batch - count) * floats * sizeof *pixels);
        status = e->family->images(e, e->pixels, e->rows, err);
        if (status == RADZ_OK)
            memcpy(out + i * f->dim, e->rows, count * f->dim * sizeof *out);
    }
    e->cost.seconds += radz_clock_seconds() - begun;
    e->cost.tokens += n * f->image_positions;
    return status;
}

radz_status radz_encoder_texts(radz_encoder *e, const char *const *texts, size_t n, float *out, radz_error *err)
{
    const radz_encoder_facts *f = &e->facts;
    radz_status status = encoder_need_model(e, err);
    const char **batch = radz_calloc(f->text_batch, sizeof *batch, err);
    if (status == RADZ_OK && batch == NULL)
        status = RADZ_E_NOMEM;
    /* inside a decoder a text may take seconds */
    radz_progress progress;
    bool shown = status == RADZ_OK && f->hidden > 0;
    if (shown)
        radz_progress_begin(&progress, "read texts", "texts", n);
    for (size_t i = 0; status == RADZ_OK && i < n; i += f->text_batch) {
        size_t count = n - i < f->text_batch ? n - i : f->text_batch;
        if (radz_cancelled()) {
            status = radz_fail_interrupted(err);
            break;
        }
        for (size_t r = 0; r < f->text_batch; r++) /* rows past the end repeat the last text */
            batch[r] = texts[i + (r < count ? r : count - 1)];
        status = e->family->texts(e, batch, e->rows, err);
        if (status == RADZ_OK)
            memcpy(out + i * f->dim, e->rows, count * f->dim * sizeof *out);
        if (shown)
            radz_progress_step(&progress, count);
    }
    if (shown)
        radz_progress_end(&progress);
    free(batch);
    return status;
}
