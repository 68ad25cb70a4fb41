#include "run/train_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cache/cache.h"
#include "run/make_phantom.h"

/* ---- data ---- */

static radz_status make_phantom_split(const radz_train_job *j, const char *split, radz_error *err)
{
    const radz_generated_spec *spec = j->data.card->generated;
    radz_make_phantom_options make = {.patients = spec->patients, .seed = spec->seed, .split = split,
                                      .threads = j->options->threads};
    radz_info("making split '%s' of the synthetic data set '%s' in '%s'", split, j->data.card->base.name,
              j->data.location.root);
    return radz_make_phantom(j->data.location.root, &make, err);
}

static radz_status load_split(const radz_train_job *j, const char *split, uint32_t limit, radz_dataset **out, radz_error *err)
{
    const radz_dataset_card *card = j->data.card;
    const radz_dataset_location *location = &j->data.location;
    const radz_dataset_filter filter = {.limit = limit, .seed = j->recipe->training->seed};
    bool made = false;
    radz_status st = RADZ_OK;
    if (location->presence == RADZ_DATASET_GENERATED) {
        made = true;
        st = make_phantom_split(j, split, err);
    }
    if (st == RADZ_OK)
        st = radz_dataset_load(card, location->root, split, &filter, out, err);
    char *own = st == RADZ_OK && card->generated != NULL ? radz_home_generated_root(j->home, card, err) : NULL;
    if (own != NULL && !made && (*out)->n_missing > 0 && strcmp(own, location->root) == 0) {
        radz_dataset_free(*out);
        *out = NULL;
        st = make_phantom_split(j, split, err);
        if (st == RADZ_OK)
            st = radz_dataset_load(card, location->root, split, &filter, out, err);
    }
    free(own);
    if (st == RADZ_OK && (*out)->n_missing > 0)
        radz_warn("%s: %zu of the %zu images of split '%s' have no file (e.g. %s)", card->base.name, (*out)->n_missing,
                  (*out)->split_images, split, (*out)->missing_example);
    if (st == RADZ_OK && (*out)->n == 0)
        st = radz_fail(err, RADZ_E_MISSING, "data set '%s': no image of split '%s' is in '%s'", card->base.name, split,
                       location->root);
    return st;
}

radz_status radz_train_job_load(radz_train_job *j, radz_error *err)
{
    const radz_recipe_card *recipe = j->recipe;
    radz_status st = radz_plan_find_dataset(j->home, recipe->data->dataset, &j->data, err);
    if (st == RADZ_OK && j->options->data_root != NULL) {
        radz_dataset_location_free(&j->data.location);
        st = radz_dataset_locate(j->data.card, j->options->data_root, NULL, &j->data.location, err);
    }
    if (st != RADZ_OK)
        return st;
    if (j->data.location.presence >= RADZ_DATASET_NOT_HERE)
        return radz_fail(err, RADZ_E_MISSING, "data set '%s' is not here: %s", recipe->data->dataset,
                         j->data.location.hint);
    if (j->data.card->reports == NULL)
        return radz_fail(err, RADZ_E_MISSING, "data set '%s' has no reports to train with", recipe->data->dataset);
    st = radz_door_check_device(j->options->device != NULL ? j->options->device : "cpu", err);
    if (st == RADZ_OK)
        st = load_split(j, recipe->data->train, recipe->data->limit, &j->train, err);
    if (st == RADZ_OK && recipe->validation != NULL)
        st = load_split(j, recipe->validation->split, recipe->validation->limit, &j->val, err);
    if (st == RADZ_OK)
        st = radz_feed_decode(j->train, recipe->images->stored, j->options->threads, &j->planes, err);
    return st;
}

/* ---- what the weights depend on ---- */

static radz_status make_digest(radz_train_job *j, const char *further, radz_error *err)
{
    const radz_recipe_card *recipe = j->recipe;
    size_t side = recipe->images->stored;
    radz_sha256 hash;
    radz_sha256_begin(&hash);
    radz_sha256_add_text(&hash, "radz training 1");
    radz_sha256_add_text(&hash, recipe->base.sha256);
    radz_sha256_add_text(&hash, radz_tokenizer_info_of(j->tokenizer)->sha256);
    if (further != NULL)
        radz_sha256_add_text(&hash, further);
    for (size_t i = 0; i < j->train->n; i++) {
        radz_sha256_add_text(&hash, j->train->samples[i].image_id);
        radz_sha256_add_text(&hash, j->train->samples[i].report != NULL ? j->train->samples[i].report : "");
    }
    radz_sha256_add(&hash, j->planes, j->train->n * side * side);
    return radz_sha256_end(&hash, j->digest, err);
}

