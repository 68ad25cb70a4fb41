#include "run/train_start.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"

radz_status radz_train_start_find(const radz_home *home, const radz_recipe_card *recipe, radz_train_start *out, radz_error *err)
{
    const radz_recipe_start *start = recipe->start;
    const char *name = start->model != NULL ? start->model : start->vision, *wanted = start->model != NULL ? "llava" : "clip";
    char *hint = NULL;
    *out = (radz_train_start){0};
    radz_status st = radz_model_find_card(&home->places, name, &out->card, err);
    if (st == RADZ_OK && strcmp(out->card->family, wanted) != 0)
        st = radz_fail(err, RADZ_E_VALUE, "recipe '%s': start: model '%s' is of the family '%s', wanted '%s'", recipe->base.name, name,
                       out->card->family, wanted);
    if (st == RADZ_OK)
        st = radz_model_locate(out->card, home->share, &out->folder, &hint, err);
    if (st == RADZ_OK && out->folder == NULL)
        st = radz_fail(err, RADZ_E_MISSING, "recipe '%s': start: model '%s' is not here: %s", recipe->base.name, name, hint);
    free(hint);
    return st;
}

radz_status radz_train_start_identify(const radz_train_start *start, radz_strbuf *out, radz_error *err)
{
    char hex[RADZ_SHA256_HEX_SIZE];
    char *path = radz_path_join(start->folder, "model.safetensors", err);
    radz_status st = path == NULL ? RADZ_E_NOMEM : RADZ_OK;
    bool one_file = path != NULL && radz_file_exists(path);
    if (one_file)
        st = radz_sha256_file(path, hex, err);
    if (st == RADZ_OK)
        st = radz_strbuf_puts(out, one_file ? hex : start->folder, err); /* sharded: hashing 14 GB is not worth it here */
    free(path);
    return st;
}

void radz_train_start_free(radz_train_start *start)
{
    radz_model_card_free(start->card);
    free(start->folder);
    *start = (radz_train_start){0};
}
