#include "run/train_recipe.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/str.h"
#include "run/train_job.h"

radz_status radz_train_recipe(const radz_home *home, const char *name, const radz_train_recipe_options *options,
                              radz_error *err)
{
    radz_train_job job = {.home = home, .options = options};
    char *path = NULL;
    radz_status st = radz_card_find(&home->places, RADZ_CARD_RECIPE, name, &path, err);
    if (st == RADZ_OK)
        st = radz_recipe_card_load_changed(path, options->changes, &job.recipe, err);
    if (st == RADZ_OK) {
        job.output = radz_strdup(options->out != NULL ? options->out : job.recipe->output, err);
        st = job.output == NULL ? RADZ_E_NOMEM : radz_door_open(&job.door, err); /* before an hour of work, not after it */
    }
    if (st == RADZ_OK)
        st = radz_mkdirs(job.output, err);
    if (st == RADZ_OK)
        st = job.recipe->start != NULL ? radz_train_mllm_recipe(&job, err) : radz_train_clip_recipe(&job, err);
    free(path);
    radz_train_job_free(&job);
    return st;
}