static radz_status open_folders(radz_train_job *j, radz_error *err)
{
    radz_strbuf name = {0};
    radz_cache *cache = NULL; /* opened once, so that the folder is known as a cache */
    radz_status st = radz_cache_open(j->home->cache, &cache, err);
    radz_cache_free(cache);
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&name, err, "%s/training/%s-%.12s", j->home->cache, j->recipe->base.name, j->digest);
    j->folder = name.text;
    return st == RADZ_OK ? radz_mkdirs(j->folder, err) : st;
}

radz_status radz_train_job_identify(radz_train_job *j, const char *further, radz_error *err)
{
    radz_status st = make_digest(j, further, err);
    return st == RADZ_OK ? open_folders(j, err) : st;
}

/* ---- options and summary ---- */

radz_feed_source radz_train_job_source(const radz_train_job *j)
{
    return (radz_feed_source){.dataset = j->train, .batch = j->recipe->training->batch, .planes = j->planes};
}

size_t radz_train_job_validation_batch(const radz_train_job *j)
{
    size_t most = j->recipe->training->batch;
    return j->val == NULL ? 0 : j->val->n < most ? j->val->n : most;
}

radz_train_options radz_train_job_options(const radz_train_job *j)
{
    const radz_recipe_card *recipe = j->recipe;
    const radz_recipe_training *t = recipe->training;
    size_t batch = radz_train_job_validation_batch(j);
    return (radz_train_options){
        .seed = t->seed, .steps = t->steps, .batch = t->batch, .accumulate = t->accumulate, .learning_rate = t->learning_rate,
        .final_rate = t->final_rate, .warmup = t->warmup, .beta1 = t->beta1, .beta2 = t->beta2, .eps = t->eps,
        .weight_decay = t->weight_decay, .clip_norm = t->clip_norm, .checkpoint_every = t->checkpoint_every,
        .validate_every = recipe->validation != NULL ? recipe->validation->every : 0,
        .validation_batches = batch > 0 ? (int64_t)(j->val->n / batch) : 0, .validation_batch = (int64_t)batch,
        .stop_after = j->options->steps,
        .threads = j->options->threads, .device = j->options->device != NULL ? j->options->device : "cpu", .work = j->folder,
        .output = j->output, .fresh = j->options->fresh, .recipe = j->digest};
}

radz_status radz_train_job_summarise(const radz_train_job *j, double seconds, void (*more)(void *context, radz_json_writer *w),
                                     void *context, radz_error *err)
{
    const radz_recipe_card *recipe = j->recipe;
    radz_out out = {0};
    char *path = radz_path_join(j->output, "training.json", err);
    radz_status st = path == NULL ? RADZ_E_NOMEM : radz_out_open(path, &out, err);
    free(path);
    if (st != RADZ_OK)
        return st;
    radz_json_writer w;
    radz_json_writer_init(&w, out.stream);
    radz_json_object_begin(&w, NULL);
    radz_json_put_string(&w, "recipe", recipe->base.name);
    radz_json_put_string(&w, "recipe_sha256", recipe->base.sha256);
    if (j->options->changes != NULL && j->options->changes->count > 0) {
        radz_json_array_begin(&w, "recipe_changes");
        for (size_t i = 0; i < j->options->changes->count; i++)
            radz_json_put_string(&w, NULL, j->options->changes->items[i]);
        radz_json_array_end(&w);
    }
    radz_json_put_string(&w, "training", j->digest);
    radz_json_put_string(&w, "dataset", j->data.card->base.name);
    radz_json_put_bool(&w, "synthetic", j->data.card->synthetic);
    radz_json_put_string(&w, "split", j->train->split);
    radz_json_put_i64(&w, "images", (int64_t)j->train->n);
    radz_json_put_string(&w, "split_fingerprint", j->train->split_fingerprint);
    radz_json_put_i64(&w, "seed", (int64_t)recipe->training->seed);
    radz_json_put_i64(&w, "steps", recipe->training->steps);
    radz_json_put_i64(&w, "threads", j->options->threads);
    radz_json_put_double(&w, "seconds_of_the_last_call", floor(seconds + 0.5));
    radz_json_put_string(&w, "radz_bench", RADZ_VERSION);
    radz_json_put_string(&w, "libtorch", j->door->torch_version());
    if (more != NULL)
        more(context, &w);
    radz_json_object_end(&w);
    fputc('\n', out.stream);
    st = radz_out_commit(&out, err);
    radz_out_abandon(&out);
    return st;
}

void radz_train_job_free(radz_train_job *j)
{
    radz_tokenizer_free(j->tokenizer);
    radz_dataset_free(j->train);
    radz_dataset_free(j->val);
    radz_plan_dataset_free(&j->data);
    radz_recipe_card_free(j->recipe);
    free(j->planes);
    free(j->folder);
    free(j->output);
}
